"""Quality check: features, reasons, fitting."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from expect import raises
from numpy.typing import NDArray
from scipy import ndimage

from wbcseg.datasets.synthetic.generator import draw_sample
from wbcseg.errors import ErrorCode, ModelError
from wbcseg.labels import Labels
from wbcseg.models.card import ModelCard
from wbcseg.quality import OK, OUT_OF_RANGE, REVIEW, UNFAMILIAR, QualityModel, load_quality_model
from wbcseg.quality.features import QUALITY_FEATURES, compute_quality_features
from wbcseg.quality.fit import Example, fit_quality_model
from wbcseg.quality.negatives import generate_negative_images
from wbcseg.quality.reasons import (
    BLURRED_REASON,
    CUT_OFF_REASON,
    NO_CELL_REASON,
    NO_COLOUR_REASON,
    NOISY_REASON,
    SHARPNESS_REASON,
    STAIN_REASON,
)

Crop = tuple[NDArray[np.uint8], NDArray[np.float32], Labels]


def crop(number: int, *, confidence: float = 0.9, worse: int = 0) -> Crop:
    """A synthetic cell with a plausible segmentation: exact, or with an eroded boundary."""
    sample = draw_sample(5, number, size=(140, 140))
    assert sample.mask is not None
    labels = sample.mask
    if worse:
        rough = ndimage.gaussian_filter(np.random.default_rng(number).normal(size=labels.shape), 3.0) > 0.0
        labels = np.where(rough & ndimage.binary_dilation(labels > 0, iterations=worse), labels, 0).astype(np.uint8)
    probabilities = np.full((*labels.shape, 3), (1 - confidence) / 2, np.float32)
    np.put_along_axis(probabilities, labels[..., None].astype(np.intp), confidence, axis=-1)
    return sample.image, probabilities, labels


ALARMS = (REVIEW, OUT_OF_RANGE)


@pytest.fixture(scope="module")
def quality_model() -> QualityModel:
    examples = []
    for number in range(30):
        good, bad = crop(number, confidence=0.9 + 0.003 * number), crop(100 + number, confidence=0.55, worse=4)
        examples.append(Example(compute_quality_features(*good), number, 0.97))
        examples.append(Example(compute_quality_features(*bad), 100 + number, 0.6))
    for number, (kind, image) in enumerate(generate_negative_images()):
        if number % 4 == 0:
            labels = (image.mean(axis=-1) < 100).astype(np.uint8)
            probabilities = np.full((*labels.shape, 3), 0.2, np.float32)
            np.put_along_axis(probabilities, labels[..., None].astype(np.intp), 0.6, axis=-1)
            examples.append(Example(compute_quality_features(image, probabilities, labels), kind, None))
    return fit_quality_model(examples)


def test_features_hardly_depend_on_the_scale() -> None:
    image, probabilities, labels = crop(3)
    small = compute_quality_features(image, probabilities, labels)
    twice = [np.repeat(np.repeat(array, 2, axis=0), 2, axis=1) for array in (image, probabilities, labels)]
    large = compute_quality_features(*twice)  # type: ignore[arg-type]
    assert small.shape == large.shape == (len(QUALITY_FEATURES),)
    assert small.dtype == np.float32
    close = dict(zip(QUALITY_FEATURES, np.abs(small - large).tolist(), strict=True))
    for name in (
        "expected_dice_cell",
        "expected_dice_nucleus",
        "relative_cell_size",
        "nucleus_fraction",
        "cell_solidity",
        "background_brightness",
        "nucleus_density_red",
    ):
        assert close[name] < 0.02, name


@pytest.mark.parametrize("number", range(3))
def test_boundary_without_contrast_is_indistinct(number: int) -> None:
    image, probabilities, labels = crop(number)
    _, columns = np.nonzero(labels)
    cut = labels.copy()
    cut[:, : round(columns.mean())] = 0
    at = QUALITY_FEATURES.index("indistinct_boundary")
    whole, part = (
        float(compute_quality_features(image, probabilities, cell_labels)[at]) for cell_labels in (labels, cut)
    )
    assert whole < 0.1
    assert part > whole + 0.1
    flat = compute_quality_features(np.full_like(image, 210), probabilities, labels)
    assert flat[at] > 0.9


@pytest.mark.parametrize("kind", ["nothing", "everything", "one pixel", "a line"])
def test_features_of_odd_masks_are_finite(kind: str) -> None:
    image = np.full((40, 50, 3), 200, np.uint8)
    labels = np.zeros((40, 50), np.uint8)
    if kind == "everything":
        labels[:] = 2
    elif kind == "one pixel":
        labels[20, 20] = 1
    elif kind == "a line":
        labels[20] = 1
    probabilities = np.full((40, 50, 3), 1 / 3, np.float32)
    assert np.isfinite(compute_quality_features(image, probabilities, labels)).all()


def test_good_results_are_ok_and_bad_ones_are_not(quality_model: QualityModel) -> None:
    results = [quality_model.assess(*crop(number)) for number in range(200, 220)]
    assert sum(result.status == OK for result in results) >= 16
    assert all(not result.reasons for result in results if result.status == OK)
    worse = [quality_model.assess(*crop(number, confidence=0.55, worse=4)) for number in range(200, 220)]
    assert sum(result.status != OK for result in worse) >= 18
    assert sum(result.status in ALARMS for result in worse) >= 16
    assert all(result.reasons for result in worse if result.status != OK)
    assert np.mean([v.failure_probability for v in worse]) > np.mean([v.failure_probability for v in results]) + 0.3


def test_an_unfamiliar_stain_is_a_hint_if_the_result_is_consistent(quality_model: QualityModel) -> None:
    strict = dataclasses.replace(
        quality_model,
        distributions=tuple(dataclasses.replace(item, limit=0.0) for item in quality_model.distributions),
    )
    for number in range(200, 220):
        before, after = (model.assess(*crop(number)) for model in (quality_model, strict))
        assert (after.status == UNFAMILIAR) == (before.status in (OK, UNFAMILIAR))
        assert STAIN_REASON in after.reasons
    # With any sign of an error, it is an alarm.
    worse = strict.assess(*crop(201, confidence=0.55, worse=4))
    assert worse.status in ALARMS


def test_missing_cells_and_negative_images_are_flagged(quality_model: QualityModel) -> None:
    image, probabilities, labels = crop(7)
    nothing = quality_model.assess(image, probabilities, np.zeros_like(labels))
    assert nothing.status in (REVIEW, OUT_OF_RANGE)
    assert nothing.reasons == (NO_CELL_REASON,)
    kinds = {}
    for kind, image in generate_negative_images(seed=9):
        half = (np.indices(image.shape[:2]).sum(axis=0) % 40 < 20).astype(np.uint8)
        probabilities = np.full((*half.shape, 3), 0.2, np.float32)
        np.put_along_axis(probabilities, half[..., None].astype(np.intp), 0.6, axis=-1)
        kinds.setdefault(quality_model.assess(image, probabilities, half).status, []).append(kind)
    assert set(kinds) <= set(ALARMS)


def test_cell_that_is_cut_off_is_flagged(quality_model: QualityModel) -> None:
    image, probabilities, labels = crop(11)
    rows = np.flatnonzero((labels > 0).any(axis=1))
    middle = int(rows.mean())
    cut = quality_model.assess(image[middle:], probabilities[middle:], labels[middle:])
    assert cut.status in ALARMS
    assert CUT_OFF_REASON in cut.reasons


def test_metrics_of_the_quality_model(quality_model: QualityModel) -> None:
    metrics = quality_model.metrics
    assert metrics.smears == 60
    assert metrics.bad == 30
    assert metrics.bad_flagged >= 0.9
    assert metrics.good_flagged <= 0.25
    assert metrics.out_of_range_auroc > 0.95


def test_written_quality_model_is_read_unchanged(
    quality_model: QualityModel, tmp_path: Path, general_card: ModelCard
) -> None:
    assert load_quality_model(general_card, tmp_path) is None
    quality_model.write("unet", tmp_path)
    again = load_quality_model(general_card, tmp_path)
    assert again is not None
    assert again.assess(*crop(4)) == quality_model.assess(*crop(4))
    # Models trained on a single site have no quality check.
    config = {**general_card.config, "augmentation": "mild"}
    assert load_quality_model(dataclasses.replace(general_card, config=config), tmp_path) is None
    path = tmp_path / "unet.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "features": ["other"]}))
    with raises(ModelError, ErrorCode.INCOMPATIBLE):
        load_quality_model(general_card, tmp_path)
    path.write_text("[")
    with pytest.raises(ModelError, match=r"unet\.json"):
        load_quality_model(general_card, tmp_path)


def test_negative_images_are_many_and_varied() -> None:
    kinds: dict[str, set[bytes]] = {}
    for kind, image in generate_negative_images():
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert min(image.shape[:2]) >= 60
        kinds.setdefault(kind, set()).add(image.tobytes())
    assert len(kinds) > 20
    assert all(len(images) >= 6 for images in kinds.values())
    first, again = (next(iter(generate_negative_images(seed=3)))[1] for _ in range(2))
    assert (first == again).all()


def test_blur_noise_odd_stain_and_missing_colour_are_reasons(quality_model: QualityModel) -> None:
    image, probabilities, labels = crop(203)
    blurred = ndimage.gaussian_filter(image, (8, 8, 0))
    assert BLURRED_REASON in quality_model.assess(blurred, probabilities, labels).reasons
    noise = np.random.default_rng(1).normal(0, 45, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    reasons = quality_model.assess(noisy, probabilities, labels).reasons
    assert NOISY_REASON in reasons
    assert BLURRED_REASON not in reasons
    negative = np.uint8(255) - image
    assert STAIN_REASON in quality_model.assess(negative, probabilities, labels).reasons
    grey = np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.uint8)
    assert NO_COLOUR_REASON in quality_model.assess(grey, probabilities, labels).reasons


def test_cell_of_few_pixels_is_flagged(quality_model: QualityModel) -> None:
    image, probabilities, labels = (array[::7, ::7] for array in crop(204))
    result = quality_model.assess(image, probabilities, labels)
    assert result.status != OK
    assert any(f"{(labels > 0).sum()} pixels" in reason for reason in result.reasons)


def test_only_the_edge_of_the_field_cuts_a_cell_off(quality_model: QualityModel) -> None:
    image, probabilities, labels = crop(11)
    middle = int(np.flatnonzero((labels > 0).any(axis=1)).mean())
    half = (image[middle:], probabilities[middle:], labels[middle:])
    assert CUT_OFF_REASON in quality_model.assess(*half, image_edges=(True, False, False, False)).reasons
    assert CUT_OFF_REASON not in quality_model.assess(*half, image_edges=(False, True, True, True)).reasons


def test_vague_reasons_are_dropped_for_exact_ones(quality_model: QualityModel) -> None:
    image, probabilities, labels = crop(203)
    blurred = ndimage.gaussian_filter(image, (12, 12, 0))
    reasons = quality_model.assess(blurred, probabilities, labels).reasons
    assert len(set(reasons)) == len(reasons)
    assert SHARPNESS_REASON not in reasons


# Results of the shipped quality models: a change of the features or of their order would show here.
EXPECTED = {
    "unet": [(OK, 0.44408, 0.06375), (OUT_OF_RANGE, 0.9994, 0.99951), (OK, 0.06792, 0.0721)],
    "segnet": [(OK, 0.11215, 0.07497), (OUT_OF_RANGE, 1.0, 0.98235), (OK, 0.12466, 0.0718)],
    "deconvnet": [(OK, 0.13848, 0.08986), (OUT_OF_RANGE, 1.0, 0.91454), (OK, 0.07732, 0.08297)],
}


@pytest.mark.parametrize("architecture", EXPECTED)
def test_shipped_quality_models_give_the_same_results(architecture: str, general_card: ModelCard) -> None:
    shipped = load_quality_model(dataclasses.replace(general_card, architecture=architecture))
    assert shipped is not None
    crops = [crop(1), crop(2, confidence=0.55, worse=4), crop(3, confidence=0.97)]
    for example, expected in zip(crops, EXPECTED[architecture], strict=True):
        result = shipped.assess(*example)
        assert result.status == expected[0]
        assert (result.failure_probability, result.out_of_range_probability) == pytest.approx(expected[1:], abs=2e-5)
