"""The command ``wbcseg models``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import get_error
from models import SHIPPED, copy_of_shipped

from wbcseg.cli import main
from wbcseg.errors import ErrorCode
from wbcseg.models.card import NOTICE, ModelCard


def test_details_of_a_model_have_its_split_settings_and_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = ["More epochs did not help.", "Nor did fewer."]
    copy_of_shipped(tmp_path / "weights", notes=notes)
    monkeypatch.setenv("WBCSEG_WEIGHTS", str(tmp_path / "weights"))
    assert main(["models", "unet-16"]) == 0
    out = capsys.readouterr().out
    card = ModelCard.read(tmp_path / "weights" / "unet-16")
    assert card.to_dict()["notes"] == notes
    assert (card.split["fold"], card.split["folds"]) == (0, 5)
    assert "fold 0 of 5 held out" in out
    assert "  More epochs did not help.\n  Nor did fewer.\n" in out
    assert "learning_rate 0.003" in out
    assert NOTICE in out


def test_an_unknown_model_is_an_error() -> None:
    error = get_error("models", "nobody")
    assert error.code == ErrorCode.NOT_FOUND
    assert "'nobody'" in str(error)


def test_the_list_has_every_shipped_model_with_its_dice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == list(SHIPPED)
    assert all(entry["problem"] is None and entry["test_metrics"]["images"] > 0 for entry in listed)
    assert main(["models"]) == 0
    *lines, detector_line, types_line = capsys.readouterr().out.splitlines()
    assert detector_line.startswith("cell-detector ")
    assert types_line.startswith("cell-types ")
    for entry, line in zip(listed, lines, strict=True):
        assert line.startswith(entry["name"])
        assert "Dice on" in line
        assert f"cell {entry['test_metrics']['regions']['cell']['dice']:.3f}" in line
