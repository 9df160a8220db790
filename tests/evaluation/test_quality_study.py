"""Fitting the quality check of a general model and testing it by laboratory, with synthetic smears."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from smears import write_boxed_smears

from wbcseg.datasets import open_dataset
from wbcseg.evaluation import quality_study
from wbcseg.evaluation.quality_study import study_quality
from wbcseg.inference import Catalog
from wbcseg.quality.negatives import generate_negative_images


def test_each_laboratory_is_tested_with_a_check_that_was_fitted_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields, _ = write_boxed_smears(tmp_path, 6, seed=3)
    negatives = list(itertools.islice(generate_negative_images(), 0, None, 12))
    monkeypatch.setattr(quality_study, "_choose_pbc", lambda: fields)
    monkeypatch.setattr(quality_study, "generate_negative_images", lambda: iter(negatives))
    # Few copies suffice if every other one is a negative, on which nothing is found.
    varied = itertools.cycle((lambda image: image, lambda image: 255 - image))
    monkeypatch.setattr(quality_study, "_vary", lambda image, _mask, _rng: next(varied)(image))
    monkeypatch.setattr(quality_study, "MASKED_COPIES", 2)
    model = study_quality(Catalog().load("unet-general"), [open_dataset("synthetic")])
    tests = {test.name: test for test in model.metrics.laboratories}
    assert set(tests) == {"synthetic", "pbc"}
    assert all(test.good and test.bad for test in tests.values())
    assert all(test.bad_flagged == 1 for test in tests.values())
    assert model.metrics.negatives == len(negatives)
