"""Compare in a browser: charts, links to Segment, downloads."""

import csv
import io
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from browser_waits import expect

from wbcseg.evaluation import cross_validation
from wbcseg.evaluation.metric_specs import METRICS

RESULTS = cross_validation.load_study_results(cross_validation.list_study_files())
UNSEEN = "/compare?tab=Unseen+cells"
CHART = ".js-plotly-plot .main-svg"


@pytest.fixture(autouse=True)
def skip_without_results():
    if not RESULTS:
        pytest.skip("There are no results of a cross-validation.")


def read_rows(download):
    return list(csv.reader(io.StringIO(Path(download.path()).read_bytes().decode("utf-8-sig"))))


def test_charts_are_drawn_and_have_text_alternatives(page):
    page.goto(UNSEEN)
    # One more chart where there are networks to compare; every chart has three drawings.
    compared = [result.study for result in RESULTS].count("zheng-1-compact-cv5") > 1
    page.locator(CHART).nth(9 if compared else 8).wait_for(state="attached")
    page.get_by_text("Which is better, by how much, and how certain is it?").wait_for()
    for text in ("as points beside a box", "by cell type with 95% confidence", "against the CPU time"):
        assert page.locator(f'[aria-label*="{text}"], [alt*="{text}"]').count(), text


def test_a_link_restores_the_selection(page):
    metric = METRICS["hausdorff_95"]
    page.goto(f"{UNSEEN}&metric={quote_plus(metric.title)}")
    page.get_by_text(metric.description[:30]).wait_for()
    page.get_by_text("Single pass", exact=True).click()
    page.wait_for_url("**mode=Single**")
    link = page.url
    page.goto("/")
    page.goto(link)
    page.get_by_text(METRICS["hausdorff_95"].description[:30]).wait_for()
    expect(page.get_by_role("radio", name="Single pass")).to_be_checked()


def test_the_hardest_image_opens_in_segment(page):
    page.goto(UNSEEN)
    first = page.locator("table").last.locator("a").first
    first.wait_for()
    number = first.inner_text()
    with page.context.expect_page() as opened:
        first.click()
    segment_page = opened.value
    segment_page.wait_for_url(f"**/segment?dataset=Zheng*&image={number}*")
    segment_page.get_by_role("heading", name="Segment an image").wait_for()
    segment_page.close()


def test_tables_can_be_downloaded(page):
    page.goto(UNSEEN)
    with page.expect_download() as scores:
        page.get_by_role("button", name="Scores of all images (CSV)").click()
    rows = read_rows(scores.value)
    assert len(rows[0]) == 5 + sum(len(metric.regions) for metric in METRICS.values())
    assert len(rows) > 100
    assert rows[1][1].startswith("zheng")
    with page.expect_download() as differences:
        page.get_by_role("button", name="Differences between networks (CSV)").click()
    assert read_rows(differences.value)[0][:2] == ["metric", "region"]
