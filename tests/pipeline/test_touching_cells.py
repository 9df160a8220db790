"""Touching cells in a field of view are measured and scored separately."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from wbcseg.datasets.uploads import InputImage
from wbcseg.inference import BBox, DetectedCell, Segmentation
from wbcseg.io import encode_png
from wbcseg.labels import Labels, to_grey
from wbcseg.pipeline import LastImageCache, PipelineConfig, analyze_cells, analyze_image

HEIGHT, WIDTH, RADIUS = 300, 600, 30
CENTRES = ((150, 270), (150, 329))
"""Centres of two cells whose outlines touch."""


@cache
def discs() -> tuple[Labels, NDArray[np.int_]]:
    """Return the class ids of the field, and the number of the cell at each pixel, from 1."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distances = [np.hypot(rows - y, columns - x) for y, x in CENTRES]
    cell_numbers = np.select([distances[0] <= np.minimum(RADIUS, distances[1]), distances[1] <= RADIUS], [1, 2], 0)
    labels = (cell_numbers > 0).astype(np.uint8)
    for distance in distances:
        labels[distance <= RADIUS / 2] = 2
    return labels, cell_numbers


def build_segmentation(labels: Labels, cell_numbers: NDArray[np.int_], half: int = 65) -> Segmentation:
    cells = []
    for number, (y, x) in enumerate(CENTRES, start=1):
        bbox = BBox(y - half, x - half, y + half, x + half)
        probabilities = np.eye(3, dtype=np.float32)[labels[bbox.slices]]
        cells.append(DetectedCell(bbox, probabilities, cell_numbers[bbox.slices] == number, number))
    return Segmentation(labels, None, "m", tuple(cells))


def draw_field() -> NDArray[np.uint8]:
    return np.array([[235, 225, 200], [190, 150, 190], [90, 40, 120]], np.uint8)[discs()[0]]


def test_features_exclude_neighbouring_cells() -> None:
    labels, cell_numbers = discs()
    findings = analyze_cells("field", draw_field(), build_segmentation(labels, cell_numbers))
    for number, item in enumerate(findings, start=1):
        assert item.features is not None
        assert item.features.values["cell_area"] == (cell_numbers == number).sum()
        assert item.features.values["nucleus_lobes"] == 1
        crop, cell = item.load()
        assert crop.shape[:2] == cell.shape
        assert (cell > 0).sum() == (cell_numbers == number).sum()


def test_dice_excludes_neighbouring_cells() -> None:
    labels, cell_numbers = discs()
    for item in analyze_cells("field", draw_field(), build_segmentation(labels, cell_numbers), mask=labels):
        assert item.dice == {"background": 1.0, "cytoplasm": 1.0, "nucleus": 1.0, "cell": 1.0}
    # A neighbour that lies apart, and that the model did not find at all, is not this cell's.
    far = np.roll(labels, 80, axis=1) * (np.roll(cell_numbers, 80, axis=1) == 2)
    apart = np.where(cell_numbers == 1, labels, far).astype(np.uint8)
    (first, second) = analyze_cells(
        "field", draw_field(), build_segmentation(np.where(cell_numbers == 1, labels, 0), cell_numbers), mask=apart
    )
    assert first.dice["cell"] == 1.0
    assert second.dice["cell"] != 1.0


def test_uploaded_mask_gives_the_same_dice() -> None:
    labels, cell_numbers = discs()

    class Fixed:
        def predict(self, image: NDArray[np.uint8], *, tta: bool = False) -> Segmentation:
            assert image.shape[:2] == labels.shape
            assert not tta
            return build_segmentation(labels, cell_numbers)

    image_png, mask_png = encode_png(draw_field()), encode_png(to_grey(labels))
    outcome = analyze_image(
        InputImage("a.png", "a", lambda: image_png, "a_mask.png", lambda: mask_png),
        PipelineConfig(Fixed()),
        LastImageCache(),
    )
    assert [item.dice["cell"] for item in outcome.cells] == [1.0, 1.0]
    assert outcome.load is not None
    assert (outcome.load()[1] == labels).all()


@pytest.mark.parametrize(("rows", "half", "touches"), [(HEIGHT, 65, 0.0), (HEIGHT, 20, 0.0), (150, 65, 1.0)])
def test_only_the_edge_of_the_field_counts_as_edge(rows: int, half: int, touches: float) -> None:
    labels, cell_numbers = (item[:rows] for item in discs())
    y, x = CENTRES[0]
    bbox = BBox(y - half, x - half, min(rows, y + half), x + half)
    cell = DetectedCell(bbox, np.eye(3, dtype=np.float32)[labels[bbox.slices]], cell_numbers[bbox.slices] == 1, 1)
    (item,) = analyze_cells("field", draw_field()[:rows], Segmentation(labels, None, "m", (cell,)))
    assert item.features is not None
    assert item.features.values["touches_edge"] == touches
    assert item.cut_edges == (False, bool(touches), False, False)
