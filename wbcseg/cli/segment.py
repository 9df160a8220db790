"""Segment images and write masks, overlays, measurements, outlines and a report."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from wbcseg import io, visualization
from wbcseg.api import Result, segment_input
from wbcseg.cli.formatting import parse_page
from wbcseg.counting import DEFAULT_EDGE_RULE, EDGE_RULES
from wbcseg.datasets.pages import format_page_choice
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ConfigError, ErrorCode, ImageError, WbcsegError
from wbcseg.export import (
    CELLS_FILE,
    EXPORT_FORMATS,
    IMAGES_FILE,
    InstanceWriter,
    build_cell_rows,
    build_image_rows,
    build_outline,
    check_formats,
    encode_csv,
    format_edge_counts,
    format_mean_dice,
    format_status_counts,
)
from wbcseg.inference import Catalog, Segmenter
from wbcseg.io.atomic import write_bytes
from wbcseg.labels import PALETTES, to_grey
from wbcseg.pipeline import (
    ImageResult,
    LastImageCache,
    collect_inputs,
    flag_disagreements,
    merge_results,
)
from wbcseg.pipeline.analyze import describe_failure
from wbcseg.quality import load_quality_model
from wbcseg.results import CellResult, ImageReport

MAX_NAMES: Final = 5
"""Maximum number of images to review that are named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="images, folders (with subfolders) or zip files"
    )
    parser.add_argument(
        "--model", nargs="+", metavar="NAME", help="one or more models; give them after the images (unet-general)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for the results: masks DIR/MODEL/NAME.png and overlays DIR/MODEL/NAME.overlay.png",
    )
    parser.add_argument(
        "--tta",
        action="store_true",
        help="test-time averaging: mean of eight orientations, main cell only; slightly more accurate, 8 times slower",
    )
    page_help = "page of a multi-page TIFF file, from 1, or rgb: three pages as colours (as the file declares, else 1)"
    parser.add_argument("--page", metavar="N", help=page_help)
    parser.add_argument(
        "--masks",
        choices=tuple(io.CORRECTION_LABELS),
        help="what expert masks mean that look wrong; swap: nucleus and cytoplasm; instances: each value is one cell",
    )
    parser.add_argument("--palette", choices=tuple(PALETTES), default="thesis", help="overlay colours (thesis)")
    parser.add_argument("--opacity", type=float, default=0.5, help="overlay opacity, 0 to 1 (0.5)")
    parser.add_argument(
        "--measurements",
        action="store_true",
        help="write DIR/cells.csv (areas, N:C ratio, shape, lobes, colour, Dice) and DIR/images.csv (counts of cells)",
    )
    parser.add_argument(
        "--edge-rule",
        choices=tuple(EDGE_RULES),
        default=DEFAULT_EDGE_RULE,
        help="which of the cells cut by the image edge count; "
        + " ".join(f"{name}: {rule.description}" for name, rule in EDGE_RULES.items())
        + f" ({DEFAULT_EDGE_RULE})",
    )
    parser.add_argument(
        "--pixel-size", type=float, metavar="UM", help="pixel size in µm/pixel; without it, measurements are in pixels"
    )
    parser.add_argument("--decimal-comma", action="store_true", help="write tables with decimal commas and semicolons")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a PDF report")
    parser.add_argument(
        "--formats",
        type=lambda text: text.split(","),
        default=[],
        metavar="FORMAT,…",
        help="write the cells, in formats separated by commas, to DIR/MODEL/NAME.labels.png and .labels.tif, "
        "DIR/MODEL/NAME.geojson, DIR/outlines.coco.json (one per model) or DIR/MODEL/NAME.rois.zip. "
        + " ".join(f"{each.name}: {each.description}" for each in EXPORT_FORMATS.values()),
    )
    # The name in version 0.1, with spaces between the formats. Remove it in 0.3.
    parser.add_argument("--export", nargs="+", dest="formats", help=argparse.SUPPRESS)


@dataclass
class _BatchOutput:
    """The results so far, without pixels.

    Attributes:
        writer: Encodes the cells in the chosen formats.
        reports: The images, in order.
        mask_files: The mask file of each cell, relative to the output folder.
        has_failures: Whether a file could not be used.
    """

    writer: InstanceWriter
    reports: list[ImageReport] = field(default_factory=list)
    mask_files: dict[CellResult, str] = field(default_factory=dict)
    has_failures: bool = False


def run_command(options: argparse.Namespace) -> int:
    """Run the command; files that cannot be used are reported, and the exit code is then 1."""
    catalog = Catalog()
    model_names = options.model or [entry.name for entry in (catalog.default_model,) if entry]
    if not model_names:
        raise WbcsegError("There is no model. Reinstall the package, or train one: wbcseg train --help")
    if options.pixel_size is not None and not 0 < options.pixel_size < math.inf:
        raise WbcsegError(
            f"--pixel-size must be more than 0, and finite. Received: {options.pixel_size}",
            code=ErrorCode.INVALID_VALUE,
        )
    if not 0 <= options.opacity <= 1:
        raise WbcsegError(f"--opacity must be from 0 to 1. Received: {options.opacity}", code=ErrorCode.INVALID_VALUE)
    if options.report and options.report.is_dir():
        raise WbcsegError(
            f"--report must name a file, such as report.pdf. Received a folder: {options.report}",
            code=ErrorCode.INVALID_VALUE,
        )
    formats = _check_formats(options.formats)
    options.page = parse_page(options.page)
    segmenters = [catalog.load(name) for name in dict.fromkeys(model_names)]
    for segmenter in segmenters:
        load_quality_model(segmenter.card)  # A damaged one is reported before any work is done.
    output = _BatchOutput(InstanceWriter(formats, [segmenter.name for segmenter in segmenters]))
    used_stems: set[str] = set()
    image_cache = LastImageCache()
    output_folders = [options.out, *(options.out / entry.name for entry in catalog.entries)]
    with image_cache.keep():
        items = [replace(item, mask_correction=options.masks) for item in collect_inputs(options.paths, output_folders)]
        if not items:
            path_list = ", ".join(map(str, options.paths))
            raise WbcsegError(
                f"No images (PNG, JPEG, BMP, TIFF, WebP or HEIC) were found in {path_list}.", code=ErrorCode.NO_IMAGES
            )
        for position, item in enumerate(items, start=1):
            _show_position(position, len(items))
            stem = "" if item.problem else _choose_stem(item.name, used_stems)
            _process_item(item, stem, segmenters, image_cache, output, options)
        _show_position(0, len(items))
        _write_summaries(output, segmenters, options)
    reports = output.reports
    success_count = sum(1 for report in reports if not report.problem)
    print(f"{success_count} of {len(reports)} images segmented with {len(segmenters)} model(s) into {options.out}")
    for model in segmenters if success_count else ():
        cells = [cell for report in reports for cell in report.get_cells(model.name)]
        means = format_mean_dice(cells)
        counts = [format_status_counts(cells), format_edge_counts(cells, options.edge_rule)]
        counts += [f"mean Dice {means}"] if means else []
        print(f"Cells by {model.name}: {'; '.join(filter(None, counts))}")
        empty = [report.name for report in reports if model.name in report.models and not report.get_cells(model.name)]
        if empty:
            print(f"No white cell found by {model.name}; review {_format_names(empty)}")
    return 1 if output.has_failures or not success_count else 0


def _format_names(names: Sequence[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    shown = ", ".join(map(io.format_display_name, names[:MAX_NAMES]))
    return f"{shown} and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else shown


def _check_formats(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the formats to write, each once."""
    try:
        return check_formats(filter(None, map(str.strip, names)))
    except ConfigError as error:
        raise ConfigError(f"--formats: {error.message}") from None


def _choose_stem(name: str, used_stems: set[str]) -> str:
    """Return a stem with which neither mask, overlay nor label image replaces that of another image."""
    while True:
        stem = io.make_safe_stem(name, used_stems)
        written_stems = {f"{stem}.{part}" for part in ("overlay", "labels")}
        written_stems |= {written.casefold() for written in written_stems}
        if used_stems.isdisjoint(written_stems):
            used_stems |= written_stems
            return stem


def _show_position(position: int, total: int) -> None:
    """Show the progress on a line of the terminal that is overwritten; 0 clears it."""
    if sys.stderr.isatty() and total > 1:
        print(f"\r\033[K{f'{position} of {total} images' if position else ''}", end="", file=sys.stderr, flush=True)


def _process_item(
    item: InputImage,
    stem: str,
    segmenters: list[Segmenter],
    image_cache: LastImageCache,
    output: _BatchOutput,
    options: argparse.Namespace,
) -> None:
    """Segment an image with every model, write its files, and keep the results."""
    results: dict[str, ImageResult] = {}
    for segmenter in segmenters:
        try:
            segmented = segment_input(item, segmenter, tta=options.tta, page=options.page, cache=image_cache)
        except Exception as error:
            results[segmenter.name] = ImageResult(item, problem=describe_failure(item, error))
            continue
        results[segmenter.name] = segmented.image_result
        _write_mask(segmenter.name, segmented, stem, options)
    message_groups = [
        (image_result.problem, image_result.mask_problem, *image_result.notices) for image_result in results.values()
    ]
    for message in dict.fromkeys(str(message) for group in message_groups for message in group if message):
        _show_position(0, 2)
        print(f"{io.format_display_name(item.name)}: {message}", file=sys.stderr)
    output.has_failures |= any(image_result.problem or image_result.mask_problem for image_result in results.values())
    try:
        if len(segmenters) > 1:
            flagged = flag_disagreements({name: image_result.cells for name, image_result in results.items()})
            results = {name: replace(image_result, cells=flagged[name]) for name, image_result in results.items()}
        for name, result in results.items():
            if output.writer.formats and result.size is not None:
                _write_outlines(name, result, result.size, stem, output, options)
    except ImageError as problem:
        # The file has gone since it was segmented.
        print(f"{io.format_display_name(item.name)}: {problem}", file=sys.stderr)
        output.has_failures = True
    for name, result in results.items():
        output.mask_files |= dict.fromkeys(result.cells, f"{name}/{stem}.png")
    output.reports.append(merge_results(list(results.values())))


def _write_outlines(
    model: str,
    result: ImageResult,
    size: tuple[int, int],
    stem: str,
    output: _BatchOutput,
    options: argparse.Namespace,
) -> None:
    outlines = [build_outline(cell, cell.load()[1], options.pixel_size) for cell in result.cells]
    for ending, data in output.writer.encode_image(model, result.name, size, outlines).items():
        _write_file(options.out / model / f"{stem}.{ending}", data)


def _write_summaries(output: _BatchOutput, segmenters: list[Segmenter], options: argparse.Namespace) -> None:
    """Write the files that cover all images."""
    if options.measurements:
        rows = build_cell_rows(
            output.reports, pixel_size=options.pixel_size, edge_rule=options.edge_rule, mask_files=output.mask_files
        )
        _write_file(options.out / CELLS_FILE, encode_csv(rows, decimal_comma=options.decimal_comma))
        image_rows = build_image_rows(output.reports, edge_rule=options.edge_rule)
        _write_file(options.out / IMAGES_FILE, encode_csv(image_rows, decimal_comma=options.decimal_comma))
    for name, data in output.writer.encode_totals().items():
        _write_file(options.out / name, data)
    if options.report:
        # Imported here, because only a report needs it.
        from wbcseg.export.pdf import build_pdf_report

        settings = [
            ("Model", f"{segmenter.name}: {segmenter.card.title}, file {segmenter.card.files['model'].sha256[:8]}")
            for segmenter in segmenters
        ]
        settings.append(("Prediction", "test-time averaging" if options.tta else "single pass"))
        settings += [("TIFF page", format_page_choice(options.page))] if options.page is not None else []
        created = datetime.now(UTC)
        report = build_pdf_report(
            output.reports,
            date=created,
            settings=settings,
            pixel_size=options.pixel_size,
            edge_rule=options.edge_rule,
        )
        _write_file(options.report, report)


def _write_file(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data)
    except OSError as error:
        raise WbcsegError(
            f"File {path} cannot be written: {error.strerror or error}.",
            file=str(path),
            code=ErrorCode.WRITE_FAILED,
            hint="Choose another folder.",
        ) from None


def _write_mask(model: str, result: Result, stem: str, options: argparse.Namespace) -> None:
    """Write a mask and its overlay."""
    overlay = visualization.overlay(result.image, result.labels, PALETTES[options.palette], options.opacity)
    _write_file(options.out / model / f"{stem}.png", io.encode_png(to_grey(result.labels)))
    _write_file(options.out / model / f"{stem}.overlay.png", io.encode_png(overlay))
