"""Test-time averaging over eight orientations."""

from __future__ import annotations

import numpy as np
import pytest
from builders import draw_cell
from numpy.typing import NDArray
from scipy import ndimage

from wbcseg.inference import Catalog
from wbcseg.inference.tta import predict_tta_mean

IMAGE = np.random.default_rng(3).random((6, 6, 3), np.float32)


def test_prediction_independent_of_orientation_is_unchanged() -> None:
    np.testing.assert_allclose(predict_tta_mean(lambda network_input: network_input**2, IMAGE), IMAGE**2, rtol=1e-6)


def test_every_orientation_is_predicted_once_and_rotated_back() -> None:
    views: list[NDArray[np.float32]] = []

    def first_pixel(network_input: NDArray[np.float32]) -> NDArray[np.float32]:
        views.append(network_input)
        marked = np.zeros_like(network_input)
        marked[0, 1] = 1.0
        return marked

    result = predict_tta_mean(first_pixel, IMAGE)
    assert len({view.tobytes() for view in views}) == 8
    assert all(sorted(view.ravel()) == sorted(IMAGE.ravel()) for view in views)
    # The pixel next to the first corner is mapped to each of the eight pixels next to a corner once.
    expected = np.zeros((6, 6), np.float32)
    for corner in (0, 5):
        for neighbour in (1, 4):
            expected[corner, neighbour] = expected[neighbour, corner] = 1 / 8
    np.testing.assert_array_equal(result[..., 0], expected)


@pytest.mark.parametrize("size", [(90, 110), (300, 500)])
def test_model_averages_crops_and_fields(size: tuple[int, int]) -> None:
    segmenter = Catalog().load("unet-16")
    image, _ = draw_cell(*size)
    single, averaged = segmenter.predict(image), segmenter.predict(image, tta=True)
    assert averaged.labels.shape == size
    np.testing.assert_allclose(averaged.probabilities.sum(axis=-1), 1.0, atol=1e-5)
    _, count = ndimage.label(averaged.labels > 0)
    if max(size) <= 480:
        assert count <= 1
    assert np.abs(single.probabilities - averaged.probabilities).max() > 1e-4
    # The result does not depend on the orientation of the crop.
    if max(size) <= 480:
        rotated = segmenter.predict(np.ascontiguousarray(np.rot90(image)), tta=True)
        np.testing.assert_allclose(np.rot90(averaged.probabilities), rotated.probabilities, atol=1e-4)
