"""Judging results: what is looked at, what is said, and how well it is learned."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from wbcseg.datasets.synthetic.generator import draw_sample
from wbcseg.errors import ModelError
from wbcseg.labels import Labels
from wbcseg.quality import OK, OUT_OF_RANGE, REVIEW, QualityModel, load_quality_model
from wbcseg.quality.features import QUALITY_FEATURES, compute_quality_features
from wbcseg.quality.fit import Example, fit_quality_model
from wbcseg.quality.model import CUT_OFF_REASON, SHARPNESS_REASON
from wbcseg.quality.negatives import generate_negative_images

Crop = tuple[NDArray[np.uint8], NDArray[np.float32], Labels]


def crop(number: int, *, sure: float = 0.9, worse: int = 0) -> Crop:
    """A drawn cell with what a network might make of it: as drawn, or with its outline worn away."""
    sample = draw_sample(5, number, size=(140, 140))
    assert sample.mask is not None
    labels = sample.mask
    if worse:
        rough = ndimage.gaussian_filter(np.random.default_rng(number).normal(size=labels.shape), 3.0) > 0.0
        labels = np.where(rough & ndimage.binary_dilation(labels > 0, iterations=worse), labels, 0).astype(np.uint8)
    probabilities = np.full((*labels.shape, 3), (1 - sure) / 2, np.float32)
    np.put_along_axis(probabilities, labels[..., None].astype(np.intp), sure, axis=-1)
    return sample.image, probabilities, labels


@pytest.fixture(scope="module")
def judge() -> QualityModel:
    examples = []
    for number in range(30):
        good, bad = crop(number, sure=0.9 + 0.003 * number), crop(100 + number, sure=0.55, worse=4)
        examples.append(Example(compute_quality_features(*good), number, 0.97))
        examples.append(Example(compute_quality_features(*bad), 100 + number, 0.6))
    for number, (kind, picture) in enumerate(generate_negative_images()):
        if number % 4 == 0:
            labels = (picture.mean(axis=-1) < 100).astype(np.uint8)
            probabilities = np.full((*labels.shape, 3), 0.2, np.float32)
            np.put_along_axis(probabilities, labels[..., None].astype(np.intp), 0.6, axis=-1)
            examples.append(Example(compute_quality_features(picture, probabilities, labels), kind, None))
    return fit_quality_model(examples)


def test_every_feature_is_finite_and_none_depends_on_the_scale_much() -> None:
    image, probabilities, labels = crop(3)
    small = compute_quality_features(image, probabilities, labels)
    twice = [np.repeat(np.repeat(one, 2, axis=0), 2, axis=1) for one in (image, probabilities, labels)]
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
def test_an_outline_without_an_edge_under_it_is_faint(number: int) -> None:
    image, probabilities, labels = crop(number)
    _, columns = np.nonzero(labels)
    cut = labels.copy()
    cut[:, : round(columns.mean())] = 0
    at = QUALITY_FEATURES.index("indistinct_boundary")
    whole, part = (float(compute_quality_features(image, probabilities, one)[at]) for one in (labels, cut))
    assert whole < 0.1
    assert part > whole + 0.1
    flat = compute_quality_features(np.full_like(image, 210), probabilities, labels)
    assert flat[at] > 0.9


@pytest.mark.parametrize("kind", ["nothing", "everything", "one pixel", "a line"])
def test_odd_masks_have_features_too(kind: str) -> None:
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


def test_a_good_result_looks_fine_and_a_bad_one_does_not(judge: QualityModel) -> None:
    verdicts = [judge.assess(*crop(number)) for number in range(200, 220)]
    assert sum(verdict.status == OK for verdict in verdicts) >= 16
    assert all(not verdict.reasons for verdict in verdicts if verdict.status == OK)
    worse = [judge.assess(*crop(number, sure=0.55, worse=4)) for number in range(200, 220)]
    assert sum(verdict.status != OK for verdict in worse) >= 18
    assert all(verdict.reasons for verdict in worse if verdict.status != OK)
    assert np.mean([v.failure_probability for v in worse]) > np.mean([v.failure_probability for v in verdicts]) + 0.3


def test_no_cell_and_no_smear_are_told(judge: QualityModel) -> None:
    image, probabilities, labels = crop(7)
    nothing = judge.assess(image, probabilities, np.zeros_like(labels))
    assert nothing.status in (REVIEW, OUT_OF_RANGE)
    assert nothing.reasons == ("No cell was found.",)
    kinds = {}
    for kind, picture in generate_negative_images(seed=9):
        half = (np.indices(picture.shape[:2]).sum(axis=0) % 40 < 20).astype(np.uint8)
        probabilities = np.full((*half.shape, 3), 0.2, np.float32)
        np.put_along_axis(probabilities, half[..., None].astype(np.intp), 0.6, axis=-1)
        kinds.setdefault(judge.assess(picture, probabilities, half).status, []).append(kind)
    assert len(kinds.get(OK, [])) == 0


def test_a_cell_that_is_cut_off_is_a_reason(judge: QualityModel) -> None:
    image, probabilities, labels = crop(11)
    rows = np.flatnonzero((labels > 0).any(axis=1))
    middle = int(rows.mean())
    cut = judge.assess(image[middle:], probabilities[middle:], labels[middle:])
    assert cut.status != OK
    assert "The cell is cut off by the border of the picture." in cut.reasons


def test_figures_say_how_well_it_judges(judge: QualityModel) -> None:
    figures = judge.metrics
    assert figures["smears"] == 60
    assert figures["bad"] == 30
    assert figures["bad_flagged"] >= 0.9
    assert figures["good_flagged"] <= 0.25
    assert figures["out_of_range_auroc"] > 0.95


def test_a_judge_is_read_again_as_it_was_written(judge: QualityModel, tmp_path: Path, general_card) -> None:  # type: ignore[no-untyped-def]
    assert load_quality_model(general_card, tmp_path) is None
    judge.write("unet", tmp_path)
    again = load_quality_model(general_card, tmp_path)
    assert again is not None
    assert again.assess(*crop(4)) == judge.assess(*crop(4))
    # A model for one laboratory is not judged.
    config = {**general_card.config, "augmentation": "mild"}
    assert load_quality_model(dataclasses.replace(general_card, config=config), tmp_path) is None
    path = tmp_path / "unet.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "features": ["other"]}))
    with pytest.raises(ModelError, match="other figures"):
        load_quality_model(general_card, tmp_path)
    path.write_text("[")
    with pytest.raises(ModelError, match=r"unet\.json"):
        load_quality_model(general_card, tmp_path)


def test_strangers_are_many_different_pictures() -> None:
    kinds: dict[str, set[bytes]] = {}
    for kind, picture in generate_negative_images():
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert min(picture.shape[:2]) >= 60
        kinds.setdefault(kind, set()).add(picture.tobytes())
    assert len(kinds) > 20
    assert all(len(pictures) >= 6 for pictures in kinds.values())
    first, again = (next(iter(generate_negative_images(seed=3)))[1] for _ in range(2))
    assert (first == again).all()


def test_blur_an_odd_stain_and_a_grey_picture_are_told(judge: QualityModel) -> None:
    image, probabilities, labels = crop(203)
    blurred = ndimage.gaussian_filter(image, (8, 8, 0))
    assert "The picture is blurred." in judge.assess(blurred, probabilities, labels).reasons
    noise = np.random.default_rng(1).normal(0, 45, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    reasons = judge.assess(noisy, probabilities, labels).reasons
    assert "The picture is noisy or unusually sharp." in reasons
    assert "The picture is blurred." not in reasons
    negative = np.uint8(255) - image
    assert "The stain or the light is unfamiliar." in judge.assess(negative, probabilities, labels).reasons
    grey = np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.uint8)
    assert any("no colours" in reason for reason in judge.assess(grey, probabilities, labels).reasons)


def test_a_cell_of_few_pixels_is_told(judge: QualityModel) -> None:
    image, probabilities, labels = (one[::7, ::7] for one in crop(204))
    verdict = judge.assess(image, probabilities, labels)
    assert verdict.status != OK
    assert any(f"has only {(labels > 0).sum()} pixels" in reason for reason in verdict.reasons)


def test_in_a_field_only_its_own_border_cuts_a_cell_off(judge: QualityModel) -> None:
    image, probabilities, labels = crop(11)
    middle = int(np.flatnonzero((labels > 0).any(axis=1)).mean())
    half = (image[middle:], probabilities[middle:], labels[middle:])
    assert CUT_OFF_REASON in judge.assess(*half, image_edges=(True, False, False, False)).reasons
    assert CUT_OFF_REASON not in judge.assess(*half, image_edges=(False, True, True, True)).reasons


def test_no_reason_says_less_exactly_what_another_one_says(judge: QualityModel) -> None:
    image, probabilities, labels = crop(203)
    blurred = ndimage.gaussian_filter(image, (12, 12, 0))
    reasons = judge.assess(blurred, probabilities, labels).reasons
    assert len(set(reasons)) == len(reasons)
    assert SHARPNESS_REASON not in reasons
