"""The command ``wbcseg runs``."""

from __future__ import annotations

import json

import pytest
from command_line import get_error

from wbcseg.cli import main
from wbcseg.errors import ErrorCode
from wbcseg.paths import get_runs_folder
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.runs.state import StoredStatus


def create_run(name: str, status: StoredStatus, **details: object) -> Run:
    """Create a run of eight epochs in the folder of runs."""
    run = Run(get_runs_folder() / name)
    run.create(TrainingConfig(base_filters=4, epochs=8))
    run.set_state(status, **details)
    return run


def test_the_list_shows_status_epochs_time_and_dice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["runs", "list"]) == 0
    assert "No runs" in capsys.readouterr().out
    run = create_run("first", "failed", reason="The loss became nan.")
    run.write("metrics.json", {"epochs": [{"epoch": 1, "loss": 0.5, "val_dice_cell": 0.75, "seconds": 61.0}]})
    create_run("second", "stopped")
    assert main(["runs", "list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("first"))
    words = ["failed", "epoch", "1/8", "0:01:01", "fast", "Dice", "at", f"{run.load_config().input_size}", "px:"]
    assert line.split()[1:] == [*words, "cell", "0.750"]
    assert main(["runs", "list", "--json"]) == 0
    assert {row["name"]: row["status"] for row in json.loads(capsys.readouterr().out)} == {
        "first": "failed",
        "second": "stopped",
    }


def test_show_prints_reason_settings_and_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    run = create_run("first", "failed", reason="The loss became nan.")
    run.write("metrics.json", {"epochs": [{"epoch": 1, "loss": 0.5, "val_dice_cell": 0.75, "seconds": 61.0}]})
    assert main(["runs", "show", "first"]) == 0
    shown = capsys.readouterr().out
    assert "The loss became nan." in shown
    assert "learning_rate" in shown
    assert main(["runs", "show", "first", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"][0]["val_dice_cell"] == 0.75


def test_delete_asks_unless_told_not_to(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = create_run("first", "failed"), create_run("second", "stopped")
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert get_error("runs", "delete", "first").code == ErrorCode.CANCELLED
    assert first.folder.exists()
    assert main(["runs", "delete", "first", "second", "--yes", "--json"]) == 0
    assert [row["status"] for row in json.loads(capsys.readouterr().out)] == [None, None]
    assert not first.folder.exists()
    assert not second.folder.exists()


def test_an_unknown_run_is_an_error() -> None:
    error = get_error("runs", "show", "nowhere")
    assert error.code == ErrorCode.NOT_FOUND
    assert "'nowhere'" in str(error)


def test_a_run_for_which_an_action_fails_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    create_run("idle", "stopped")
    create_run("busy", "running")
    assert main(["runs", "stop", "idle"]) == 1
    assert "idle" in capsys.readouterr().out
    assert main(["runs", "delete", "busy", "--yes", "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert "busy" in result[0]["error"]
    assert result[0]["status"] == "running"
    assert main(["runs", "resume", "busy"]) == 1
    assert "busy" in capsys.readouterr().out
