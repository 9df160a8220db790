"""The command ``wbcseg evaluate``."""

from __future__ import annotations

import json

import pytest
from command_line import get_error

from wbcseg.cli import main
from wbcseg.errors import ErrorCode


def test_a_shipped_model_scores_what_its_card_says(zheng_data: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "unet-16", "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert result["agree"] is True
    assert result["measured"]["images"] == result["card"]["images"] > 0
    for region, scores in result["card"]["regions"].items():
        assert result["measured"]["regions"][region]["dice"] == pytest.approx(scores["dice"], abs=0.002)


def test_an_unknown_model_is_an_error() -> None:
    assert get_error("evaluate", "nobody").code == ErrorCode.NOT_FOUND


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_types_are_evaluated_by_the_command_types(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr("wbcseg.cli.types.run_command", lambda parsed: taken.append(parsed) or 0)
    assert main(["evaluate", "--types", *options]) == 0
    (parsed,) = taken
    assert (parsed.action, parsed.folder, parsed.json) == ("evaluate", None, bool(options))


def test_types_take_no_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "unet-general", "--types"]) == 1
    assert "takes no models" in capsys.readouterr().err
