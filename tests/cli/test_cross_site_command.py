"""The command ``wbcseg cross-site``; its trainings are tested in ``tests/evaluation``."""

from __future__ import annotations

import pytest

from wbcseg.cli import main
from wbcseg.evaluation.cross_site import CROSS_SITE_FOLDER, load_cross_site_results


def test_the_report_has_every_training_with_its_calibration_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cross-site", "--report"]) == 0
    text = capsys.readouterr().out
    results = load_cross_site_results(CROSS_SITE_FOLDER)
    assert results
    for result in results:
        for training in result.trainings:
            assert f"{result.title}: trained on {training.trained_on} ({training.trained} images" in text
            assert f"expected calibration error {result.calibration[training.tested_on].ece:.4f}" in text
