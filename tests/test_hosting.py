"""Who uses a server, and what visitors may do."""

from __future__ import annotations

import pytest

from wbcseg.hosting import MODES, get_limits, get_mode, is_public


def test_a_server_is_personal_unless_it_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WBCSEG_MODE", raising=False)
    assert get_mode() == "personal"
    assert not is_public()
    monkeypatch.setenv("WBCSEG_MODE", " Public ")
    assert is_public()


def test_an_unknown_mode_is_not_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_MODE", "pubic")
    with pytest.raises(ValueError, match="personal, shared, public"):
        get_mode()


@pytest.mark.parametrize("mode", MODES)
def test_limits_come_with_the_mode_and_may_be_changed(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("WBCSEG_MODE", mode)
    limits = get_limits()
    assert 0 < limits.visit_bytes <= limits.upload_bytes
    assert (limits.runs_per_visitor is not None) is (mode == "public")
    monkeypatch.setenv("WBCSEG_VISIT_MB", "7")
    assert get_limits().visit_bytes == 7_000_000
    monkeypatch.setenv("WBCSEG_VISIT_MB", "-1")
    with pytest.raises(ValueError, match="WBCSEG_VISIT_MB"):
        get_limits()
