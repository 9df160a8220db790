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
from wbcseg.cli.inputs import collect_inputs
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ImageError, WbcsegError
from wbcseg.export import (
    CocoWriter,
    build_feature_rows,
    build_geojson,
    build_outline,
    encode_csv,
    format_coco_name,
    format_mean_dice,
    format_status_counts,
)
from wbcseg.inference import Catalog, Segmentation, Segmenter
from wbcseg.io.atomic import write_bytes
from wbcseg.labels import PALETTES, to_grey
from wbcseg.pipeline import (
    ImageResult,
    LastImageCache,
    PipelineConfig,
    analyze_image,
    flag_disagreements,
    merge_results,
)
from wbcseg.quality import load_quality_model
from wbcseg.results import CellResult, ImageReport


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


class _RecordingModel:
    """A model that keeps what it made of the last picture, of which a mask is written as the model left it."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.name, self.quality_model = segmenter.name, load_quality_model(segmenter.card)
        self.trained_on = segmenter.card.training_digests
        self._segmenter = segmenter
        self._last_prediction: tuple[NDArray[np.uint8], Segmentation] | None = None

    def predict(self, image: NDArray[np.uint8], *, careful: bool = False) -> Segmentation:
        found = self._segmenter.predict(image, careful=careful)
        self._last_prediction = image, found
        return found

    def take_last_prediction(self) -> tuple[NDArray[np.uint8], Segmentation]:
        """Return the last picture and what was made of it, and keep it no longer."""
        if self._last_prediction is None:
            raise RuntimeError("No picture was looked at.")
        last, self._last_prediction = self._last_prediction, None
        return last


@dataclass
class _BatchOutput:
    """What is known of the pictures so far: figures, but neither pixels nor masks.

    Attributes:
        coco_documents: A COCO file for each model.
        reports: In order.
        mask_files: Where each cell's mask was written, below the folder of results.
        has_failures: Whether something that was brought could not be used.
    """

    coco_documents: dict[str, CocoWriter]
    reports: list[ImageReport] = field(default_factory=list)
    mask_files: dict[CellResult, str] = field(default_factory=dict)
    has_failures: bool = False


def run_command(options: argparse.Namespace) -> int:
    """Carry out the command; a bad file is named and the others go on, and the exit code is 1 at the end."""
    catalog = Catalog()
    chosen = options.model or [entry.name for entry in (catalog.default_model,) if entry]
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
    segmenters = [catalog.load(name) for name in dict.fromkeys(chosen)]
    models = [_RecordingModel(one) for one in segmenters]
    written = _BatchOutput({one.name: CocoWriter() for one in models})
    taken: set[str] = set()
    recent = LastImageCache()
    results = [options.out, *(options.out / entry.name for entry in catalog.entries)]
    with recent.keep():
        items = collect_inputs(options.paths, results)
        if not items:
            places = ", ".join(map(str, options.paths))
            raise WbcsegError(f"No pictures were found in {places}: no PNG, JPEG, BMP or TIFF.")
        for place, item in enumerate(items, start=1):
            _show_position(place, len(items))
            stem = "" if item.problem else _choose_stem(item.name, taken)
            _process_item(item, stem, models, recent, written, options)
        _show_position(0, len(items))
        _write_summaries(written, segmenters, options)
    pictures = written.reports
    good = sum(1 for one in pictures if not one.problem)
    print(f"{good} of {len(pictures)} pictures segmented with {len(models)} model(s) into {options.out}")
    for model in models if good else ():
        cells = [cell for one in pictures for cell in one.cells if cell.model == model.name]
        means = format_mean_dice(cells)
        print(f"Cells by {model.name}: {format_status_counts(cells)}" + (f"; mean Dice {means}" if means else ""))
    return 1 if written.has_failures or not good else 0


def _choose_stem(name: str, taken: set[str]) -> str:
    """Return a stem such that neither mask nor overlay replaces another picture's."""
    stem = io.make_safe_stem(name, taken)
    while not taken.isdisjoint((f"{stem}.overlay", f"{stem}.overlay".casefold())):
        stem = io.make_safe_stem(name, taken)
    taken |= {f"{stem}.overlay", f"{stem}.overlay".casefold()}
    return stem


def _show_position(place: int, total: int) -> None:
    """Say on a terminal how far it is, on a line that is written over; with 0, wipe that line."""
    if sys.stderr.isatty() and total > 1:
        print(f"\r\033[K{f'{place} of {total} pictures' if place else ''}", end="", file=sys.stderr, flush=True)


def _process_item(
    item: InputImage,
    stem: str,
    models: list[_RecordingModel],
    recent: LastImageCache,
    written: _BatchOutput,
    options: argparse.Namespace,
) -> None:
    """Look at a picture with every model, write what is written picture by picture, and remember the rest."""
    outcomes: dict[str, ImageResult] = {}
    for model in models:
        examiner = PipelineConfig(
            model, model.quality_model, tta=options.careful, page=options.page - 1, training_digests=model.trained_on
        )
        outcome = analyze_image(item, examiner, recent)
        outcomes[model.name] = outcome
        if not outcome.problem:
            _write_mask(model.name, *model.take_last_prediction(), stem, options)
    told = [(one.problem, one.mask_problem, *one.notices) for one in outcomes.values()]
    for sentence in dict.fromkeys(filter(None, (sentence for several in told for sentence in several))):
        _show_position(0, 2)
        print(f"{io.format_display_name(item.name)}: {sentence}", file=sys.stderr)
    written.has_failures |= any(one.problem or one.mask_problem for one in outcomes.values())
    try:
        if len(models) > 1:
            disputed = flag_disagreements({name: one.cells for name, one in outcomes.items()})
            outcomes = {name: replace(one, cells=disputed[name]) for name, one in outcomes.items()}
        for name, outcome in outcomes.items():
            if options.export and outcome.size is not None:
                _write_outlines(name, outcome, stem, written, options)
    except ImageError as problem:
        # It was there a moment ago.
        print(f"{io.format_display_name(item.name)}: {problem}", file=sys.stderr)
        written.has_failures = True
    for name, outcome in outcomes.items():
        written.mask_files |= dict.fromkeys(outcome.cells, f"{name}/{stem}.png")
    written.reports.append(merge_results(list(outcomes.values())))


def _write_outlines(
    model: str, outcome: ImageResult, stem: str, written: _BatchOutput, options: argparse.Namespace
) -> None:
    cells = [
        build_outline(one, one.load()[1], f"{stem}-cell-{one.cell_index}" if one.cell_index else stem, options.micrometres)
        for one in outcome.cells
    ]
    if "geojson" in options.export:
        _write_file(options.out / model / f"{stem}.geojson", build_geojson(cells))
    if "coco" in options.export and outcome.size is not None:
        written.coco_documents[model].add(outcome.name, outcome.size, cells)


def _write_summaries(written: _BatchOutput, segmenters: list[Segmenter], options: argparse.Namespace) -> None:
    """Write what was asked for of all pictures together."""
    if options.measure:
        rows = build_feature_rows(written.reports, micrometres=options.micrometres, mask_files=written.mask_files)
        _write_file(options.out / "figures.csv", encode_csv(rows))
    if "coco" in options.export:
        for model, document in written.coco_documents.items():
            _write_file(options.out / format_coco_name(model, list(written.coco_documents)), document.to_bytes())
    if options.report:
        # Here and not above: whoever wants no report should not wait for it.
        from wbcseg.export.pdf import build_pdf_report

        settings = [
            ("Model", f"{one.name}: {one.card.title}, file {one.card.files['model'].sha256[:8]}") for one in segmenters
        ]
        settings.append(("Prediction", "careful" if options.careful else "one look"))
        settings += [("TIFF page", str(options.page))] if options.page > 1 else []
        when = datetime.now(UTC)
        report = build_pdf_report(written.reports, when=when, settings=settings, micrometres=options.micrometres)
        _write_file(options.report, report)


def _write_file(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data)
    except OSError as error:
        raise WbcsegError(f"File {path} cannot be written: {error.strerror or error}. Choose another place.") from None


def _write_mask(
    model: str, image: NDArray[np.uint8], found: Segmentation, stem: str, options: argparse.Namespace
) -> None:
    """Write a mask and its overlay."""
    overlay = visualization.overlay(image, found.labels, PALETTES[options.palette], options.opacity)
    _write_file(options.out / model / f"{stem}.png", io.encode_png(to_grey(found.labels)))
    _write_file(options.out / model / f"{stem}.overlay.png", io.encode_png(overlay))
