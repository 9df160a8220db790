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
    draw_boxes,
    enlarge,
    overlay,
    resize_for_display,
    shrink_to_fit,
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


def test_numbered_boxes_are_drawn_on_a_copy():
    image = np.full((200, 300, 3), 128, np.uint8)
    drawn = draw_boxes(image, [(10, 20, 60, 80), (100, 90, 299, 199)])
    assert drawn.shape == image.shape
    assert (image == 128).all()
    assert (drawn[20, 10] == 0).all()
    assert (drawn[50, 11] == 255).all()
    assert (drawn[100, 80] == 128).all()
    assert (drawn[199, 200] == 0).all()
    assert (draw_boxes(image, []) == image).all()


def inside(drawn, box):
    left, top, right, bottom = box
    return drawn[top + 4 : bottom - 3, left + 4 : right - 3]


@pytest.mark.parametrize(
    ("size", "boxes"),
    [
        (
            (480, 640),
            [(5, 5, 85, 85), (300, 0, 380, 80), (560, 400, 639, 479), (0, 200, 60, 260), (100, 200, 160, 260)],
        ),
        ((900, 1200), [(x, y, x + 36, y + 36) for y in range(10, 860, 90) for x in range(10, 1160, 90)]),
    ],
)
def test_numbers_stand_beside_their_cells(size, boxes):
    drawn = draw_boxes(np.full((*size, 3), 128, np.uint8), boxes)
    for box in boxes:
        assert (inside(drawn, box) == 128).all()
    plates = (drawn == 0).all(axis=2).sum()
    digits = len("".join(map(str, range(1, len(boxes) + 1))))
    assert plates > digits * 60  # they are somewhere


def test_a_box_that_fills_the_image_has_its_number_inside():
    drawn = draw_boxes(np.full((100, 100, 3), 128, np.uint8), [(0, 0, 99, 99)])
    assert (drawn[6, 5] == 0).all()


def test_numbers_grow_with_the_image():
    def height(side):
        box = (side // 2, side // 2, side // 2 + 60, side // 2 + 60)
        column = draw_boxes(np.full((side, side, 3), 128, np.uint8), [box])[: side // 2, side // 2 + 1]
        return int((column == 0).all(axis=1).sum())

    assert 14 <= height(300) < 22
    assert height(1200) == pytest.approx(37, abs=2)
