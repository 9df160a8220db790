"""A conditional random field removes specks and moves outlines to the edges of the image."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from wbcseg.models.pixels.crf import CrfParameters, refine_crf


def encode(labels: NDArray[np.int64], certainty: float) -> NDArray[np.float32]:
    return np.where(np.arange(3) == labels[..., None], certainty, (1 - certainty) / 2).astype(np.float32)


def draw_two_halves(side: int = 40) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A light and a dark half, and the class of each pixel."""
    labels = np.zeros((side, side), np.int64)
    labels[:, side // 2 :] = 2
    image = np.where(labels[..., None] == 2, [120, 40, 150], [230, 220, 200]).astype(np.uint8)
    return image, labels


def test_an_outline_moves_to_the_edge_of_the_image() -> None:
    image, labels = draw_two_halves()
    columns = np.arange(image.shape[1])
    for column in (18, 22):
        shifted = encode(np.where(columns >= column, 2, 0) + np.zeros_like(labels), 0.6)
        refined = refine_crf(shifted, image)
        before, after = ((probabilities.argmax(axis=-1) != labels).mean() for probabilities in (shifted, refined))
        assert before == 0.05
        assert after < 0.005


def test_a_speck_is_removed() -> None:
    image, labels = draw_two_halves()
    probabilities = encode(labels, 0.8)
    probabilities[10, 5] = encode(np.array([2]), 0.6)[0]
    assert refine_crf(probabilities, image).argmax(axis=-1)[10, 5] == 0


def test_without_ties_the_probabilities_stay() -> None:
    image, labels = draw_two_halves()
    probabilities = encode(labels, 0.8)
    refined = refine_crf(probabilities, image, CrfParameters(appearance_weight=0, smoothness_weight=0))
    np.testing.assert_allclose(refined, probabilities, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (3, 2), (16, 31)])
def test_probabilities_stay_probabilities(height: int, width: int) -> None:
    generator = np.random.default_rng(2)
    image = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    probabilities = generator.dirichlet((1, 1, 1), (height, width)).astype(np.float32)
    refined = refine_crf(probabilities, image)
    assert refined.shape == (height, width, 3)
    assert refined.dtype == np.float32
    np.testing.assert_allclose(refined.sum(axis=-1), 1, atol=1e-5)


def test_the_result_turns_with_the_image() -> None:
    generator = np.random.default_rng(5)
    image = generator.integers(0, 256, (24, 24, 3), dtype=np.uint8)
    probabilities = generator.dirichlet((1, 1, 1), (24, 24)).astype(np.float32)
    turned = refine_crf(np.rot90(probabilities).copy(), np.rot90(image).copy())
    np.testing.assert_allclose(np.rot90(turned, -1), refine_crf(probabilities, image), atol=1e-4)


@pytest.mark.timing
def test_a_crop_takes_less_than_300_ms() -> None:
    generator = np.random.default_rng(5)
    image = generator.integers(0, 256, (120, 120, 3), dtype=np.uint8)
    probabilities = generator.dirichlet((1, 1, 1), (120, 120)).astype(np.float32)
    durations = []
    for _ in range(5):
        start = time.process_time()
        refine_crf(probabilities, image)
        durations.append(time.process_time() - start)
    assert min(durations) < 0.3
