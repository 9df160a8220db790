"""An empty folder of runs for every command, and a folder of images."""

from __future__ import annotations

from pathlib import Path

import pytest

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.io import encode_png


@pytest.fixture(autouse=True)
def _no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of three images: two crops of different sizes and a larger one."""
    folder = tmp_path / "images"
    folder.mkdir()
    for i, size in enumerate([(120, 120), (100, 116), (300, 280)]):
        (folder / f"cell {i}.png").write_bytes(encode_png(draw_sample(3, i, size=size).image))
    return folder
