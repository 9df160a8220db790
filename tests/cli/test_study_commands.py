"""What the commands of the studies have in common."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import get_error

from wbcseg.cli import main
from wbcseg.errors import ErrorCode

TRAINING_COMMANDS = ("cross-validate", "compare", "cross-site", "reproduce")


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
