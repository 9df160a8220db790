"""The viewer in a real browser: linked panels, overlays, keys, touch, links, saving, editing."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from urllib.parse import quote_plus

import numpy as np
import pytest
from browser_waits import expect, scroll_into_view, wait_until, wait_until_idle
from page_images import wait_for_viewer
from PIL import Image

from wbcseg.datasets import open_dataset
from wbcseg.inference import Catalog
from wbcseg.metrics import score

CANVAS = "figure canvas"
MODELS = Catalog().select_defaults_for("synthetic")
PANELS = 2 + len(MODELS)
COMPARED = "/segment?dataset=Synthetic&image=012&" + "&".join(f"models={quote_plus(entry.title)}" for entry in MODELS)
IMAGE = f"{COMPARED}&view=pimage_mask_" + "_".join(entry.name for entry in MODELS)
"""Image, mask and the results of several models side by side."""

SIZE = open_dataset("synthetic").read("synthetic/012").size

ROOT = """() => document.querySelector("[data-viewer]").shadowRoot"""


def open_viewer(page, address=IMAGE, panels=PANELS):
    """Open a image and wait until every panel has drawn it."""
    page.goto(address)
    wait_for_viewer(page, panels)
    page.wait_for_timeout(300)


def wait_for_strip(page):
    """Wait until the neighbouring images are segmented; then nothing runs in the background."""
    page.wait_for_function(
        "() => [...document.querySelector('[data-viewer]').shadowRoot.querySelectorAll('.lowest-dice')]"
        ".every(one => one.textContent.length === 4)"
    )


def transform(page):
    """Return the scale and the image point at the centre, the same for every panel."""
    return [float(n) for n in page.locator(".panels").get_attribute("data-view").split()]


def read_canvas(canvas):
    """Return what a canvas shows, ``uint8[H, W, 4]``."""
    data = canvas.evaluate("canvas => canvas.toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))) as image:
        return np.array(image.convert("RGBA"))


def pixels(page, panel, size=SIZE):
    """Return what a panel shows of the whole image, as it is drawn: ``uint8[H, W, 4]``."""
    shown = read_canvas(page.locator(f'figure[data-panel="{panel}"] canvas'))
    height, width = shown.shape[:2]
    scale = min(width / size[1], height / size[0])
    top, left = (height - scale * size[0]) / 2, (width - scale * size[1]) / 2
    return shown[round(top) : round(top + scale * size[0]), round(left) : round(left + scale * size[1])]


def enlarge(labels, shape):
    """Return class ids at the pixels of a panel."""
    rows, columns = ((np.arange(n) + 0.5) * m / n for n, m in zip(shape, labels.shape, strict=False))
    return labels[rows.astype(int)][:, columns.astype(int)]


def middle_of(page, panel, x=0.5, y=0.5, size=SIZE):
    """Return where a point of the image is in the window, given as fractions of its width and height."""
    box = page.locator(f'figure[data-panel="{panel}"] canvas').bounding_box()
    scale = min(box["width"] / size[1], box["height"] / size[0])
    return (
        box["x"] + box["width"] / 2 + (x - 0.5) * scale * size[1],
        box["y"] + box["height"] / 2 + (y - 0.5) * scale * size[0],
    )


def choose_style(page, title):
    """Choose a style of the overlay in the display menu."""
    page.get_by_role("button", name="Display", exact=True).click()
    page.get_by_role("radio", name=title, exact=True).click()
    page.keyboard.press("Escape")


def focus(page, panel="image"):
    page.locator(f'figure[data-panel="{panel}"] canvas').focus()


def test_zooming_one_panel_zooms_all_without_a_request(page):
    open_viewer(page)
    requests = []
    page.on(
        "request", lambda request: "favicon" in request.url or "/media/" in request.url or requests.append(request.url)
    )
    # Sockets that are open already are watched through the page's own send.
    page.evaluate(
        "() => { window.sent = 0; const send = WebSocket.prototype.send;"
        " WebSocket.prototype.send = function (...all) { window.sent++; return send.apply(this, all) } }"
    )
    wait_for_strip(page)
    page.wait_for_timeout(2500)
    before = page.evaluate("window.sent")
    # The neighbouring images have been fetched.
    requests.clear()
    page.mouse.move(*middle_of(page, MODELS[0].name, 0.08, 0.3))
    for _ in range(6):
        page.mouse.wheel(0, -200)
    page.wait_for_timeout(600)
    scale, x, y = transform(page)
    assert scale > 3
    shown = [pixels(page, name) for name in ("image", "mask")]
    # Outside of the cell's colours, the panels show the same place of the same image.
    same = (shown[0][..., :3] == shown[1][..., :3]).all(axis=-1)
    assert same.mean() > 0.05
    page.mouse.down()
    page.mouse.move(*middle_of(page, MODELS[0].name, 0.6, 0.6), steps=8)
    page.mouse.up()
    page.wait_for_timeout(600)
    moved = transform(page)
    assert moved[0] == pytest.approx(scale)
    assert moved[1:] != [x, y]
    assert page.evaluate("window.sent") == before
    assert not requests
    page.mouse.dblclick(*middle_of(page, "image"))
    wait_until(page, lambda: transform(page)[0] == 1.0)


def test_hidden_class_shows_the_image(page):
    open_viewer(page)
    image, with_all = pixels(page, "image"), pixels(page, "mask")
    page.get_by_role("button", name="Nucleus", exact=True).click()
    page.wait_for_timeout(300)
    without = pixels(page, "mask")
    mask = open_dataset("synthetic").read("synthetic/012").mask
    large = enlarge(mask, without.shape)
    inner = large == 2
    assert (without[inner][:, :3] == image[inner][:, :3]).mean() > 0.97
    assert (with_all[inner][:, :3] == image[inner][:, :3]).mean() < 0.05
    assert (without[large == 1][:, :3] == with_all[large == 1][:, :3]).mean() > 0.97


def test_readout_agrees_with_the_predictor(page):
    open_viewer(page)
    sample = open_dataset("synthetic").read("synthetic/012")
    height, width = sample.size
    for x, y in ((60, 60), (20, 30), (75, 58)):
        page.mouse.move(*middle_of(page, "image", (x + 0.5) / width, (y + 0.5) / height))
        expect(page.locator(".readout")).to_have_text(re.compile(f"^{x}, {y}"))
        said = page.locator(".readout").inner_text()
        assert f"Exact mask: {('background', 'cytoplasm', 'nucleus')[sample.mask[y, x]]}" in said
        for entry in MODELS:
            result = Catalog().load(entry.name).predict(sample.image)
            kind = result.labels[y, x]
            match = re.search(rf"{re.escape(entry.title)}: (\w+) ([\d.]+)", said)
            assert match[1] == ("background", "cytoplasm", "nucleus")[kind]
            assert float(match[2]) == pytest.approx(result.probabilities[y, x, kind], abs=0.0075)


def test_captions_have_the_dice_of_the_metrics_module(page):
    open_viewer(page)
    sample = open_dataset("synthetic").read("synthetic/012")
    for entry in MODELS:
        dice = score(sample.mask, Catalog().load(entry.name).predict(sample.image).labels).dice
        text = page.locator(f'figure[data-panel="{entry.name}"] .scores').inner_text()
        for region in ("nucleus", "cytoplasm", "cell"):
            assert f"{region} {dice[region]:.3f}" in text


def test_keyboard_shortcuts(page):
    open_viewer(page)
    focus(page)
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowRight")
    wait_until(page, lambda: transform(page)[1] > 60)
    assert transform(page)[0] == pytest.approx(1.25**2, abs=0.01)
    page.keyboard.press("0")
    page.keyboard.press("o")
    page.keyboard.press("v")
    expect(page.get_by_role("radio", name="Outline", exact=True)).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Escape")
    focus(page)
    page.keyboard.press("g")
    page.keyboard.press("3")
    expect(page.get_by_role("button", name="Nucleus", exact=True)).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("3")
    page.keyboard.press("d")
    expect(page.locator(".readout")).to_have_text(re.compile("^61, "))
    page.keyboard.press("?")
    page.get_by_text("Move the crosshair and read out the pixel").wait_for()
    page.keyboard.press("Escape")
    focus(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**image=013**")
    page.get_by_text("Synthetic, 013 ·").wait_for()


def test_overlay_is_hidden_while_a_key_is_held(page):
    open_viewer(page)
    focus(page)
    image = pixels(page, "image")
    page.keyboard.down("h")
    wait_until(page, lambda: (pixels(page, "mask") == image).all())
    page.keyboard.up("h")
    wait_until(page, lambda: not (pixels(page, "mask") == image).all())


def test_link_restores_the_view(page, context):
    open_viewer(page)
    page.mouse.move(*middle_of(page, "image", 0.4, 0.4))
    for _ in range(4):
        page.mouse.wheel(0, -150)
    choose_style(page, "Fill and outline")
    page.get_by_role("button", name="Panels", exact=True).click()
    page.get_by_role("checkbox", name="Agreement").check()
    page.get_by_role("checkbox", name="Exact mask").uncheck()
    page.keyboard.press("Escape")
    page.mouse.move(5, 5)
    page.wait_for_timeout(700)
    link = page.url
    assert "view=" in link
    other = context.new_page()
    open_viewer(other, link)
    assert transform(other) == pytest.approx(transform(page), abs=0.01)
    names = "figure .name"
    expect(other.locator(names)).to_have_text(page.locator(names).all_inner_texts(), use_inner_text=True)
    assert (pixels(other, MODELS[0].name) == pixels(page, MODELS[0].name)).mean() > 0.999
    other.close()


def test_divider_shows_one_panel_on_each_side(page):
    open_viewer(page)
    page.get_by_role("button", name="Swipe").click()
    divider = page.get_by_role("slider", name="Divider")
    divider.wait_for()
    page.get_by_label("Left of the divider").select_option("image")
    page.get_by_label("Right of the divider").select_option("mask")
    page.wait_for_timeout(500)
    divider.focus()
    page.keyboard.press("Home")
    expect(divider).to_have_attribute("aria-valuenow", "0")
    page.keyboard.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "2")
    page.keyboard.press("End")
    page.wait_for_timeout(300)
    whole = read_canvas(page.locator(".stage canvas"))
    page.keyboard.press("Home")
    page.wait_for_timeout(300)
    other = read_canvas(page.locator(".stage canvas"))
    assert (whole != other).mean() > 0.05


def test_divider_from_a_link_follows_the_image_and_zooms(page):
    page.goto(f"{COMPARED}&view=wimage_mask_50")
    stage = page.locator(".stage canvas")
    stage.wait_for()
    wait_until_idle(page)
    page.wait_for_function(
        "() => document.querySelector('[data-viewer]').shadowRoot.querySelector('.stage canvas').width > 300"
    )
    before = read_canvas(stage)
    assert before.any()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.wheel(0, -300)
    wait_until(page, lambda: transform(page)[0] > 2)
    page.mouse.dblclick(box["x"] + 60, box["y"] + 60)
    page.get_by_role("button", name="Next image").click()
    page.wait_for_url("**image=013**")
    page.get_by_text("Synthetic, 013 ·").wait_for()
    wait_until(page, lambda: not np.array_equal(read_canvas(stage), before))


def test_errors_and_agreement_are_on_a_faded_image_with_a_legend(page):
    name = MODELS[-1].name
    open_viewer(page, f"{COMPARED}&view=pimage_errors.{name}_uncertainty.{name}_agreement", 4)
    sample = open_dataset("synthetic").read("synthetic/012")
    labels = Catalog().load(name).predict(sample.image).labels
    shown = pixels(page, f"errors.{name}")[..., :3].astype(int)
    coloured = shown.max(axis=-1) - shown.min(axis=-1) > 20
    wrong = enlarge(labels != sample.mask, shown.shape)
    assert (coloured == wrong).mean() > 0.98
    for key, words in (
        (f"errors.{name}", ("false negative", "false positive", "wrong class")),
        ("agreement", ("some disagree",)),
    ):
        said = page.locator(f'figure[data-panel="{key}"] .scores').inner_text()
        assert all(word in said for word in words)


def saved(page, item):
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name=item).click()
    return download.value


def test_view_and_figures_are_saved(page):
    open_viewer(page)
    for item in ("Current view (PNG)", "Figure with all panels (PNG)"):
        file = saved(page, item)
        assert file.suggested_filename.endswith(".png")
        with Image.open(file.path()) as image:
            assert min(image.size) > 200
            assert not image.info.get("exif")
    svg = saved(page, "Figure with all panels (SVG)")
    text = Path(svg.path()).read_text(encoding="utf-8")
    assert "Not a medical device" in text
    assert text.count("<image ") == PANELS
    assert "Dice: nucleus" in text


def test_mask_is_saved_with_grey_values(page):
    open_viewer(page)
    entry = MODELS[0]
    file = saved(page, f"Mask of {entry.title} (PNG, grey values)")
    labels = Catalog().load(entry.name).predict(open_dataset("synthetic").read("synthetic/012").image).labels
    with Image.open(file.path()) as image:
        assert image.mode == "L"
        assert (np.array(image) == np.array([0, 128, 255], np.uint8)[labels]).all()


def test_mask_is_edited_undone_kept_over_a_reload_and_added_to_the_training_set(page):
    open_viewer(page)
    name = MODELS[0].name
    focus(page, name)
    page.get_by_role("button", name="Edit mask").click()
    scores = page.locator(f'figure[data-panel="{name}"] .scores')
    before = scores.inner_text()
    page.mouse.move(*middle_of(page, name, 0.1, 0.1))
    page.mouse.down()
    page.mouse.move(*middle_of(page, name, 0.4, 0.12), steps=6)
    page.mouse.up()
    expect(scores).not_to_have_text(before, use_inner_text=True)
    after = scores.inner_text()
    page.get_by_role("button", name="Undo").click()
    expect(scores).to_have_text(before, use_inner_text=True)
    page.get_by_role("button", name="Redo").click()
    expect(scores).to_have_text(after, use_inner_text=True)
    page.get_by_role("button", name="Apply mask").click()
    page.get_by_text("1 edited mask in this session").wait_for()
    page.reload()
    page.locator(CANVAS).nth(PANELS - 1).wait_for()
    page.wait_for_timeout(1500)
    expect(scores).to_have_text(after, use_inner_text=True)
    page.get_by_role("button", name="Edit mask").click()
    page.get_by_role("button", name="Reset").click()
    expect(scores).to_have_text(before, use_inner_text=True)


def test_mask_is_edited_with_the_keyboard_alone(page):
    open_viewer(page)
    name = MODELS[0].name
    focus(page, name)
    page.keyboard.press("e")
    scores = page.locator(f'figure[data-panel="{name}"] .scores')
    before = scores.inner_text()
    for _ in range(3):
        page.keyboard.press("Shift+W")
    page.keyboard.press("Shift+W")
    page.keyboard.press(" ")
    expect(scores).not_to_have_text(before, use_inner_text=True)
    page.keyboard.press("z")
    expect(scores).to_have_text(before, use_inner_text=True)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Edit mask")).to_have_attribute("aria-pressed", "false")


def test_phone_zooms_with_two_fingers_and_reads_out_on_a_tap(browser, server):
    phone = browser.new_context(
        base_url=server.url,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    page = phone.new_page()
    page.set_default_timeout(60_000)
    open_viewer(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("Panels", "Display", "Save"):
        page.get_by_role("button", name=name, exact=True).click()
        box = page.locator(".menu:visible").bounding_box()
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 390, name
        page.keyboard.press("Escape")
    scroll_into_view(page, page.locator('figure[data-panel="image"] canvas'))
    x, y = middle_of(page, "image")
    touch = phone.new_cdp_session(page)

    def fingers(kind, *points):
        at = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    fingers("touchStart", (x - 20, y), (x + 20, y))
    for k in range(1, 6):
        fingers("touchMove", (x - 20 - 8 * k, y), (x + 20 + 8 * k, y))
    fingers("touchEnd")
    wait_until(page, lambda: transform(page)[0] > 2)
    page.touchscreen.tap(x, y)
    expect(page.locator(".readout")).to_contain_text("Exact mask")
    phone.close()


def test_strip_has_the_lowest_dice_of_neighbouring_images(page):
    open_viewer(page)
    strip = page.locator(".strip button")
    expect(strip).to_have_count(13)
    wait_for_strip(page)
    sample = open_dataset("synthetic").read("synthetic/010")
    worst = min(
        min(
            score(sample.mask, Catalog().load(entry.name).predict(sample.image).labels).dice[r]
            for r in ("nucleus", "cytoplasm", "cell")
        )
        for entry in MODELS
    )
    chosen = page.get_by_role("button", name=re.compile("^Image 010"))
    expect(chosen).to_contain_text(f"{worst:.2f}")
    chosen.click()
    page.wait_for_url("**image=010**")
    page.get_by_text("Synthetic, 010 ·").wait_for()
