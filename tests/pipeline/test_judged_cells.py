"""Quality assessment of cells in a crop and in a field of view."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.inference import BBox, Catalog, DetectedCell, Segmentation
from wbcseg.labels import Labels
from wbcseg.pipeline import analyze_cells
from wbcseg.pipeline.cells import DISAGREEMENT_REASON, UNLIKE_CELLS_REASON
from wbcseg.quality import OK, OUT_OF_RANGE, REVIEW, QualityResult, load_quality_model
from wbcseg.results import CellResult, ImageEdges

HEIGHT, WIDTH, SIDE = 300, 600, 40
BBOXES = (BBox(0, 0, SIDE, SIDE), BBox(100, 200, 100 + SIDE, 200 + SIDE), BBox(260, 560, 300, 600))


class ScriptedQualityModel:
    """Returns given statuses, and records the image edges that it was given."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.image_edges: list[ImageEdges | None] = []

    def assess(
        self,
        image: NDArray[np.uint8],
        probabilities: NDArray[np.float32],
        cell_labels: Labels,
        *,
        image_edges: ImageEdges | None,
    ) -> QualityResult:
        assert image.shape[:2] == probabilities.shape[:2] == cell_labels.shape
        self.image_edges.append(image_edges)
        status = self.statuses.pop(0)
        return QualityResult(status, () if status == OK else ("Why.",), 0.5, 0.5)


def assess(
    *statuses: str, second: Labels | None = None
) -> tuple[list[tuple[str, tuple[str, ...]]], ScriptedQualityModel]:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    cells = []
    for bbox in BBOXES:
        own = np.zeros((SIDE, SIDE), np.uint8)
        own[8:32, 8:32], own[14:26, 14:26] = 1, 2
        labels[bbox.slices] = own
        cells.append(DetectedCell(bbox, np.eye(3, dtype=np.float32)[own], own > 0, len(cells) + 1))
    script = ScriptedQualityModel(*statuses)
    segmentation = Segmentation(labels, None, "m", tuple(cells))
    image = np.full((HEIGHT, WIDTH, 3), 220, np.uint8)
    results = analyze_cells("field", image, segmentation, quality_model=script, second_labels=second)  # type: ignore[arg-type]
    return [(cell.status, cell.reasons) for cell in results], script


def test_quality_model_gets_the_edges_of_the_field() -> None:
    _, script = assess(OK, OK, OK)
    assert script.image_edges == [(True, False, True, False), (False,) * 4, (False, True, False, True)]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((OK, REVIEW, OUT_OF_RANGE), [(OK, ()), (REVIEW, ("Why.",)), (OUT_OF_RANGE, ("Why.",))]),
        (
            (OK, OUT_OF_RANGE, OUT_OF_RANGE),
            [(REVIEW, (UNLIKE_CELLS_REASON,)), (OUT_OF_RANGE, ("Why.",)), (OUT_OF_RANGE, ("Why.",))],
        ),
        (
            (REVIEW, OUT_OF_RANGE, OUT_OF_RANGE),
            [(REVIEW, (UNLIKE_CELLS_REASON, "Why.")), (OUT_OF_RANGE, ("Why.",)), (OUT_OF_RANGE, ("Why.",))],
        ),
    ],
)
def test_field_with_mostly_out_of_range_cells_has_no_ok_cell(
    statuses: tuple[str, ...], expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert assess(*statuses)[0] == expected


def test_cells_that_a_second_model_does_not_find_are_flagged() -> None:
    second = np.zeros((HEIGHT, WIDTH), np.uint8)
    first = second[BBOXES[0].slices]
    first[9:33, 8:32] = 1  # Almost the same; the other cells are not there at all.
    assert assess(OK, OK, REVIEW, second=second)[0] == [
        (OK, ()),
        (REVIEW, (DISAGREEMENT_REASON,)),
        (REVIEW, (DISAGREEMENT_REASON, "Why.")),
    ]


@pytest.mark.parametrize("axis", [0, 1])
def test_cells_beside_the_centre_of_a_small_image_are_cells_of_a_field(axis: int) -> None:
    cells = [draw_sample(9, number, size=(120, 120)).image for number in (1, 2)]
    segmenter = Catalog().load("unet-general")

    def analyze(image: NDArray[np.uint8]) -> list[CellResult]:
        return analyze_cells("image", image, segmenter.predict(image), quality_model=load_quality_model(segmenter.card))

    both = analyze(np.concatenate(cells, axis=axis))
    assert [cell.cell_index for cell in both] == [1, 2]
    assert all(cell.features is not None and cell.score > 0.5 for cell in both)
    assert [cell.cell_index for cell in analyze(cells[0])] == [0]
    assert analyze(np.full_like(cells[0], 255)) == []
