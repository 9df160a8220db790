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
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ImageError, WbcsegError
from wbcseg.export import (
    CELLS_FILE,
    CocoWriter,
    build_cell_rows,
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
    collect_inputs,
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
        "--tta",
        action="store_true",
        help="look in eight orientations and keep the main cell only: better, eight times slower",
    )
    parser.add_argument(
        "--page", type=int, default=1, metavar="N", help="which page of TIFF files with several, from 1 (1)"
    )
    parser.add_argument("--palette", choices=tuple(PALETTES), default="thesis", help="colours of the overlays (thesis)")
    parser.add_argument("--opacity", type=float, default=0.5, help="of the overlays, 0 to 1 (0.5)")
    parser.add_argument(
        "--measurements", action="store_true", help="writes DIR/cells.csv: areas, N:C, shape, lobes, colour, Dice"
    )
    parser.add_argument("--pixel-size", type=float, metavar="UM", help="side of a pixel in µm; without it, in pixels")
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

    def predict(self, image: NDArray[np.uint8], *, tta: bool = False) -> Segmentation:
        segmentation = self._segmenter.predict(image, tta=tta)
        self._last_prediction = image, segmentation
        return segmentation

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
    model_names = options.model or [entry.name for entry in (catalog.default_model,) if entry]
    if not model_names:
        raise WbcsegError("There is no model. Get the shipped ones, or train one: python -m wbcseg train --help")
    if options.pixel_size is not None and not 0 < options.pixel_size < math.inf:
        raise WbcsegError(f"--pixel-size must be more than 0, and finite. Received: {options.pixel_size}")
    if not 0 <= options.opacity <= 1:
        raise WbcsegError(f"--opacity must be from 0 to 1. Received: {options.opacity}")
    if options.report and options.report.is_dir():
        raise WbcsegError(f"--report must name a file, such as report.pdf. Received a folder: {options.report}")
    if options.page < 1:
        raise WbcsegError(f"--page must be at least 1, the first page. Received: {options.page}")
    segmenters = [catalog.load(name) for name in dict.fromkeys(model_names)]
    models = [_RecordingModel(report) for report in segmenters]
    output = _BatchOutput({report.name: CocoWriter() for report in models})
    used_stems: set[str] = set()
    image_cache = LastImageCache()
    output_folders = [options.out, *(options.out / entry.name for entry in catalog.entries)]
    with image_cache.keep():
        items = collect_inputs(options.paths, output_folders)
        if not items:
            path_list = ", ".join(map(str, options.paths))
            raise WbcsegError(f"No pictures were found in {path_list}: no PNG, JPEG, BMP or TIFF.")
        for position, item in enumerate(items, start=1):
            _show_position(position, len(items))
            stem = "" if item.problem else _choose_stem(item.name, used_stems)
            _process_item(item, stem, models, image_cache, output, options)
        _show_position(0, len(items))
        _write_summaries(output, segmenters, options)
    reports = output.reports
    success_count = sum(1 for report in reports if not report.problem)
    print(f"{success_count} of {len(reports)} pictures segmented with {len(models)} model(s) into {options.out}")
    for model in models if success_count else ():
        cells = [cell for report in reports for cell in report.cells if cell.model == model.name]
        means = format_mean_dice(cells)
        print(f"Cells by {model.name}: {format_status_counts(cells)}" + (f"; mean Dice {means}" if means else ""))
    return 1 if output.has_failures or not success_count else 0


def _choose_stem(name: str, used_stems: set[str]) -> str:
    """Return a stem such that neither mask nor overlay replaces another picture's."""
    stem = io.make_safe_stem(name, used_stems)
    while not used_stems.isdisjoint((f"{stem}.overlay", f"{stem}.overlay".casefold())):
        stem = io.make_safe_stem(name, used_stems)
    used_stems |= {f"{stem}.overlay", f"{stem}.overlay".casefold()}
    return stem


def _show_position(position: int, total: int) -> None:
    """Say on a terminal how far it is, on a line that is written over; with 0, wipe that line."""
    if sys.stderr.isatty() and total > 1:
        print(f"\r\033[K{f'{position} of {total} pictures' if position else ''}", end="", file=sys.stderr, flush=True)


def _process_item(
    item: InputImage,
    stem: str,
    models: list[_RecordingModel],
    image_cache: LastImageCache,
    output: _BatchOutput,
    options: argparse.Namespace,
) -> None:
    """Look at a picture with every model, write what is written picture by picture, and remember the rest."""
    results: dict[str, ImageResult] = {}
    for model in models:
        pipeline_config = PipelineConfig(
            model, model.quality_model, tta=options.tta, page=options.page - 1, training_digests=model.trained_on
        )
        result = analyze_image(item, pipeline_config, image_cache)
        results[model.name] = result
        if not result.problem:
            _write_mask(model.name, *model.take_last_prediction(), stem, options)
    message_groups = [
        (image_result.problem, image_result.mask_problem, *image_result.notices) for image_result in results.values()
    ]
    for message in dict.fromkeys(str(message) for group in message_groups for message in group if message):
        _show_position(0, 2)
        print(f"{io.format_display_name(item.name)}: {message}", file=sys.stderr)
    output.has_failures |= any(image_result.problem or image_result.mask_problem for image_result in results.values())
    try:
        if len(models) > 1:
            flagged = flag_disagreements({name: image_result.cells for name, image_result in results.items()})
            results = {name: replace(image_result, cells=flagged[name]) for name, image_result in results.items()}
        for name, result in results.items():
            if options.export and result.size is not None:
                _write_outlines(name, result, stem, output, options)
    except ImageError as problem:
        # It was there a moment ago.
        print(f"{io.format_display_name(item.name)}: {problem}", file=sys.stderr)
        output.has_failures = True
    for name, result in results.items():
        output.mask_files |= dict.fromkeys(result.cells, f"{name}/{stem}.png")
    output.reports.append(merge_results(list(results.values())))


def _write_outlines(
    model: str, result: ImageResult, stem: str, output: _BatchOutput, options: argparse.Namespace
) -> None:
    outlined_cells = [
        build_outline(
            cell, cell.load()[1], f"{stem}-cell-{cell.cell_index}" if cell.cell_index else stem, options.pixel_size
        )
        for cell in result.cells
    ]
    if "geojson" in options.export:
        _write_file(options.out / model / f"{stem}.geojson", build_geojson(outlined_cells))
    if "coco" in options.export and result.size is not None:
        output.coco_documents[model].add(result.name, result.size, outlined_cells)


def _write_summaries(output: _BatchOutput, segmenters: list[Segmenter], options: argparse.Namespace) -> None:
    """Write what was asked for of all pictures together."""
    if options.measurements:
        rows = build_cell_rows(output.reports, pixel_size=options.pixel_size, mask_files=output.mask_files)
        _write_file(options.out / CELLS_FILE, encode_csv(rows))
    if "coco" in options.export:
        for model, document in output.coco_documents.items():
            _write_file(options.out / format_coco_name(model, list(output.coco_documents)), document.to_bytes())
    if options.report:
        # Here and not above: whoever wants no report should not wait for it.
        from wbcseg.export.pdf import build_pdf_report

        settings = [
            ("Model", f"{segmenter.name}: {segmenter.card.title}, file {segmenter.card.files['model'].sha256[:8]}")
            for segmenter in segmenters
        ]
        settings.append(("Prediction", "careful" if options.tta else "one look"))
        settings += [("TIFF page", str(options.page))] if options.page > 1 else []
        created = datetime.now(UTC)
        report = build_pdf_report(output.reports, date=created, settings=settings, pixel_size=options.pixel_size)
        _write_file(options.report, report)


def _write_file(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data)
    except OSError as error:
        raise WbcsegError(f"File {path} cannot be written: {error.strerror or error}. Choose another place.") from None


def _write_mask(
    model: str, image: NDArray[np.uint8], segmentation: Segmentation, stem: str, options: argparse.Namespace
) -> None:
    """Write a mask and its overlay."""
    overlay = visualization.overlay(image, segmentation.labels, PALETTES[options.palette], options.opacity)
    _write_file(options.out / model / f"{stem}.png", io.encode_png(to_grey(segmentation.labels)))
    _write_file(options.out / model / f"{stem}.overlay.png", io.encode_png(overlay))
