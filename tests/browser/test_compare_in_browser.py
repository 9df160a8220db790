"""What only a browser shows of Compare: charts, links into Predict, tables as files, phones."""

import csv
import io
from pathlib import Path

import pytest

from wbcseg.evaluation import cross_validation
from wbcseg.evaluation.metric_specs import METRICS

RESULTS = cross_validation.load_study_results(cross_validation.list_study_files())
UNSEEN = "/compare?tab=Unseen+cells"
CHART = ".js-plotly-plot .main-svg"
OVERLAPPING_LABELS = """() => [...document.querySelectorAll(".js-plotly-plot")].flatMap(chart => {
    const boxes = [...chart.querySelectorAll(".ytick")].map(one => one.getBoundingClientRect());
    boxes.sort((one, other) => one.top - other.top);
    return boxes.slice(1).map((box, place) => boxes[place].bottom - box.top).filter(over => over > 1);
})"""


@pytest.fixture(autouse=True)
def results_are_there():
    if not RESULTS:
        pytest.skip("The program has no result of a cross-validation yet.")


def rows_of(download):
    return list(csv.reader(io.StringIO(Path(download.path()).read_bytes().decode("utf-8-sig"))))


def test_charts_are_drawn_and_said_in_words(page):
    page.goto(UNSEEN)
    # One chart more where there are networks to compare; every chart has three drawings.
    compared = [one["study"] for one in RESULTS].count("zheng-1-compact-cv5") > 1
    page.locator(CHART).nth(9 if compared else 8).wait_for(state="attached")
    page.get_by_text("Which is better, by how much, and how sure are we?").wait_for()
    for words in ("as points beside a box", "by cell type with 95 % confidence", "against the processor time"):
        assert page.locator(f'[aria-label*="{words}"], [alt*="{words}"]').count(), words


@pytest.mark.parametrize("width", [1280, 390])
def test_no_label_of_a_chart_lies_over_the_next(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(UNSEEN)
    page.get_by_text("What do these words mean?").wait_for()
    page.locator(".ytick").first.wait_for(state="attached")
    page.wait_for_timeout(1500)
    overlapping = page.evaluate(OVERLAPPING_LABELS)
    assert not overlapping


def test_a_link_restores_the_question(page):
    page.goto(f"{UNSEEN}&figure=Hausdorff+distance+(95+%25)")
    page.get_by_text("How far apart the outlines are at their worst").wait_for()
    page.get_by_text("One look", exact=True).click()
    page.wait_for_url("**look=One**")
    link = page.url
    page.goto("/")
    page.goto(link)
    page.get_by_text("How far apart the outlines are at their worst").wait_for()
    assert page.get_by_role("radio", name="One look").is_checked()


def test_the_hardest_picture_opens_in_predict(page):
    page.goto(UNSEEN)
    first = page.locator("table").last.locator("a").first
    first.wait_for()
    number = first.inner_text()
    with page.context.expect_page() as opened:
        first.click()
    predict = opened.value
    predict.wait_for_url(f"**/segment?set=Zheng*&picture={number}*")
    predict.get_by_role("heading", name="Segment a picture").wait_for()
    predict.close()


def test_tables_are_taken_away(page):
    page.goto(UNSEEN)
    with page.expect_download() as first:
        page.get_by_role("button", name="Every picture (CSV)").click()
    pictures = rows_of(first.value)
    kinds = sum(len(figure.regions) for figure in METRICS.values())
    assert len(pictures[0]) == 5 + kinds
    assert len(pictures) > 100
    assert pictures[1][1].startswith("zheng")
    with page.expect_download() as second:
        page.get_by_role("button", name="Differences of the networks (CSV)").click()
    assert rows_of(second.value)[0][:2] == ["figure", "region"]


@pytest.mark.parametrize(
    "tab", ["In+short", "Unseen+cells", "The+thesis,+repeated", "What+the+leak+is+worth", "Other+laboratories"]
)
def test_on_a_phone_nothing_is_wider_than_the_page(page, tab):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/compare?tab={tab}")
    page.get_by_role("heading", name="Compare the networks").wait_for()
    page.get_by_text("What do these words mean?").wait_for()
    page.wait_for_timeout(1500)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
