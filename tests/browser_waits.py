"""Assertions on a page in the browser that wait until they hold: what an action changes is often shown after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

TIMEOUT = 60.0
"""Seconds, as for the other waits of the browser tests."""

try:
    from playwright.sync_api import Error, expect
except ImportError:  # the fixture ``browser`` says that it is missing
    expect: Any = None
    Error: Any = Exception
else:
    expect.set_options(timeout=1000 * TIMEOUT)


def wait_until(window: Any, condition: Callable[[], object]) -> None:
    """Wait until a condition holds that no assertion of Playwright expresses."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            pytest.fail("What was waited for did not happen.")
        window.wait_for_timeout(50)


# The script must stay still for a while: what a component sends after a run starts the next one.
IDLE = """() => {
    const app = document.querySelector("[data-testid=stApp]");
    const isIdle = app?.dataset.testScriptState === "notRunning"
        && app.dataset.testConnectionState === "CONNECTED"
        && !document.querySelector("[data-stale=true], [data-testid=stStatusWidget]");
    const now = performance.now();
    window.idleSince = isIdle ? window.idleSince ?? now : null;
    return isIdle && now - window.idleSince > 300;
}"""


def wait_until_idle(window: Any) -> None:
    """Wait until the app has run to its end and the browser shows nothing of an earlier run."""
    window.wait_for_function(IDLE)


def scroll_into_view(window: Any, locator: Any) -> None:
    """Scroll to an element, also if the page draws it anew meanwhile."""

    def scroll() -> bool:
        try:
            locator.scroll_into_view_if_needed(timeout=1000)
        except Error:
            return False
        return locator.bounding_box() is not None

    wait_until(window, scroll)
