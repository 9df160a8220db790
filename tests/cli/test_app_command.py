"""The command ``wbcseg app``."""

from __future__ import annotations

import sys

import pytest
from command_line import get_error

from wbcseg import paths
from wbcseg.cli import app, build_parser
from wbcseg.errors import ErrorCode


def test_streamlit_runs_the_app_script_for_this_computer_only() -> None:
    options = build_parser().parse_args(["app", "--port", "9000", "--no-browser"])
    command = app.build_command(options)
    assert command[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert command[4] == str(paths.get_app_script())
    assert command[command.index("--server.address") + 1] == "localhost"
    assert command[command.index("--server.port") + 1] == "9000"
    assert command[command.index("--server.headless") + 1] == "true"


def test_without_streamlit_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.importlib.util, "find_spec", lambda _: None)
    assert "wbcseg[app]" in str(get_error("app"))


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_port_out_of_range_is_rejected(port: str) -> None:
    error = get_error("app", "--port", port)
    assert error.code == ErrorCode.INVALID_VALUE
    assert "--port" in str(error)


@pytest.mark.parametrize(("mode", "address"), [("personal", "localhost"), ("shared", "0.0.0.0"), ("public", "0.0.0.0")])
def test_only_a_server_for_others_listens_to_them(monkeypatch: pytest.MonkeyPatch, mode: str, address: str) -> None:
    monkeypatch.setenv("WBCSEG_MODE", mode)
    command = app.build_command(build_parser().parse_args(["app"]))
    assert command[command.index("--server.address") + 1] == address
    monkeypatch.setenv("WBCSEG_MODE", "unknown")
    assert get_error("app").code == ErrorCode.INVALID_VALUE
