"""Whether fine-tuning helped."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from wbcseg.evaluation.fine_tuning import FINE_TUNING_FILE, FineTuning, load_fine_tuning, measure_change
from wbcseg.evaluation.heldout import ImageScore
from wbcseg.metrics import Scores
from wbcseg.training import Run


def make_rows(*values: float) -> list[ImageScore]:
    return [ImageScore(str(n), None, Scores({"cell": value}, {"cell": value}, value)) for n, value in enumerate(values)]


def test_the_interval_of_paired_differences_decides() -> None:
    before = make_rows(0.90, 0.91, 0.92, 0.93, 0.94)
    better = measure_change(before, make_rows(0.95, 0.96, 0.965, 0.98, 0.99), "cell")
    worse = measure_change(before, make_rows(0.85, 0.86, 0.865, 0.88, 0.89), "cell")
    unclear = measure_change(before, make_rows(0.99, 0.85, 0.95, 0.90, 0.95), "cell")
    assert better is not None
    assert worse is not None
    assert unclear is not None
    assert (better.verdict, worse.verdict, unclear.verdict) == ("better", "worse", "unclear")
    assert better.difference == pytest.approx(0.049, abs=1e-4)
    # Paired t with 4 degrees of freedom: 2.776 standard errors.
    assert better.ci_high is not None
    assert better.ci_high - better.difference == pytest.approx(2.776 * 0.0022361 / math.sqrt(5), abs=2e-4)
    assert better.images == 5


def test_images_without_the_region_do_not_count_and_one_image_has_no_interval() -> None:
    change = measure_change(make_rows(0.9, math.nan), make_rows(0.95, 0.9), "cell")
    assert change is not None
    assert (change.images, change.ci_low, change.verdict) == (1, None, "unclear")
    assert measure_change(make_rows(math.nan), make_rows(0.9), "cell") is None


def test_a_damaged_record_is_no_record(tmp_path: Path) -> None:
    (tmp_path / FINE_TUNING_FILE).write_text('{"start": 3}', encoding="utf-8")
    assert load_fine_tuning(Run(tmp_path)) is None


def test_images_that_trained_the_first_model_are_said() -> None:
    change = measure_change(make_rows(0.9, 0.9), make_rows(0.95, 0.96), "cell")
    assert change is not None
    assert "unet-general was trained on 1 of them" in FineTuning("unet-general", 8, 1, {"cell": change}).summary
