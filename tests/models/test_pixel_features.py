"""Features of pixels, and the forest, clusters and random field made of them."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage import color

from wbcseg.models.pixels.blas import single_threaded_blas
from wbcseg.models.pixels.colors import compute_lab, compute_saturation
from wbcseg.models.pixels.features import COLOR_CHANNELS, compute_features, list_feature_names
from wbcseg.models.pixels.kmeans import find_clusters


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_colours_are_those_of_scikit_image() -> None:
    image = noise(9, 7)
    np.testing.assert_allclose(compute_lab(image), color.rgb2lab(image), atol=0.05)
    np.testing.assert_allclose(compute_saturation(image), color.rgb2hsv(image)[..., 1], atol=1e-5)
    assert compute_saturation(np.zeros((2, 2, 3), np.uint8)).max() == 0


def test_filters_are_those_of_scipy() -> None:
    image = noise(30, 41)
    features = dict(zip(list_feature_names(), np.moveaxis(compute_features(image), -1, 0), strict=True))
    green = image[..., 1].astype(np.float64) / 255
    np.testing.assert_allclose(features["green, Gaussian 4 px"], ndimage.gaussian_filter(green, 4), atol=1e-4)
    down, along = (ndimage.gaussian_filter(green, 2, order=order) for order in ((1, 0), (0, 1)))
    np.testing.assert_allclose(features["gradient magnitude of green, 2 px"], np.hypot(down, along), atol=1e-4)
    laplacian = sum(ndimage.gaussian_filter(green, 2, order=order) for order in ((2, 0), (0, 2)))
    np.testing.assert_allclose(features["Laplacian of green, 2 px"], laplacian, atol=1e-4)


def test_eigenvalues_have_the_hessians_trace_and_determinant() -> None:
    image = noise(24, 24, 3)
    features = dict(zip(list_feature_names(), np.moveaxis(compute_features(image), -1, 0), strict=True))
    green = image[..., 1].astype(np.float64) / 255
    rows, mixed, columns = (ndimage.gaussian_filter(green, 1, order=order) for order in ((2, 0), (1, 1), (0, 2)))
    larger, smaller = (features[f"{kind} Hessian eigenvalue of green, 1 px"] for kind in ("larger", "smaller"))
    assert (larger >= smaller).all()
    np.testing.assert_allclose(larger + smaller, rows + columns, atol=1e-4)
    np.testing.assert_allclose(larger * smaller, rows * columns - mixed**2, atol=1e-4)
    tensor = features["smaller structure tensor eigenvalue of green, 1 px"]
    assert tensor.min() > -1e-5


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_features_turn_with_the_image(turns: int) -> None:
    image = noise(20, 20)
    turned = compute_features(np.ascontiguousarray(np.rot90(image, turns)))
    np.testing.assert_allclose(np.rot90(turned, -turns), compute_features(image), atol=2e-4)


def test_a_flat_image_has_no_edges_or_texture() -> None:
    features = compute_features(np.full((20, 20, 3), 90, np.uint8))
    assert np.abs(features[..., 6 * len(COLOR_CHANNELS) :]).max() < 1e-3


def test_the_limit_of_threads_ends_with_its_block() -> None:
    from threadpoolctl import threadpool_info

    def count() -> set[int]:
        # NumPy's library; others that SciPy brings along do not compute here.
        return {library["num_threads"] for library in threadpool_info() if "numpy" in library["filepath"]}

    before = count()
    assert before
    with single_threaded_blas():
        assert count() == {1}
        with single_threaded_blas():
            assert count() == {1}
    threads = [threading.Thread(target=lambda: [compute_features(noise(30, 30)) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count() == before


def test_clusters_are_found_and_always_the_same() -> None:
    generator = np.random.default_rng(1)
    means = np.array([[0, 0], [10, 0], [0, 20]], np.float32)
    points = np.concatenate([mean + generator.normal(size=(50, 2)).astype(np.float32) for mean in means])
    centres, clusters = find_clusters(points, 3, points.sum(axis=1))
    assert len({tuple(set(clusters[start : start + 50].tolist())) for start in (0, 50, 100)}) == 3
    distances = np.linalg.norm(centres[:, None] - means[None], axis=-1).min(axis=0)
    assert distances.max() < 0.6
    again, _ = find_clusters(points, 3, points.sum(axis=1))
    assert np.array_equal(centres, again)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(1, 9))
def test_there_are_at_most_as_many_clusters_as_points(n_points: int, count: int) -> None:
    points = np.random.default_rng(n_points).random((n_points, 3), dtype=np.float32)
    centres, clusters = find_clusters(points, count, points[:, 0])
    assert len(centres) == min(n_points, count)
    assert np.isfinite(centres).all()
    assert clusters.max() < len(centres)


def test_reading_the_methods_imports_no_heavy_library() -> None:

    code = "import sys, wbcseg.models.card as c; list(c.METHODS); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("'sklearn'", "'scipy'", "'tensorflow'"):
        assert heavy not in done.stdout
