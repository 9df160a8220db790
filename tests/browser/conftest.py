"""A real server and a real browser.

Without a browser these tests are skipped with a reason; with ``CI=true`` in the environment they fail instead.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_server import Server, find_free_port, run_server
from prerequisites import skip_or_fail

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium: the system's, or the one that Playwright has downloaded."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        skip_or_fail('Playwright is not installed: pip install -e ".[dev]"')
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error:
            skip_or_fail(
                "Chromium is not installed. On Debian: apt install chromium. Elsewhere: playwright install chromium"
            )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app on a free port, with the shipped models and the synthetic images only."""
    with run_server(tmp_path_factory.mktemp("server"), find_free_port()) as running:
        yield running


@pytest.fixture(scope="session")
def context(browser: Any, server: Server) -> Iterator[Any]:
    """A browser context that keeps the app's scripts cached between tests; each window is a session of its own."""
    shared_context = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 900})
    shared_context.set_default_timeout(60_000)
    yield shared_context
    shared_context.close()


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """A new window. Errors of the page's scripts fail the test."""
    window = context.new_page()
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    yield window
    window.close()
    assert not errors
