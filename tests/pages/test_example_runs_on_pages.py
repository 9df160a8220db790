"""On a fresh installation, the examples can be looked at, compared and replayed, but not changed."""

import pytest
from quick_app import count_images, page_text
from sample_runs import make_run

from wbcseg.training.runs.examples import list_examples


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch, no_data):
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("WBCSEG_RUNS", str(folder))
    return folder


def test_an_example_is_marked_and_can_only_be_looked_at(open_page):
    name = list_examples()[0].name
    at = open_page("runs", runs=[name])
    assert not at.exception
    assert set(at.dataframe[0].value["Status"]) == {"Example"}
    assert "cannot be deleted" in page_text(at)
    keys = {button.key for button in at.button}
    assert not keys & {"delete_runs", "rename_run"}
    assert not at.text_area


def test_examples_are_compared_like_runs(open_page):
    at = open_page("runs", runs=[summary.name for summary in list_examples()])
    assert not at.exception
    assert "Differing settings" in page_text(at)
    assert len(at.get("vega_lite_chart")) == 1


def test_an_example_is_replayed_on_train(open_page):
    at = open_page("train", tab="Progress")
    assert ":material/school: Example" in page_text(at)
    assert count_images(at) > 5
    at.button(key=f"play_{at.session_state['run']}").click().run()
    assert not at.exception


def test_runs_of_ones_own_come_first(open_page):
    make_run("mine")
    at = open_page("runs")
    assert list(at.dataframe[0].value["Run"]) == ["mine"]
    at = open_page("train", tab="Progress")
    assert at.selectbox(key="run").value == "mine"
    assert len(at.selectbox(key="run").options) == 3
