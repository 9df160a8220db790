"""Tiles cover a picture, and their results blend without a seam."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wbcseg.prediction.tiling import predict_tiled, starts


@given(st.integers(48, 5000), st.integers(1, 47))
def test_tiles_cover_everything_and_overlap(length: int, overlap: int) -> None:
    begins = starts(length, 48, overlap)
    assert begins[0] == 0
    assert begins[-1] == length - 48
    assert all(0 < b - a <= 48 - overlap + 1 for a, b in pairwise(begins))


def by_brightness(tile: NDArray[np.uint8]) -> NDArray[np.float32]:
    first = tile[..., 0] / np.float32(255)
    return np.stack([first, 1 - first], axis=-1).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200))
def test_a_network_that_sees_one_pixel_is_not_disturbed_by_tiles(height: int, width: int) -> None:
    image = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    tiled = predict_tiled(image, by_brightness, tile=48, overlap=12, channels=2)
    np.testing.assert_allclose(tiled, by_brightness(image), atol=1e-5)


def test_where_tiles_disagree_the_change_is_gradual() -> None:
    calls = []

    def in_turns(tile: NDArray[np.uint8]) -> NDArray[np.float32]:
        calls.append(1)
        value = np.float32(len(calls) % 2)
        return np.broadcast_to(np.array([value, 1 - value], np.float32), (*tile.shape[:2], 2))

    row = predict_tiled(np.zeros((48, 200, 3), np.uint8), in_turns, tile=48, overlap=16, channels=2)[24, :, 0]
    assert np.abs(np.diff(row)).max() < 0.15
    assert row.max() == pytest.approx(1)
