"""The commands of the studies: what they print, and where they write."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import get_error

from wbcseg.cli import main
from wbcseg.errors import ErrorCode
from wbcseg.evaluation.cross_validation import list_study_files, load_study_results
from wbcseg.evaluation.reproduction import EXPERIMENTS

TRAINING_COMMANDS = ("cross-validate", "cross-site", "reproduce")


def test_cross_validate_report_has_every_shipped_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cross-validate", "--report"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for result in load_study_results(list_study_files()):
        assert any(line.startswith(f"{result.study}: ") for line in lines)


def test_reproduce_report_has_every_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "--report"]) == 0
    text = capsys.readouterr().out
    for experiment in EXPERIMENTS.values():
        assert experiment.title in text


@pytest.mark.parametrize("command", TRAINING_COMMANDS)
def test_a_report_trains_nothing_and_writes_nothing(command: str, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    assert main([command, "--report", str(tmp_path / "results")]) == 0
    assert list(tmp_path.rglob("*")) == [tmp_path / "results"]


@pytest.mark.parametrize("command", TRAINING_COMMANDS)
def test_report_and_out_cannot_be_combined(command: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--report", "--out", str(tmp_path)])
    assert stop.value.code == 2


@pytest.mark.parametrize("command", ["robustness", "agreement"])
def test_an_unknown_model_is_an_error(command: str) -> None:
    assert get_error(command, "nobody").code == ErrorCode.NOT_FOUND


@pytest.mark.parametrize("benchmark", ["train", "predict"])
def test_a_benchmark_needs_at_least_one_round(benchmark: str) -> None:
    error = get_error("bench", benchmark, "--rounds", "0")
    assert error.code == ErrorCode.INVALID_VALUE
    assert "--rounds" in str(error)
