"""The quiz in a real browser: draw a cell, have it checked, go on."""

from __future__ import annotations

import math
import re

from browser_waits import expect

CELL = "/quiz?cells=Synthetic&cell=032"
CORNERS = 12


def draw_polygon(page, box, radius):
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for corner in range(CORNERS):
        angle = 2 * math.pi * corner / CORNERS
        page.mouse.click(x + radius * math.cos(angle), y + radius * math.sin(angle))
    page.keyboard.press("Enter")


def test_a_drawn_cell_is_compared_and_the_next_one_starts_empty(page):
    page.goto(CELL)
    drawing = page.locator("figure[data-panel=drawing] canvas")
    drawing.wait_for()
    viewer = page.locator(".viewer")
    viewer.get_by_role("button", name="Check", exact=True).wait_for()
    expect(viewer.locator("figure")).to_have_count(1)
    box = drawing.bounding_box()
    tools = viewer.locator(".bar.edit")
    tools.get_by_role("button", name="Polygon", exact=True).click()
    tools.get_by_role("button", name="Cytoplasm", exact=True).click()
    draw_polygon(page, box, 0.3 * box["height"])
    tools.get_by_role("button", name="Nucleus", exact=True).click()
    draw_polygon(page, box, 0.15 * box["height"])
    # Escape does not end the drawing.
    page.keyboard.press("Escape")
    viewer.get_by_role("button", name="Check", exact=True).click()

    caption = page.locator("figure[data-panel='quiz.drawing'] figcaption")
    caption.wait_for()
    page.get_by_text("Mean of 1 cell").wait_for()
    expect(tools).to_have_count(0)
    shown = dict(re.findall(r"(nucleus|cytoplasm|cell) (\d\.\d+)", caption.inner_text()))
    table = page.get_by_role("region", name="Your scores").inner_text()
    assert set(shown) == {"nucleus", "cytoplasm", "cell"}
    assert all(value in table and 0 < float(value) < 1 for value in shown.values())
    expect(page.locator("figure[data-panel='quiz.mask']")).to_have_count(1)

    page.get_by_role("button", name="Next", exact=True).click()
    drawing.wait_for()
    viewer.get_by_role("button", name="Check", exact=True).wait_for()
    expect(tools.get_by_role("button", name="Undo", exact=True)).to_be_disabled()
    expect(page).to_have_url(re.compile("cell=033"))
