"""On a public server, visitors see their own runs only, and these have quotas."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from asgi import run_async
from expect import raises
from models import copy_of_shipped
from quick_app import APP, go_to, page_text
from sample_runs import QUICK, make_run
from streamlit.testing.v1 import AppTest

from wbcseg import paths
from wbcseg.errors import ErrorCode, RunError
from wbcseg.inference import Catalog
from wbcseg.training.jobs import manager, room
from wbcseg.training.jobs.queue import list_queued_runs
from wbcseg.training.jobs.stop_signal import TimeLimit
from wbcseg.training.runs.summary import list_summaries
from wbcseg.ui.visitors import identity


@pytest.fixture(autouse=True)
def public_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_MODE", "public")
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(room, "get_free_memory", lambda: 16_000_000_000)
    monkeypatch.setattr(paths, "_get_visitor", lambda: None)


def be(monkeypatch: pytest.MonkeyPatch, visitor: str) -> Path:
    """Be a visitor from now on. Return the folder of their runs."""
    monkeypatch.setattr(paths, "_get_visitor", lambda: visitor)
    return paths.get_runs_folder()


def test_each_visitor_has_runs_and_models_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    make_run("mine", folder=be(monkeypatch, "a"))
    copy_of_shipped(paths.get_runs_folder(), called="my model")
    assert [summary.name for summary in list_summaries()] == ["mine"]
    assert "my model" in [entry.name for entry in Catalog().entries]
    be(monkeypatch, "b")
    assert list_summaries() == []
    assert all(entry.shipped for entry in Catalog().entries)
    with raises(RunError, ErrorCode.NOT_FOUND) as caught:
        manager.get_run("mine")
    assert "none" in str(caught.value)
    make_run("mine", folder=paths.get_runs_folder())


def test_the_queue_is_everybodys_and_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    make_run("secret name", "queued", folder=be(monkeypatch, "a"), queued_at=1.0)
    make_run("other", "queued", folder=be(monkeypatch, "b"), queued_at=2.0)
    (summary,) = list_summaries()
    assert (summary.name, summary.queue_position) == ("other", 2)
    assert len(list_queued_runs()) == manager.count_active_runs() == 2


def test_trainings_have_quotas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "_launch_process", lambda *_: None)
    folder = be(monkeypatch, "a")
    for number in range(3):
        make_run(f"run {number}", folder=folder)
    with raises(RunError, ErrorCode.TOO_LARGE):
        manager.start_run(QUICK)
    be(monkeypatch, "b")
    run = manager.start_run(QUICK)
    monkeypatch.setenv("WBCSEG_VISITOR_RUNS_MB", "1")
    (run.folder / "weights.safetensors").write_bytes(bytes(1_100_000))
    with raises(RunError, ErrorCode.TOO_LARGE):
        manager.start_run(QUICK)
    be(monkeypatch, "c")
    monkeypatch.setenv("WBCSEG_RUNS_MB", "1")
    with raises(RunError, ErrorCode.TOO_LARGE):
        manager.start_run(QUICK)


def test_the_queue_has_a_limit_for_all_visitors_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for visitor in "abc":
        make_run("waits", "queued", folder=be(monkeypatch, visitor), queued_at=1.0)
    be(monkeypatch, "d")
    with raises(RunError, ErrorCode.BUSY):
        manager.start_run(QUICK)


def test_without_enough_memory_there_is_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, "a")
    monkeypatch.setattr(room, "get_free_memory", lambda: 900_000_000)
    with raises(RunError, ErrorCode.OUT_OF_MEMORY):
        manager.start_run(QUICK)
    monkeypatch.setenv("WBCSEG_MODE", "shared")
    room.check_offered()


def test_a_training_ends_after_its_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_TRAINING_MINUTES", "1")
    run = make_run("long", folder=be(monkeypatch, "a"), epochs=3)
    assert not TimeLimit(run, lambda: False).should_stop()
    rows = [{**row, "seconds": 30.0} for row in run.load_metrics()]
    run.write("metrics.json", {"epochs": rows})
    limit = TimeLimit(run, lambda: False)
    assert limit.should_stop()
    assert "1 minutes" in limit.reason
    monkeypatch.setenv("WBCSEG_MODE", "personal")
    monkeypatch.delenv("WBCSEG_TRAINING_MINUTES")
    assert not TimeLimit(run, lambda: False).should_stop()


def test_visits_without_cookies_have_runs_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []
    for _ in range(2):
        at = AppTest.from_file(str(APP), default_timeout=120).run()
        go_to(at, "runs")
        at.run()
        assert not at.exception
        assert "There are no runs yet" in page_text(at)
        folders.append(at.session_state[identity._SESSION_KEY])
    assert folders[0] != folders[1]
    # Nobody's thread sees nobody's runs.
    assert identity.get_visitor() not in {*folders, None}


def ask(path: str, cookie: str = "", content_type: str = "text/html; charset=utf-8") -> list[str]:
    """Return the cookies that an answer sets."""
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-type", content_type.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"cookie", cookie.encode())] if cookie else []
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "scheme": "http"}
    run_async(identity.VisitorCookieMiddleware(app)(scope, receive, send))
    return [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]


def test_a_browser_gets_a_number_once_and_pages_cannot_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (first,), (second,) = ask("/"), ask("/runs")
    assert first.startswith(f"{identity.COOKIE}=")
    assert "HttpOnly" in first
    assert first != second
    assert ask("/", first.partition(";")[0]) == []
    assert ask("/script.js", content_type="text/javascript") == []
    assert len(ask("/", f"{identity.COOKIE}=../../etc")) == 1
    monkeypatch.setenv("WBCSEG_MODE", "shared")
    assert ask("/") == []


def test_a_training_process_knows_the_visitors_folder_and_the_common_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    environments = []

    class Process:
        def __init__(self, _command: Any, **options: Any) -> None:
            environments.append(options["env"])
            self.stdin, self.pid = None, os.getpid()

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(manager.subprocess, "Popen", Process)
    folder = be(monkeypatch, "a")
    manager.start_run(QUICK, name="mine")
    assert environments[0]["WBCSEG_RUNS"] == str(folder)
    assert environments[0]["WBCSEG_RUNS_ROOT"] == str(paths.get_runs_root())
    assert folder.parent.parent == paths.get_runs_root()
