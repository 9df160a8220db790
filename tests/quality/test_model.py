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
from wbcseg.quality import CHECK, FINE, UNLIKE, Judge, judge_of
from wbcseg.quality.features import FEATURES, features_of
from wbcseg.quality.fit import Example, fit_judge
from wbcseg.quality.model import CUT, DETAIL
from wbcseg.quality.negatives import strangers

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
def judge() -> Judge:
    examples = []
    for number in range(30):
        good, bad = crop(number, sure=0.9 + 0.003 * number), crop(100 + number, sure=0.55, worse=4)
        examples.append(Example(features_of(*good), number, 0.97))
        examples.append(Example(features_of(*bad), 100 + number, 0.6))
    for number, (kind, picture) in enumerate(strangers()):
        if number % 4 == 0:
            labels = (picture.mean(axis=-1) < 100).astype(np.uint8)
            probabilities = np.full((*labels.shape, 3), 0.2, np.float32)
            np.put_along_axis(probabilities, labels[..., None].astype(np.intp), 0.6, axis=-1)
            examples.append(Example(features_of(picture, probabilities, labels), kind, None))
    return fit_judge(examples)


def test_every_feature_is_finite_and_none_depends_on_the_scale_much() -> None:
    image, probabilities, labels = crop(3)
    small = features_of(image, probabilities, labels)
    twice = [np.repeat(np.repeat(one, 2, axis=0), 2, axis=1) for one in (image, probabilities, labels)]
    large = features_of(*twice)  # type: ignore[arg-type]
    assert small.shape == large.shape == (len(FEATURES),)
    assert small.dtype == np.float32
    close = dict(zip(FEATURES, np.abs(small - large).tolist(), strict=True))
    for name in ("sure_cell", "sure_nucleus", "cell_share", "nucleus_share", "solidity", "plasma_light", "nucleus_red"):
        assert close[name] < 0.02, name


@pytest.mark.parametrize("number", range(3))
def test_an_outline_without_an_edge_under_it_is_faint(number: int) -> None:
    image, probabilities, labels = crop(number)
    _, columns = np.nonzero(labels)
    cut = labels.copy()
    cut[:, : round(columns.mean())] = 0
    at = FEATURES.index("faint")
    whole, part = (float(features_of(image, probabilities, one)[at]) for one in (labels, cut))
    assert whole < 0.1
    assert part > whole + 0.1
    flat = features_of(np.full_like(image, 210), probabilities, labels)
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
    assert np.isfinite(features_of(image, probabilities, labels)).all()


def test_a_good_result_looks_fine_and_a_bad_one_does_not(judge: Judge) -> None:
    verdicts = [judge.verdict(*crop(number)) for number in range(200, 220)]
    assert sum(verdict.status == FINE for verdict in verdicts) >= 16
    assert all(not verdict.reasons for verdict in verdicts if verdict.status == FINE)
    worse = [judge.verdict(*crop(number, sure=0.55, worse=4)) for number in range(200, 220)]
    assert sum(verdict.status != FINE for verdict in worse) >= 18
    assert all(verdict.reasons for verdict in worse if verdict.status != FINE)
    assert np.mean([v.doubt for v in worse]) > np.mean([v.doubt for v in verdicts]) + 0.3


def test_no_cell_and_no_smear_are_told(judge: Judge) -> None:
    image, probabilities, labels = crop(7)
    nothing = judge.verdict(image, probabilities, np.zeros_like(labels))
    assert nothing.status in (CHECK, UNLIKE)
    assert nothing.reasons == ("No cell was found.",)
    kinds = {}
    for kind, picture in strangers(seed=9):
        half = (np.indices(picture.shape[:2]).sum(axis=0) % 40 < 20).astype(np.uint8)
        probabilities = np.full((*half.shape, 3), 0.2, np.float32)
        np.put_along_axis(probabilities, half[..., None].astype(np.intp), 0.6, axis=-1)
        kinds.setdefault(judge.verdict(picture, probabilities, half).status, []).append(kind)
    assert len(kinds.get(FINE, [])) == 0


def test_a_cell_that_is_cut_off_is_a_reason(judge: Judge) -> None:
    image, probabilities, labels = crop(11)
    rows = np.flatnonzero((labels > 0).any(axis=1))
    middle = int(rows.mean())
    cut = judge.verdict(image[middle:], probabilities[middle:], labels[middle:])
    assert cut.status != FINE
    assert "The cell is cut off by the border of the picture." in cut.reasons


def test_figures_say_how_well_it_judges(judge: Judge) -> None:
    figures = judge.figures
    assert figures["smears"] == 60
    assert figures["bad"] == 30
    assert figures["bad_caught"] >= 0.9
    assert figures["good_marked"] <= 0.25
    assert figures["unlike_auroc"] > 0.95


def test_a_judge_is_read_again_as_it_was_written(judge: Judge, tmp_path: Path, general_card) -> None:  # type: ignore[no-untyped-def]
    assert judge_of(general_card, tmp_path) is None
    judge.write("unet", tmp_path)
    again = judge_of(general_card, tmp_path)
    assert again is not None
    assert again.verdict(*crop(4)) == judge.verdict(*crop(4))
    # A model for one laboratory is not judged.
    config = {**general_card.config, "augmentation": "mild"}
    assert judge_of(dataclasses.replace(general_card, config=config), tmp_path) is None
    path = tmp_path / "unet.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "features": ["other"]}))
    with pytest.raises(ModelError, match="other figures"):
        judge_of(general_card, tmp_path)
    path.write_text("[")
    with pytest.raises(ModelError, match=r"unet\.json"):
        judge_of(general_card, tmp_path)


def test_strangers_are_many_different_pictures() -> None:
    kinds: dict[str, set[bytes]] = {}
    for kind, picture in strangers():
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert min(picture.shape[:2]) >= 60
        kinds.setdefault(kind, set()).add(picture.tobytes())
    assert len(kinds) > 20
    assert all(len(pictures) >= 6 for pictures in kinds.values())
    first, again = (next(iter(strangers(seed=3)))[1] for _ in range(2))
    assert (first == again).all()


def test_blur_an_odd_stain_and_a_grey_picture_are_told(judge: Judge) -> None:
    image, probabilities, labels = crop(203)
    blurred = ndimage.gaussian_filter(image, (8, 8, 0))
    assert "The picture is blurred." in judge.verdict(blurred, probabilities, labels).reasons
    noise = np.random.default_rng(1).normal(0, 45, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    reasons = judge.verdict(noisy, probabilities, labels).reasons
    assert "The picture is noisy or unusually sharp." in reasons
    assert "The picture is blurred." not in reasons
    negative = np.uint8(255) - image
    assert "The stain or the light is unfamiliar." in judge.verdict(negative, probabilities, labels).reasons
    grey = np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.uint8)
    assert any("no colours" in reason for reason in judge.verdict(grey, probabilities, labels).reasons)


def test_a_cell_of_few_pixels_is_told(judge: Judge) -> None:
    image, probabilities, labels = (one[::7, ::7] for one in crop(204))
    verdict = judge.verdict(image, probabilities, labels)
    assert verdict.status != FINE
    assert any(f"has only {(labels > 0).sum()} pixels" in reason for reason in verdict.reasons)


def test_in_a_field_only_its_own_border_cuts_a_cell_off(judge: Judge) -> None:
    image, probabilities, labels = crop(11)
    middle = int(np.flatnonzero((labels > 0).any(axis=1)).mean())
    half = (image[middle:], probabilities[middle:], labels[middle:])
    assert CUT in judge.verdict(*half, sides=(True, False, False, False)).reasons
    assert CUT not in judge.verdict(*half, sides=(False, True, True, True)).reasons


def test_no_reason_says_less_exactly_what_another_one_says(judge: Judge) -> None:
    image, probabilities, labels = crop(203)
    blurred = ndimage.gaussian_filter(image, (12, 12, 0))
    reasons = judge.verdict(blurred, probabilities, labels).reasons
    assert len(set(reasons)) == len(reasons)
    assert DETAIL not in reasons
