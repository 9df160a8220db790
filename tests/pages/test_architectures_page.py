"""Architectures: the networks as diagrams, in numbers, and what their stages see."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest
from quick_app import FailingCatalog, pictures, tables, words

from wbcseg.errors import ModelError
from wbcseg.inference import Catalog
from wbcseg.models import ARCHITECTURES
from wbcseg.models.graph import list_stages
from wbcseg.ui import cache
from wbcseg.ui.architectures import networks


def diagrams(at):
    found = [one for one in at.get("bidi_component") if one.proto.component_name.endswith("wbcseg.drawing")]
    return [ElementTree.fromstring(json.loads(one.proto.json)[0]) for one in found]


@pytest.fixture
def shipped(monkeypatch):
    monkeypatch.setattr(cache, "Catalog", Catalog)


@pytest.mark.parametrize("width", [16, 64])
def test_every_network_is_drawn_at_any_width(open_page, monkeypatch, width):
    monkeypatch.setattr(networks, "compute_feature_maps", lambda *_: [])
    at = open_page("architectures", width=str(width))
    drawn = diagrams(at)
    assert len(drawn) == len(ARCHITECTURES)
    for network, svg in zip(ARCHITECTURES.values(), drawn, strict=True):
        boxes = [node.text for node in svg.iter("text") if "² × " in (node.text or "")]
        found = list_stages(network.name, base_filters=width, input_size=120)
        assert boxes == [f"{stage.map_size}² × {stage.filters}" for stage in found]
        assert len([node for node in svg.iter("text") if node.text == "copy"]) == 4 * (network.name == "unet")
        assert svg.get("aria-label").startswith(f"{network.title}: 120×120")
        assert f"{network.count_parameters(width):,}".replace(",", "\u202f") in words(at)


def test_the_numbers_of_every_stage(open_page, monkeypatch):
    monkeypatch.setattr(networks, "compute_feature_maps", lambda *_: [])
    at = open_page("architectures", width="64")
    table = tables(at)[0]
    found = list_stages("unet", base_filters=64, input_size=120)
    assert len(table) == 1 + len(found)
    for row, stage in zip(table[1:], found, strict=True):
        assert row[2] == str(stage.filters)
        assert row[-1] == f"{stage.receptive_field}×{stage.receptive_field}"


def test_what_the_shipped_networks_see(open_page, shipped):
    at = open_page("architectures", image="012")
    assert pictures(at) == 9 * len(ARCHITECTURES)
    captions = [caption.value for caption in at.caption]
    assert "Encoder, 120×120: 6 of 16 maps" in captions
    assert "Decoder, 15×15: 6 of 128 maps" in captions


def test_a_model_that_cannot_be_looked_into_says_why(open_page, monkeypatch):
    def fail(*_):
        raise ModelError("Model x cannot be looked into: it is gone.")

    monkeypatch.setattr(cache, "Catalog", FailingCatalog)
    monkeypatch.setattr(networks, "compute_feature_maps", fail)
    at = open_page("architectures")
    assert "cannot be looked into" in words(at)


def test_without_models_the_diagrams_remain(open_page, monkeypatch):
    class Nothing(Catalog):
        def __init__(self):
            self.entries = ()

    monkeypatch.setattr(cache, "Catalog", Nothing)
    at = open_page("architectures")
    assert len(diagrams(at)) == len(ARCHITECTURES)
    assert "There is no shipped model here" in words(at)
