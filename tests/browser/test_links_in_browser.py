"""Addresses, reloads and fast keys in a real browser."""

from __future__ import annotations

import re

from browser_waits import expect, wait_until, wait_until_idle
from test_field_in_browser import ADDRESS, draw_field, wait_for_count

IS_DRAWN = "() => document.querySelector('[data-viewer]')?.shadowRoot.querySelector('.panels')?.dataset.view"
CURRENT_IMAGE = """id => document.querySelector('[data-viewer]').shadowRoot
    .querySelector('.strip [aria-current]')?.dataset.image === id"""
IS_PIXEL_SIZE_KEPT = """() => new Promise(resolve => {
  const opening = indexedDB.open("wbcseg")
  opening.onsuccess = () => {
    const reading = opening.result.transaction("records").objectStore("records").getAll()
    reading.onsuccess = () => {
      opening.result.close()
      resolve(reading.result.some(({ state }) => state.pixel_size === 0.25))
    }
  }
})"""
SWITCH = "Keep my images in this browser"
STATUS = "section[aria-label='What this browser keeps'] p"


def test_a_reload_restores_upload_correction_zoom_and_cell(page):
    page.goto(ADDRESS)
    page.get_by_role("switch", name=SWITCH).check()
    uploader = page.locator("[data-testid=stFileUploader] input[type=file]").first
    uploader.set_input_files({"name": "field.png", "mimeType": "image/png", "buffer": draw_field(6)})
    page.locator(".cell-count").wait_for()
    wait_for_count(page, 6)
    page.locator("figure canvas").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    wait_for_count(page, 5)
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => /z1\\.25.*i[2-6]_/.test(new URL(location.href).searchParams.get('view'))")
    view = page.evaluate("new URL(location.href).searchParams.get('view')")
    page.locator(STATUS, has_text=re.compile("Kept .*1 image and 1 corrected result")).wait_for()
    page.reload()
    page.locator(STATUS, has_text=re.compile("Restored: 1 image and 1 corrected result")).wait_for()
    page.locator(".cell-count").wait_for()
    wait_for_count(page, 5)
    page.wait_for_timeout(1000)
    assert page.evaluate("new URL(location.href).searchParams.get('view')") == view
    page.get_by_role("button", name="Clear").click()
    page.locator(STATUS, has_text="Cleared").wait_for()
    page.reload()
    page.locator(STATUS, has_text="Off: a reload discards").wait_for()
    expect(page.locator("figure canvas")).to_have_count(0)
    assert page.evaluate("indexedDB.databases().then(all => all.length)") == 1


def test_a_reload_restores_edited_masks_and_the_pixel_size_is_kept(page):
    page.goto("/segment?dataset=Synthetic&image=012")
    page.wait_for_function(IS_DRAWN)
    page.get_by_role("switch", name=SWITCH).check()
    page.get_by_role("button", name="Edit mask").click()
    page.get_by_role("button", name="Apply mask").click()
    page.get_by_text("1 edited mask in this session").wait_for()
    page.locator(STATUS, has_text=re.compile("Kept .*: 1 edited mask,")).wait_for()
    page.reload()
    page.locator(STATUS, has_text="Restored: 1 edited mask.").wait_for()
    page.get_by_text("1 edited mask in this session").wait_for()
    page.get_by_role("link", name="Batch", exact=True).click()
    page.get_by_role("button", name="Try it with").wait_for()
    page.locator(STATUS, has_text="Kept in this browser").wait_for()
    wait_until_idle(page)
    page.get_by_test_id("stNumberInputField").fill("0.25")
    page.get_by_test_id("stNumberInputField").press("Enter")
    wait_until(page, lambda: page.evaluate(IS_PIXEL_SIZE_KEPT))
    page.get_by_role("button", name="Clear", exact=True).click()


def test_an_address_that_names_an_unknown_image_shows_no_other(page):
    page.goto("/segment?dataset=Synthetic&image=99999")
    page.get_by_text("The address names the image “99999”, which is not here").wait_for()
    expect(page.locator("figure canvas")).to_have_count(0)
    page.goto("/segment?dataset=Nowhere&image=012")
    page.get_by_text("The address names the data set “Nowhere”, which is not here").wait_for()
    expect(page.locator("figure canvas")).to_have_count(0)


def test_a_held_key_loses_no_step_from_a_deep_link_on(page):
    page.goto("/segment?dataset=Synthetic&image=012")
    page.wait_for_function(IS_DRAWN)
    page.locator("figure canvas").first.focus()
    for _ in range(11):
        page.keyboard.down("ArrowRight")
        page.wait_for_timeout(30)
    page.keyboard.up("ArrowRight")
    page.wait_for_function(CURRENT_IMAGE, arg="synthetic/023")
    page.wait_for_timeout(1500)
    assert page.evaluate(CURRENT_IMAGE, "synthetic/023")
    assert "MISS" not in page.locator("[data-testid=stMain]").inner_text()
