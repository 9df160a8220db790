"""The command ``wbcseg reproduce``; its trainings are tested in ``tests/evaluation``."""

from __future__ import annotations

import json

import pytest
from command_line import get_error

from wbcseg.cli import main
from wbcseg.evaluation.reproduction import EXPERIMENTS


def test_the_report_has_every_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "--report"]) == 0
    text = capsys.readouterr().out
    for experiment in EXPERIMENTS.values():
        assert experiment.title in text


def test_the_json_has_the_tables_of_the_chosen_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "unet", "--report", "--json"]) == 0
    (rows,) = json.loads(capsys.readouterr().out).values()
    assert {"metric", "thesis", "final", "best"} <= set(rows[0])


def test_an_unknown_experiment_is_an_error_that_lists_the_known_ones() -> None:
    error = get_error("reproduce", "vgg")
    assert "'vgg'" in str(error)
    for name in EXPERIMENTS:
        assert name in str(error)
