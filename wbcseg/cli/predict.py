"""Segment pictures and write masks and overlays."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from wbcseg import drawing, images
from wbcseg.classes import PALETTES, Labels, to_grey
from wbcseg.errors import ImageError, WbcsegError
from wbcseg.files import write_bytes
from wbcseg.prediction import Catalog

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="pictures, or folders of pictures")
    parser.add_argument("--model", nargs="+", metavar="NAME", default=["unet-16"], help="one or more models (unet-16)")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="writes DIR/NAME/<stem>.png and DIR/NAME/<stem>.overlay.png",
    )
    parser.add_argument(
        "--careful",
        action="store_true",
        help="look in eight orientations and keep the main cell only: better, eight times slower",
    )
    parser.add_argument("--palette", choices=tuple(PALETTES), default="thesis", help="colours of the overlays (thesis)")
    parser.add_argument("--opacity", type=float, default=0.5, help="of the overlays, 0 to 1 (0.5)")


def act(options: argparse.Namespace) -> int:
    """Carry out the command; a bad file is named and the others go on, and the exit code is 1 at the end."""
    catalog = Catalog()
    segmenters = [catalog.open(name) for name in dict.fromkeys(options.model)]
    palette, opacity = PALETTES[options.palette], min(1.0, max(0.0, options.opacity))
    taken: set[str] = set()
    good = bad = 0
    for path in _pictures(options.paths):
        try:
            picture = images.open_image(_read(path), name=path.name)
            stem = images.safe_stem(path.name, taken)
            for segmenter in segmenters:
                labels = segmenter.predict(picture.pixels, careful=options.careful).labels
                _write(segmenter.name, picture.pixels, labels, options.out, stem, palette.name, opacity)
            good += 1
        except WbcsegError as error:
            bad += 1
            print(f"{path}: {error}", file=sys.stderr)
    print(f"{good} of {good + bad} pictures segmented with {len(segmenters)} model(s) into {options.out}")
    return 1 if bad or not good else 0


def _pictures(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        else:
            yield path


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > images.MAX_BYTES:
            raise ImageError(
                f"The file must have at most {images.MAX_BYTES:,} bytes. Received: {path.stat().st_size:,}"
            )
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"The file cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ImageError(f"The file name cannot be used: {error}") from None


def _write(model: str, image: drawing.Rgb, labels: Labels, out: Path, stem: str, palette: str, opacity: float) -> None:
    overlay = drawing.overlay(image, labels, PALETTES[palette], opacity)
    try:
        folder = out / model
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / f"{stem}.png", images.encode_png(to_grey(labels)))
        write_bytes(folder / f"{stem}.overlay.png", images.encode_png(overlay))
    except OSError as error:
        raise WbcsegError(
            f"Folder {out} cannot be written: {error.strerror or error}. Choose another with --out."
        ) from None
