"""Eight looks at a picture."""

from __future__ import annotations

import numpy as np
import pytest
from builders import draw_cell
from numpy.typing import NDArray
from scipy import ndimage

from wbcseg.inference import Catalog
from wbcseg.inference.tta import predict_tta_mean

PICTURE = np.random.default_rng(3).random((6, 6, 3), np.float32)


def test_what_does_not_depend_on_the_orientation_is_unchanged() -> None:
    np.testing.assert_allclose(predict_tta_mean(lambda picture: picture**2, PICTURE), PICTURE**2, rtol=1e-6)


def test_every_orientation_is_seen_once_and_turned_back() -> None:
    seen: list[NDArray[np.float32]] = []

    def first_pixel(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(picture)
        marked = np.zeros_like(picture)
        marked[0, 1] = 1.0
        return marked

    result = predict_tta_mean(first_pixel, PICTURE)
    assert len({look.tobytes() for look in seen}) == 8
    assert all(sorted(look.ravel()) == sorted(PICTURE.ravel()) for look in seen)
    # The place beside the first corner is each of the eight places beside a corner once.
    expected = np.zeros((6, 6), np.float32)
    for corner in (0, 5):
        for beside in (1, 4):
            expected[corner, beside] = expected[beside, corner] = 1 / 8
    np.testing.assert_array_equal(result[..., 0], expected)


@pytest.mark.parametrize("size", [(90, 110), (300, 500)])
def test_a_model_averages_crops_and_tiles(size: tuple[int, int]) -> None:
    segmenter = Catalog().load("unet-16")
    image, _ = draw_cell(*size)
    one, eight = segmenter.predict(image), segmenter.predict(image, tta=True)
    assert eight.labels.shape == size
    np.testing.assert_allclose(eight.probabilities.sum(axis=-1), 1.0, atol=1e-5)
    _, count = ndimage.label(eight.labels > 0)
    if max(size) <= 480:
        assert count <= 1
    assert np.abs(one.probabilities - eight.probabilities).max() > 1e-4
    # Whichever way the crop is held, eight looks give the same.
    if max(size) <= 480:
        turned = segmenter.predict(np.ascontiguousarray(np.rot90(image)), tta=True)
        np.testing.assert_allclose(np.rot90(eight.probabilities), turned.probabilities, atol=1e-4)
