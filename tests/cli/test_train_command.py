"""The command ``wbcseg train``."""

from __future__ import annotations

import pytest
from command_line import get_error

from wbcseg.cli import main
from wbcseg.errors import ErrorCode
from wbcseg.training.settings import SETTINGS


def test_the_help_explains_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, spec in SETTINGS.items():
        assert f"--{name.replace('_', '-')}" in text
        assert " ".join(spec.plain_help.split()) in text
    assert "`" not in text


def test_a_resumed_run_keeps_its_settings() -> None:
    error = get_error("train", "--resume", "first", "--epochs", "3")
    assert error.code == ErrorCode.INVALID_VALUE
    assert "--resume" in str(error)
