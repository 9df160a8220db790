"""Images in folders and zips become the inputs of a batch."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import encode, zipped

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ErrorCode
from wbcseg.pipeline import collect_inputs

DATA = encode(draw_sample(3, 0, size=(60, 60)).image)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        (folder / f"cell {number}.png").write_bytes(DATA)
    return folder


def list_names(paths: list[Path], output_folders: list[Path] | None = None) -> list[str]:
    return [item.name for item in collect_inputs(paths, output_folders or [])]


def test_a_file_that_is_named_twice_is_read_once(images: Path) -> None:
    first = images / "cell 0.png"
    assert list_names([images, first, first]) == ["cell 0.png", "cell 1.png", "cell 2.png"]


def test_earlier_results_in_an_output_folder_are_not_images(images: Path) -> None:
    (images / "out" / "unet-16").mkdir(parents=True)
    (images / "out" / "unet-16" / "cell 0.png").write_bytes(DATA)
    assert len(collect_inputs([images])) == 4
    assert len(collect_inputs([images], [images / "out"])) == 3


def test_an_output_folder_that_is_named_is_read(images: Path) -> None:
    (images / "out" / "unet-16").mkdir(parents=True)
    (images / "out" / "unet-16" / "cell 0.png").write_bytes(DATA)
    assert len(collect_inputs([images / "out"], [images / "out"])) == 1


def test_a_hidden_file_is_read_only_if_it_is_named(images: Path) -> None:
    (images / ".hidden.png").write_bytes(DATA)
    assert len(collect_inputs([images])) == 3
    assert list_names([images / ".hidden.png"]) == ["hidden.png"]


def test_images_in_a_folder_called_masks_are_images(tmp_path: Path) -> None:
    image = tmp_path / "masks" / "a.png"
    image.parent.mkdir()
    image.write_bytes(DATA)
    assert [(item.name, item.problem) for item in collect_inputs([image.parent])] == [("a.png", None)]


def test_names_start_at_the_common_folder(images: Path, tmp_path: Path) -> None:
    other = tmp_path / "masks" / "a.png"
    other.parent.mkdir()
    other.write_bytes(DATA)
    assert list_names([images / "cell 0.png", other])[0] == "images/cell 0.png"


def test_a_zip_in_a_folder_is_reported_and_a_named_zip_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "a.png").write_bytes(DATA)
    (folder / "more.zip").write_bytes(zipped({"b.png": DATA}))
    (folder / "._more.zip").write_bytes(b"left by an operating system")
    problems = {item.name: item.problem and item.problem.code for item in collect_inputs([folder])}
    assert problems == {"a.png": None, "more.zip": ErrorCode.NESTED_ZIP}
    named = collect_inputs([folder, folder / "more.zip"])
    assert [(item.name, item.problem) for item in named] == [("a.png", None), ("more/b.png", None)]
    # A zip among the results is not an input.
    assert not any(item.problem for item in collect_inputs([tmp_path], [folder]))
