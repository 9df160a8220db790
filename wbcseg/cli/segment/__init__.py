"""Segment images and write masks, overlays, measurements, outlines and a report."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable
from dataclasses import replace

from wbcseg import io
from wbcseg.api import segment_input
from wbcseg.celltypes import load_type_model
from wbcseg.cli.formatting import format_names, parse_page, show_position
from wbcseg.cli.segment.arguments import add_arguments
from wbcseg.cli.segment.output import (
    BatchOutput,
    SegmentedItem,
    choose_stem,
    write_mask,
    write_outlines,
    write_summaries,
)
from wbcseg.cli.segment.scheduled import run_scheduled
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ConfigError, ErrorCode, ImageError, WbcsegError
from wbcseg.export import (
    InstanceWriter,
    check_formats,
    format_edge_counts,
    format_mean_dice,
    format_status_counts,
)
from wbcseg.inference import Catalog, Segmenter
from wbcseg.pipeline import ImageResult, LastImageCache, collect_inputs, flag_disagreements
from wbcseg.pipeline.analyze import describe_failure
from wbcseg.quality import load_quality_model

__all__ = ["add_arguments", "run_command"]


def run_command(options: argparse.Namespace) -> int:
    """Run the command; files that cannot be used are reported, and the exit code is then 1."""
    if options.scheduler is not None:
        return run_scheduled(options)
    addresses = [location for location in (*options.paths, options.out) if isinstance(location, str)]
    if addresses:
        raise ConfigError(f"Addresses such as {addresses[0]} need --scheduler.")
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
    if options.prior and not options.types:
        raise ConfigError("--prior needs --types.")
    if options.types:
        load_type_model()  # A damaged one is reported before any work is done.
    options.page = parse_page(options.page)
    segmenters = [catalog.load(name) for name in dict.fromkeys(model_names)]
    for segmenter in segmenters:
        load_quality_model(segmenter.card)  # A damaged one is reported before any work is done.
    output = BatchOutput(InstanceWriter(formats, [segmenter.name for segmenter in segmenters]))
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
            show_position(position, len(items))
            stem = "" if item.problem else choose_stem(item.name, used_stems)
            _process_item(item, stem, segmenters, image_cache, output, options)
        show_position(0, len(items))
        if options.types:
            output.assign_types(options.prior)
        _write_outlines(output, options)
        write_summaries(output, segmenters, options)
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
            print(f"No white cell found by {model.name}; review {format_names(empty)}")
    return 1 if output.has_failures or not success_count else 0


def _check_formats(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the formats to write, each once."""
    try:
        return check_formats(filter(None, map(str.strip, names)))
    except ConfigError as error:
        raise ConfigError(f"--formats: {error.message}") from None


def _process_item(
    item: InputImage,
    stem: str,
    segmenters: list[Segmenter],
    image_cache: LastImageCache,
    output: BatchOutput,
    options: argparse.Namespace,
) -> None:
    """Segment an image with every model, write its files, and keep the results."""
    results: dict[str, ImageResult] = {}
    for segmenter in segmenters:
        try:
            chosen = {name: getattr(options, name) for name in ("tta", "page", "types", "prior", "refine")}
            segmented = segment_input(item, segmenter, cache=image_cache, **chosen)
        except Exception as error:
            results[segmenter.name] = ImageResult(item, problem=describe_failure(item, error))
            continue
        results[segmenter.name] = segmented.image_result
        write_mask(segmenter.name, segmented, stem, options)
    message_groups = [
        (image_result.problem, image_result.mask_problem, *image_result.notices) for image_result in results.values()
    ]
    for message in dict.fromkeys(str(message) for group in message_groups for message in group if message):
        show_position(0, 2)
        print(f"{io.format_display_name(item.name)}: {message}", file=sys.stderr)
    output.has_failures |= any(image_result.problem or image_result.mask_problem for image_result in results.values())
    if len(segmenters) > 1:
        try:
            flagged = flag_disagreements({name: image_result.cells for name, image_result in results.items()})
            results = {name: replace(image_result, cells=flagged[name]) for name, image_result in results.items()}
        except ImageError as problem:
            _report_lost_file(item, problem, output)
    output.items.append(SegmentedItem(results, stem))


def _write_outlines(output: BatchOutput, options: argparse.Namespace) -> None:
    """Write the cells of all images in the chosen formats."""
    for item in output.items:
        try:
            write_outlines(item, output, options)
        except ImageError as problem:
            _report_lost_file(next(iter(item.results.values())).input_image, problem, output)


def _report_lost_file(item: InputImage, problem: ImageError, output: BatchOutput) -> None:
    """Report that a file has gone since it was segmented."""
    print(f"{io.format_display_name(item.name)}: {problem}", file=sys.stderr)
    output.has_failures = True
