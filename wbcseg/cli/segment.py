"""Segment pictures, and write masks, overlays, figures, outlines and a report."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wbcseg import io, visualization
from wbcseg.cli.inputs import items_at
from wbcseg.datasets.uploads import Item
from wbcseg.errors import ImageError, WbcsegError
from wbcseg.export import Coco, coco_name, csv_bytes, dice_means, figure_rows, geojson, outlined, status_counts
from wbcseg.inference import Catalog, Segmentation, Segmenter
from wbcseg.io.atomic import write_bytes
from wbcseg.labels import PALETTES, to_grey
from wbcseg.pipeline import Examiner, Outcome, Recent, examined, look, with_disputes
from wbcseg.quality import judge_of
from wbcseg.results import Examined, Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="pictures, folders with sub-folders, or zips"
    )
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
    parser.add_argument(
        "--page", type=int, default=1, metavar="N", help="which page of TIFF files with several, from 1 (1)"
    )
    parser.add_argument("--palette", choices=tuple(PALETTES), default="thesis", help="colours of the overlays (thesis)")
    parser.add_argument("--opacity", type=float, default=0.5, help="of the overlays, 0 to 1 (0.5)")
    parser.add_argument(
        "--measure", action="store_true", help="writes DIR/figures.csv: areas, N:C, shape, lobes, colour, Dice"
    )
    parser.add_argument("--micrometres", type=float, metavar="UM", help="side of a pixel in µm; without it, in pixels")
    parser.add_argument("--report", type=Path, metavar="FILE", help="writes a report as PDF")
    parser.add_argument(
        "--export",
        nargs="+",
        choices=("geojson", "coco"),
        default=[],
        help="writes outlines: DIR/NAME/<stem>.geojson, as QuPath reads it, or DIR/outlines.coco.json (one a model)",
    )


class _Model:
    """A model that keeps what it made of the last picture, of which a mask is written as the model left it."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.name, self.judge = segmenter.name, judge_of(segmenter.card)
        self.trained_on = segmenter.card.training_digests
        self._segmenter = segmenter
        self._last: tuple[NDArray[np.uint8], Segmentation] | None = None

    def predict(self, image: NDArray[np.uint8], *, careful: bool = False) -> Segmentation:
        found = self._segmenter.predict(image, careful=careful)
        self._last = image, found
        return found

    def take_last(self) -> tuple[NDArray[np.uint8], Segmentation]:
        """Return the last picture and what was made of it, and keep it no longer."""
        if self._last is None:
            raise RuntimeError("No picture was looked at.")
        last, self._last = self._last, None
        return last


@dataclass
class _Written:
    """What is known of the pictures so far: figures, but neither pixels nor masks.

    Attributes:
        documents: A COCO file for each model.
        pictures: In order.
        mask_files: Where each cell's mask was written, below the folder of results.
        failed: Whether something that was brought could not be used.
    """

    documents: dict[str, Coco]
    pictures: list[Examined] = field(default_factory=list)
    mask_files: dict[Finding, str] = field(default_factory=dict)
    failed: bool = False


def act(options: argparse.Namespace) -> int:
    """Carry out the command; a bad file is named and the others go on, and the exit code is 1 at the end."""
    catalog = Catalog()
    chosen = options.model or [entry.name for entry in (catalog.first_choice,) if entry]
    if not chosen:
        raise WbcsegError("There is no model. Get the shipped ones, or train one: python -m wbcseg train --help")
    if options.micrometres is not None and not 0 < options.micrometres < math.inf:
        raise WbcsegError(f"--micrometres must be more than 0, and finite. Received: {options.micrometres}")
    if not 0 <= options.opacity <= 1:
        raise WbcsegError(f"--opacity must be from 0 to 1. Received: {options.opacity}")
    if options.report and options.report.is_dir():
        raise WbcsegError(f"--report must name a file, such as report.pdf. Received a folder: {options.report}")
    if options.page < 1:
        raise WbcsegError(f"--page must be at least 1, the first page. Received: {options.page}")
    segmenters = [catalog.open(name) for name in dict.fromkeys(chosen)]
    models = [_Model(one) for one in segmenters]
    written = _Written({one.name: Coco() for one in models})
    taken: set[str] = set()
    recent = Recent()
    results = [options.out, *(options.out / entry.name for entry in catalog.entries)]
    with recent.kept():
        items = items_at(options.paths, results)
        if not items:
            places = ", ".join(map(str, options.paths))
            raise WbcsegError(f"No pictures were found in {places}: no PNG, JPEG, BMP or TIFF.")
        for place, item in enumerate(items, start=1):
            _say_place(place, len(items))
            stem = "" if item.problem else _stem(item.name, taken)
            _one(item, stem, models, recent, written, options)
        _say_place(0, len(items))
        _take_away(written, segmenters, options)
    pictures = written.pictures
    good = sum(1 for one in pictures if not one.problem)
    print(f"{good} of {len(pictures)} pictures segmented with {len(models)} model(s) into {options.out}")
    for model in models if good else ():
        cells = [cell for one in pictures for cell in one.findings if cell.model == model.name]
        means = dice_means(cells)
        print(f"Cells by {model.name}: {status_counts(cells)}" + (f"; mean Dice {means}" if means else ""))
    return 1 if written.failed or not good else 0


def _stem(name: str, taken: set[str]) -> str:
    """Return a stem such that neither mask nor overlay replaces another picture's."""
    stem = io.safe_stem(name, taken)
    while not taken.isdisjoint((f"{stem}.overlay", f"{stem}.overlay".casefold())):
        stem = io.safe_stem(name, taken)
    taken |= {f"{stem}.overlay", f"{stem}.overlay".casefold()}
    return stem


def _say_place(place: int, total: int) -> None:
    """Say on a terminal how far it is, on a line that is written over; with 0, wipe that line."""
    if sys.stderr.isatty() and total > 1:
        print(f"\r\033[K{f'{place} of {total} pictures' if place else ''}", end="", file=sys.stderr, flush=True)


def _one(
    item: Item, stem: str, models: list[_Model], recent: Recent, written: _Written, options: argparse.Namespace
) -> None:
    """Look at a picture with every model, write what is written picture by picture, and remember the rest."""
    outcomes: dict[str, Outcome] = {}
    for model in models:
        examiner = Examiner(
            model, model.judge, careful=options.careful, page=options.page - 1, trained_on=model.trained_on
        )
        outcome = look(item, examiner, recent)
        outcomes[model.name] = outcome
        if not outcome.problem:
            _write(model.name, *model.take_last(), stem, options)
    told = [(one.problem, one.mask_problem, *one.notices) for one in outcomes.values()]
    for sentence in dict.fromkeys(filter(None, (sentence for several in told for sentence in several))):
        _say_place(0, 2)
        print(f"{io.shown(item.name)}: {sentence}", file=sys.stderr)
    written.failed |= any(one.problem or one.mask_problem for one in outcomes.values())
    try:
        if len(models) > 1:
            disputed = with_disputes({name: one.findings for name, one in outcomes.items()})
            outcomes = {name: replace(one, findings=disputed[name]) for name, one in outcomes.items()}
        for name, outcome in outcomes.items():
            if options.export and outcome.size is not None:
                _outline(name, outcome, stem, written, options)
    except ImageError as problem:
        # It was there a moment ago.
        print(f"{io.shown(item.name)}: {problem}", file=sys.stderr)
        written.failed = True
    for name, outcome in outcomes.items():
        written.mask_files |= dict.fromkeys(outcome.findings, f"{name}/{stem}.png")
    written.pictures.append(examined(list(outcomes.values())))


def _outline(model: str, outcome: Outcome, stem: str, written: _Written, options: argparse.Namespace) -> None:
    cells = [
        outlined(one, one.load()[1], f"{stem}-cell-{one.number}" if one.number else stem, options.micrometres)
        for one in outcome.findings
    ]
    if "geojson" in options.export:
        _put(options.out / model / f"{stem}.geojson", geojson(cells))
    if "coco" in options.export and outcome.size is not None:
        written.documents[model].add(outcome.name, outcome.size, cells)


def _take_away(written: _Written, segmenters: list[Segmenter], options: argparse.Namespace) -> None:
    """Write what was asked for of all pictures together."""
    if options.measure:
        rows = figure_rows(written.pictures, micrometres=options.micrometres, mask_files=written.mask_files)
        _put(options.out / "figures.csv", csv_bytes(rows))
    if "coco" in options.export:
        for model, document in written.documents.items():
            _put(options.out / coco_name(model, list(written.documents)), document.document())
    if options.report:
        # Here and not above: whoever wants no report should not wait for it.
        from wbcseg.export.pdf import pdf_report

        settings = [
            ("Model", f"{one.name}: {one.card.title}, file {one.card.files['model'].sha256[:8]}") for one in segmenters
        ]
        settings.append(("Prediction", "careful" if options.careful else "one look"))
        settings += [("TIFF page", str(options.page))] if options.page > 1 else []
        when = datetime.now(UTC)
        report = pdf_report(written.pictures, when=when, settings=settings, micrometres=options.micrometres)
        _put(options.report, report)


def _put(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data)
    except OSError as error:
        raise WbcsegError(f"File {path} cannot be written: {error.strerror or error}. Choose another place.") from None


def _write(model: str, image: NDArray[np.uint8], found: Segmentation, stem: str, options: argparse.Namespace) -> None:
    """Write a mask and its overlay."""
    overlay = visualization.overlay(image, found.labels, PALETTES[options.palette], options.opacity)
    _put(options.out / model / f"{stem}.png", io.encode_png(to_grey(found.labels)))
    _put(options.out / model / f"{stem}.overlay.png", io.encode_png(overlay))
