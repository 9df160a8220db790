"""Coarse outlines are refined along the edges in the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tests.models import SHIPPED
from wbcseg.datasets import open_dataset
from wbcseg.evaluation.metric_specs import compute_metrics
from wbcseg.inference import Catalog, predictor, refine
from wbcseg.inference.refine import REFINEMENT_WITH_SKIPS, REFINEMENT_WITHOUT_SKIPS, EdgeRefinement, refine_edges
from wbcseg.labels import BACKGROUND, Labels, fast_argmax


def blur_mask(mask: Labels, blur: float) -> NDArray[np.float32]:
    """Return class probabilities of a network that resolves nothing finer than ``blur`` pixels."""
    parts = [ndimage.gaussian_filter((mask == number).astype(np.float32), blur) for number in range(3)]
    refined = np.stack(parts, axis=-1)
    return np.asarray(refined / refined.sum(axis=-1, keepdims=True), np.float32)


def measure_extent(mask: Labels) -> int:
    rows, columns = (np.flatnonzero((mask != BACKGROUND.id).any(axis=axis)) for axis in (1, 0))
    return int(1 + max(np.ptp(rows), np.ptp(columns)))


def test_blurred_and_shifted_outlines_are_moved_to_colour_edges() -> None:
    data = open_dataset("synthetic")
    before, after = [], []
    for sample in map(data.read, data.ids[:12]):
        side = measure_extent(sample.mask)
        coarse_probabilities = np.roll(blur_mask(sample.mask, side / 20), round(side / 30), axis=(0, 1))
        refined = refine_edges(coarse_probabilities, sample.image, side, REFINEMENT_WITHOUT_SKIPS)
        for scores, probabilities in ((before, coarse_probabilities), (after, refined)):
            dice = compute_metrics(sample.mask, fast_argmax(probabilities))["dice"]
            scores.append([dice["nucleus"], dice["cell"]])
    gain = np.subtract(after, before).mean(axis=0)
    assert gain[0] > 0.01
    assert gain[1] > 0.01


@pytest.mark.parametrize("refinement", [REFINEMENT_WITH_SKIPS, REFINEMENT_WITHOUT_SKIPS])
@pytest.mark.parametrize("shape", [(8, 8), (61, 83), (300, 211), (480, 480)])
@pytest.mark.parametrize("kind", ["colours", "grey", "black and white", "flat"])
def test_probabilities_remain_valid(refinement: EdgeRefinement, shape: tuple[int, int], kind: str) -> None:
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    if kind != "colours":
        image = np.repeat(
            {"grey": image, "black and white": image // 128 * 255, "flat": image * 0}[kind][..., :1], 3, -1
        )
    coarse_probabilities = rng.dirichlet(np.ones(3), shape).astype(np.float32)
    original = coarse_probabilities.copy()
    refined = refine_edges(coarse_probabilities, image, 0.7 * max(shape), refinement)
    assert (refined.dtype, refined.shape) == (np.float32, (*shape, 3))
    assert np.isfinite(refined).all()
    assert (refined >= 0).all()
    assert refined.sum(axis=-1) == pytest.approx(np.ones(shape), abs=1e-5)
    assert (coarse_probabilities == original).all()


@pytest.mark.parametrize("colour", [0, 127, 255])
def test_without_edges_the_network_decides(colour: int) -> None:
    rows, columns = np.mgrid[:90, :90] - 44.5
    mask = ((np.hypot(rows, columns) < 25).astype(np.uint8) + (np.hypot(rows, columns) < 15)).astype(np.uint8)
    coarse_probabilities = np.eye(3, dtype=np.float32)[mask]
    refined = refine_edges(coarse_probabilities, np.full((90, 90, 3), colour, np.uint8), 50, REFINEMENT_WITH_SKIPS)
    dice = compute_metrics(mask, fast_argmax(refined))["dice"]
    assert min(dice["nucleus"], dice["cell"]) > 0.97


def test_downsampled_guide_gives_nearly_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    data = open_dataset("synthetic")
    sample = data.read(data.ids[0])
    size = (2 * sample.image.shape[1], 2 * sample.image.shape[0])
    image = np.asarray(Image.fromarray(sample.image).resize(size, Image.Resampling.BICUBIC))
    mask = np.asarray(Image.fromarray(sample.mask).resize(size, Image.Resampling.NEAREST))
    coarse_probabilities = blur_mask(mask, measure_extent(mask) / 14)
    downsampled_result = refine_edges(coarse_probabilities, image, measure_extent(mask), REFINEMENT_WITHOUT_SKIPS)
    monkeypatch.setattr(refine, "MAX_GUIDE_SIDE", 1000)
    whole = refine_edges(coarse_probabilities, image, measure_extent(mask), REFINEMENT_WITHOUT_SKIPS)
    assert np.abs(downsampled_result - whole).mean() < 0.01
    dice = compute_metrics(fast_argmax(whole), fast_argmax(downsampled_result))["dice"]
    assert min(dice["nucleus"], dice["cell"]) > 0.99


def test_thin_rim_of_cytoplasm_is_kept() -> None:
    rows, columns = np.mgrid[:90, :90] - 44.5
    distance = np.hypot(rows, columns)
    mask = ((distance < 25).astype(np.uint8) + (distance < 22)).astype(np.uint8)
    image = np.array([[230, 220, 215], [150, 140, 200], [110, 60, 150]], np.uint8)[mask]
    coarse_probabilities = blur_mask(mask, 3.0)
    refined = refine_edges(coarse_probabilities, image, 50, REFINEMENT_WITHOUT_SKIPS)
    before, after = (
        compute_metrics(mask, fast_argmax(probabilities))["dice"] for probabilities in (coarse_probabilities, refined)
    )
    assert before["cytoplasm"] < 0.6
    assert after["cytoplasm"] > 0.8


@pytest.mark.parametrize("refinement", [REFINEMENT_WITH_SKIPS, REFINEMENT_WITHOUT_SKIPS])
def test_nucleus_without_cytoplasm_keeps_its_size(refinement: EdgeRefinement) -> None:
    rows, columns = np.mgrid[:120, :120] - 59.5
    mask = np.where(np.hypot(rows, columns) < 30, 2, 0).astype(np.uint8)
    image = np.array([[230, 220, 215], [150, 140, 200], [110, 60, 150]], np.uint8)[mask]
    image = ndimage.gaussian_filter(image.astype(np.float32), (2, 2, 0)).astype(np.uint8)
    refined = fast_argmax(refine_edges(blur_mask(mask, 2.0), image, 60, refinement))
    assert (refined == 2).sum() == pytest.approx((mask == 2).sum(), rel=0.02)


def test_neighbour_does_not_move_the_outline() -> None:
    rows, columns = np.mgrid[:120, :120] - 59.5
    mask = ((np.hypot(rows, columns) < 25).astype(np.uint8) + (np.hypot(rows, columns) < 15)).astype(np.uint8)
    neighbour = np.hypot(rows, columns - 44) < 16
    image = np.array([[230, 220, 215], [150, 140, 200], [110, 60, 150]], np.uint8)[mask]
    image[neighbour] = (150, 140, 190)
    dice = compute_metrics(mask, fast_argmax(refine_edges(blur_mask(mask, 3.0), image, 50, REFINEMENT_WITHOUT_SKIPS)))[
        "dice"
    ]
    assert min(dice["nucleus"], dice["cell"]) > 0.98


def test_temperature_sharpens_probabilities_and_keeps_labels() -> None:
    data = open_dataset("synthetic")
    sample = data.read(data.ids[0])
    side = measure_extent(sample.mask)
    sharp, plain = (
        refine_edges(
            blur_mask(sample.mask, side / 20),
            sample.image,
            side,
            replace(REFINEMENT_WITHOUT_SKIPS, temperature=temperature),
        )
        for temperature in (0.6, 1.0)
    )
    assert (fast_argmax(sharp) == fast_argmax(plain)).all()
    assert sharp.max(axis=-1).mean() > plain.max(axis=-1).mean()


@pytest.mark.parametrize("name", SHIPPED)
def test_networks_without_skips_are_refined_with_a_larger_radius(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refined = []
    original_predict = predictor.predict_two_stage

    def record(*args: object, refinement: EdgeRefinement, **more: object) -> NDArray[np.float32]:
        refined.append(refinement)
        return original_predict(*args, refinement=refinement, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(predictor, "predict_two_stage", record)
    model = Catalog().load(name)
    model.predict(open_dataset("synthetic").read(open_dataset("synthetic").ids[0]).image)
    expected = (
        [REFINEMENT_WITH_SKIPS if model.card.architecture == "unet" else REFINEMENT_WITHOUT_SKIPS]
        if model.card.two_stage
        else []
    )
    assert refined == expected
