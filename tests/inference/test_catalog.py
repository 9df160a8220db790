"""Model folders are checked, and a broken one does not affect the others."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
from expect import raises
from models import SHIPPED, copy_of_shipped

from wbcseg.errors import ErrorCode, ModelError
from wbcseg.inference import BrokenModel, Catalog, Segmenter
from wbcseg.io.atomic import write_json
from wbcseg.models.card import ModelCard
from wbcseg.models.file_record import FileRecord
from wbcseg.paths import get_weights_folder
from wbcseg.ui.components.dataset_picker import SAMPLE_IMAGE


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    return tmp_path / "nothing"


def test_shipped_models_are_in_registry_order_and_general_ones_last(nothing: Path) -> None:
    catalog = Catalog(runs=nothing)
    assert tuple(entry.name for entry in catalog.entries) == SHIPPED
    assert catalog.entries == catalog.usable
    assert all(entry.shipped for entry in catalog.entries)


def test_general_models_are_the_defaults(tmp_path: Path, nothing: Path) -> None:
    assert Catalog(shipped=nothing, runs=nothing).default_model is None
    copies = tmp_path / "weights"
    copy_of_shipped(copies)
    copy_of_shipped(copies, called="segnet-16", architecture="segnet")
    first = Catalog(shipped=copies, runs=nothing).default_model
    assert first is not None
    assert first.name == "unet-16"
    copy_of_shipped(copies, called="unet-12", base_filters=12)
    narrow = Catalog(shipped=copies, runs=nothing)
    assert [entry.name for entry in narrow.entries] == ["unet-16", "unet-12", "segnet-16"]
    assert [entry.name for entry in narrow.select_defaults_for("zheng-1")] == ["unet-16", "segnet-16"]
    path = copies / "segnet-16" / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["config"]["augmentation"] = "strong"
    write_json(path, card)
    first = Catalog(shipped=copies, runs=nothing).default_model
    assert first is not None
    assert first.name == "segnet-16"
    # A network without a model for the data set has its general one.
    assert [entry.name for entry in Catalog(shipped=copies, runs=nothing).select_defaults_for("zheng-1")] == [
        "unet-16",
        "segnet-16",
    ]
    assert [entry.name for entry in Catalog(shipped=copies, runs=nothing).select_defaults_for(None)] == ["segnet-16"]
    # A model trained on one site is not a default for images of another.
    assert [entry.name for entry in Catalog(shipped=copies, runs=nothing).select_defaults_for("zheng-2")] == [
        "segnet-16"
    ]
    assert [entry.name for entry in Catalog(shipped=copies, runs=nothing).select_defaults_for("synthetic")] == [
        "unet-16",
        "segnet-16",
    ]
    assert [entry.name for entry in Catalog(shipped=nothing, runs=copies).select_defaults_for("zheng-1")] == [
        "unet-16",
        "unet-12",
        "segnet-16",
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_card_is_complete(name: str) -> None:
    card = ModelCard.read(get_weights_folder() / name)
    assert card.config["split"] == "leak-free"
    assert (card.config["fold"], card.config["folds"]) == (0, 5)
    assert card.two_stage or name.endswith(f"-{card.base_filters}")
    assert card.dataset == ("zheng+synthetic" if card.two_stage else "zheng-1")
    assert len(card.split["manifest_digest"]) == 64
    assert not set(card.split["train"]) & set(card.split["test"])
    assert card.training_ids >= set(card.split["train"])
    assert not card.training_ids & set(card.split["test"])
    assert card.test_metrics.images == sum(not entry.startswith("synthetic/") for entry in card.split["test"])
    assert (card.cross_site is not None) == card.two_stage
    assert "Jiangxi Tecom" in card.acknowledgement
    assert "Not a medical device" in card.notice
    assert card.created.startswith("20")
    record = card.files["model"]
    assert FileRecord.from_path(get_weights_folder() / name / record.name) == record
    # Trainings start from the general U-Net; the other models come without trainable weights.
    weights = card.files["weights"]
    assert Catalog().get(name).has_weights == (name == "unet-general")
    if name == "unet-general":
        assert FileRecord.from_path(get_weights_folder() / name / weights.name) == weights


@pytest.mark.parametrize("name", SHIPPED)
def test_sample_image_was_not_in_training(name: str) -> None:
    card = ModelCard.read(get_weights_folder() / name)
    assert not card.trained_on(SAMPLE_IMAGE[1])


def test_written_card_is_read_unchanged(tmp_path: Path) -> None:
    card = ModelCard.read(get_weights_folder() / "unet-16")
    card.write(tmp_path)
    assert ModelCard.read(tmp_path) == card


def test_card_knows_its_training_images(tmp_path: Path) -> None:
    split = json.loads((get_weights_folder() / "unet-16" / "card.json").read_text(encoding="utf-8"))["split"]
    split |= {"train": ["made/1", "made/2+flipped"], "groups": [["made/2", "made/9"], ["made/5", "made/6"]]}
    card = ModelCard.read(copy_of_shipped(tmp_path, split=split))
    assert [n for n in range(1, 10) if card.trained_on(f"made/{n}")] == [1, 2, 9]
    assert card.trained_on("made/1+flipped")


@pytest.mark.parametrize("name", ["model.tflite", "weights.safetensors"])
def test_changed_file_is_a_checksum_error_of_that_model_only(tmp_path: Path, nothing: Path, name: str) -> None:
    shipped = tmp_path / "weights"
    shutil.copytree(get_weights_folder(), shipped)
    assert not Catalog(shipped, nothing).broken
    path = shipped / "unet-16" / name
    data = bytearray(path.read_bytes() if path.exists() else b"other weights")
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    catalog = Catalog(shipped, nothing)
    assert [entry.name for entry in catalog.usable] == list(SHIPPED[1:])
    (broken,) = catalog.broken
    assert broken.name == "unet-16"
    assert name in str(broken.problem)
    assert broken.problem.code == ErrorCode.CHECKSUM_MISMATCH
    with raises(ModelError, ErrorCode.CHECKSUM_MISMATCH):
        catalog.load("unet-16")
    catalog.load(SHIPPED[1])


def test_unknown_network_or_classes_are_named(tmp_path: Path, nothing: Path) -> None:
    copy_of_shipped(tmp_path / "a", architecture="fcn")
    copy_of_shipped(tmp_path / "b", classes=["background", "cell"])
    first, second = (str(Catalog(tmp_path / side, nothing).broken[0].problem) for side in "ab")
    assert "Received: 'fcn'" in first
    assert "classes background, cytoplasm, nucleus. Received: background, cell" in second


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", ErrorCode.DAMAGED),
        (b"[]", ErrorCode.DAMAGED),
        (b'{"format": 1}', ErrorCode.DAMAGED),
        (b'{"format": 99}', ErrorCode.INCOMPATIBLE),
        (b"\xff\xfe", ErrorCode.DAMAGED),
    ],
)
def test_broken_card_is_listed_with_its_problem(tmp_path: Path, nothing: Path, content: bytes, code: ErrorCode) -> None:
    (copy_of_shipped(tmp_path) / "card.json").write_bytes(content)
    entry = Catalog(tmp_path, nothing).find("unet-16")
    assert isinstance(entry, BrokenModel)
    assert (entry.problem.file, entry.problem.code) == ("card.json", code)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("test_metrics", "images"), 5.5),
        (("test_metrics", "accuracy"), math.nan),
        (("test_metrics", "regions", "cell", "dice"), "0.9"),
        (("test_metrics", "regions"), {}),
        (("training", "seconds"), math.inf),
        (("training", "environment", "features"), "avx2"),
        (("cross_site", "quality", "bad"), None),
        (("cross_site", "tests", 0, "calibration", "bins", 0, "pixels"), True),
        (("cross_site", "unheard_of"), 1),
    ],
)
def test_value_of_the_wrong_type_in_a_card_is_named(
    tmp_path: Path, place: tuple[str | int, ...], value: object
) -> None:
    folder = copy_of_shipped(tmp_path, "unet-general")
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    values = card
    for key in place[:-1]:
        values = values[key]
    values[place[-1]] = value
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with raises(ModelError, ErrorCode.DAMAGED, match=str(place[-1])):
        ModelCard.read(folder)


@pytest.mark.parametrize("cell_fraction", [0.0, 1.5, -0.5, 1e9])
def test_cell_fraction_of_a_card_is_checked(tmp_path: Path, cell_fraction: float) -> None:
    folder = copy_of_shipped(tmp_path, "unet-general", cell_fraction=0.7)
    assert ModelCard.read(folder).cell_fraction == 0.7
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (folder / "card.json").write_text(json.dumps({**card, "cell_fraction": cell_fraction}), encoding="utf-8")
    with raises(ModelError, ErrorCode.INVALID_VALUE, match=r"0\.2 to 1"):
        ModelCard.read(folder)
    del card["cell_fraction"]
    write_json(folder / "card.json", card)
    assert ModelCard.read(folder).cell_fraction == 0.5


def test_card_cannot_name_files_outside_its_folder(tmp_path: Path) -> None:
    record = vars(FileRecord.from_path(get_weights_folder() / "unet-16" / "model.tflite"))
    folder = copy_of_shipped(tmp_path, files={"model": {**record, "name": "../x.tflite"}, "weights": record})
    with raises(ModelError, ErrorCode.INVALID_VALUE, match="`model` and `weights`"):
        ModelCard.read(folder)


def test_missing_file_is_named(tmp_path: Path, nothing: Path) -> None:
    (copy_of_shipped(tmp_path) / "model.tflite").unlink()
    (broken,) = Catalog(tmp_path, nothing).broken
    assert (broken.problem.file, broken.problem.code) == ("model.tflite", ErrorCode.UNREADABLE)


def test_file_that_is_not_a_model_is_rejected(tmp_path: Path) -> None:
    folder = copy_of_shipped(tmp_path)
    (folder / "model.tflite").write_bytes(b"TFL3" + bytes(200))
    card = ModelCard.read(folder).to_dict()
    card["files"]["model"] = vars(FileRecord.from_path(folder / "model.tflite"))
    write_json(folder / "card.json", card)
    with raises(ModelError, ErrorCode.DAMAGED, match="unet-16"):
        Segmenter(folder)


def test_finished_run_is_a_model_with_a_unique_name(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    copy_of_shipped(runs)
    copy_of_shipped(runs, SHIPPED[1], called="mine")
    (runs / "unfinished").mkdir()
    names = [entry.name for entry in Catalog(runs=runs).entries]
    assert tuple(names[: len(SHIPPED)]) == SHIPPED
    assert sorted(names[len(SHIPPED) :]) == ["mine", "run-unet-16"]
    assert Catalog(runs=runs).load("run-unet-16").name == "run-unet-16"
    copy_of_shipped(runs, SHIPPED[1], called="run-unet-16")
    entries = {entry.name: entry for entry in Catalog(runs=runs).usable if not entry.shipped}
    assert sorted(entries) == ["mine", "run-run-unet-16", "run-unet-16"]
    assert entries["run-run-unet-16"].folder == runs / "unet-16"


def test_unknown_name_is_rejected_with_the_known_ones(nothing: Path) -> None:
    with raises(ModelError, ErrorCode.NOT_FOUND, match=", ".join(SHIPPED)):
        Catalog(runs=nothing).load("other")
