"""Without the extra ``cluster``, ``--scheduler`` says what to install."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from command_line import get_error

from wbcseg.errors import ConfigError


@pytest.mark.parametrize("missing", ["distributed", "fsspec"])
def test_what_is_missing_is_named(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find_spec(name))
    for name in [name for name in sys.modules if name.startswith("wbcseg.scale")]:
        monkeypatch.delitem(sys.modules, name)
    error = get_error("segment", str(tmp_path), "--out", str(tmp_path / "out"), "--scheduler", "local")
    assert isinstance(error, ConfigError)
    assert missing in error.message
    assert error.hint is not None
    assert "wbcseg[cluster]" in error.hint
