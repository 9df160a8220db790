"""The black surround of an eyepiece: found where there is one, and in no result."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from smears import compose_smear, list_grid_places

import wbcseg
from wbcseg.api import Cell
from wbcseg.eyepiece import find_black_surround
from wbcseg.inference.detection.background import estimate_background
from wbcseg.quality.features import QUALITY_FEATURES, compute_quality_features
from wbcseg.quality.reasons import CUT_OFF_REASON

SIZE = (430, 560)


def draw_lit_field(shape: str, size: tuple[int, int] = SIZE, radius: float = 200.0) -> NDArray[np.bool_]:
    """Return what an eyepiece lets through."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    y, x = np.abs(rows - size[0] / 2), np.abs(columns - size[1] / 2)
    if shape == "round":
        return np.hypot(x, y) <= radius
    lit: NDArray[np.bool_] = (x <= radius) & (y <= radius) & (x + y <= 1.4 * radius)
    return lit


def darken(image: NDArray[np.uint8], lit: NDArray[np.bool_], seed: int = 0, black: int = 12) -> NDArray[np.uint8]:
    """Return an image with a black surround and the noise of a camera."""
    noise = np.random.default_rng(seed).normal(black, 4, image.shape).clip(0, 255).astype(np.uint8)
    return np.where(lit[..., None], image, noise)


@pytest.fixture(scope="module")
def smear() -> NDArray[np.uint8]:
    return compose_smear(list_grid_places(12, 4), SIZE)[0]


@pytest.mark.parametrize("shape", ["round", "octagonal"])
@pytest.mark.parametrize("scale", [1, 3])
def test_the_surround_is_found_at_any_size(smear: NDArray[np.uint8], shape: str, scale: int) -> None:
    lit = draw_lit_field(shape)
    image = np.repeat(np.repeat(darken(smear, lit), scale, axis=0), scale, axis=1)
    lit = np.repeat(np.repeat(lit, scale, axis=0), scale, axis=1)
    surround = find_black_surround(image)
    assert surround is not None
    assert (surround | lit).all()
    assert (surround & lit).sum() < 0.05 * lit.sum()


@pytest.mark.parametrize("window", [(0, 0, 150, 150), (0, 200, 80, 400), (300, 400, 430, 560)])
def test_the_surround_is_found_in_a_crop(smear: NDArray[np.uint8], window: tuple[int, int, int, int]) -> None:
    top, left, bottom, right = window
    part = slice(top, bottom), slice(left, right)
    lit = draw_lit_field("round")[part]
    surround = find_black_surround(darken(smear[part], lit))
    assert surround is not None
    assert (surround == ~lit).mean() > 0.95


def test_a_vignette_that_is_not_black_stays_in(smear: NDArray[np.uint8]) -> None:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = np.hypot(rows - SIZE[0] / 2, columns - SIZE[1] / 2)
    shade = 1 - 0.75 * (distance / distance.max()) ** 2
    assert find_black_surround((smear * shade[..., None]).astype(np.uint8)) is None


@pytest.mark.parametrize("name", ["plain", "dark", "black", "dark in the middle", "dark corner pixel"])
def test_other_images_have_no_surround(smear: NDArray[np.uint8], name: str) -> None:
    image = smear.copy()
    if name == "dark":
        image = (smear * 0.12).astype(np.uint8)
    elif name == "black":
        image[:] = 0
    elif name == "dark in the middle":
        image[150:300, 0:300] = 5
    elif name == "dark corner pixel":
        image[:2, :2] = 0
    assert find_black_surround(image) is None


def test_the_background_is_that_of_the_lit_field(smear: NDArray[np.uint8]) -> None:
    lit = draw_lit_field("round", radius=90)
    expected = np.percentile(smear[lit], 95, axis=0)
    np.testing.assert_allclose(estimate_background(darken(smear, lit)), expected, atol=2)


def test_features_do_not_depend_on_the_surround() -> None:
    """Neither its brightness nor its noise nor what a model makes of it changes a feature."""
    image, labels, _ = compose_smear([(0, 0)], (120, 120))
    lit = draw_lit_field("round", (120, 120), radius=66)
    probabilities = np.full((*labels.shape, 3), 0.05, np.float32)
    np.put_along_axis(probabilities, labels[..., None].astype(np.intp), 0.9, axis=-1)
    confused = probabilities.copy()
    confused[~lit] = (0.2, 0.1, 0.7)
    black, noisy = darken(image, lit, black=0), darken(image, lit, seed=1, black=14)
    first = compute_quality_features(black, probabilities, labels)
    # Noise moves its edge by a pixel here and there.
    np.testing.assert_allclose(compute_quality_features(noisy, probabilities, labels), first, atol=0.01)
    np.testing.assert_allclose(compute_quality_features(noisy, confused, labels), first, atol=0.01)
    whole = compute_quality_features(image, probabilities, labels)
    for name in ("background_brightness", "background_saturation", "background_variation", "nucleus_density_red"):
        index = QUALITY_FEATURES.index(name)
        assert abs(first[index] - whole[index]) < 0.1, name


def locate(cell: Cell) -> tuple[float, float]:
    """Return x and y of a cell's middle."""
    rows, columns = np.nonzero(cell.labels)
    return cell.offset[0] + float(columns.mean()), cell.offset[1] + float(rows.mean())


@pytest.mark.parametrize("shape", ["round", "octagonal"])
def test_the_surround_is_no_cell_and_no_reason_for_doubt(smear: NDArray[np.uint8], shape: str) -> None:
    lit = draw_lit_field(shape)
    plain, framed = wbcseg.segment(smear), wbcseg.segment(darken(smear, lit))
    assert not framed.labels[~lit].any()
    by_place = {locate(cell): cell for cell in plain.cells}
    whole = 0
    for cell in framed.cells:
        nearest = by_place[min(by_place, key=lambda place: math.dist(place, locate(cell)))]
        x, y = locate(cell)
        if draw_lit_field(shape, radius=150)[round(y), round(x)]:
            assert cell.quality == nearest.quality
            whole += 1
    assert whole >= 4


def test_a_cell_that_the_eyepiece_cuts_is_said_to_be_cut() -> None:
    image, labels, _ = compose_smear([(0, 0), (0, 130), (130, 70)], (260, 260))
    centre = np.flatnonzero((labels[:120, :120] > 0).any(axis=0)).mean()
    lit = np.broadcast_to(np.arange(260) >= centre, labels.shape)
    result = wbcseg.segment(darken(image, lit))
    first = min(result.cells, key=lambda cell: cell.offset[0])
    assert first.quality is not None
    assert CUT_OFF_REASON in first.quality.reasons


def test_a_dark_image_with_bright_spots_is_no_surround() -> None:
    stars = np.zeros((120, 120, 3), np.uint8)
    stars[10::6, 10::6] = 240
    for step in (1, 2, 4):
        small = np.ascontiguousarray(stars[::step, ::step])
        surround = find_black_surround(small)
        assert surround is None or not surround.all()
        assert np.isfinite(estimate_background(small)).all()
    # Whatever is found there is flagged.
    cells = wbcseg.segment(stars).cells
    assert all(cell.quality is not None and cell.quality.status in ("review", "out_of_range") for cell in cells)
