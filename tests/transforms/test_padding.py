"""Images of any size are padded or shrunk to a square, and results restored to their size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wbcseg.transforms.padding import compute_placement, pad_labels_to_square, pad_to_square, unpad


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400))
def test_padding_can_be_reversed_for_every_size(height: int, width: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    square, placement = pad_to_square(image, 120)
    assert square.shape == (120, 120, 3)
    assert pad_labels_to_square(image[..., 0], 120).shape == (120, 120)
    rows, columns = placement.window
    assert 0 <= rows.start < rows.stop <= 120
    assert 0 <= columns.start < columns.stop <= 120
    restored = unpad(np.zeros((120, 120, 3), np.float32), placement)
    assert restored.shape == (height, width, 3)


def test_a_small_image_is_centred_and_padded_by_reflection() -> None:
    image = np.random.default_rng(0).integers(0, 256, (100, 116, 3), dtype=np.uint8)
    square, placement = pad_to_square(image, 120)
    assert (placement.top, placement.left) == (10, 2)
    assert np.array_equal(square[placement.window], image)
    assert np.array_equal(square[9, 2:118], image[0])
    assert np.array_equal(square[8, 2:118], image[1])


def test_image_and_mask_stay_aligned() -> None:
    labels = np.zeros((300, 260), np.uint8)
    labels[100:200, 80:160] = 2
    image = np.repeat(labels[..., None] * 100, 3, axis=-1).astype(np.uint8)
    square, _ = pad_to_square(image, 120)
    # Pixels on the edge are mixed; all others agree.
    inside = (square[..., 0] == 200) == (pad_labels_to_square(labels, 120) == 2)
    assert inside.mean() > 0.98


@pytest.mark.parametrize(
    ("size", "scaled"), [((120, 120), (120, 120)), ((300, 300), (120, 120)), ((480, 16), (120, 4))]
)
def test_images_are_shrunk_but_never_enlarged(size: tuple[int, int], scaled: tuple[int, int]) -> None:
    assert compute_placement(size, 120).scaled_size == scaled
    assert compute_placement((20, 30), 120).scaled_size == (20, 30)
