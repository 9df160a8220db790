"""Rendering, checked pixel by pixel on small images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wbcseg.labels import PALETTES
from wbcseg.visualization import (
    MAX_DISPLAY_WIDTH,
    colorize,
    compute_class_fractions,
    draw_outlines,
    enlarge,
    overlay,
    resize_for_display,
    shrink_to_fit,
    trace_outlines,
)

THESIS = PALETTES["thesis"]
RING = np.array(
    [
        [0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 1, 2, 1, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0],
    ],
    np.uint8,
)


def test_colours_of_figure_7():
    image = colorize(np.array([[0, 1, 2]], np.uint8), THESIS)
    assert image.tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]
    assert image.dtype == np.uint8


def test_overlay_blends_the_chosen_classes_only():
    image = np.full((1, 3, 3), 100, np.uint8)
    labels = np.array([[0, 1, 2]], np.uint8)
    assert overlay(image, labels, THESIS, 0.5).tolist() == [[[100, 100, 100], [50, 178, 50], [50, 50, 178]]]
    assert overlay(image, labels, THESIS, 1.0, classes=(2,)).tolist() == [[[100] * 3, [100] * 3, [0, 0, 255]]]
    assert (overlay(image, labels, THESIS, 0.0) == image).all()
    assert (image == 100).all()  # the image itself is unchanged


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros((2, 2), np.uint8)}, r"\[5, 5\] and \[2, 2\]"),
        ({"opacity": 1.5}, "opacity=1.5"),
    ],
)
def test_overlay_rejects(change, message):
    arguments = {"labels": RING, "palette": THESIS, "opacity": 0.5} | change
    with pytest.raises(ValueError, match=message):
        overlay(np.zeros((5, 5, 3), np.uint8), **arguments)


def test_enlarging_keeps_edges_sharp():
    small = np.array([[1, 2]], np.uint8)
    assert enlarge(small, 2).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]
    with pytest.raises(ValueError, match="factor=0"):
        enlarge(small, 0)


def test_shrinking_averages_images_but_never_labels():
    image = np.array([[0, 100], [100, 200], [7, 9]], np.uint8)[:, :, None].repeat(3, axis=2)
    assert shrink_to_fit(image, 2)[:, :, 0].tolist() == [[100], [8]]
    labels = np.array([[0, 0, 2, 2], [0, 0, 2, 2]], np.uint8)
    assert shrink_to_fit(labels, 2).tolist() == [[0, 2]]
    assert shrink_to_fit(labels, 4) is labels


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 300))
def test_an_image_and_its_labels_always_shrink_alike(height, width, longest):
    image = shrink_to_fit(np.zeros((height, width, 3), np.uint8), longest)
    assert shrink_to_fit(np.zeros((height, width), np.uint8), longest).shape == image.shape[:2]
    assert max(image.shape[:2]) <= longest


@pytest.mark.parametrize(
    "size", [(1, 1), (120, 120), (300, 300), (479, 2), (1460, 4), (1461, 9), (3000, 4000), (1, 5000)]
)
def test_fit_shows_every_size_without_blur(size):
    shown = resize_for_display(np.zeros(size, np.uint8), 480)
    assert 480 <= max(shown.shape) <= MAX_DISPLAY_WIDTH or max(size) > MAX_DISPLAY_WIDTH
    assert max(shown.shape) <= MAX_DISPLAY_WIDTH


def test_class_shares():
    shares = compute_class_fractions(RING)
    assert shares == {"background": 16 / 25, "cytoplasm": 8 / 25, "nucleus": 1 / 25}
    assert compute_class_fractions(np.zeros((2, 2), np.uint8)) == {"background": 1.0, "cytoplasm": 0.0, "nucleus": 0.0}


def draw_disc(x, y, radius, side=200):
    rows, columns = np.mgrid[:side, :side] + 0.5
    return np.hypot(columns - x, rows - y) <= radius


@pytest.mark.parametrize("radius", [6, 30, 90])
def test_an_outline_follows_the_edge_of_its_mask(radius):
    (outline,) = trace_outlines(draw_disc(100, 95, radius), (1000, 2000))
    assert np.abs(np.hypot(*(outline - (1100, 2095)).T) - radius).max() < 0.75
    assert 8 <= len(outline) <= 200


def test_outlines_of_pieces_and_holes_reach_the_edge_of_the_image():
    mask = np.zeros((20, 30), bool)
    mask[:10, 20:] = True
    mask[3:5, 24:26] = False
    outer, hole = sorted(trace_outlines(mask), key=lambda outline: -np.ptp(outline))
    assert (outer.min(axis=0).tolist(), outer.max(axis=0).tolist()) == ([20, 0], [30, 10])
    assert (hole.min(axis=0).tolist(), hole.max(axis=0).tolist()) == ([24, 3], [26, 5])
    assert trace_outlines(np.zeros((5, 5), bool)) == []


def test_numbered_outlines_are_drawn_on_a_copy():
    image = np.full((200, 200, 3), 128, np.uint8)
    outlines = trace_outlines(draw_disc(100, 95, 60))
    drawn = draw_outlines(image, {7: outlines})
    assert (image == 128).all()
    # White between black on the edge, a number in the middle, and nothing between and outside.
    assert (drawn[95, 158:163].max(), drawn[95, 157:164].min()) == (255, 0)
    assert (drawn[85:105, 90:110] > 180).any()
    assert (drawn[40:80, 90:110] == 128).all()
    assert (drawn[:, :35] == 128).all()
    assert (draw_outlines(image, {}) == image).all()


def test_numbers_grow_with_the_image():
    def measure_height(side):
        image = np.full((side, side, 3), 128, np.uint8)
        tiny = np.array([[side / 2, side / 2], [side / 2 + 1, side / 2], [side / 2, side / 2 + 1]])
        return int((draw_outlines(image, {8: [tiny]}) != 128).any(axis=(1, 2)).sum())

    assert 12 <= measure_height(300) < 22
    assert 2 < measure_height(1200) / measure_height(300) * 14 / 10 < 3.5
