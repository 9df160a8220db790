"""Cells of a field of view are corrected in a real browser; the counts are read from the files that are downloaded."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from urllib.parse import quote_plus

import numpy as np
import pytest
from browser_waits import scroll_into_view, wait_until_idle
from page_images import wait_for_viewer
from PIL import Image

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.inference import Catalog
from wbcseg.io import encode_png

MODEL = "unet-general"
SPACING = 200
COUNT = 7
"""Cells of the field: five alone, and two that touch."""


def draw_truth():
    """Return a field of synthetic cells, ``uint8[H, W, 3]``, and the number of the cell at each pixel, from 1."""
    image = np.full((2 * SPACING, 3 * SPACING + 60, 3), (236, 226, 190), np.int16)
    image += np.random.default_rng(0).integers(-4, 5, image.shape)
    numbers = np.zeros(image.shape[:2], np.uint8)
    for number in range(1, COUNT + 1):
        sample = draw_sample(7, number, size=(120, 120))
        cell = sample.mask > 0
        row, column = divmod(min(number, 6) - 1, 3)
        top, left = SPACING * row + 40, SPACING * column + 40
        if number == COUNT:
            # Beside the sixth: its leftmost column is the first after the other's rightmost one.
            left = (
                int(np.flatnonzero((numbers == 6).any(axis=0)).max()) + 1 - int(np.flatnonzero(cell.any(axis=0)).min())
            )
        cell &= numbers[top : top + 120, left : left + 120] == 0
        image[top : top + 120, left : left + 120][cell] = sample.image[cell]
        numbers[top : top + 120, left : left + 120][cell] = number
    return np.clip(image, 0, 255).astype(np.uint8), numbers


IMAGE, TRUTH = draw_truth()


def locate(number):
    """Return the centroid of a cell of the truth, x and y."""
    rows, columns = np.nonzero(number == TRUTH)
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5


class Cells:
    """The cells of one model in the viewer, as a person uses them."""

    def __init__(self, page):
        self.page = page
        page.set_default_timeout(30_000)
        self.figure = page.locator(f'figure[data-panel="{MODEL}"]')
        self.canvas = self.figure.locator("canvas")

    def wait_for_count(self, text):
        """Wait until the viewer and, after it, the page show a count."""
        self.figure.locator(".cell-count", has_text=text).wait_for()
        self.page.locator("[data-testid=stMarkdown]", has_text=re.compile(f"^{text}$")).wait_for()

    def choose(self, tool):
        button = self.page.locator(f'button[data-tool="{tool}"]')
        if button.get_attribute("aria-pressed") != "true":
            button.click()

    def to_screen(self, x, y):
        scroll_into_view(self.page, self.canvas)
        box = self.canvas.bounding_box()
        height, width = IMAGE.shape[:2]
        scale = min(box["width"] / width, box["height"] / height)
        return (
            box["x"] + box["width"] / 2 + (x - width / 2) * scale,
            box["y"] + box["height"] / 2 + (y - height / 2) * scale,
        )

    def click(self, x, y):
        self.page.mouse.click(*self.to_screen(x, y))

    def drag(self, *points):
        first, *others = (self.to_screen(*point) for point in points)
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for point in others:
            self.page.mouse.move(*point, steps=6)
        self.page.mouse.up()

    def download(self, label):
        from playwright.sync_api import TimeoutError as NoDownloadError

        for _ in range(4):
            wait_until_idle(self.page)
            # On Segment, the buttons are in a popover.
            popover = self.page.get_by_role("button", name="Download", exact=True)
            if popover.count() and popover.get_attribute("aria-expanded") != "true":
                popover.click()
            try:
                with self.page.expect_download(timeout=10_000) as waiting:
                    self.page.get_by_role("button", name=label).click()
                return waiting.value.path().read_bytes()
            except NoDownloadError:
                # A click on a button that the page is just drawing again is lost.
                continue
        pytest.fail(f"There was no download: {label}")

    def read_rows(self):
        text = self.download("Download measurements (CSV)").decode("utf-8-sig")
        return [row for row in csv.DictReader(io.StringIO(text)) if row["model"] == MODEL]

    def read_numbers(self):
        return [int(row["cell_index"]) for row in self.read_rows()]

    def read_label_image(self):
        """Return the number of the cell at each pixel, from the zip: ``uint16[H, W]``."""
        with zipfile.ZipFile(io.BytesIO(self.download("Download all (zip)"))) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(f"{MODEL}.labels.png")]
            with Image.open(io.BytesIO(archive.read(name))) as image:
                return np.asarray(image)

    def wait_for_numbers(self, numbers):
        """Wait until the downloaded table has these cells."""
        for _ in range(40):
            if (shown := self.read_numbers()) == list(numbers):
                return
            self.page.wait_for_timeout(250)
        pytest.fail(f"The table has the cells {shown}.")


def find_row(rows, number):
    """Return the row of the cell whose crop has the centroid of a cell of the truth nearest to its middle."""
    x, y = locate(number)
    return min(rows, key=lambda row: abs(float(row["bbox_x"]) + 60 - x) + abs(float(row["bbox_y"]) + 60 - y))


@pytest.fixture(params=["segment", "batch"])
def cells(request, page):
    file = {"name": "field.png", "mimeType": "image/png", "buffer": encode_png(IMAGE)}
    title = quote_plus(Catalog().get(MODEL).title)
    page.goto(f"/segment?source=Upload+an+image&general_models={title}" if request.param == "segment" else "/batch")
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(file)
    shown = Cells(page)
    shown.wait_for_count(f"{COUNT} white blood cells")
    wait_for_viewer(page, 1)
    return shown


def find_number(rows, number):
    return int(find_row(rows, number)["cell_index"])


def test_cells_are_deleted_added_merged_split_and_counted(cells):
    rows = cells.read_rows()
    assert len(rows) == COUNT
    assert {row["origin"] for row in rows} == {"model"}
    cells.choose("delete")
    cells.click(*locate(1))
    cells.wait_for_count("6 white blood cells")
    cells.wait_for_numbers(range(1, COUNT))

    # By click, and another by box.
    cells.choose("add")
    cells.click(*locate(1))
    cells.wait_for_count("7 white blood cells")
    cells.choose("delete")
    cells.click(*locate(2))
    cells.wait_for_count("6 white blood cells")
    cells.choose("add")
    x, y = locate(2)
    cells.drag((x - 40, y - 40), (x + 40, y + 40))
    cells.wait_for_count("7 white blood cells")
    rows = cells.read_rows()
    assert [int(row["cell_index"]) for row in rows] == list(range(1, COUNT + 1))
    for number in (1, 2):
        row = find_row(rows, number)
        assert (row["origin"], int(row["cell_index"])) == ("person", COUNT - 2 + number)
        assert float(row["cell_area_px2"]) == pytest.approx((number == TRUTH).sum(), rel=0.15)

    pair = sorted(find_number(rows, number) for number in (6, 7))
    cells.choose("merge")
    cells.click(*locate(6))
    cells.click(*locate(7))
    cells.page.get_by_role("button", name="Merge 2 cells").click()
    cells.wait_for_count("6 white blood cells")
    rows = cells.read_rows()
    merged = next(row for row in rows if row["cell_index"] == str(pair[0]))
    assert [int(row["cell_index"]) for row in rows] == list(range(1, COUNT))
    assert float(merged["cell_area_px2"]) == pytest.approx(np.isin(TRUTH, (6, 7)).sum(), rel=0.15)

    between = float(np.flatnonzero((TRUTH == 6).any(axis=0)).max()) + 1
    cells.choose("split")
    cells.drag((between, locate(6)[1] - 60), (between, locate(6)[1] + 60))
    cells.wait_for_count("7 white blood cells")
    areas = sorted(
        float(row["cell_area_px2"]) for row in cells.read_rows() if row["cell_index"] in (str(pair[0]), str(COUNT))
    )
    assert areas == pytest.approx(sorted((number == TRUTH).sum() for number in (6, 7)), rel=0.2)
    instances = cells.read_label_image()
    assert np.unique(instances).tolist() == [0, *cells.read_numbers()]
    for number in range(1, COUNT + 1):
        x, y = locate(number)
        mask = instances == instances[int(y), int(x)]
        assert (mask & (number == TRUTH)).sum() > 0.75 * (mask | (number == TRUTH)).sum()

    # Back to the model's result and forward again.
    for _ in range(6):
        cells.page.get_by_role("toolbar", name="Cells", exact=True).get_by_role("button", name="Undo").click()
    cells.wait_for_numbers(range(1, COUNT + 1))
    cells.page.get_by_role("toolbar", name="Cells", exact=True).get_by_role("button", name="Redo").click()
    cells.wait_for_count("6 white blood cells")
    cells.wait_for_numbers(range(1, COUNT))

    # Of the two cells on the left, one is deleted.
    height = IMAGE.shape[0]
    cells.choose("region")
    for corner in ((9, 9), (SPACING, 9), (SPACING, height - 9), (9, height - 9)):
        cells.click(*corner)
        # Two clicks in a short time are a double click.
        cells.page.wait_for_timeout(400)
    cells.page.get_by_role("button", name="Close region").click()
    cells.wait_for_count("6 white blood cells · 1 in the region")
    cells.page.get_by_label("Cells cut off by the image edge").select_option("complete")
    cells.wait_for_count("6 white blood cells · 6 not cut by the edge · 1 in the region")
    rows = cells.read_rows()
    assert [row["cell_index"] for row in rows if row["in_region"] == "1"] == [find_row(rows, 4)["cell_index"]]
    assert {row["counted"] for row in rows} == {"1"}


@pytest.mark.parametrize("cells", ["segment"], indirect=True)
def test_cells_are_corrected_by_keyboard_alone(cells):
    keyboard, number = cells.page.keyboard, find_number(cells.read_rows(), 1)
    cells.canvas.focus()
    # The first cell is selected, then deleted.
    keyboard.press("ArrowRight")
    assert number == 1
    keyboard.press("Delete")
    cells.wait_for_count("6 white blood cells")
    keyboard.press("Control+z")
    cells.wait_for_count("7 white blood cells")
    keyboard.press("Control+Shift+z")
    cells.wait_for_count("6 white blood cells")
    cells.wait_for_numbers(range(1, COUNT))

    def move_crosshair_to(x, y):
        """Move it with the arrow keys as near as they get; the readout says where it is."""
        for large in (True, False):
            for axis, keys in ((0, ("ArrowLeft", "ArrowRight")), (1, ("ArrowUp", "ArrowDown"))):
                for _ in range(60):
                    text = cells.page.locator(".readout").inner_text()
                    distance = (x, y)[axis] - int(re.split("[, ·]+", text)[axis])
                    if abs(distance) <= (50 if large else 8):
                        break
                    keyboard.press(("Shift+" if large else "") + keys[distance > 0])

    cells.canvas.focus()
    keyboard.press("a")
    move_crosshair_to(*locate(1))
    keyboard.press("Enter")
    cells.wait_for_count("7 white blood cells")
    cells.wait_for_numbers(range(1, COUNT + 1))
