"""The feature maps that LiteRT gives are those of the Keras network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from wbcseg.architectures.structure import layers, stages
from wbcseg.cards import ModelCard
from wbcseg.datasets import open_dataset
from wbcseg.errors import ModelError
from wbcseg.prediction import Catalog, ModelEntry, features
from wbcseg.prediction.features import StageMaps, feature_maps
from wbcseg.preparation.canvas import image_on_canvas

SHIPPED = {entry.name: entry for entry in Catalog().usable if entry.shipped}


def maps_of(entry: ModelEntry) -> tuple[np.ndarray, list[StageMaps]]:
    image = open_dataset("synthetic").read("synthetic/012").image
    assert entry.card is not None
    return image, feature_maps(entry.folder, entry.card, image)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_stage_has_its_maps(name: str) -> None:
    card = SHIPPED[name].card
    assert card is not None
    _, found = maps_of(SHIPPED[name])
    assert [one.stage for one in found] == list(stages(card.architecture, width=card.width, side=card.canvas))
    for one in found:
        assert one.maps.shape == (one.stage.side, one.stage.side, one.stage.filters)
        strongest = one.strongest(6)
        assert strongest.shape == (6, one.stage.side, one.stage.side)
        spread = strongest.std(axis=(1, 2))
        assert (np.diff(spread) <= 1e-4).all()
        assert spread[0] == pytest.approx(one.maps.std(axis=(0, 1)).max(), rel=1e-3)


@pytest.mark.parametrize("name", SHIPPED)
def test_they_are_those_of_the_keras_network(name: str) -> None:
    keras = pytest.importorskip("keras")
    from wbcseg.architectures import build
    from wbcseg.training.weights import read_weights

    card = SHIPPED[name].card
    assert card is not None
    network = build(card.architecture, width=card.width)
    network.set_weights(list(read_weights(SHIPPED[name].folder / "weights.safetensors").arrays.values()))
    image, found = maps_of(SHIPPED[name])
    canvas, _ = image_on_canvas(image, card.canvas)
    known = layers(card.architecture)
    last = []
    for stage in stages(card.architecture, width=card.width, side=card.canvas):
        step = next(step for step in reversed(stage.steps) if step.layer.name != "scores")
        place = [layer.name for layer in known].index(step.layer.name)
        # Normalisation and activation belong to the layer before them.
        while known[place + 1].kind in ("normalisation", "activation"):
            place += 1
        last.append(network.layers[place].output)
    expected = keras.Model(network.input, last)(canvas[None].astype(np.float32) / 255.0)
    for one, maps in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.maps, maps.numpy()[0], atol=5e-3 * float(np.abs(maps).max()))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of a shipped model's folder."""
    return Path(shutil.copytree(next(iter(SHIPPED.values())).folder, tmp_path / "model"))


def looked_into(folder: Path) -> list[StageMaps]:
    return feature_maps(folder, ModelCard.read(folder), np.zeros((120, 120, 3), np.uint8))


def test_a_file_that_is_gone_is_named(model: Path) -> None:
    card = ModelCard.read(model)
    (model / "model.tflite").unlink()
    with pytest.raises(ModelError, match=r"model\.tflite of model model cannot be read"):
        feature_maps(model, card, np.zeros((120, 120, 3), np.uint8))


def test_another_file_than_the_cards_is_refused(model: Path) -> None:
    (model / "model.tflite").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"model\.tflite"):
        looked_into(model)


def test_a_network_with_other_stages_than_the_card_says_is_refused(model: Path) -> None:
    card = json.loads((model / "card.json").read_text(encoding="utf-8"))
    card["width"] = 12
    (model / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match="stages of its network"):
        looked_into(model)


def test_a_process_that_dies_is_told_of(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features.sys, "executable", shutil.which("false"))
    with pytest.raises(ModelError, match="ended early"):
        looked_into(model)
