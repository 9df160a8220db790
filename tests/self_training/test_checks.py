"""Which masks that a model drew are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wbcseg.datasets.sample import MarkedCell
from wbcseg.labels import CYTOPLASM, NUCLEUS, Labels
from wbcseg.self_training.checks import Drawing, find_failed_check

ROWS, COLUMNS = np.mgrid[:100, :100]


def draw_disc(radius: float, centre: tuple[float, float] = (50, 50)) -> np.ndarray:
    inside: np.ndarray = np.hypot(ROWS - centre[0], COLUMNS - centre[1]) <= radius
    return inside


def draw_cell(radius: float = 30, nucleus: float = 20) -> Labels:
    labels = np.where(draw_disc(radius), CYTOPLASM.id, 0).astype(np.uint8)
    labels[draw_disc(nucleus)] = NUCLEUS.id
    return labels


@pytest.fixture
def drawing() -> Drawing:
    """A mask that passes all checks."""
    cell = MarkedCell((20, 20, 81, 81), "monocyte")
    return Drawing(draw_cell(), np.full((100, 100), 0.99, np.float32), draw_cell(), cell)


def test_a_mask_that_agrees_with_everything_is_kept(drawing: Drawing) -> None:
    assert find_failed_check(drawing) is None


def test_a_mask_that_contradicts_anything_is_not_kept(drawing: Drawing) -> None:
    two_lobes = draw_cell(nucleus=-1)
    two_lobes[draw_disc(13, (36, 50)) | draw_disc(13, (64, 50))] = NUCLEUS.id
    bitten = draw_cell()
    bitten[draw_disc(16, (50, 24))] = 0
    for changed, check in (
        (replace(drawing, labels=np.zeros((100, 100), np.uint8)), "cell and nucleus"),
        (replace(drawing, labels=draw_cell(34)), "box"),
        (replace(drawing, labels=draw_cell(nucleus=6)), "nucleus share"),
        (replace(drawing, labels=two_lobes), "nucleus in one piece"),
        (replace(drawing, labels=bitten, cell=MarkedCell((22, 20, 81, 81), "monocyte")), "solidity"),
        (replace(drawing, confidence=np.full((100, 100), 0.8, np.float32)), "confidence"),
        (replace(drawing, second=draw_cell(26)), "second model, cell"),
        (replace(drawing, second=draw_cell(nucleus=17)), "second model, nucleus"),
    ):
        assert find_failed_check(changed) == check


def test_lobes_are_no_reason_against_a_neutrophil(drawing: Drawing) -> None:
    lobes = draw_cell(nucleus=-1)
    lobes[draw_disc(13, (36, 50)) | draw_disc(13, (64, 50))] = NUCLEUS.id
    cell = replace(drawing.cell, cell_type="neutrophil")
    assert find_failed_check(replace(drawing, labels=lobes, second=lobes, cell=cell)) is None
