"""Damage files at random and read them: each is read or refused, and none ends the process.

    python -m benchmarks.mutated_files --count 10000
    python -m benchmarks.mutated_files --formats TIFF zip --count 1000

Each format is read in a process of its own. File number *n* of a format is the same in every run, so one that is
reported can be made again: ``python -m benchmarks.mutated_files --write TIFF 123 damaged.tif``.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import random
import struct
import sys
import time
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from ctypes import c_long
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pillow_heif
import tifffile
from PIL import Image, PngImagePlugin

from wbcseg.datasets import open_zip
from wbcseg.datasets.synthetic.generator import draw_sample
from wbcseg.datasets.uploads import Upload, pair_uploads
from wbcseg.errors import WbcsegError
from wbcseg.io import open_image, open_mask, open_pair, read_size
from wbcseg.labels import to_grey

MAX_SECONDS: Final = 5.0
"""Processor time that reading a small file may take."""

NUMBERS: Final = (
    bytes(4),
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    bytes(2),
    b"\xff\xd9",
    b"\xff\xda",
    b"\1",
)
"""Values that are put where lengths and markers are."""


def write_image(array: np.ndarray[Any, Any], format: str, mode: str | None = None, **options: object) -> bytes:
    """Return an image file."""
    image, buffer = Image.fromarray(array), io.BytesIO()
    (image if mode is None else image.convert(mode)).save(buffer, format, **options)
    return buffer.getvalue()


def write_tiff(array: np.ndarray[Any, Any], **options: Any) -> bytes:
    """Return a TIFF of a kind that Pillow does not write."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def write_heic(array: np.ndarray[Any, Any]) -> bytes:
    """Return a HEIC file."""
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(array)).save(buffer, quality=60)
    return buffer.getvalue()


def write_zip(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@cache
def make_originals() -> dict[str, tuple[bytes, ...]]:
    """Return sound files of every kind that is read, by format."""
    sample = draw_sample(1, 0, size=(36, 40))
    assert sample.mask is not None
    cell, codes = sample.image, to_grey(sample.mask)
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Jane Doe")
    info.add_text("Comment", "x" * 200, zip=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [Image.fromarray(cell), Image.fromarray(cell[::-1].copy())]
    animation, pages = io.BytesIO(), io.BytesIO()
    frames[0].save(animation, "PNG", save_all=True, append_images=frames[1:])
    frames[0].save(pages, "TIFF", save_all=True, append_images=frames[1:], compression="tiff_lzw")
    wide, planes = codes.astype(np.uint16) * 257, np.moveaxis(cell, -1, 0)
    image, mask = write_image(cell, "PNG"), write_image(codes, "PNG")
    return {
        "PNG": (
            *(write_image(array, "PNG") for array in (cell, codes, codes > 0, wide)),
            write_image(codes, "PNG", "P"),
            write_image(cell, "PNG", "RGBA", pnginfo=info, exif=exif),
            animation.getvalue(),
        ),
        "BMP": (*(write_image(array, "BMP") for array in (cell, codes, codes > 0)), write_image(codes, "BMP", "P")),
        "JPEG": (
            *(write_image(array, "JPEG") for array in (cell, codes)),
            write_image(cell, "JPEG", "CMYK"),
            write_image(cell, "JPEG", progressive=True, exif=exif),
            write_image(cell, "JPEG", restart_marker_rows=1, subsampling=0),
        ),
        "TIFF": (
            *(write_image(array, "TIFF") for array in (cell, codes, codes > 0, wide)),
            *(write_image(cell, "TIFF", compression=code) for code in ("tiff_adobe_deflate", "packbits", "jpeg")),
            *(write_image(cell, "TIFF", mode) for mode in ("CMYK", "P")),
            write_tiff(planes.astype(np.uint16) * 257, photometric="rgb", planarconfig="separate"),
            write_tiff(cell, bigtiff=True, byteorder=">", photometric="rgb", compression="zlib"),
            write_tiff(planes, ome=True, metadata={"axes": "CYX", "PhysicalSizeX": 0.1}),
            write_tiff(np.tile(cell, (3, 3, 1)), tile=(32, 32), photometric="rgb", compression="zlib", predictor=True),
            write_tiff(planes, imagej=True, metadata={"axes": "CYX"}),
            pages.getvalue(),
        ),
        "WebP": (write_image(cell, "WEBP", exif=exif), write_image(cell, "WEBP", lossless=True)),
        "HEIC": (write_heic(cell),),
        "zip": (
            write_zip({"a.png": image, "a_mask.png": mask}),
            write_zip({"x/a.png": image, "masks/a.png": mask, "notes.txt": b"text"}, zipfile.ZIP_STORED),
        ),
    }


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return a file with up to four small changes; checksums of a PNG are mostly repaired."""
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
    return repair_checksums(bytes(out)) if repaired else bytes(out)


def repair_checksums(data: bytes) -> bytes:
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


def make_file(format: str, number: int) -> bytes:
    """Return a damaged file of a format; the same for the same number."""
    chance = random.Random(f"{format} {number}")
    return mutate(chance.choice(make_originals()[format]), chance)


def read(format: str, data: bytes) -> int:
    """Read a file as the app does, in every way. Return how many of them worked.

    Raises:
        Exception: Anything but the package's own errors is a mistake.
    """
    count = 0
    for reader in _READERS["zip" if format == "zip" else "image"]:
        try:
            reader(data)
            count += 1
        except WbcsegError as error:
            if not str(error):
                raise ValueError("an error without a message") from error
    return count


def _read_zip(data: bytes) -> None:
    for info in open_zip(data, "a.zip", require_masks=False).sample_infos:
        info.read()


def _read_uploads(data: bytes) -> None:
    for item in pair_uploads([Upload("a.zip", lambda: data, "a")]):
        if item.problem is None:
            open_image(item.load())


_READERS: Final[dict[str, tuple[Any, ...]]] = {
    "zip": (_read_zip, _read_uploads),
    "image": (
        open_image,
        open_mask,
        read_size,
        lambda mask: open_pair(make_originals()["PNG"][0], mask),
    ),
}


def read_many(format: str, first: int, last: int, current: Any, results: Any) -> None:
    """Read the damaged files of a format, in a process of its own.

    Args:
        format: A key of :func:`make_originals`.
        first: Number of the first file.
        last: Number after the last.
        current: Holds the number of the file that is being read.
        results: Queue for counts, and for descriptions of mistakes.
    """
    warnings.simplefilter("ignore")
    # The libraries below Pillow write there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    counts: Counter[str] = Counter()
    for number in range(first, last):
        current.value = number
        start = time.process_time()
        try:
            counts["read" if read(format, make_file(format, number)) else "refused"] += 1
        except Exception as error:
            counts["mistakes"] += 1
            results.put(f"{format} {number}: {type(error).__name__}: {str(error)[:120]}")
        if (seconds := time.process_time() - start) > MAX_SECONDS:
            counts["mistakes"] += 1
            results.put(f"{format} {number}: took {seconds:.1f} s")
    results.put(counts)


def check_format(format: str, count: int) -> tuple[Counter[str], list[str]]:
    """Read damaged files; a process that ends is started again after the file that ended it.

    Returns:
        How many were read, refused, or handled wrongly; and the mistakes.
    """
    context = multiprocessing.get_context("spawn")
    current, results = context.Value(c_long, 0), context.Queue()
    counts: Counter[str] = Counter()
    mistakes: list[str] = []
    first = 0
    while first < count:
        process = context.Process(target=read_many, args=(format, first, count, current, results))
        process.start()
        while True:
            try:
                message = results.get(timeout=1.0)
            except Exception:
                if process.is_alive():
                    continue
                break
            if isinstance(message, Counter):
                counts += message
                break
            mistakes.append(message)
        process.join()
        if process.exitcode == 0:
            break
        mistakes.append(f"{format} {current.value}: ended the process with code {process.exitcode}")
        first = current.value + 1
    return counts, mistakes


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="files per format (10000)")
    parser.add_argument("--formats", nargs="+", choices=list(make_originals()), default=list(make_originals()))
    parser.add_argument("--write", nargs=3, metavar=("FORMAT", "NUMBER", "FILE"), help="write one damaged file")
    options = parser.parse_args()
    if options.write:
        format, number, path = options.write
        Path(path).write_bytes(make_file(format, int(number)))
        return 0
    all_mistakes = []
    for format in options.formats:
        start = time.monotonic()
        counts, mistakes = check_format(format, options.count)
        print(
            f"{format:5} {options.count:7} files: {counts['read']} read, {counts['refused']} refused, "
            f"{len(mistakes)} mistakes, {time.monotonic() - start:.0f} s",
            flush=True,
        )
        all_mistakes += mistakes
    print(*all_mistakes, sep="\n")
    return 1 if all_mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
