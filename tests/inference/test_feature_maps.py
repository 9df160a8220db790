"""Every stage of a model has its feature maps, and what is wrong with its files is named."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from expect import raises

from wbcseg.datasets import open_dataset
from wbcseg.errors import ChecksumError, ErrorCode, ModelError, WeightsError
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.inference import feature_maps as features
from wbcseg.inference.feature_maps import StageMaps, compute_feature_maps
from wbcseg.models import ARCHITECTURES, build_model
from wbcseg.models.card import ModelCard
from wbcseg.models.file_record import FileRecord
from wbcseg.models.forward import forward
from wbcseg.models.graph import list_stages
from wbcseg.models.weights import Weights, write_weights

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


def change_card(folder: Path, **changes: object) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (folder / "card.json").write_text(json.dumps({**card, **changes}), encoding="utf-8")


def looked_into(folder: Path) -> list[StageMaps]:
    return compute_feature_maps(folder, ModelCard.read(folder), np.zeros((120, 120, 3), np.uint8))


def test_a_file_that_is_gone_is_named(model: Path) -> None:
    (model / "model.tflite").unlink()
    with pytest.raises(ModelError, match=r"model\.tflite of model model could not be read"):
        looked_into(model)


@pytest.mark.parametrize("name", ["model.tflite", "weights.safetensors"])
def test_another_file_than_the_cards_is_refused(model: Path, name: str) -> None:
    (model / name).write_bytes(b"nothing")
    with pytest.raises(ChecksumError, match=name):
        looked_into(model)


@pytest.mark.parametrize("change", [{"architecture": "deconvnet"}, {"base_filters": 12}])
def test_an_exported_model_of_another_network_than_the_card_says_is_refused(
    model: Path, change: dict[str, object]
) -> None:
    change_card(model, **change)
    with raises(ModelError, ErrorCode.INCOMPATIBLE):
        looked_into(model)


@pytest.fixture
def model_with_weights(model: Path) -> Path:
    """A model's folder with trainable weights, as that of a training run."""
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(4)
    network = build_model("unet", base_filters=16)
    arrays = {f"{number:03}": np.asarray(weight) for number, weight in enumerate(network.weights)}
    write_weights(model / "weights.safetensors", Weights(arrays, "unet", 16))
    record = asdict(FileRecord.from_path(model / "weights.safetensors"))
    files = json.loads((model / "card.json").read_text(encoding="utf-8"))["files"]
    change_card(model, files={**files, "weights": record})
    return model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "deconvnet"}, r"belong to unet with 16 .* not to deconvnet with"),
        ({"base_filters": 12}, "not to unet with 12 base filters"),
    ],
)
def test_weights_of_another_network_than_the_card_says_are_refused(
    model_with_weights: Path, change: dict[str, object], message: str
) -> None:
    change_card(model_with_weights, **change)
    with pytest.raises(WeightsError, match=message):
        looked_into(model_with_weights)


@pytest.mark.parametrize("name", [name for name, spec in ARCHITECTURES.items() if not spec.has_readable_export])
def test_maps_are_not_read_from_a_file_whose_stages_are_not_in_order(model: Path, name: str) -> None:
    change_card(model, architecture=name)
    with raises(ModelError, ErrorCode.INCOMPATIBLE, match="trainable weights"):
        looked_into(model)


@pytest.mark.parametrize("architecture", [name for name, spec in ARCHITECTURES.items() if spec.has_readable_export])
def test_maps_of_the_exported_model_are_those_of_its_weights(architecture: str, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    from wbcseg.training.export import convert_to_tflite

    keras.utils.set_random_seed(6)
    network = build_model(architecture, base_filters=8)
    images = np.random.default_rng(6).random((8, 48, 48, 3)).astype(np.float32)
    data = convert_to_tflite(network, images)
    arrays = {f"{number:03}": np.asarray(weight) for number, weight in enumerate(network.weights)}
    stages = list_stages(architecture, base_filters=8, input_size=48)
    outputs = {layer.name: output for layer, output in forward(architecture, arrays, images[0])}
    for stage, maps in zip(stages, features._read_from_exported(data, architecture, stages, images[0]), strict=True):
        expected = outputs[features.get_last_layer(architecture, stage)]
        assert maps.shape == expected.shape
        # In 8 bits, every value is rounded to one of 256 levels.
        assert np.abs(maps - expected).mean() < 0.05 * expected.std()


def test_memory_that_does_not_suffice_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(features, "_read_from_exported", fail)
    with pytest.raises(ModelError, match="not enough memory"):
        looked_into(model)
