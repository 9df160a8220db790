"""A thousand damaged files raise only the package's own errors."""

from __future__ import annotations

import io
import random
import struct
import time
import warnings
import zlib

import numpy as np
import pillow_heif
import pytest
import tifffile
from builders import draw_cell, encode, exif
from PIL import Image, PngImagePlugin

from wbcseg.errors import ImageError, MaskError, PairingError
from wbcseg.io import open_image, open_mask, open_pair, read_size
from wbcseg.labels import to_grey

CELL, LABELS = draw_cell()
CODES = to_grey(LABELS)
NUMBERS = (bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(2), b"\xff\xd9", b"\xff\xda", b"\1")


def seeds() -> list[bytes]:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Jane Doe")
    info.add_text("Comment", "x" * 200, zip=True)
    animation, pages = io.BytesIO(), io.BytesIO()
    frames = [Image.fromarray(CELL), Image.fromarray(CELL[::-1].copy())]
    frames[0].save(animation, "PNG", save_all=True, append_images=frames[1:])
    frames[0].save(pages, "TIFF", save_all=True, append_images=frames[1:], compression="tiff_lzw")
    return [
        *(encode(CODES, format) for format in ("PNG", "BMP", "TIFF", "JPEG")),
        *(encode(CELL, format) for format in ("PNG", "BMP", "TIFF", "JPEG")),
        *(encode(CODES, format, "P") for format in ("PNG", "BMP", "TIFF")),
        *(encode(CODES > 0, format) for format in ("PNG", "BMP", "TIFF")),
        *(encode(CODES.astype(np.uint16) * 257, format) for format in ("PNG", "TIFF")),
        *(encode(CELL, "TIFF", compression=code) for code in ("tiff_adobe_deflate", "packbits", "jpeg")),
        *(encode(CELL, format, "CMYK") for format in ("JPEG", "TIFF")),
        encode(CELL, "PNG", "RGBA", pnginfo=info, exif=exif(6)),
        encode(CELL, "WEBP", exif=exif(6)),
        encode(CELL, "WEBP", lossless=True),
        write_heic(),
        write_tiff(np.moveaxis(CELL, -1, 0).astype(np.uint16) * 257, photometric="rgb", planarconfig="separate"),
        write_tiff(CELL, bigtiff=True, byteorder=">", photometric="rgb", compression="zlib"),
        write_tiff(np.moveaxis(CELL, -1, 0), ome=True, metadata={"axes": "CYX", "PhysicalSizeX": 0.1}),
        encode(CELL, "JPEG", progressive=True, exif=exif(3)),
        animation.getvalue(),
        pages.getvalue(),
    ]


def write_heic() -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(CELL)).save(buffer, quality=60)
    return buffer.getvalue()


def write_tiff(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def with_right_checksums(data: bytes) -> bytes:
    """Repair the checksums of a PNG, so that a mutation gets past them."""
    out, position = bytearray(data), 8
    while position + 12 <= len(out):
        (length,) = struct.unpack(">L", out[position : position + 4])
        end = position + 8 + length
        if end + 4 > len(out):
            break
        out[end : end + 4] = struct.pack(">L", zlib.crc32(out[position + 4 : end]))
        position = end + 4
    return bytes(out)


def mutate(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        # Half of all mutations hit the header, which is small but decisive.
        place = chance.randrange(min(len(out), chance.choice((48, 200, len(out))))) if out else 0
        kind = chance.randrange(6)
        if kind == 0 and out:
            out[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            number = chance.choice(NUMBERS)
            out[place : place + len(number)] = number
        elif kind == 2:
            del out[place : place + chance.choice((1, 2, 4, 40))]
        elif kind == 3:
            out[place:place] = chance.randbytes(chance.choice((1, 2, 4, 40)))
        elif kind == 4 and out:
            out[place] = chance.randrange(256)
        elif chance.random() < 0.3:
            del out[place:]
    repaired = out[:4] == b"\x89PNG" and chance.random() < 0.8
    return with_right_checksums(bytes(out)) if repaired else bytes(out)


# Pillow warns of odd metadata; whether warnings are errors must not matter.
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_mutated_files_raise_only_own_errors(action: str) -> None:
    chance = random.Random(11 if action == "error" else 12)
    originals = seeds()
    image = encode(CELL)
    opened = slowest = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter(action)  # type: ignore[arg-type]
        for _ in range(500):
            data = mutate(chance.choice(originals), chance)
            for read in (open_image, open_mask, read_size, lambda mask: open_pair(image, mask)):
                began = time.process_time()
                try:
                    read(data)
                    opened += 1
                except (ImageError, MaskError, PairingError) as error:
                    assert str(error)  # noqa: PT017
                slowest = max(slowest, time.process_time() - began)
    assert opened > 100
    assert slowest < 5
