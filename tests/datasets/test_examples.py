"""The example images that come with the program: real cells, which no model has seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wbcseg.datasets import DATASETS, examples, open_dataset
from wbcseg.datasets.examples import FIELD_TYPE, list_examples
from wbcseg.datasets.fields import FieldInfo, FieldSet, load_detector_split
from wbcseg.detector_training.library import build
from wbcseg.inference import Catalog
from wbcseg.io.images import read_file_header

FOLDER = Path(examples.__file__).parent
SEVEN_TYPES = {
    "neutrophil",
    "lymphocyte",
    "monocyte",
    "eosinophil",
    "basophil",
    "immature granulocyte",
    "erythroblast",
}


def test_they_open_without_any_data(no_data: Path) -> None:
    dataset = open_dataset("examples")
    assert len(dataset) == len(list_examples()) == DATASETS["examples"].sample_count
    assert DATASETS["examples"].kind == "examples"
    for info, example in zip(dataset.sample_infos, list_examples(), strict=True):
        sample = info.read()
        assert (info.id, info.has_mask, sample.mask) == (example.sample_id, False, None)
        assert sample.size == info.size
        assert example.title in sample.caption
        assert "CC BY 4.0" in sample.source
    assert "CC BY 4.0" in dataset.acknowledgement
    assert "composed" in dataset.acknowledgement


def test_they_show_every_type_easy_and_hard_and_fields_of_view() -> None:
    all_examples = list_examples()
    assert {example.type for example in all_examples} == SEVEN_TYPES | {"platelet", FIELD_TYPE}
    assert {example.level for example in all_examples} == {"easy", "hard"}
    assert sum(example.type == FIELD_TYPE for example in all_examples) == 4
    assert all(example.note.endswith(".") for example in all_examples)
    first = all_examples[:6]
    assert {example.type == FIELD_TYPE for example in first} == {True, False}


def test_every_cell_comes_from_an_image_that_is_kept_for_examples() -> None:
    originals = {name for example in list_examples() for name in example.originals}
    assert originals <= load_detector_split().pbc_examples


def test_nothing_is_trained_or_scored_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    split = load_detector_split()
    everything = split.pbc_held_out | split.pbc_examples | {"BA_1.jpg"}
    infos = tuple(FieldInfo(name, Path(name), (), 0) for name in sorted(everything))
    monkeypatch.setattr(build, "open_pbc", lambda: FieldSet("pbc", "pbc", infos, ""))
    trained = {info.name for info in build._select_pbc("train", None)}
    scored = {info.name for info in build._select_pbc("held_out", None)}
    assert trained == {"BA_1.jpg"}
    assert scored == split.pbc_held_out
    assert not (trained | scored) & split.pbc_examples
    digests = {sample.compute_digest() for sample in open_dataset("examples")}
    assert not digests & {digest for entry in Catalog().usable for digest in entry.card.training_digests}


def test_the_files_are_small_and_hold_nothing_but_pixels() -> None:
    files = sorted(FOLDER.glob("*.jpg"))
    assert [file.name for file in files] == sorted(example.file for example in list_examples())
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 1_500_000
    for file in files:
        data = file.read_bytes()
        markers, position = [], 2
        while data[position + 1] != 0xDA:
            markers.append(data[position + 1])
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        # No comment, Exif, XMP or colour profile: only the JFIF header may describe the file.
        assert not {0xFE, *range(0xE1, 0xF0)} & set(markers), file.name
        header = read_file_header(data, name=file.name)
        assert header.page_count == 1


def test_the_list_of_files_says_where_they_come_from() -> None:
    record = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))
    assert record["licence"] == "CC BY 4.0"
    assert record["doi"] == "10.17632/snkd93bnjr.1"
    for key in ("source", "authors", "changes"):
        assert record[key]


def test_a_field_of_view_is_large_enough_to_look_like_one() -> None:
    dataset = open_dataset("examples")
    for example in list_examples():
        height, width = dataset.get_info(example.sample_id).size
        assert (width >= 1024 and height >= 768) == (example.type == FIELD_TYPE)


@pytest.mark.parametrize(
    ("name", "count", "is_field"),
    [("field-sparse", 3, True), ("field-no-cell", 0, True), ("touching", 2, True), ("neutrophil", 1, False)],
)
def test_the_default_model_finds_the_cells_of_easy_examples(name: str, count: int, is_field: bool) -> None:
    from wbcseg import segment

    result = segment(np.asarray(open_dataset("examples").read(f"examples/{name}").image), "unet-general")
    assert (len(result.cell_results), result.is_field_of_view) == (count, is_field)
