"""What is checked before a training starts is the same for page, command line and Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from expect import raises

import wbcseg
from wbcseg.cli import main
from wbcseg.errors import ErrorCode, NotEnoughMemoryError, RunError
from wbcseg.training import PRESETS
from wbcseg.training.cost import estimate
from wbcseg.training.jobs.checks import check_start

HUGE = PRESETS["quick"].replace(dataset="synthetic", architecture="segnet", base_filters=128, input_size=960)


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(estimate, "get_free_memory", lambda: 8_000_000_000)
    return tmp_path / "runs"


def test_a_training_that_does_not_fit_is_refused_with_both_figures(runs: Path) -> None:
    with pytest.raises(NotEnoughMemoryError, match=r"needs about \d+\.\d GB of memory; 8\.0 GB are free"):
        check_start(HUGE, runs)
    cost = check_start(HUGE, runs, force=True)
    assert cost is not None
    assert not cost.fits


def test_the_command_line_refuses_it_before_it_makes_a_folder(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--dataset", "synthetic", "--architecture", "segnet", "--base-filters", "128", "--input-size", "960"]
    assert main(["train", "--preset", "quick", *settings]) == 1
    text = capsys.readouterr().err
    assert "8.0 GB are free" in text
    assert "--force" in text
    assert not runs.exists()


def test_python_refuses_it(runs: Path) -> None:
    with pytest.raises(NotEnoughMemoryError):
        wbcseg.train(preset="quick", dataset="synthetic", architecture="segnet", base_filters=128, input_size=960)
    assert not runs.exists()


@pytest.mark.parametrize("name", ["a/../b:c", "ä", ".hidden", "x" * 81, "a\n"])
def test_a_name_that_the_page_rejects_is_rejected_everywhere(runs: Path, name: str) -> None:
    with raises(RunError, ErrorCode.INVALID_VALUE):
        check_start(PRESETS["quick"].replace(dataset="synthetic"), runs, name=name)
    with raises(RunError, ErrorCode.INVALID_VALUE):
        wbcseg.train(preset="quick", dataset="synthetic", name=name)
    assert main(["train", "--preset", "quick", "--dataset", "synthetic", "--name", name]) == 1
    assert not runs.exists()


def test_images_that_come_later_are_not_counted(runs: Path) -> None:
    assert check_start(PRESETS["adapt"], runs) is None
