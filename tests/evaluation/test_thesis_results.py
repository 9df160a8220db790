"""The published results are complete, and the thesis' own tables follow from them."""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest

import wbcseg.evaluation.thesis
from wbcseg.errors import ConfigError
from wbcseg.evaluation.thesis import SCORED_CLASSES, THESIS_ARCHITECTURES, THESIS_EPOCHS, load_thesis_result
from wbcseg.models import ARCHITECTURES, get_spec

# Tables 1 to 3 of the thesis.
TABLE_1 = {"segnet": (0.9861, 0.9713), "deconvnet": (0.9864, 0.9724), "unet": (0.9944, 0.9880)}
ANNEX = {"segnet": (0.9802, 0.9703), "deconvnet": (0.9830, 0.9673), "unet": (0.9921, 0.9830)}
TABLE_2 = {"segnet": (0.0409, 0.0749), "deconvnet": (0.0428, 0.0861), "unet": (0.0282, 0.0441)}
TABLE_3 = {
    ("segnet", "thesis_jaccard"): ((0.9533, 0.0027), (0.9804, 0.0019)),
    ("deconvnet", "thesis_jaccard"): ((0.9560, 0.0022), (0.9823, 0.0016)),
    ("unet", "thesis_jaccard"): ((0.9802, 0.0020), (0.9924, 0.0008)),
    ("segnet", "thesis_dice"): ((0.9294, 0.0040), (0.9696, 0.0030)),
    ("deconvnet", "thesis_dice"): ((0.9334, 0.0034), (0.9725, 0.0025)),
    ("unet", "thesis_dice"): ((0.9700, 0.0030), (0.9882, 0.0013)),
}
# Parameters (all and trainable), and seconds of the whole training.
SIZES = {
    "segnet": (29_723_395, 29_719_555, 727.97),
    "deconvnet": (67_218_563, 67_201_667, 1301.5),
    "unet": (26_242_627, 26_230_851, 476.17),
}

every_network = pytest.mark.parametrize("name", THESIS_ARCHITECTURES)


def truncate(value: float) -> float:
    """Truncate a number after the fourth digit, as the thesis' tables do."""
    return math.floor(value * 1e4) / 1e4


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    return truncate(statistics.fmean(values)), truncate(statistics.pstdev(values) / math.sqrt(len(values)))


@every_network
def test_tables_1_and_2_have_the_last_epoch(name: str) -> None:
    result = load_thesis_result(name)
    assert (result.accuracy[-1], result.val_accuracy[-1]) == TABLE_1[name]
    assert (result.loss[-1], result.val_loss[-1]) == TABLE_2[name]
    assert result.test_accuracy == pytest.approx(result.val_accuracy[-1], abs=5.1e-5)
    assert result.test_loss == pytest.approx(result.val_loss[-1], abs=5.1e-5)


@pytest.mark.parametrize(("name", "metric"), TABLE_3)
def test_table_3_has_the_means_of_the_test_images(name: str, metric: str) -> None:
    by_class = getattr(load_thesis_result(name), metric)
    assert tuple(mean_and_error(by_class[label]) for label in SCORED_CLASSES) == TABLE_3[name, metric]


@every_network
def test_the_annex_is_slightly_worse_than_the_tables(name: str) -> None:
    result = load_thesis_result(name)
    annex = result.annex
    assert list(annex) == ["accuracy", "val_accuracy", "loss", "val_loss"]
    assert (annex["accuracy"], annex["val_accuracy"]) == ANNEX[name]
    assert annex["accuracy"] < result.accuracy[-1]
    assert annex["val_loss"] > result.val_loss[-1]


@every_network
def test_parameters_times_and_curves_are_complete(name: str) -> None:
    result = load_thesis_result(name)
    parameters, trainable, seconds = SIZES[name]
    assert (result.parameters, result.trainable_parameters) == (parameters, trainable)
    assert get_spec(name).thesis_parameters == parameters
    assert result.seconds == pytest.approx(seconds, abs=0.02)
    assert sum(result.seconds_per_epoch) == pytest.approx(result.seconds, rel=0.05)
    curves = (result.loss, result.accuracy, result.val_loss, result.val_accuracy, result.seconds_per_epoch)
    assert [len(curve) for curve in curves] == [THESIS_EPOCHS] * 5
    for scores in (result.thesis_dice, result.thesis_jaccard):
        assert tuple(scores) == SCORED_CLASSES
        assert all(len(values) == 30 and all(0 < v < 1 for v in values) for values in scores.values())


@every_network
def test_the_published_jaccard_is_not_a_jaccard_index(name: str) -> None:
    """A Jaccard index is never greater than the Dice of the same masks; the published one always is."""
    result = load_thesis_result(name)
    for label in SCORED_CLASSES:
        pairs = zip(result.thesis_jaccard[label], result.thesis_dice[label], strict=True)
        assert all(published > dice for published, dice in pairs)


@every_network
def test_the_unpublished_third_is_easier_than_the_middle_one(name: str) -> None:
    """The accuracy of the image is the mean of its thirds; the cell is in the middle."""
    result = load_thesis_result(name)
    middle, lower = (statistics.fmean(result.thesis_jaccard[label]) for label in SCORED_CLASSES)
    upper = 3 * result.test_accuracy - middle - lower
    assert middle < min(upper, lower) < max(upper, lower) < 1.0


def test_published_results_are_loaded_once_and_cannot_be_changed() -> None:
    assert set(THESIS_ARCHITECTURES) <= set(ARCHITECTURES)
    assert load_thesis_result("unet") is load_thesis_result("unet")
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_thesis_result("unet").seconds = 0.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        load_thesis_result("unet").thesis_dice["nucleus"] = ()  # type: ignore[index]


def test_a_network_that_the_thesis_did_not_train_is_named() -> None:
    with pytest.raises(ConfigError, match="'fcn'"):
        load_thesis_result("fcn")


def test_the_results_name_their_source() -> None:
    path = Path(wbcseg.evaluation.thesis.__file__ or "").with_name("results.json")
    source = json.loads(path.read_text(encoding="utf-8"))["source"]
    assert "hdl.handle.net/10609/90265" in source["thesis"]
    assert source["notebooks"] == "github.com/dIcarusb/Master_project"
