"""A session in one file: what is written is read again, and what is not a session is rejected."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import encode, zipped

import wbcseg
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import DatasetError, ErrorCode, ImageError
from wbcseg.export import build_cell_rows
from wbcseg.pipeline import Edit, ImageResult
from wbcseg.pipeline.session_file import (
    ImageState,
    SessionSettings,
    build_results,
    list_inputs,
    read_edits,
    read_session,
    write_session,
)

SETTINGS = SessionSettings("unet-general", "abc", tta=False, pixel_size=0.1, samples={"a.png": "A"})


@pytest.fixture(scope="module")
def results() -> list[ImageResult]:
    """Two crops: one with a type that a person gave, one that could not be read."""
    image = draw_sample(3, 1).image
    data, mask = encode(image), encode(np.zeros(image.shape[:2], np.uint8))
    result = wbcseg.segment(image).correct([Edit("set_type", (1,), type="basophil")]).image_result
    source = InputImage("a.png", "k", lambda: data, mask_name="a_mask.png", load_mask=lambda: mask)
    typed = replace(
        result,
        input_image=source,
        cells=tuple(
            replace(cell, image_name="a.png", predicted_type="monocyte", type_probabilities={"monocyte": 0.75})
            for cell in result.cells
        ),
    )
    problem = DatasetError("b.png is empty.", file="b.png", reason="It is empty.").to_problem()
    return [typed, ImageResult(InputImage("b.png", "l", lambda: b"", problem=problem), problem=problem)]


def write(results: list[ImageResult], **options: Any) -> bytes:
    state = ImageState(((0.0, 0.0), (9.0, 0.0), (9.0, 9.0)), as_field=True)
    return write_session(results, SETTINGS, get_state=lambda _: state, **options)


def test_everything_but_the_pixels_is_restored(results: list[ImageResult]) -> None:
    session, archive = read_session(write(results), "s.zip")
    assert session.settings == SETTINGS
    first, second = build_results(session, archive)
    (cell,), (original,) = first.cells, results[0].cells
    assert original.features is not None
    assert cell.features is not None
    assert cell.features.values == pytest.approx(original.features.values, nan_ok=True)
    assert (cell.type, cell.predicted_type, cell.is_refiled) == ("basophil", "monocyte", True)
    assert cell.type_probabilities == {"monocyte": 0.75}
    assert (cell.status, cell.reasons, cell.id, cell.score) == (
        *(original.status, original.reasons, original.id),
        pytest.approx(original.score),
    )
    assert (first.digest, first.edits) == (results[0].digest, results[0].edits)
    assert build_cell_rows(list(first.cells)) == build_cell_rows(list(results[0].cells))
    # The image of the cell is almost the same: it was encoded twice.
    (tile,), (before,) = first.tiles, results[0].tiles
    assert (tile.outline, tile.nuclei, tile.square) == (before.outline, before.nuclei, before.square)
    assert second.problem is not None
    assert second.problem.reason == "It is empty."
    image = session.images[0]
    assert (image.region, image.as_field) == (((0.0, 0.0), (9.0, 0.0), (9.0, 9.0)), True)
    assert read_edits(image) == results[0].edits
    with pytest.raises(ImageError) as error:
        cell.load()
    assert error.value.code == ErrorCode.NOT_FOUND
    assert list_inputs(session, archive) == ([], [])


def test_images_are_part_of_it_by_choice(results: list[ImageResult]) -> None:
    names = {content: zipfile.ZipFile(io.BytesIO(write(results, content=content))).namelist() for content in CONTENTS}
    assert [len([name for name in each if name.startswith("tiles/")]) for each in names.values()] == [0, 1, 1]
    assert [len([name for name in each if name.startswith("images/")]) for each in names.values()] == [0, 0, 2]
    session, archive = read_session(write(results, content="images"), "s.zip")
    uploads, (source,) = list_inputs(session, archive)
    assert [upload.name for upload in uploads] == ["a.png", "a_mask.png"]
    assert source.load() == results[0].input_image.load()
    assert source.load_mask is not None
    assert (source.name, source.mask_name) == ("a.png", "a_mask.png")
    assert source.load_mask() == uploads[1].load()


CONTENTS: tuple[Any, ...] = ("results", "tiles", "images")


def change(data: bytes, edit: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a session file with another JSON."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        values = json.loads(archive.read("session.json"))
        edit(values)
        return zipped({"session.json": json.dumps(values).encode()})


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "unknown key": lambda values: values.update(extra=1),
    "missing key": lambda values: values.pop("settings"),
    "type of a value": lambda values: values["settings"].update(tta="yes"),
    "edge rule": lambda values: values["settings"].update(edge_rule="none"),
    "pixel size": lambda values: values["settings"].update(pixel_size=-1.0),
    "type of a cell": lambda values: values["images"][0]["cells"][0].update(assigned_type="platelet"),
    "probability": lambda values: values["images"][0]["cells"][0].update(type_probabilities={"monocyte": 2.0}),
    "measurement": lambda values: values["images"][0]["cells"][0]["features"].update(mass=1.0),
    "not a number": lambda values: values["images"][0]["cells"][0]["features"].update(cell_area=math.nan),
    "id": lambda values: values["images"][0]["cells"][0].update(id=0),
    "same id twice": lambda values: values["images"][0]["cells"].append(values["images"][0]["cells"][0]),
    "outline": lambda values: values["images"][0]["cells"][0].update(outline=[1, 2, 3]),
    "corner": lambda values: values["images"][0]["cells"][0].update(outline=[1, 9999]),
    "long text": lambda values: values["images"][0].update(name="x" * 2000),
    "page": lambda values: values["images"][0].update(page="-1"),
    "region": lambda values: values["images"][0].update(region=[[0, 1]]),
    "size": lambda values: values["images"][0].update(size=[5]),
    "images": lambda values: values.update(images=5),
}


@pytest.mark.parametrize("name", CHANGES)
def test_wrong_values_are_rejected(results: list[ImageResult], name: str) -> None:
    with pytest.raises(DatasetError) as error:
        read_session(change(write(results), CHANGES[name]), "s.zip")
    assert error.value.code == ErrorCode.INVALID_VALUE
    assert error.value.file == "s.zip"


def test_corrections_are_checked_like_those_of_a_browser(results: list[ImageResult]) -> None:
    data = change(write(results), lambda values: values["images"][0]["edits"][0].update(kind="erase"))
    with pytest.raises(wbcseg.errors.EditError):
        read_edits(read_session(data, "s.zip")[0].images[0])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ErrorCode.DAMAGED),
        (b"PK\x03\x04 no zip", ErrorCode.DAMAGED),
        (zipped({"other.json": b"{}"}), ErrorCode.NOT_FOUND),
        (zipped({"session.json": b"{"}), ErrorCode.INVALID_VALUE),
        (zipped({"session.json": b"[" * 100_000}), ErrorCode.INVALID_VALUE),
        (zipped({"session.json": b'{"version": ' + b"9" * 9000 + b"}"}), ErrorCode.INVALID_VALUE),
        (zipped({"session.json": b'{"version": 99}'}), ErrorCode.INCOMPATIBLE),
        (zipped({"session.json": b"[]"}), ErrorCode.INCOMPATIBLE),
        (b"PK\x01\x02" * 300_001, ErrorCode.TOO_LARGE),
    ],
)
def test_other_files_are_rejected(data: bytes, code: ErrorCode) -> None:
    with pytest.raises(DatasetError) as error:
        read_session(data, "s.zip")
    assert error.value.code == code


def test_a_file_that_unpacks_to_too_much_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wbcseg.pipeline.session_file.read.MAX_JSON_BYTES", 1000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("session.json", b" " * 100_000)
    with pytest.raises(DatasetError) as error:
        read_session(buffer.getvalue(), "s.zip")
    assert error.value.code == ErrorCode.TOO_LARGE


def test_a_damaged_tile_becomes_grey(results: list[ImageResult]) -> None:
    data = write(results)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files = {name: b"no image" if name.startswith("tiles/") else content for name, content in files.items()}
    session, archive_files = read_session(zipped(files), "s.zip")
    (tile,) = build_results(session, archive_files)[0].tiles
    assert tile.outline == results[0].tiles[0].outline
    assert len(tile.jpeg) < 1500


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_rejected(results: list[ImageResult], cut: float) -> None:
    data = write(results)
    with pytest.raises(DatasetError):
        read_session(data[: int(cut * len(data))], "s.zip")
