"""A training in the browser, from Start to the finished model; and two readers who start one at the same time."""

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from wbcseg.training.jobs.queue import list_runs

try:
    from playwright.sync_api import TimeoutError as PlaywrightError
except ImportError:  # the fixtures say that it is missing
    PlaywrightError = TimeoutError

POINTS = "[data-testid=stVegaLiteChart] >> nth=0 >> .mark-symbol path"
STEP = 120_000  # milliseconds: on a busy machine TensorFlow alone takes 15 s to load, twice in a test

pytestmark = pytest.mark.training


def set_number(page: Any, label: str, value: int) -> None:
    """Type a number, as a person does: look whether the page has taken it, and type it again if not."""
    field = page.get_by_label(label, exact=True)
    taken = page.get_by_text(re.compile(rf"^Changed under Advanced:.*\b{label} {value}\b"))
    end = time.monotonic() + STEP / 1000
    while not taken.count():
        assert time.monotonic() < end, f"{label} was not taken"
        # What is typed into a page that is just being drawn can be lost.
        field.fill(str(value))
        field.press("Enter")
        with contextlib.suppress(PlaywrightError):
            taken.wait_for(timeout=5000)


def describe(page: Any, name: str, epochs: int) -> None:
    """Describe a quick look that is small enough for a test."""
    page.goto("/train?tab=New+training")
    page.get_by_text("Advanced").click()
    set_number(page, "Width", 4)
    set_number(page, "Side of the square", 48)
    set_number(page, "Epochs", epochs)
    page.get_by_text(f"Changed under Advanced: Width 4, Side of the square 48, Epochs {epochs}").wait_for()
    idle = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
    idle.wait_for()
    page.get_by_label("Name (optional)", exact=True).fill(name)
    page.get_by_label("Name (optional)", exact=True).press("Enter")
    idle.wait_for()


def points(page: Any) -> int:
    return page.locator(POINTS).count()


def wait_for_points(page: Any, least: int) -> None:
    end = time.monotonic() + STEP / 1000
    while points(page) < least:
        assert time.monotonic() < end, f"{points(page)} points after {STEP / 1000:.0f} s"
        page.wait_for_timeout(200)


def badge(page: Any, *texts: str) -> Any:
    """Find the sign that says how the training stands."""
    return page.locator(".stMarkdownBadge", has_text=re.compile("|".join(texts))).first


@pytest.fixture
def reader(page: Any, server: Any) -> Iterator[Any]:
    """A reader's window. Trainings outlive the server, but not the test."""
    page.set_default_timeout(STEP)
    yield page
    for run in list_runs(server.log.parent / "runs"):
        process = run.find_process()
        if process:
            process.kill()


# Fault 32: the page is loaded anew in the middle.
def test_a_training_from_start_to_predict(reader: Any) -> None:
    describe(reader, "seen in a browser", 30)
    reader.get_by_role("button", name="Start training").click()
    badge(reader, "Running").wait_for()
    assert "run=seen+in+a+browser" in reader.url
    reader.evaluate("window.notReloaded = true")
    wait_for_points(reader, 3)
    assert reader.evaluate("window.notReloaded")

    reader.reload()
    badge(reader, "Running").wait_for()
    assert "run=seen+in+a+browser" in reader.url
    wait_for_points(reader, 3)
    reader.get_by_role("button", name="Stop").click()
    badge(reader, "Stopped").wait_for()

    reader.get_by_role("button", name="Go on").click()
    reader.get_by_role("link", name="See in Predict").wait_for()
    assert reader.get_by_text("30 of 30 epochs done").is_visible()
    reader.get_by_role("link", name="See in Predict").click()
    reader.get_by_role("heading", name="Segment an image").wait_for()
    reader.get_by_role("checkbox", name="seen in a browser").or_(
        reader.get_by_role("button", name="seen in a browser")
    ).first.wait_for()
    assert "models=seen" in reader.url


# Fault 36.
def test_of_two_that_start_at_once_one_runs_and_the_other_waits_visibly(reader: Any, context: Any) -> None:
    other = context.new_page()
    other.set_default_timeout(STEP)
    for window, name in ((reader, "first tab"), (other, "second tab")):
        describe(window, name, 400)
    for window in (reader, other):
        window.get_by_role("button", name="Start training").click()
    for window in (reader, other):
        badge(window, "Running", "Waiting in line, place 1").wait_for()
    reader.wait_for_timeout(3000)
    running = [window for window in (reader, other) if badge(window, "Running").count()]
    waiting = [window for window in (reader, other) if badge(window, "Waiting in line, place 1").count()]
    assert (len(running), len(waiting)) == (1, 1)

    # The one that waits takes its turn when the other one stops.
    running[0].get_by_role("button", name="Stop").click()
    badge(waiting[0], "Running").wait_for()
    waiting[0].get_by_role("button", name="Stop").click()
    badge(waiting[0], "Stopped").wait_for()
    other.close()
