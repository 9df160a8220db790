"""Fixtures of all tests: the real data, and small images as arrays and as files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders import draw_cell, encode
from garbage import pytest_collection_finish, pytest_runtest_teardown  # noqa: F401 (hooks)
from numpy.typing import NDArray
from parallel import (  # noqa: F401 (hooks)
    pytest_collection_modifyitems,
    pytest_runtest_protocol,
    pytest_xdist_make_scheduler,
)
from toy import toy_network, toy_runs  # noqa: F401 (fixtures)

from wbcseg.labels import to_grey

Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def zheng_data() -> Path:
    """Return the folder with the Zheng data sets; tests that need it are skipped if there is none."""
    chosen = os.environ.get("WBCSEG_DATA")
    if not chosen:
        pytest.skip("WBCSEG_DATA is not set: the Zheng data sets are not available")
    return Path(chosen)


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Unset ``WBCSEG_DATA`` and return the folder of an empty cache."""
    monkeypatch.delenv("WBCSEG_DATA", raising=False)
    monkeypatch.setenv("WBCSEG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def cell() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return an image ``uint8[24, 30, 3]`` and its labels ``uint8[24, 30]``."""
    return draw_cell()


@pytest.fixture(name="encode")
def encode_fixture() -> Encode:
    """Return :func:`encode`: from an array to the bytes of an image file."""
    return encode


@pytest.fixture
def pair_folder(tmp_path: Path) -> Path:
    """Return a folder of four images with grey masks: ``images/cell1.png``, ``masks/cell1.png`` and so on."""
    root = tmp_path / "my cells"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    for number in range(1, 5):
        image, labels = draw_cell(20 + number, 30, number)
        (root / "images" / f"cell{number}.png").write_bytes(encode(image))
        (root / "masks" / f"cell{number}.png").write_bytes(encode(to_grey(labels)))
    return root
