"""``wbcseg finder``: options, and a test of the shipped detector on a small library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import get_error

from wbcseg.cli import main
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.detector_training.library.arrays import LIBRARY_ARRAYS
from wbcseg.errors import ErrorCode


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "somewhere", "--composers", "-1"),
        ("train", "somewhere", "--steps", "0"),
        ("train", "somewhere", "--max-images", "3"),
        ("evaluate", "--tests", "lisc", "--update-package"),
        ("evaluate", "--tests", "touching", "--severity", "2"),
    ],
)
def test_options_out_of_range_are_refused(small_cache: Path, arguments: tuple[str, ...]) -> None:
    assert get_error("finder", *arguments).code == ErrorCode.INVALID_VALUE


def test_a_folder_that_is_no_detector_is_refused(tmp_path: Path) -> None:
    assert get_error("finder", "evaluate", str(tmp_path)).code == ErrorCode.NOT_FOUND


def test_the_shipped_detector_is_tested_on_composed_fields(
    small_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--tests", "composed", "touching", "--fields", "3", "--clusters", "1", "--json"]
    assert main(["finder", "evaluate", *arguments, "--out", str(tmp_path / "out")]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["tests"]["composed"]["fields"] == 3
    assert summary["touching"]["pairs"]["clusters"] <= 7
    assert (tmp_path / "out" / "cell-detector.json").exists()


@pytest.fixture
def small_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache with a library of two synthetic cells."""
    cells = [draw_sample(31, number, size=(120, 120)) for number in range(2)]
    scene = draw_sample(32, 1, size=(180, 180))
    arrays = {
        "cutouts": np.stack([cell.image for cell in cells]),
        "masks": np.stack([cell.mask for cell in cells]),
        "plasma": np.full((2, 3), 230, np.float32),
        "sources": np.array([2, 2], np.uint8),
        "scenes": np.stack([scene.image, scene.image]),
        "scene_masks": np.zeros((2, 180, 180), np.uint8),
        "scene_boxes": np.array([[50, 50, 130, 130], [0, 0, 0, 0]], np.float32),
        "scene_ignored": np.zeros((2, 3, 4), np.float32),
        "red_cell_fields": np.full((1, 480, 640, 3), 220, np.uint8),
        "red_cell_tiles": np.zeros((1, 288, 288), np.uint8),
        "platelets": np.full((1, 48, 48, 4), 128, np.uint8),
        "platelet_plasma": np.full((1, 3), 230, np.float32),
    }
    assert set(arrays) == set(LIBRARY_ARRAYS)
    folder = tmp_path / "cache" / "detector-library"
    folder.mkdir(parents=True)
    for part in ("train", "held_out"):
        for name, array in arrays.items():
            np.save(folder / f"{part}-{name}.npy", array)
    monkeypatch.setenv("WBCSEG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
