"""A field of view in a real browser: problems, keyboard, phone, saved figures."""

from __future__ import annotations

import re
from urllib.parse import quote_plus

import numpy as np
import pytest
from browser_waits import expect, scroll_into_view, wait_until_idle

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.inference import Catalog
from wbcseg.io import encode_png

MODEL = "unet-general"
ADDRESS = f"/segment?source=Upload+an+image&general_models={quote_plus(Catalog().get(MODEL).title)}"
SPACING, CELL_SIDE = 240, 120
ROWS, COLUMNS = 2, 3
HEIGHT, WIDTH = ROWS * SPACING, COLUMNS * SPACING
CENTRES = [(SPACING * (i % COLUMNS) + 120, SPACING * (i // COLUMNS) + 120) for i in range(ROWS * COLUMNS)]


def draw_field(cell_count):
    """Synthetic cells on plain plasma, ``uint8[H, W, 3]`` as PNG."""
    noise = np.random.default_rng(0).integers(-4, 5, (HEIGHT, WIDTH, 3))
    image = np.clip(np.array((236, 226, 190)) + noise, 0, 255).astype(np.uint8)
    for number, (x, y) in enumerate(CENTRES[:cell_count]):
        sample = draw_sample(7, number, size=(CELL_SIDE, CELL_SIDE))
        part = image[y - 60 : y + 60, x - 60 : x + 60]
        part[sample.mask > 0] = sample.image[sample.mask > 0]
    return encode_png(image)


def open_field(page, cell_count=6):
    page.goto(ADDRESS)
    uploader = page.locator("[data-testid=stFileUploader] input[type=file]").first
    uploader.set_input_files({"name": "field.png", "mimeType": "image/png", "buffer": draw_field(cell_count)})
    page.locator(".cell-count").wait_for()
    wait_for_count(page, cell_count)
    wait_until_idle(page)
    scroll_into_view(page, canvas(page))


def canvas(page):
    return page.locator(f'figure[data-panel="{MODEL}"] canvas')


def wait_for_count(page, count):
    text = re.compile(f"^{count or 'no'} white blood cells?( |$)")
    page.locator(".cell-count").filter(has_text=text).wait_for()


def wait_for_answer(page, text):
    """Wait until the page has said so; it does when Python's result has arrived."""
    page.locator(".viewer > [role=status]").filter(has_text=text).wait_for(state="attached")
    wait_until_idle(page)


def locate(page, x, y):
    """Where a point of the image is in the window."""
    box = canvas(page).bounding_box()
    scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
    left, top = box["x"] + (box["width"] - WIDTH * scale) / 2, box["y"] + (box["height"] - HEIGHT * scale) / 2
    return left + x * scale, top + y * scale


def click(page, point):
    page.mouse.click(*locate(page, *point))


def tool(page, name):
    return page.get_by_role("toolbar", name="Cells").get_by_role("button", name=re.compile(f"^{name}"))


def test_impossible_edit_says_why_and_changes_nothing(page):
    open_field(page)
    tool(page, "Merge").click()
    click(page, CENTRES[0])
    click(page, CENTRES[5])
    page.get_by_role("button", name="Merge 2 cells").click()
    page.locator(".hint.problem").wait_for()
    wait_for_count(page, 6)
    expect(tool(page, "Undo")).to_be_disabled()


def test_count_is_corrected_with_the_keyboard_alone(page):
    open_field(page)
    canvas(page).focus()
    scrolled = page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "Tab"):
        page.keyboard.press(key)
    said = page.locator(".viewer > [role=status]")
    expect(said).to_have_text(re.compile("^Cell 2 of 6"))
    page.keyboard.press("Delete")
    wait_for_answer(page, "Cell 2 deleted. 5 white")
    page.keyboard.press("Control+z")
    wait_for_answer(page, "Undone. 6 white")
    page.keyboard.press("Control+Shift+z")
    wait_for_answer(page, "Cell 2 deleted. 5 white")
    page.keyboard.press("a")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("+")
    expect(said).to_have_text(re.compile("^Box "))
    page.keyboard.press("Escape")
    expect(tool(page, "Select")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == scrolled
    page.keyboard.press("?")
    page.get_by_text("Go from cell to cell").wait_for()


def test_no_cell_found_asks_to_look(page):
    open_field(page, 0)
    expect(page.locator(".hint.problem")).to_contain_text("No white blood cell found")


def test_saved_figure_says_how_many_cells_there_are(page):
    open_field(page)
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Figure with all panels (SVG)").click()
    assert "6 white blood cells" in waiting.value.path().read_text(encoding="utf-8")


@pytest.fixture
def phone(browser, server):
    context = browser.new_context(
        base_url=server.url,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def test_count_is_corrected_on_a_phone(phone):
    open_field(phone)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    for button in phone.locator(".cell-bar button:visible").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 40
    phone.touchscreen.tap(*locate(phone, *CENTRES[4]))
    tool(phone, "Delete").tap()
    wait_for_answer(phone, "5 white")
    touch = phone.context.new_cdp_session(phone)
    x, y = locate(phone, *CENTRES[4])
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    phone.wait_for_timeout(700)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_for_answer(phone, "Cell added. 6 white")


def test_a_cell_is_filed_by_key_and_by_choice_beside_the_viewer(page):
    open_field(page)
    options = page.locator(".cell-list [role=option]")
    options.first.click()
    page.locator(".cell-type .filed").wait_for()
    page.keyboard.press("3")
    page.locator(".cell-type .filed", has_text="Basophil · filed by a person").wait_for()
    expect(options.first).to_contain_text("Basophil")
    page.get_by_label("Type of the cell").last.select_option("-1")
    page.locator(".cell-type .filed", has_text="filed by a person").wait_for(state="detached")
    page.get_by_label("Type of the cell").last.select_option("4")
    page.locator(".cell-type .filed", has_text="Monocyte · filed by a person").wait_for()
