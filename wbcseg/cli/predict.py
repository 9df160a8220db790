"""Segment pictures, and write masks, overlays, figures, outlines and a report."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from wbcseg import drawing, images
from wbcseg.analysis import findings_of, with_disputes
from wbcseg.classes import PALETTES, Labels, to_grey
from wbcseg.errors import ImageError, WbcsegError
from wbcseg.export import Finding, Outlined, coco, csv_bytes, figure_rows, geojson, held
from wbcseg.files import write_bytes
from wbcseg.prediction import Catalog, Segmenter
from wbcseg.trust import judge_of

NOTHING = (np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.uint8))
"""A picture and a mask to stand for those that are not kept."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="pictures, or folders of pictures")
    parser.add_argument("--model", nargs="+", metavar="NAME", help="one or more models (the one for any laboratory)")
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
    parser.add_argument(
        "--measure", action="store_true", help="writes DIR/figures.csv: areas, N:C, shape, lobes, colour"
    )
    parser.add_argument("--micrometres", type=float, metavar="UM", help="side of a pixel in µm; without it, in pixels")
    parser.add_argument("--report", type=Path, metavar="FILE", help="writes a report as PDF")
    parser.add_argument(
        "--export",
        nargs="+",
        choices=("geojson", "coco"),
        default=[],
        help="writes outlines: DIR/NAME/<stem>.geojson, as QuPath reads it, or DIR/outlines.coco.json",
    )


def act(options: argparse.Namespace) -> int:
    """Carry out the command; a bad file is named and the others go on, and the exit code is 1 at the end."""
    catalog = Catalog()
    chosen = options.model or [entry.name for entry in (catalog.first_choice,) if entry]
    if not chosen:
        raise WbcsegError("There is no model. Get the shipped ones, or train one: python -m wbcseg train --help")
    segmenters = [catalog.open(name) for name in dict.fromkeys(chosen)]
    judges = {one.name: judge_of(one.card) for one in segmenters}
    palette, opacity = PALETTES[options.palette], min(1.0, max(0.0, options.opacity))
    if options.micrometres is not None and not options.micrometres > 0:
        raise WbcsegError(f"--micrometres must be more than 0. Received: {options.micrometres}")
    written = options.report or options.export
    taken: set[str] = set()
    findings: list[Finding] = []
    good = bad = 0
    for path in _pictures(options.paths):
        try:
            picture = images.open_image(_read(path), name=path.name)
            stem = images.safe_stem(path.name, taken)
            cells = {}
            for segmenter in segmenters:
                found = segmenter.predict(picture.pixels, careful=options.careful)
                _write(segmenter.name, picture.pixels, found.labels, options.out, stem, palette.name, opacity)
                if options.measure or options.report or options.export:
                    cells[segmenter.name] = findings_of(stem, picture.pixels, found, judge=judges[segmenter.name])
            for several in with_disputes(cells).values():
                for one in several:
                    # Of thousands of pictures, only what will be written is kept.
                    image, cell = one.load()
                    kept = (image if options.report else NOTHING[0], cell if written else NOTHING[1])
                    findings.append(dataclasses.replace(one, load=held(*kept)))
            good += 1
        except WbcsegError as error:
            bad += 1
            print(f"{path}: {error}", file=sys.stderr)
    _take_away(findings, segmenters, options)
    print(f"{good} of {good + bad} pictures segmented with {len(segmenters)} model(s) into {options.out}")
    return 1 if bad or not good else 0


def _take_away(findings: list[Finding], segmenters: list[Segmenter], options: argparse.Namespace) -> None:
    """Write what was asked for besides masks and overlays."""
    if options.measure:
        _put(options.out / "figures.csv", csv_bytes(figure_rows(findings, micrometres=options.micrometres)))
    pictures: dict[tuple[str, str], list[Outlined]] = {}
    sizes = {}
    for one in findings:
        values = one.measures.scaled(options.micrometres) if one.measures else {}
        name = f"{one.name}-{one.number}" if one.number else one.name
        outlined = Outlined(one.load()[1], one.place or (0, 0), values, name)
        pictures.setdefault((one.model, one.name), []).append(outlined)
        sizes[one.model, one.name] = one.size
    if "geojson" in options.export:
        for (model, name), cells in pictures.items():
            _put(options.out / model / f"{name}.geojson", geojson(cells))
    if "coco" in options.export:
        named = [(f"{model}/{name}.png", sizes[model, name], cells) for (model, name), cells in pictures.items()]
        _put(options.out / "outlines.coco.json", coco(named))
    if options.report:
        # Here and not above: whoever wants no report should not wait for it.
        from wbcseg.export.report import pdf_report

        models = [
            ("Model", f"{one.name}: {one.card.title}, file {one.card.files['model'].sha256[:8]}") for one in segmenters
        ]
        settings = [*models, ("Prediction", "careful" if options.careful else "one look")]
        when = datetime.now(UTC)
        _put(options.report, pdf_report(findings, when=when, settings=settings, micrometres=options.micrometres))


def _put(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data)
    except OSError as error:
        raise WbcsegError(f"File {path} cannot be written: {error.strerror or error}. Choose another place.") from None


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
