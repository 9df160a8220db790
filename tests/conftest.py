"""What all tests share: the place of the real data, and small pictures as arrays and as files."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def zheng_data() -> Path:
    """The folder with the upstream layout, whole or in part; tests that need it skip where there is none."""
    chosen = os.environ.get("WBCSEG_DATA")
    if not chosen:
        pytest.skip("WBCSEG_DATA is not set: the Zheng data sets are not here")
    return Path(chosen)


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A computer without data: ``WBCSEG_DATA`` unset and an empty cache, whose folder is returned."""
    monkeypatch.delenv("WBCSEG_DATA", raising=False)
    monkeypatch.setenv("WBCSEG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def draw_cell(height: int = 24, width: int = 30, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw a round cell off the centre: its picture ``uint8[H, W, 3]`` and its labels ``uint8[H, W]``.

    Off the centre and not square, so that a turn or a mirroring shows.
    """
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot((rows - height * 0.4) / height, (columns - width * 0.35) / width)
    labels = (distance < 0.3).astype(np.uint8) + (distance < 0.15)
    colors = np.array([[236, 224, 180], [190, 150, 200], [90, 40, 130]], dtype=np.int16)
    noise = np.random.default_rng(seed).integers(-6, 7, (height, width, 3))
    return np.clip(colors[labels] + noise, 0, 255).astype(np.uint8), labels


def encode(array: NDArray[np.generic], format: str = "PNG", mode: str | None = None, **options: object) -> bytes:
    """Write an array as a picture file, converted to a Pillow mode first where one is given."""
    image = Image.fromarray(array)
    if mode is not None:
        image = image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


@pytest.fixture
def cell() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture ``uint8[24, 30, 3]`` and its labels ``uint8[24, 30]``."""
    return draw_cell()


@pytest.fixture(name="encode")
def encode_fixture() -> Encode:
    """The function :func:`encode`: array → bytes of a picture file."""
    return encode


@pytest.fixture
def pair_folder(tmp_path: Path) -> Path:
    """A folder of four pictures with masks in grey codes: ``images/cell1.png`` and ``masks/cell1.png`` and so on."""
    from wbcseg.classes import to_grey

    root = tmp_path / "my cells"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    for number in range(1, 5):
        picture, labels = draw_cell(20 + number, 30, number)
        (root / "images" / f"cell{number}.png").write_bytes(encode(picture))
        (root / "masks" / f"cell{number}.png").write_bytes(encode(to_grey(labels)))
    return root
