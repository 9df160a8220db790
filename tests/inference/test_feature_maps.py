"""Every stage of a model has its feature maps, and what is wrong with its files is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from wbcseg.datasets import open_dataset
from wbcseg.errors import ChecksumError, ModelError, WeightsError
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.inference import feature_maps as features
from wbcseg.inference.feature_maps import StageMaps, compute_feature_maps
from wbcseg.models.card import ModelCard
from wbcseg.models.graph import list_stages

SHIPPED = {entry.name: entry for entry in Catalog().usable if entry.shipped}


def maps_of(entry: ModelEntry) -> tuple[np.ndarray, list[StageMaps]]:
    image = open_dataset("synthetic").read("synthetic/012").image
    assert entry.card is not None
    return image, compute_feature_maps(entry.folder, entry.card, image)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_stage_has_its_maps(name: str) -> None:
    card = SHIPPED[name].card
    assert card is not None
    _, all_maps = maps_of(SHIPPED[name])
    assert [maps.stage for maps in all_maps] == list(
        list_stages(card.architecture, base_filters=card.base_filters, input_size=card.input_size)
    )
    for maps in all_maps:
        assert maps.maps.shape == (maps.stage.map_size, maps.stage.map_size, maps.stage.filters)
        strongest = maps.select_strongest(6)
        assert strongest.shape == (6, maps.stage.map_size, maps.stage.map_size)
        spread = strongest.std(axis=(1, 2))
        assert (np.diff(spread) <= 1e-4).all()
        assert spread[0] == pytest.approx(maps.maps.std(axis=(0, 1)).max(), rel=1e-3)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of a shipped model's folder."""
    return Path(shutil.copytree(next(iter(SHIPPED.values())).folder, tmp_path / "model"))


def looked_into(folder: Path) -> list[StageMaps]:
    return compute_feature_maps(folder, ModelCard.read(folder), np.zeros((120, 120, 3), np.uint8))


def test_a_file_that_is_gone_is_named(model: Path) -> None:
    (model / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match=r"weights\.safetensors of model model could not be read"):
        looked_into(model)


def test_another_file_than_the_cards_is_refused(model: Path) -> None:
    (model / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(ChecksumError, match=r"weights\.safetensors"):
        looked_into(model)


def test_weights_of_another_network_than_the_card_says_are_refused(model: Path) -> None:
    card = json.loads((model / "card.json").read_text(encoding="utf-8"))
    card["architecture"] = "deconvnet" if card["architecture"] != "deconvnet" else "unet"
    (model / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(WeightsError, match=r"belong to unet with 16 .* not to deconvnet with"):
        looked_into(model)


def test_weights_of_another_width_than_the_card_says_are_refused(model: Path) -> None:
    card = json.loads((model / "card.json").read_text(encoding="utf-8"))
    card["base_filters"] = 12
    (model / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(WeightsError, match="not to unet with 12 base filters"):
        looked_into(model)


def test_memory_that_does_not_suffice_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(features, "forward", fail)
    with pytest.raises(ModelError, match="not enough memory"):
        looked_into(model)
