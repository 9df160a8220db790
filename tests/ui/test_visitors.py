"""Visits end in time, and uploads keep to their budget."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi import run_async

from wbcseg.ui.visitors import visits
from wbcseg.ui.visitors.upload_budget import UploadBudget, UploadBudgetMiddleware
from wbcseg.ui.visitors.visits import CONNECTION_HEADER, ENDED_HEADER, VisitMiddleware, Visits


class Server:
    """A server with sessions that are connected or not."""

    def __init__(self) -> None:
        self.connected: set[str] = set()
        self.known = {"known"}
        self.ended: list[str] = []
        self.visits = Visits(self.connected.__contains__, self.known.__contains__, self.ended.append)


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "LEAVE_SECONDS", 0.05)
    monkeypatch.setattr(visits, "RESUME_SECONDS", 1.0)


async def close(server: Server, code: int, session: str = "s") -> None:
    server.visits.register("c", session)
    server.visits.schedule_end("c", code)


def test_a_visit_ends_soon_after_its_tab_was_closed_and_later_after_a_lost_connection() -> None:
    async def run(code: int) -> tuple[list[str], list[str]]:
        server = Server()
        await close(server, code)
        await asyncio.sleep(0.2)
        soon = list(server.ended)
        await asyncio.sleep(1.4)
        return soon, server.ended

    assert run_async(run(1001)) == (["s"], ["s"])
    assert run_async(run(1006)) == ([], ["s"])


def test_a_visit_that_comes_back_goes_on() -> None:
    async def run() -> Server:
        server = Server()
        await close(server, 1006)
        server.connected.add("s")
        server.visits.register("c2", "s")
        await asyncio.sleep(1.4)
        assert not server.ended
        # Its next end counts from there.
        server.connected.clear()
        server.visits.schedule_end("c2", 1006)
        await asyncio.sleep(0.2)
        assert not server.ended
        await asyncio.sleep(1.4)
        return server

    assert run_async(run()).ended == ["s"]


def test_a_connection_that_showed_no_page_is_no_visit() -> None:
    async def run() -> list[str]:
        server = Server()
        server.visits.schedule_end("unknown", 1001)
        await asyncio.sleep(0.2)
        return server.ended

    assert run_async(run()) == []


@pytest.mark.parametrize(("previous", "has_ended"), [("known", False), ("gone", True), ("", False)])
def test_the_page_learns_its_connection_and_whether_the_visit_has_ended(previous: str, has_ended: bool) -> None:
    seen: dict[str, Any] = {}
    messages = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1001}])

    async def app(scope: Any, receive: Any, _send: Any) -> None:
        seen.update(scope)
        server.visits.register(dict(scope["headers"])[CONNECTION_HEADER.encode()].decode(), "s")
        await receive()
        await receive()

    async def receive() -> Any:
        return next(messages)

    async def run() -> None:
        scope = {
            "type": "websocket",
            "path": "/_stcore/stream",
            "headers": [
                (b"sec-websocket-protocol", f"streamlit, token, {previous}".encode()),
                (CONNECTION_HEADER.encode(), b"made up"),
                (ENDED_HEADER.encode(), b"1"),
            ],
        }
        await VisitMiddleware(app, visits=server.visits)(scope, receive, None)  # type: ignore[arg-type]
        await asyncio.sleep(0.2)

    server = Server()
    run_async(run())
    values = [value for name, value in seen["headers"] if name == CONNECTION_HEADER.encode()]
    assert len(values) == 1
    assert values[0] != b"made up"
    assert (ENDED_HEADER.encode() in dict(seen["headers"])) is has_ended
    assert server.ended == ["s"]


def test_the_budget_counts_what_is_held_and_what_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_VISIT_MB", "10")
    monkeypatch.setenv("WBCSEG_UPLOADS_MB", "15")
    held = {"a": 4_000_000}
    budget = UploadBudget(lambda: held)
    assert budget.get_free_bytes("a") == 6_000_000
    first = budget.reserve("a", 5_000_000)
    assert first is not None
    assert budget.reserve("a", 2_000_000) is None
    # All visitors together.
    assert budget.reserve("b", 7_000_000) is None
    budget.release(first)
    assert budget.reserve("b", 7_000_000) is not None


def test_an_upload_beyond_the_budget_is_answered_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_VISIT_MB", "1")
    reached: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(scope["path"])

    async def put(length: bytes | None, path: str = "/base/_stcore/upload_file/s/f") -> list[Any]:
        parts = iter([{"body": b"x", "more_body": True}, {"body": b"y", "more_body": False}])
        sent: list[Any] = []

        async def receive() -> Any:
            return next(parts)

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [] if length is None else [(b"content-length", length)]
        middleware = UploadBudgetMiddleware(app, budget=UploadBudget(dict))
        await middleware({"type": "http", "method": "PUT", "path": path, "headers": headers}, receive, send)
        return sent

    assert run_async(put(b"2000000"))[0]["status"] == 413
    assert run_async(put(None))[0]["status"] == 411
    assert not reached
    assert run_async(put(b"900000")) == []
    assert run_async(put(b"2000000", "/elsewhere")) == []
    assert len(reached) == 2
