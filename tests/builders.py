"""Small images as arrays and as files, valid and malicious."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.io import encode_png


def draw_cell(height: int = 24, width: int = 30, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return an off-centre round cell: its image ``uint8[H, W, 3]`` and its labels ``uint8[H, W]``.

    It is off-centre and not square, so that rotations and flips are visible.
    """
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot((rows - height * 0.4) / height, (columns - width * 0.35) / width)
    labels = (distance < 0.3).astype(np.uint8) + (distance < 0.15)
    colors = np.array([[236, 224, 180], [190, 150, 200], [90, 40, 130]], dtype=np.int16)
    noise = np.random.default_rng(seed).integers(-6, 7, (height, width, 3))
    return np.clip(colors[labels] + noise, 0, 255).astype(np.uint8), labels


def encode(array: NDArray[np.generic], format: str = "PNG", mode: str | None = None, **options: object) -> bytes:
    """Return an array as an image file, optionally converted to a Pillow mode first."""
    image = Image.fromarray(array)
    if mode is not None:
        image = image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a PNG chunk with a correct checksum."""
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def png(
    width: int,
    height: int,
    rows: bytes,
    *,
    depth: int = 8,
    color: int = 0,
    before: Sequence[tuple[bytes, bytes]] = (),
    after: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """Return a PNG file with extra chunks before and after its pixels; ``rows`` has a filter byte before each row."""
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, depth, color, 0, 0, 0)),
            *(chunk(*each) for each in before),
            chunk(b"IDAT", zlib.compress(rows)),
            *(chunk(*each) for each in after),
            chunk(b"IEND", b""),
        )
    )


TINY = bytes((0, 10, 20, 0, 30, 40))
"""The rows of a grey PNG of 2×2."""


def tag(number: int, kind: int, count: int, value: int) -> bytes:
    """Return an entry of a TIFF directory, little-endian."""
    return struct.pack("<HHLL", number, kind, count, value)


def directory(entries: Sequence[bytes], following: int = 0) -> bytes:
    """Return a TIFF directory."""
    return struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<L", following)


def grey_page(width: int = 4, height: int = 4, **other: int) -> list[bytes]:
    """Return the entries of an uncompressed grey page whose pixels begin at byte 8.

    Args:
        width: In pixels.
        height: In pixels.
        **other: ``t259=8`` sets tag 259 to 8.
    """
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 278: height, 279: min(width * height, 2**32 - 1)}
    tags |= {int(name[1:]): value for name, value in other.items()}
    return [tag(number, 4, 1, value) for number, value in sorted(tags.items())]


def tiff(directories: bytes, pixels: bytes = bytes(range(16))) -> bytes:
    """Return a TIFF file: pixels from byte 8, followed by directories."""
    return b"II*\0" + struct.pack("<L", 8 + len(pixels)) + pixels + directories


def exif(orientation: int) -> bytes:
    """Return an EXIF block with an orientation, a camera maker and a location."""
    block = Image.Exif()
    block[274] = orientation
    block[271] = "Dr. Jane Doe, patient 4711"
    block.get_ifd(0x8825)[1] = "N"
    return block.tobytes()


def write_pairs(root: Path, count: int, size: tuple[int, int], *, seed: int = 9, stem: str = "") -> Path:
    """Write synthetic smears with masks as a data set in a folder: ``images/00.png`` and ``masks/00.png`` and so on."""
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for i in range(count):
        sample = draw_sample(seed, i, size=size)
        assert sample.mask is not None
        (root / "images" / f"{stem}{i:02}.png").write_bytes(encode_png(sample.image))
        (root / "masks" / f"{stem}{i:02}.png").write_bytes(encode_png(sample.mask))
    return root


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def texture(seed: int, side: int = 140) -> NDArray[np.uint8]:
    """Return smooth noise with detail of a few pixels, like a smear's."""
    noise = np.random.default_rng(seed).normal(size=(side, side, 3))
    soft = ndimage.gaussian_filter(noise, (2, 2, 0))
    return np.clip(150 + soft / soft.std() * 30, 0, 255).astype(np.uint8)
