"""Cells that a model found: what is said of those of a field of view."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.inference import Catalog, FoundCell, Place, Segmentation
from wbcseg.labels import Labels
from wbcseg.pipeline import findings_of
from wbcseg.pipeline.cells import BESIDE, DISPUTED, STRANGE
from wbcseg.quality import CHECK, FINE, MOST_REASONS, UNLIKE, Sides, Verdict, judge_of

HEIGHT, WIDTH, SIDE = 300, 600, 40
PLACES = (Place(0, 0, SIDE, SIDE), Place(100, 200, 100 + SIDE, 200 + SIDE), Place(260, 560, 300, 600))


class Script:
    """A judge that says what it was told to, and notes which borders it was asked about."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.asked: list[Sides | None] = []

    def verdict(
        self, image: NDArray[np.uint8], probabilities: NDArray[np.float32], cell: Labels, *, sides: Sides | None
    ) -> Verdict:
        assert image.shape[:2] == probabilities.shape[:2] == cell.shape
        self.asked.append(sides)
        status = self.statuses.pop(0)
        return Verdict(status, () if status == FINE else ("Why.",), 0.5, 0.5)


def judged(*statuses: str, second: Labels | None = None) -> tuple[list[tuple[str, tuple[str, ...]]], Script]:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    cells = []
    for place in PLACES:
        own = np.zeros((SIDE, SIDE), np.uint8)
        own[8:32, 8:32], own[14:26, 14:26] = 1, 2
        labels[place.part] = own
        cells.append(FoundCell(place, np.eye(3, dtype=np.float32)[own], own > 0))
    script = Script(*statuses)
    found = Segmentation(labels, None, "m", tuple(cells))
    image = np.full((HEIGHT, WIDTH, 3), 220, np.uint8)
    findings = findings_of("field", image, found, judge=script, second=second)  # type: ignore[arg-type]
    return [(one.status, one.reasons) for one in findings], script


def test_a_judge_is_told_which_borders_are_those_of_the_field() -> None:
    _, script = judged(FINE, FINE, FINE)
    assert script.asked == [(True, False, True, False), (False,) * 4, (False, True, False, True)]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((FINE, CHECK, UNLIKE), [(FINE, ()), (CHECK, ("Why.",)), (UNLIKE, ("Why.",))]),
        ((FINE, UNLIKE, UNLIKE), [(CHECK, (STRANGE,)), (UNLIKE, ("Why.",)), (UNLIKE, ("Why.",))]),
        ((CHECK, UNLIKE, UNLIKE), [(CHECK, (STRANGE, "Why.")), (UNLIKE, ("Why.",)), (UNLIKE, ("Why.",))]),
    ],
)
def test_where_most_is_unlike_nothing_looks_fine(
    statuses: tuple[str, ...], expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert judged(*statuses)[0] == expected


def test_a_second_opinion_disputes_the_cells_that_it_does_not_see() -> None:
    second = np.zeros((HEIGHT, WIDTH), np.uint8)
    first = second[PLACES[0].part]
    first[9:33, 8:32] = 1  # Almost the same; the other cells are not there at all.
    assert judged(FINE, FINE, CHECK, second=second)[0] == [
        (FINE, ()),
        (CHECK, (DISPUTED,)),
        (CHECK, (DISPUTED, "Why.")),
    ]


@pytest.mark.parametrize("axis", [0, 1])
def test_cells_beside_the_middle_are_told_from_a_strange_smear(axis: int) -> None:
    cells = [draw_sample(9, number, size=(120, 120)).image for number in (1, 2)]
    segmenter = Catalog().open("unet-general")

    def reasons(image: NDArray[np.uint8]) -> tuple[str, ...]:
        found = segmenter.predict(image)
        (one,) = findings_of("crop", image, found, judge=judge_of(segmenter.card))
        assert len(one.reasons) <= MOST_REASONS
        return one.reasons

    both = np.concatenate(cells, axis=axis)
    assert reasons(both)[0] == BESIDE
    assert BESIDE not in reasons(cells[0])
    assert BESIDE not in reasons(np.full_like(cells[0], 255))
    # A cell in the middle, whatever lies around it, is not beside it.
    assert BESIDE not in reasons(np.concatenate([cells[0][:, :60], cells[1], cells[0][:, 60:]], axis=1))
