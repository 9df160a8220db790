"""Compare in a browser: charts, links to Segment, downloads."""

import csv
import io
import itertools
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from app_server import find_free_port, run_server
from browser_waits import expect, scroll_into_view, wait_until
from comparison_results import make_many, write_entries

from wbcseg.evaluation import cross_validation
from wbcseg.evaluation.metric_specs import METRICS
from wbcseg.registry import PLUGINS_VARIABLE

RESULTS = cross_validation.load_study_results(cross_validation.list_study_files())
RANKING = "/compare"
MAX_HEIGHT = 4000
"""Height of the page with many entries in pixels, 1280 wide."""


@pytest.fixture(autouse=True)
def skip_without_results():
    if not RESULTS:
        pytest.skip("There are no results of a cross-validation.")


def read_rows(download):
    return list(csv.reader(io.StringIO(Path(download.path()).read_bytes().decode("utf-8-sig"))))


def get_height(window):
    return window.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")


def is_wider_than_the_page(window):
    return window.evaluate("(e => e.scrollWidth > e.clientWidth)(document.querySelector('[data-testid=stMain]'))")


def test_charts_are_drawn_and_have_text_alternatives(page):
    page.goto(RANKING)
    page.get_by_text("Which differences are real?").wait_for()
    page.get_by_text("Download", exact=True).first.wait_for()
    for text in ("95% confidence intervals, best first", "Average ranks", "against Time of a crop", "by cell type"):
        page.locator(f'[aria-label*="{text}"], [alt*="{text}"]').first.wait_for(state="attached")


def test_a_link_restores_the_selection(page):
    metric = METRICS["hausdorff_95"]
    page.goto(f"{RANKING}?metric={quote_plus(metric.title)}")
    page.get_by_text("lowest mean Hausdorff").wait_for()
    page.get_by_text("Single pass", exact=True).click()
    page.wait_for_url("**mode=Single**")
    link = page.url
    page.goto("/")
    page.goto(link)
    page.get_by_text("lowest mean Hausdorff").wait_for()
    expect(page.get_by_role("radio", name="Single pass")).to_be_checked()


def test_the_hardest_image_opens_in_segment(page):
    page.goto(RANKING)
    first = page.locator(".st-key-hardest_images a").first
    first.wait_for()
    number = first.inner_text()
    with page.context.expect_page() as opened:
        first.click()
    segment_page = opened.value
    segment_page.wait_for_url(f"**/segment?dataset=Zheng*&image={number}*")
    segment_page.get_by_role("heading", name="Segment an image").wait_for()
    segment_page.close()


@pytest.fixture
def many_entries(browser, tmp_path, monkeypatch):
    """An app whose results are of sixteen entries."""
    write_entries(tmp_path / "results", make_many())
    plugin = tmp_path / "many_results.py"
    module = "wbcseg.evaluation.cross_validation"
    folder = tmp_path / "results"
    plugin.write_text(
        f"import pathlib\nimport {module} as c\nc.CROSS_VALIDATION_FOLDER = pathlib.Path({str(folder)!r})\n"
    )
    monkeypatch.setenv(PLUGINS_VARIABLE, str(plugin))
    with run_server(tmp_path, find_free_port()) as server:
        yield server


def test_sixteen_entries_fit_on_a_phone_and_the_page_stays_short(browser, many_entries):
    phone = browser.new_context(base_url=many_entries.url, viewport={"width": 390, "height": 844})
    window = phone.new_page()
    window.goto("/compare")
    window.get_by_text("Mean and 95% confidence interval").wait_for()
    assert not is_wider_than_the_page(window)
    labels = window.locator(".st-key-ranking .ytick text")
    expect(labels).to_have_count(16)
    # Names are whole, inside the page, and do not cover one another.
    boxes = [label.bounding_box() for label in labels.all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] < 240 for box in boxes)
    tops = sorted(box["y"] for box in boxes)
    assert min(b - a for a, b in itertools.pairwise(tops)) > max(box["height"] for box in boxes) - 2
    numbers = window.locator(".st-key-wins_many .heatmap-label").first
    numbers.wait_for(state="attached")
    expect(numbers).to_be_hidden()
    phone.close()

    desk = browser.new_context(base_url=many_entries.url, viewport={"width": 1280, "height": 900})
    window = desk.new_page()
    window.goto("/compare")
    window.get_by_text("Mean and 95% confidence interval").wait_for()
    # The answer and the whole ranking are on the first screen.
    expect(window.get_by_text("Mean and 95% confidence interval")).to_be_in_viewport()
    window.get_by_text("Scores of all images (CSV)").wait_for()
    wait_until(window, lambda: window.locator(".js-plotly-plot").count() >= 10)
    assert get_height(window) <= MAX_HEIGHT
    desk.close()


def test_a_point_opens_its_image_in_segment(page):
    page.goto(RANKING)
    points = page.locator(".st-key-images .scatterlayer .points path")
    points.first.wait_for(state="attached")
    scroll_into_view(page, points.first)
    box = points.first.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**/segment**")
    page.get_by_role("heading", name="Segment an image").wait_for()


def test_tables_can_be_downloaded(page):
    page.goto(RANKING)
    with page.expect_download() as scores:
        page.get_by_role("button", name="Scores of all images (CSV)").click()
    rows = read_rows(scores.value)
    assert len(rows[0]) == 5 + sum(len(metric.regions) for metric in METRICS.values())
    assert len(rows) > 100
    assert rows[1][1].startswith("zheng")
    with page.expect_download() as differences:
        page.get_by_role("button", name="Differences between networks (CSV)").click()
    assert read_rows(differences.value)[0][:2] == ["metric", "region"]
