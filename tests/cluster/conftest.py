"""Synthetic crops, and two workers for all tests of the folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason='Dask is not installed: pip install -e ".[cluster]"')

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.io import encode_png
from wbcseg.labels import to_grey
from wbcseg.scale import connect

IMAGE_COUNT = 24


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    """Two worker processes that also know the file system ``flaky://`` and die of images called ``poison``."""
    with connect(workers=2, preload=("cluster.worker_faults",)) as connected:
        yield connected


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of crops, one of which has a mask, and a damaged file."""
    folder = tmp_path_factory.mktemp("crops")
    for number in range(IMAGE_COUNT):
        sample = draw_sample(5, number, size=(96, 96))
        (folder / f"cell {number}.png").write_bytes(encode_png(sample.image))
        if number == 3:
            (folder / f"cell {number}_mask.png").write_bytes(encode_png(to_grey(sample.mask)))
    (folder / "damaged.png").write_bytes((folder / "cell 1.png").read_bytes()[:900])
    return folder
