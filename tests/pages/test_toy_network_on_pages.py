"""Pages show a network from a file outside the package, with nothing else edited."""

import functools

import pytest
from quick_app import page_text, viewer_props
from test_architectures_page import diagrams
from test_compare_page import folder, make_result, write_results  # noqa: F401 (folder is a fixture)

from wbcseg.inference import Catalog
from wbcseg.models import ARCHITECTURES
from wbcseg.ui import cache
from wbcseg.ui.architectures import networks

pytestmark = pytest.mark.usefixtures("toy_network")


def test_architectures_draws_it(open_page, monkeypatch):
    monkeypatch.setattr(networks, "compute_feature_maps", lambda *_: [])
    at = open_page("architectures", base_filters="16")
    assert len(diagrams(at)) == len(ARCHITECTURES)
    drawing = diagrams(at)[-1]
    assert drawing.get("aria-label").startswith("Toy-Net: 120×120 with 16 channels")
    assert len([node for node in drawing.iter("text") if node.text == "skip"]) == 1


@pytest.mark.training
def test_segment_uses_its_model(open_page, monkeypatch, toy_runs):
    monkeypatch.setattr(cache, "Catalog", functools.partial(Catalog, runs=toy_runs))
    (entry,) = [entry for entry in Catalog(runs=toy_runs).usable if entry.card.architecture == "toy"]
    at = open_page("segment", image="003", models=entry.title)
    assert not at.warning
    assert any(panel["title"].startswith("Toy-Net") for panel in viewer_props(at)["panels"])


def test_train_offers_it(open_page):
    at = open_page("train")
    at.selectbox(key="train_architecture").select("toy").run()
    assert not at.exception
    assert ARCHITECTURES["toy"].summary in page_text(at)


def test_compare_shows_its_results(open_page, folder):  # noqa: F811
    write_results(folder, make_result("unet", 0.96), make_result("toy", 0.9))
    at = open_page("compare")
    assert "Toy\\-Net" in page_text(at)
    assert at.get("plotly_chart")
