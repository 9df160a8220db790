"""Cells of a field of view in a real browser: corrected by mouse, keyboard and finger, with counts read from the exports."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.inference import Catalog
from wbcseg.io import encode_png

MODEL = Catalog().select_defaults_for(None)[0]
ADDRESS = f"/segment?source=Upload+an+image&view=p{MODEL.name}"
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
    page.wait_for_selector("[data-testid=stStatusWidget]", state="detached")
    canvas(page).scroll_into_view_if_needed()


def canvas(page):
    return page.locator(f'figure[data-panel="{MODEL.name}"] canvas')


def wait_for_count(page, count):
    text = re.compile(f"^{count or 'no'} white blood cells?( |$)")
    page.locator(".cell-count").filter(has_text=text).wait_for()


def wait_for_answer(page, text):
    """Wait until the page has said so; it does when Python's result has arrived."""
    page.locator(".viewer > [role=status]").filter(has_text=text).wait_for(state="attached")
    page.wait_for_selector("[data-testid=stStatusWidget]", state="detached")


def locate(page, x, y):
    """Where a point of the image is in the window."""
    box = canvas(page).bounding_box()
    scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
    return box["x"] + box["width"] / 2 + (x - WIDTH / 2) * scale, box["y"] + box["height"] / 2 + (y - HEIGHT / 2) * scale


def click(page, point, **options):
    page.mouse.move(*locate(page, *point))
    page.mouse.click(*locate(page, *point), **options)


def draw(page, *points):
    page.mouse.move(*locate(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*locate(page, *point), steps=5)
    page.mouse.up()


def tool(page, name):
    return page.get_by_role("toolbar", name="Cells").get_by_role("button", name=re.compile(f"^{name}"))


def count_exported(page):
    """How many cells of the model ``cells.csv`` has, and how many of them are in the region."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download measurements (CSV)").click()
    text = waiting.value.path().read_text(encoding="utf-8-sig")
    rows = [row for row in csv.DictReader(io.StringIO(text)) if MODEL.name in row.values() or MODEL.title in row.values()]
    return len(rows), sum(row["in_region"] == "1" for row in rows)


def test_count_is_corrected_with_the_mouse_and_downloads_follow(page):
    open_field(page)
    click(page, CENTRES[0])
    tool(page, "Delete").click()
    wait_for_count(page, 5)
    wait_for_answer(page, "5 white blood cells")
    assert count_exported(page)[0] == 5
    tool(page, "Undo").click()
    wait_for_answer(page, "Undone. 6 white")
    tool(page, "Redo").click()
    wait_for_answer(page, "deleted. 5 white")
    tool(page, "Add a cell").click()
    click(page, CENTRES[0])
    wait_for_answer(page, "Cell added. 6 white")
    assert count_exported(page)[0] == 6
    tool(page, "Count in a region").click()
    draw(page, (10, 10), (470, 10), (470, 230), (10, 230))
    page.locator(".cell-count").filter(has_text="2 in the region").wait_for()
    wait_for_answer(page, "2 in the region")
    assert count_exported(page) == (6, 2)


def test_cell_is_split_and_merged_and_an_impossible_edit_says_why(page):
    open_field(page)
    x, y = CENTRES[1]
    tool(page, "Split").click()
    draw(page, (x, y - 80), (x, y + 80))
    wait_for_answer(page, "split. 7 white")
    assert count_exported(page)[0] == 7
    tool(page, "Merge").click()
    click(page, (x - 15, y))
    click(page, (x + 15, y))
    page.get_by_role("button", name="Merge 2 cells").click()
    wait_for_answer(page, "merged. 6 white")
    assert count_exported(page)[0] == 6
    click(page, CENTRES[0])
    click(page, CENTRES[5])
    page.keyboard.press("Enter")
    page.locator(".hint.problem").wait_for()
    wait_for_count(page, 6)


def test_overlooked_cell_is_added_by_a_box(page):
    open_field(page)
    click(page, CENTRES[2])
    page.keyboard.press("Delete")
    wait_for_answer(page, "5 white")
    tool(page, "Add a cell").click()
    (x, y) = CENTRES[2]
    draw(page, (x - 55, y - 55), (x + 55, y + 55))
    wait_for_answer(page, "Cell added. 6 white")


def test_count_is_corrected_with_the_keyboard_alone(page):
    open_field(page)
    canvas(page).focus()
    scrolled = page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "Tab"):
        page.keyboard.press(key)
    said = page.locator(".viewer > [role=status]")
    assert said.inner_text().startswith("Cell 2 of 6")
    page.keyboard.press("Delete")
    wait_for_answer(page, "Cell 2 deleted. 5 white")
    page.keyboard.press("Control+z")
    wait_for_answer(page, "Undone. 6 white")
    page.keyboard.press("Control+Shift+z")
    wait_for_answer(page, "Cell 2 deleted. 5 white")
    page.keyboard.press("a")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("+")
    assert said.inner_text().startswith("Box ")
    page.keyboard.press("Escape")
    assert tool(page, "Select").get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == scrolled
    page.keyboard.press("?")
    page.get_by_text("Go from cell to cell").wait_for()


def test_corrections_are_there_after_going_to_another_page(page):
    open_field(page)
    click(page, CENTRES[0])
    page.keyboard.press("Delete")
    wait_for_answer(page, "5 white")
    page.get_by_role("link", name="Batch").click()
    page.get_by_role("heading", name="Batch").wait_for()
    page.get_by_role("link", name="Segment").click()
    wait_for_count(page, 5)
    tool(page, "Undo").click()
    wait_for_answer(page, "Undone. 6 white")


def test_no_cell_found_asks_to_look_and_takes_a_click(page):
    open_field(page, 0)
    assert "No white blood cell found" in page.locator(".hint.problem").inner_text()


def test_saved_figure_says_how_many_cells_there_are(page):
    open_field(page)
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Figure with all panels (SVG)").click()
    assert "6 white blood cells" in waiting.value.path().read_text(encoding="utf-8")


@pytest.fixture
def phone(browser, server):
    context = browser.new_context(
        base_url=server.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2
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
