"""The best epoch, the epoch whose weights are kept, and early stopping."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sample_runs import QUICK

from wbcseg.training.auxiliary.meter import MetricMeter, describe_confusion
from wbcseg.training.runs.scores import (
    compute_score,
    describe_early_stop,
    find_best_epoch,
    find_kept_epoch,
    is_stalled,
)


def rows(*scores: float) -> list[dict[str, float]]:
    return [{"epoch": i, "val_dice_nucleus": s, "val_dice_cytoplasm": s} for i, s in enumerate(scores, start=1)]


def test_the_best_epoch_is_the_first_of_equal_ones() -> None:
    assert find_best_epoch(rows(0.5, 0.9, 0.9, 0.4)) == 2
    assert find_best_epoch([{"epoch": 1}]) is None
    assert compute_score({"val_dice_nucleus": 0.5}) == 0.5
    assert compute_score({}) == -math.inf


def test_the_kept_weights_are_those_of_the_last_or_the_best_epoch() -> None:
    history = rows(0.5, 0.9, 0.4)
    assert find_kept_epoch(history, QUICK) == 3
    assert find_kept_epoch(history, QUICK.replace(checkpoint="best")) == 2
    assert find_kept_epoch([], QUICK) is None


@pytest.mark.parametrize(
    ("scores", "patience", "expected"),
    [
        ((0.5, 0.9, 0.8), 2, False),
        ((0.5, 0.9, 0.8, 0.8), 2, True),
        ((0.5, 0.9, 0.8, 0.91), 2, False),
        ((0.9, 0.1, 0.1, 0.1), 0, False),
        ((), 1, False),
    ],
)
def test_a_training_has_stalled_after_epochs_without_improvement(
    scores: tuple[float, ...], patience: int, expected: bool
) -> None:
    assert is_stalled(rows(*scores), QUICK.replace(patience=patience)) is expected


def test_an_early_stop_says_why() -> None:
    text = describe_early_stop(rows(0.5, 0.9, 0.8, 0.8), QUICK.replace(patience=2))
    assert "after epoch 4 of 12" in text
    assert "2 epochs, since epoch 2" in text
    assert describe_early_stop(rows(*[0.5] * 12), QUICK) == ""


def test_precision_recall_and_iou_follow_from_the_confusion_by_hand() -> None:
    # Rows: expert's background, cytoplasm, nucleus; columns: the network's.
    values = describe_confusion(np.array([[90, 2, 0], [4, 20, 6], [0, 10, 30]]))
    assert values["recall_nucleus"] == 30 / 40
    assert values["precision_nucleus"] == 30 / 36
    assert values["iou_nucleus"] == 30 / 46
    assert values["recall_cytoplasm"] == 20 / 30
    assert values["precision_cytoplasm"] == 20 / 32
    assert values["precision_cell"] == 66 / 68
    assert values["recall_cell"] == 66 / 70
    assert values["confusion_nucleus_cytoplasm"] == 10


def test_a_region_that_neither_has_is_left_out() -> None:
    values = describe_confusion(np.array([[90, 0, 0], [4, 20, 0], [0, 0, 0]]))
    assert not [name for name in values if name.endswith("_nucleus") and not name.startswith("confusion")]


def test_a_meter_weighs_batches_by_their_images() -> None:
    meter = MetricMeter()
    for count, loss, norm in ((3, 1.0, 2.0), (1, 5.0, 6.0)):
        dice = np.full((count, 3), np.nan, np.float32)
        meter.add(count, loss, {"accuracy": 0.5, "binary_accuracy": 0.5, "gradient_norm": norm, "dice": dice})
    assert meter.compute_means("x_") == {
        "x_loss": 2.0,
        "x_accuracy": 0.5,
        "x_binary_accuracy": 0.5,
        "x_gradient_norm": 3.0,
    }
