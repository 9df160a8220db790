"""The workbench in a real browser: file cells by key and by dragging, undo, select, and find the same in the files."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

from browser_waits import expect, scroll_into_view, wait_until_idle
from pypdf import PdfReader
from spreadsheets import read_records

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.io import encode_png
from wbcseg.pipeline.session_file import read_session

COUNT = 6
WORKBENCH = "document.querySelector('[data-workbench]').shadowRoot.querySelector('.workbench')"
CONFIRMED = f"() => {WORKBENCH}.dataset.pending === '0'"


def upload_cells(page: Any) -> None:
    page.goto("/batch")
    page.locator("[data-testid=stFileUploader] input[type=file]").first.set_input_files(
        [
            {
                "name": f"{'AB'[number // 3]}_{number}.png",
                "mimeType": "image/png",
                "buffer": encode_png(draw_sample(11, number, size=(120, 120)).image),
            }
            for number in range(COUNT)
        ]
    )
    page.locator(".gallery .tile").nth(COUNT - 1).wait_for()
    wait(page)


def wait(page: Any) -> None:
    page.wait_for_function(CONFIRMED)
    wait_until_idle(page)


def find_tile(page: Any, name: str) -> Any:
    return page.locator(f".tile[aria-label^='{name}']")


def list_filed(page: Any) -> dict[str, str]:
    """Return the types that a person gave, by the name of the image, as the tiles say."""
    labels = [tile.get_attribute("aria-label") for tile in page.locator(".tile.is-assigned").all()]
    return {label.split(": ")[0]: label.split(": ")[1].removesuffix(", filed by a person") for label in labels}


def wait_for_filed(page: Any, filed: dict[str, str]) -> None:
    page.wait_for_function(f"() => {WORKBENCH}.querySelectorAll('.tile.is-assigned').length === {len(filed)}")
    assert list_filed(page) == filed
    wait(page)
    assert list_filed(page) == filed, "Python's answer is what was shown at once"


def save(page: Any, name: str) -> bytes:
    """Return the file of a button, which may be among the downloads."""
    button = page.get_by_role("button", name=name)
    is_among_downloads = not button.is_visible()
    if is_among_downloads:
        page.get_by_role("button", name="Download", exact=True).click()
    with page.expect_download() as download:
        button.click()
    if is_among_downloads:
        page.keyboard.press("Escape")
        button.wait_for(state="hidden")
    return bytes(download.value.path().read_bytes())


def read_csv(page: Any, button: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(save(page, button).decode("utf-8-sig"))))


def drag(page: Any, start: Any, end: Any) -> None:
    # The gallery may begin below the window's lower edge.
    scroll_into_view(page, start)
    scroll_into_view(page, end)
    first, last = start.bounding_box(), end.bounding_box()
    page.mouse.move(first["x"] + first["width"] / 2, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(first["x"] + first["width"] / 2 + 30, first["y"] + 30, steps=3)
    page.mouse.move(last["x"] + last["width"] / 2, last["y"] + last["height"] / 2, steps=5)
    page.mouse.up()


def test_cells_are_filed_and_every_file_follows(page: Any) -> None:
    upload_cells(page)
    # By key, by dragging onto a type, and by dragging onto a group of the gallery.
    find_tile(page, "A_0.png").click()
    page.keyboard.press("7")
    wait_for_filed(page, {"A_0.png": "Erythroblast"})
    drag(page, find_tile(page, "A_2.png"), page.locator(".types button[data-type='3']"))
    wait_for_filed(page, {"A_0.png": "Erythroblast", "A_2.png": "Lymphocyte"})
    drag(page, find_tile(page, "B_3.png"), find_tile(page, "A_0.png"))
    three = {"A_0.png": "Erythroblast", "A_2.png": "Lymphocyte", "B_3.png": "Erythroblast"}
    wait_for_filed(page, three)
    page.keyboard.press("Control+z")
    two = {name: cell_type for name, cell_type in three.items() if name != "B_3.png"}
    wait_for_filed(page, two)
    page.keyboard.press("Control+Shift+z")
    wait_for_filed(page, three)

    # The same in the table of cells and in the differential count.
    rows = read_csv(page, "Download measurements (CSV)")
    filed = {row["image"]: row["type"] for row in rows if row["type_origin"] == "person"}
    assert filed == {name: cell_type.lower() for name, cell_type in three.items()}
    in_cells = Counter(row["type"] or "no type" for row in rows)
    differential = read_csv(page, "Download differential count (CSV)")
    assert {row["type"]: int(row["count"]) for row in differential if row["count"] != "0"} == in_cells
    expect(page.get_by_text("A person filed 3 cells")).to_be_visible()

    # Keyboard alone: select all, file, undo; the table, sorted.
    gallery, workbench = page.locator(".gallery"), page.locator(".workbench")
    gallery.focus()
    page.keyboard.press("Control+a")
    expect(workbench).to_have_attribute("data-selected", str(COUNT))
    page.keyboard.press("5")
    wait_for_filed(page, dict.fromkeys((row["image"] for row in rows), "Monocyte"))
    page.keyboard.press("Control+z")
    wait_for_filed(page, three)
    page.keyboard.press("t")
    page.locator(".table-header button", has_text="Cell area").click()
    areas = [float(text) for text in page.locator(".content .table-row > span:last-child").all_inner_texts()]
    assert len(areas) == COUNT
    page.keyboard.press("t")

    # A rectangle selects what it touches; the details show the cell.
    gallery.evaluate("gallery => { gallery.scrollTop = 0 }")
    box = gallery.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 45)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 30, box["y"] + box["height"] - 80, steps=4)
    page.mouse.up()
    page.wait_for_function(f"() => {WORKBENCH}.dataset.selected >= 2")
    page.keyboard.press("Escape")
    find_tile(page, "B_5.png").click()
    page.locator(".details h3", has_text="B_5.png").wait_for()

    # What is selected in a plot is selected in the gallery.
    page.get_by_text("Plots", exact=True).click()
    plot = page.locator("[data-testid=stPlotlyChart] .nsewdrag").first
    scroll_into_view(page, plot)
    page.wait_for_timeout(1000)
    area = plot.bounding_box()
    corners = [(0.005, 0.01), (0.995, 0.01), (0.995, 0.99), (0.005, 0.99), (0.005, 0.02)]
    for index, (x, y) in enumerate(corners):
        page.mouse.move(area["x"] + x * area["width"], area["y"] + y * area["height"], steps=6 if index else 1)
        if not index:
            page.mouse.down()
    page.mouse.up()
    page.wait_for_function(f"() => {WORKBENCH}.dataset.selected > {COUNT - 2}")


def test_types_and_a_drawn_mask_are_the_same_in_every_file(page: Any) -> None:
    upload_cells(page)
    filed = {"A_0.png": "7", "A_1.png": "3", "B_4.png": "5"}
    for name, key in filed.items():
        find_tile(page, name).click()
        page.keyboard.press(key)
        wait(page)
    types = {"A_0.png": "erythroblast", "A_1.png": "basophil", "B_4.png": "monocyte"}
    wait_for_filed(page, {name: cell_type.capitalize() for name, cell_type in types.items()})
    areas = {row["image"]: row["cell_area_px2"] for row in read_csv(page, "Download measurements (CSV)")}

    # Draw on the mask of one of them.
    find_tile(page, "A_1.png").click()
    page.get_by_role("button", name="Correct its mask").click()
    page.get_by_role("button", name="Edit mask").click()
    canvas = page.locator('figure[data-panel="unet-general"] canvas').first
    scroll_into_view(page, canvas)
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 0.5 * box["height"], steps=6)
    page.mouse.up()
    page.get_by_role("button", name="Apply mask").click()
    page.get_by_text("Outline corrected by a person").first.wait_for()
    wait(page)

    rows = read_csv(page, "Download measurements (CSV)")
    by_image = {row["image"]: row for row in rows}
    assert {name: row["type"] for name, row in by_image.items() if row["type_origin"] == "person"} == types
    changed = [name for name, row in by_image.items() if row["cell_area_px2"] != areas[name]]
    assert changed == [name for name, row in by_image.items() if row["origin"] == "person"] == ["A_1.png"]
    workbook = read_records(save(page, "Download workbook (XLSX)"), "cells")
    assert [(row["image"], row["type"], row["origin"]) for row in workbook] == [
        (row["image"], row["type"], row["origin"]) for row in rows
    ]
    assert [row["cell_area_px2"] for row in workbook] == [float(row["cell_area_px2"]) for row in rows]
    report = PdfReader(io.BytesIO(save(page, "Download report (PDF)")))
    text = "\n".join(part.extract_text() for part in report.pages)
    assert text.count("filed by a person\nmodel") == 3
    assert text.count("Corrected by a person") == 1
    for row in rows:
        assert f"{float(row['cell_area_px2']):.0f}" in text
    page.get_by_role("button", name="Save session").click()
    session, _ = read_session(save(page, "Download session"), "session.zip")
    cells = {image.name: image.cells[0] for image in session.images}
    assert {name: cell.assigned_type for name, cell in cells.items() if cell.assigned_type} == types
    assert cells["A_1.png"].origin == "person"
    assert cells["A_1.png"].features["cell_area"] == float(by_image["A_1.png"]["cell_area_px2"])


def test_a_phone_files_cells_by_touch_and_downloads_what_follows(browser: Any, server: Any) -> None:
    context = browser.new_context(
        base_url=server.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    upload_cells(page)
    main, workbench = page.locator("[data-testid=stMain]"), page.locator(".workbench")
    find_tile(page, "A_0.png").tap()
    find_tile(page, "A_1.png").tap()
    expect(workbench).to_have_attribute("data-selected", "2")
    page.locator(".types button[data-type='6']").tap()
    wait(page)
    expect(page.locator(".types button[data-type='6'] .number")).to_have_text("2")
    wait_for_filed(page, {"A_0.png": "Erythroblast", "A_1.png": "Erythroblast"})
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0
    # What is seen first is also reached first by the keyboard.
    tops = page.evaluate(
        """() => ['batch_actions', 'differential_head', 'workbench_cells'].map(
            key => document.querySelector(`.st-key-${key}`).getBoundingClientRect().top)"""
    )
    assert tops == sorted(tops)
    # Targets for a finger.
    assert page.locator(".types button").first.bounding_box()["height"] >= 44

    # The differential count fits, follows what was filed, and is what the files say.
    count = page.get_by_role("region", name="Differential count")
    assert count.evaluate("box => box.getBoundingClientRect().right <= innerWidth")
    page.get_by_text("A person filed 2 cells").wait_for()
    differential = {row["type"]: row["count"] for row in read_csv(page, "Download differential count (CSV)")}
    assert differential["erythroblast"] == "2"
    rows = read_csv(page, "Download measurements (CSV)")
    assert [row["image"] for row in rows if row["type_origin"] == "person"] == ["A_0.png", "A_1.png"]
    assert save(page, "Download report (PDF)").startswith(b"%PDF")

    # A slip of the finger is undone by another tap.
    page.get_by_role("button", name="Undo").first.tap()
    wait_for_filed(page, {})
    page.get_by_text("A person filed 2 cells").wait_for(state="detached")
    context.close()
