"""The data set ``pbc`` by name: read from a folder beside the others, or downloaded and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import encode
from expect import raises
from file_server import Files, Server, serve

from wbcseg.datasets import DATASETS, list_datasets, open_dataset
from wbcseg.datasets.fields import load_detector_split, open_pbc
from wbcseg.datasets.named import pbc
from wbcseg.errors import DatasetError, DownloadError, ErrorCode, ManifestError

IMAGES = {
    name: encode(np.full((20 + index, 30, 3), 200, np.uint8), "JPEG")
    for index, name in enumerate(("BA_1.jpg", "MMY_2.jpg", "PLATELET_3.jpg"))
}
TABLE = (
    "file,type,subtype,left,top,right,bottom\nBA_1.jpg,basophil,,2,3,20,18\n"
    "MMY_2.jpg,immature granulocyte,metamyelocyte,1,1,9,9\nPLATELET_3.jpg,platelet,,,,,\n"
)
ATTRIBUTES = "file,nucleus_shape\nBA_1.jpg,irregular\n"


@pytest.fixture
def published(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Return a small repository in the layout of the server, with a matching manifest."""
    types = ("basophil", "immature granulocyte", "platelet")
    manifest = {
        name: (cell_type, hashlib.sha256(data).hexdigest())
        for (name, data), cell_type in zip(IMAGES.items(), types, strict=True)
    }
    tables = {"cells.csv": TABLE, "attributes.csv": ATTRIBUTES}
    monkeypatch.setattr(pbc, "load_manifest", lambda: manifest)
    monkeypatch.setattr(pbc, "_read_shipped_table", lambda name: tables[name].encode())
    folders = ("basophil", "ig", "platelet")
    return {f"pinned/{folder}/{name}": IMAGES[name] for folder, name in zip(folders, IMAGES, strict=True)}


@pytest.fixture
def server(published: Files, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serve(monkeypatch) as running:
        running.files = dict(published)
        monkeypatch.setattr(pbc, "BASE_URLS", (f"{running.base}/pinned", f"{running.base}/main"))
        yield running


def write_folder(root: Path) -> Path:
    (root / "images").mkdir(parents=True)
    for name, data in IMAGES.items():
        (root / "images" / name).write_bytes(data)
    (root / "cells.csv").write_text(TABLE)
    (root / "attributes.csv").write_text(ATTRIBUTES)
    return root


@pytest.mark.parametrize("place", ["data/pbc", "pbc"])
def test_it_is_read_from_the_folder_of_the_data_sets_or_beside_it(
    published: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    write_folder(tmp_path / place)
    monkeypatch.setenv("WBCSEG_DATA", str(tmp_path / "data"))
    dataset = open_dataset("pbc")
    assert dataset.ids == ("pbc/BA_1", "pbc/MMY_2", "pbc/PLATELET_3")
    assert [info.cell_type for info in dataset.sample_infos] == ["basophil", "immature granulocyte", "platelet"]
    assert not any(info.has_mask for info in dataset.sample_infos)
    sample = dataset.read("pbc/BA_1")
    assert sample.size == dataset.get_info("pbc/BA_1").size == (20, 30)
    assert sample.cells == open_pbc().fields[0].cells
    assert sample.cells[0].attributes == {"nucleus_shape": "irregular"}
    assert "CC BY 4.0" in dataset.acknowledgement
    status = next(status for status in list_datasets() if status.name == "pbc")
    assert (status.ready, status.count) == (True, 3)


def test_it_is_downloaded_and_checked(server: Server, no_data: Path) -> None:
    assert not next(status for status in list_datasets() if status.name == "pbc").ready
    calls: list[tuple[int, int, str]] = []
    dataset = open_dataset("pbc", download=True, progress=lambda *step: calls.append(step))
    assert len(dataset) == 3
    assert [step[:2] for step in calls] == [(1, 3), (2, 3), (3, 3)]
    assert sorted(server.requests) == sorted(server.files)
    server.requests.clear()
    assert [sample.id for sample in open_dataset("pbc")] == list(dataset.ids)
    assert server.requests == []


def test_an_interrupted_download_leaves_no_data_set_and_goes_on(server: Server, no_data: Path) -> None:
    missing = server.files.pop("pinned/platelet/PLATELET_3.jpg")
    with pytest.raises(DownloadError):
        open_dataset("pbc", download=True)
    with raises(DatasetError, ErrorCode.NOT_FOUND):
        open_dataset("pbc")
    server.files["main/platelet/PLATELET_3.jpg"] = missing
    server.requests.clear()
    assert len(open_dataset("pbc", download=True)) == 3
    assert server.requests == ["pinned/platelet/PLATELET_3.jpg", "main/platelet/PLATELET_3.jpg"]


def test_an_image_that_is_not_the_published_one_is_refused(server: Server, no_data: Path) -> None:
    server.files["pinned/ig/MMY_2.jpg"] = b"something else"
    with pytest.raises(ManifestError):
        open_dataset("pbc", download=True)
    server.files["pinned/ig/MMY_2.jpg"] = IMAGES["MMY_2.jpg"]
    dataset = open_dataset("pbc", download=True)
    (no_data / "pbc" / "images" / "BA_1.jpg").write_bytes(IMAGES["MMY_2.jpg"])
    with raises(ManifestError, ErrorCode.CHECKSUM_MISMATCH):
        dataset.read("pbc/BA_1")


def test_the_manifest_covers_what_the_split_holds_out() -> None:
    manifest = pbc.load_manifest()
    assert len(manifest) == DATASETS["pbc"].sample_count
    assert all(len(sha) == 64 for _, sha in manifest.values())
    split = load_detector_split()
    assert split.pbc_held_out | split.pbc_examples <= set(manifest)
