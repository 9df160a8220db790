"""A training run in the browser, from start to the finished model; and two readers who start one at the same time."""

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from browser_waits import expect

from wbcseg.training.jobs.queue import list_runs

try:
    from playwright.sync_api import TimeoutError as PlaywrightError
except ImportError:  # the fixtures say that it is missing
    PlaywrightError = TimeoutError

POINTS = "[data-testid=stVegaLiteChart] >> nth=0 >> .mark-symbol path"
STEP = 120_000  # milliseconds: on a busy machine TensorFlow alone takes 15 s to load, twice in a test

pytestmark = pytest.mark.training


def set_number(page: Any, label: str, value: int) -> None:
    """Type a number like a person: check whether the page has accepted it, and type it again if not."""
    field = page.get_by_label(label, exact=True)
    accepted = page.get_by_text(re.compile(rf"^Changed under Advanced:.*\b{label} {value}\b"))
    end = time.monotonic() + STEP / 1000
    while not accepted.count():
        assert time.monotonic() < end, f"{label} was not accepted"
        # Input can be lost while the page is being redrawn.
        field.fill(str(value))
        field.press("Enter")
        with contextlib.suppress(PlaywrightError):
            accepted.wait_for(timeout=5000)


def set_up_run(page: Any, name: str, epochs: int) -> None:
    """Set up a quick run that is small enough for a test."""
    page.goto("/train?tab=New+run")
    page.get_by_text("Advanced").click()
    set_number(page, "Base filters", 4)
    set_number(page, "Input size", 48)
    set_number(page, "Epochs", epochs)
    page.get_by_text(f"Changed under Advanced: Base filters 4, Input size 48, Epochs {epochs}").wait_for()
    idle = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
    idle.wait_for()
    page.get_by_label("Name (optional)", exact=True).fill(name)
    page.get_by_label("Name (optional)", exact=True).press("Enter")
    idle.wait_for()


def count_points(page: Any) -> int:
    return page.locator(POINTS).count()


def wait_for_points(page: Any, least: int) -> None:
    end = time.monotonic() + STEP / 1000
    while count_points(page) < least:
        assert time.monotonic() < end, f"{count_points(page)} points after {STEP / 1000:.0f} s"
        page.wait_for_timeout(200)


def badge(page: Any, *texts: str) -> Any:
    """Find the badge with the status of the run."""
    return page.locator(".stMarkdownBadge", has_text=re.compile("|".join(texts))).first


@pytest.fixture
def reader(page: Any, server: Any) -> Iterator[Any]:
    """A reader's window. Runs outlive the server, but not the test."""
    page.set_default_timeout(STEP)
    yield page
    for run in list_runs(server.log.parent / "runs"):
        process = run.find_process()
        if process:
            process.kill()


def test_a_run_from_start_to_segmentation_with_a_reload(reader: Any) -> None:
    set_up_run(reader, "seen in a browser", 30)
    reader.get_by_role("button", name="Start training").click()
    badge(reader, "Running").wait_for()
    expect(reader).to_have_url(re.compile(re.escape("run=seen+in+a+browser")))
    reader.evaluate("window.notReloaded = true")
    wait_for_points(reader, 3)
    assert reader.evaluate("window.notReloaded")

    reader.reload()
    badge(reader, "Running").wait_for()
    expect(reader).to_have_url(re.compile(re.escape("run=seen+in+a+browser")))
    wait_for_points(reader, 3)
    reader.get_by_test_id("stButton").get_by_role("button", name="Stop").click()
    badge(reader, "Stopped").wait_for()

    reader.get_by_role("button", name="Resume").click()
    reader.get_by_role("link", name="Try this model").wait_for()
    expect(reader.get_by_text("30 of 30 epochs done")).to_be_visible()
    reader.get_by_role("link", name="Try this model").click()
    reader.get_by_role("heading", name="Segment an image").wait_for()
    reader.get_by_role("button", name="Compare models").click()
    reader.get_by_role("checkbox", name="seen in a browser").or_(
        reader.get_by_role("button", name="seen in a browser")
    ).first.wait_for()
    expect(reader).to_have_url(re.compile(re.escape("seen+in+a+browser")))


def test_of_two_runs_started_at_once_one_is_visibly_queued(reader: Any, context: Any) -> None:
    other = context.new_page()
    other.set_default_timeout(STEP)
    for window, name in ((reader, "first tab"), (other, "second tab")):
        set_up_run(window, name, 400)
    for window in (reader, other):
        window.get_by_role("button", name="Start training").click()
    for window in (reader, other):
        badge(window, "Running", "Queued: 1st").wait_for()
    reader.wait_for_timeout(3000)
    running = [window for window in (reader, other) if badge(window, "Running").count()]
    queued = [window for window in (reader, other) if badge(window, "Queued: 1st").count()]
    assert (len(running), len(queued)) == (1, 1)

    # The queued run starts when the other one stops.
    running[0].get_by_test_id("stButton").get_by_role("button", name="Stop").click()
    badge(queued[0], "Running").wait_for()
    queued[0].get_by_test_id("stButton").get_by_role("button", name="Stop").click()
    badge(queued[0], "Stopped").wait_for()
    other.close()
