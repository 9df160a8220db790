"""Outlines and their distances, by hand and against SciPy's distance transform."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from wbcseg.metrics import compute_outline_distances, find_outline, hausdorff_95, surface_dice

masks = hnp.arrays(bool, (12, 15))


def square(top: int, left: int, side: int, size: int = 20) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_the_outline_of_a_square_consists_of_its_border_pixels():
    pixels = {tuple(pixel) for pixel in find_outline(square(2, 3, 3)).tolist()}
    assert pixels == {(r, c) for r in (2, 3, 4) for c in (3, 4, 5)} - {(3, 4)}
    # Pixels at the image's border belong to the outline.
    assert len(find_outline(np.ones((4, 5), bool))) == 2 * 5 + 2 * 2
    assert len(find_outline(np.zeros((4, 5), bool))) == 0


def test_distances_of_a_square_moved_by_three_pixels_by_hand():
    truth, moved = square(2, 2, 5), square(2, 5, 5)
    there, back = compute_outline_distances(truth, moved)
    assert len(there) == len(back) == 16
    assert there.max() == back.max() == 3.0
    assert hausdorff_95(truth, moved) == 3.0
    assert hausdorff_95(truth, truth) == 0.0
    # Column 2 is 3 pixels away, column 3 two, column 4 one; columns 5 and 6 share pixels with the other outline's
    # top and bottom, and the right side (column 6, its 3 inner pixels) is one pixel from column 5.
    assert sorted(there.tolist()) == [0.0] * 4 + [1.0] * 5 + [2.0] * 2 + [3.0] * 5
    assert surface_dice(truth, moved) == 11 / 16
    assert surface_dice(truth, moved, tolerance=0.0) == 4 / 16
    assert surface_dice(truth, moved, tolerance=3.0) == 1.0


def test_one_stray_pixel_in_a_hundred_does_not_change_the_95th_percentile():
    truth = square(20, 20, 30, size=100)
    stray = truth.copy()
    stray[95, 95] = True
    assert hausdorff_95(truth, stray) == 0.0
    assert max(compute_outline_distances(truth, stray)[1]) > 60


def test_a_region_in_one_mask_gets_the_worst_value_and_in_neither_mask_is_undefined():
    empty, full = np.zeros((30, 40), bool), np.ones((30, 40), bool)
    for truth, prediction in ((empty, full), (full, empty)):
        assert hausdorff_95(truth, prediction) == 50.0
        assert surface_dice(truth, prediction) == 0.0
    assert math.isnan(hausdorff_95(empty, empty))
    assert math.isnan(surface_dice(empty, empty))
    with pytest.raises(ValueError, match=r"\[30, 40\] and \[30, 41\]"):
        hausdorff_95(empty, np.zeros((30, 41), bool))


@settings(deadline=None)
@given(masks.filter(np.any), masks.filter(np.any))
def test_distances_equal_those_of_scipys_distance_transform(a, b):
    there, back = compute_outline_distances(a, b)
    for mask, other, distances in ((a, b, there), (b, a, back)):
        other_outline = other & ~ndimage.binary_erosion(other)
        outline = mask & ~ndimage.binary_erosion(mask)
        np.testing.assert_array_equal(np.argwhere(outline), find_outline(mask))
        np.testing.assert_allclose(distances, ndimage.distance_transform_edt(~other_outline)[outline])


@settings(deadline=None)
@given(masks, masks, st.floats(0, 20))
def test_metrics_are_symmetric_and_perfect_for_equal_masks(a, b, tolerance):
    np.testing.assert_equal(hausdorff_95(a, b), hausdorff_95(b, a))
    np.testing.assert_equal(surface_dice(a, b, tolerance), surface_dice(b, a, tolerance))
    if a.any():
        assert hausdorff_95(a, a) == 0.0
        assert surface_dice(a, a, 0.0) == 1.0


def test_a_large_image_in_chunks_has_the_same_distances(monkeypatch):
    from wbcseg.metrics import boundary

    rng = np.random.default_rng(0)
    a, b = rng.random((2, 60, 60)) > 0.5
    whole = compute_outline_distances(a, b)
    monkeypatch.setattr(boundary, "_MAX_DISTANCES", 100)
    for expected, distances in zip(whole, compute_outline_distances(a, b), strict=True):
        np.testing.assert_array_equal(distances, expected)
