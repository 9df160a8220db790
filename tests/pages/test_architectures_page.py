"""Architectures: the networks as diagrams, in numbers, and their feature maps."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest
from quick_app import FailingCatalog, count_images, page_text, tables

from wbcseg.errors import ModelError
from wbcseg.inference import Catalog
from wbcseg.models import ARCHITECTURES
from wbcseg.models.graph import list_stages
from wbcseg.ui import cache
from wbcseg.ui.architectures import networks


def diagrams(at):
    components = [item for item in at.get("bidi_component") if item.proto.component_name.endswith("wbcseg.drawing")]
    return [ElementTree.fromstring(json.loads(item.proto.json)[0]) for item in components]


@pytest.fixture
def shipped_models(monkeypatch):
    monkeypatch.setattr(cache, "Catalog", Catalog)


@pytest.mark.parametrize("base_filters", [16, 64])
def test_every_network_is_drawn_for_any_number_of_base_filters(open_page, monkeypatch, base_filters):
    monkeypatch.setattr(networks, "compute_feature_maps", lambda *_: [])
    at = open_page("architectures", base_filters=str(base_filters))
    for network, svg in zip(ARCHITECTURES.values(), diagrams(at), strict=True):
        boxes = [node.text for node in svg.iter("text") if "² × " in (node.text or "")]
        stages = list_stages(network.name, base_filters=base_filters, input_size=120)
        assert boxes == [f"{stage.map_size}² × {stage.filters}" for stage in stages]
        skips = [node for node in svg.iter("text") if node.text == "skip"]
        assert len(skips) == sum(stage.skip_from is not None for stage in stages)
        assert bool(skips) == network.has_skips
        assert svg.get("aria-label").startswith(f"{network.title}: 120×120")
        assert f"{network.count_parameters(base_filters):,}".replace(",", "\u202f") in page_text(at)


def test_the_numbers_of_every_stage(open_page, monkeypatch):
    monkeypatch.setattr(networks, "compute_feature_maps", lambda *_: [])
    at = open_page("architectures", base_filters="64")
    table = tables(at)[0]
    stages = list_stages(next(iter(ARCHITECTURES)), base_filters=64, input_size=120)
    for row, stage in zip(table[1:], stages, strict=True):
        assert row[2] == str(stage.filters)
        assert row[-1] == f"{stage.receptive_field}×{stage.receptive_field}"


def test_feature_maps_of_the_shipped_models(open_page, shipped_models):
    at = open_page("architectures", image="012")
    stages = [
        stage
        for entry in Catalog().select_defaults_for("synthetic")
        for stage in list_stages(entry.card.architecture, base_filters=16, input_size=120)
    ]
    assert count_images(at) == len(stages)
    captions = [caption.value for caption in at.caption]
    assert "Encoder, 120×120: 6 of 16 maps" in captions
    assert "Decoder, 15×15: 6 of 128 maps" in captions


def test_a_model_that_cannot_be_loaded_says_why(open_page, monkeypatch):
    def fail(*_):
        raise ModelError("The weights of model x are missing.")

    monkeypatch.setattr(cache, "Catalog", FailingCatalog)
    monkeypatch.setattr(networks, "compute_feature_maps", fail)
    at = open_page("architectures")
    assert "The weights of model x are missing" in page_text(at)


def test_without_models_the_diagrams_remain(open_page, monkeypatch):
    class EmptyCatalog(Catalog):
        def __init__(self):
            self.entries = ()

    monkeypatch.setattr(cache, "Catalog", EmptyCatalog)
    at = open_page("architectures")
    assert len(diagrams(at)) == len(ARCHITECTURES)
    assert "No shipped model is available" in page_text(at)
