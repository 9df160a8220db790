"""Composed fields: their truth matches their pixels, at every severity."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from wbcseg.detector_training.composing import ComposedField, Composer
from wbcseg.detector_training.composing.canvas import Canvas, CellPatch
from wbcseg.detector_training.composing.placement import place_at_overlap
from wbcseg.detector_training.composing.truth import Truth, finish_field
from wbcseg.detector_training.library import Library
from wbcseg.errors import ConfigError
from wbcseg.labels import find_bounds


def check_truth(field: ComposedField) -> None:
    side = len(field.image)
    assert field.image.shape == (side, side, 3)
    assert field.image.dtype == np.uint8
    assert field.instances.shape == (side, side)
    assert set(np.unique(field.instances)) <= set(range(len(field.boxes) + 1))
    assert len(field.has_exact_outline) == len(field.boxes)
    for index, (left, top, right, bottom) in enumerate(field.boxes):
        bounds = find_bounds(field.instances == index + 1)
        assert bounds is not None
        assert bounds[0] >= left - 1.5
        assert bounds[1] >= top - 1.5
        assert bounds[2] <= right + 1.5
        assert bounds[3] <= bottom + 1.5
        assert 0 <= left < right <= side
        assert 0 <= top < bottom <= side
    assert all(0 <= index < len(field.boxes) for pair in field.pairs for index in pair)


@pytest.mark.parametrize("severity", [0.0, 0.35, 1.0])
def test_the_truth_of_composed_fields_matches_their_pixels(small_library: Library, severity: float) -> None:
    composer = Composer(small_library, 3, side=128, diameters=(18.0, 60.0), severity=severity)
    fields = [composer.compose() for _ in range(12)]
    for field in fields:
        check_truth(field)
    assert sum(len(field.boxes) for field in fields) >= 8
    # A cell is other than what is around it.
    for field in fields:
        for index in range(len(field.boxes)):
            inside = field.image[field.instances == index + 1].mean(axis=0)
            outside = field.image[field.instances == 0].mean(axis=0)
            assert np.abs(inside - outside).max() > 2


def test_composed_fields_are_repeatable(small_library: Library) -> None:
    first, second = (Composer(small_library, 4, side=96, severity=1.0) for _ in range(2))
    for _ in range(3):
        assert (first.compose().image == second.compose().image).all()


def test_realistic_fields_are_no_mosaics(small_library: Library) -> None:
    kinds = {
        severity: {f.kind for f in islice(Composer(small_library, 6, side=64, severity=severity), 25)}
        for severity in (0.5, 1.0)
    }
    assert "mosaic" in kinds[1.0]
    assert "mosaic" not in kinds[0.5]


@pytest.mark.parametrize("severity", [-0.1, 1.1])
def test_severity_is_from_zero_to_one(small_library: Library, severity: float) -> None:
    with pytest.raises(ConfigError):
        Composer(small_library, 1, severity=severity)


def test_orientations_move_image_and_truth_alike(small_library: Library) -> None:
    composer = Composer(small_library, 8, side=96, diameters=(20.0, 40.0), severity=0.3)
    field = next(field for field in composer if len(field.boxes) > 1)
    for turned in (field.transpose(), field.rotate(), field.transpose().rotate()):
        check_truth(turned)
        assert sorted(np.bincount(turned.instances.ravel())) == sorted(np.bincount(field.instances.ravel()))
    assert (field.transpose().transpose().image == field.image).all()
    assert (field.rotate().rotate().boxes == field.boxes).all()


def make_disc(diameter: int) -> CellPatch:
    side = diameter + 4
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    coverage = (np.hypot(y, x) < diameter / 2).astype(np.float32)
    nucleus = (np.hypot(y, x) < diameter / 4).astype(np.float32)
    return CellPatch(np.full((side, side, 3), 0.5, np.float32), coverage, nucleus, True)


@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.3])
def test_cells_are_placed_at_an_overlap(overlap: float) -> None:
    large, small = make_disc(40), make_disc(30)
    canvas = Canvas(np.zeros((160, 160, 3), np.float32))
    canvas.lay_cell(large, 80, 80, 1)
    before = int((canvas.instances == 1).sum())
    canvas.lay_cell(small, *place_at_overlap(large, 80, 80, small, 0.7, overlap), 2)
    covered = before - int((canvas.instances == 1).sum())
    assert covered / (small.coverage > 0.5).sum() == pytest.approx(overlap, abs=0.04)


@pytest.mark.parametrize("overlap", [0.0, 0.3])
def test_touching_cells_are_pairs_with_exact_outlines(small_library: Library, overlap: float) -> None:
    composer = Composer(small_library, 9, side=160, diameters=(24.0, 60.0), severity=0.0)
    field = composer.compose_touching(3, overlap)
    check_truth(field)
    assert field.pairs == ((0, 1), (1, 2))
    assert field.has_exact_outline.all()


def finish(
    canvas: Canvas, cell_ids: list[int], levels: int = 200, counts: dict[int, int] | None = None
) -> ComposedField:
    truth = Truth()
    for cell_id in cell_ids:
        truth.boxes[cell_id] = np.array(find_bounds(canvas.instances == cell_id), np.float32)
    image = np.clip(levels - 255 * canvas.density, 0, 255).astype(np.uint8)
    if counts is None:
        counts = {cell_id: int((canvas.instances == cell_id).sum()) for cell_id in cell_ids}
    everywhere = np.ones(canvas.instances.shape, np.bool_)
    return finish_field(image, truth, canvas.instances, canvas.nuclei, counts, everywhere, "disc")


def test_cells_that_nobody_could_see_are_ignored() -> None:
    canvas = Canvas(np.zeros((80, 80, 3), np.float32))
    canvas.lay_cell(make_disc(30), 40, 40, 1)
    assert len(finish(canvas, [1]).boxes) == 1
    # In the dark, without contrast, or covered to two thirds.
    assert len(finish(canvas, [1], levels=20).boxes) == 0
    assert len(finish(canvas, [1], counts={1: 3 * int((canvas.instances == 1).sum())}).boxes) == 0
    canvas.density *= 0.02
    field = finish(canvas, [1])
    assert len(field.boxes) == 0
    assert len(field.ignored) == 1
    assert not field.instances.any()
