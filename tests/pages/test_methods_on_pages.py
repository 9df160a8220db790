"""Methods without a deep network on the pages: Train, Architectures, Segment."""

from __future__ import annotations

import json

import pytest
from quick_app import page_text, viewer_props

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import TrainingError
from wbcseg.evaluation.methods import train_method
from wbcseg.inference import Catalog
from wbcseg.models.method_registry import METHODS
from wbcseg.training.methods import MethodConfig
from wbcseg.ui import routes
from wbcseg.ui.architectures import networks
from wbcseg.ui.train import methods


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch, no_data):
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("WBCSEG_RUNS", str(folder))
    return folder


def train_here(name):
    """Train in this process, as the command does in another one."""

    def train(method, dataset, *, data=None):
        return train_method(MethodConfig(method, dataset, folds=3, input_size=72), name)

    return train


def test_a_method_is_trained_listed_and_deleted(open_page, runs, monkeypatch):
    monkeypatch.setattr(methods, "train_in_process", train_here(runs / "planes"))
    at = open_page("train", tab=routes.TRAIN_METHODS_TAB)
    at.selectbox(key="method").select("linear_svm").run()
    at.selectbox(key="method_data").select("synthetic").run()
    at.button(key="method_start").click().run()
    assert not at.exception
    assert at.success[0].value.startswith("Linear SVM learned from")
    assert "Dice on" in at.success[0].value
    assert "planes" in [entry.name for entry in Catalog().usable]
    at.button(key="method_delete").click().run()
    assert not at.exception
    assert "planes" not in [entry.name for entry in Catalog().usable]
    assert list(runs.iterdir()) == []


def test_a_failed_training_says_why(open_page, monkeypatch):
    def fail(*_, **__):
        raise TrainingError("The training failed: too few images.")

    monkeypatch.setattr(methods, "train_in_process", fail)
    at = open_page("train", tab=routes.TRAIN_METHODS_TAB)
    at.selectbox(key="method_data").select("synthetic").run()
    at.button(key="method_start").click().run()
    assert "too few images" in at.error[0].value


def test_every_method_is_explained(open_page, monkeypatch):
    monkeypatch.setattr(networks, "compute_feature_maps", lambda *_: [])
    at = open_page("architectures")
    titles = [element.value for element in at.subheader]
    for spec in METHODS.values():
        assert spec.title in titles
        assert spec.summary in page_text(at)


def test_the_crf_is_chosen_among_the_models(open_page):
    at = open_page("segment")
    assert not at.toggle(key="crf").value
    assert " + CRF" not in json.dumps(viewer_props(at))
    at.toggle(key="crf").set_value(True).run()
    assert not at.exception
    assert " + CRF" in json.dumps(viewer_props(at))


def test_the_trained_method_of_a_page_is_a_model_like_others(runs):
    train_method(MethodConfig("random_forest", "synthetic", folds=3, input_size=72), runs / "forest")
    result = Catalog().load("forest").predict(draw_sample(5, 30).image)
    assert set(result.labels.ravel().tolist()) == {0, 1, 2}
