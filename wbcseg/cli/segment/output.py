"""The files that the command ``segment`` writes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from wbcseg import io, visualization
from wbcseg.api import Result
from wbcseg.celltypes import PriorName, load_type_model
from wbcseg.datasets.pages import format_page_choice
from wbcseg.errors import ErrorCode, WbcsegError
from wbcseg.export import (
    CELLS_FILE,
    IMAGES_FILE,
    WORKBOOK_FILE,
    InstanceWriter,
    build_cell_rows,
    build_image_rows,
    build_outline,
    build_workbook,
    describe_type_model,
    encode_csv,
)
from wbcseg.inference import Segmenter
from wbcseg.io.atomic import write_bytes
from wbcseg.labels import PALETTES, to_grey
from wbcseg.pipeline import ImageResult, assign_sample_types, merge_results
from wbcseg.results import CellResult, ImageReport


@dataclass(frozen=True)
class SegmentedItem:
    """The results of one image, without pixels.

    Attributes:
        results: The result of each model by its name.
        stem: Stem of its files.
    """

    results: Mapping[str, ImageResult]
    stem: str


@dataclass
class BatchOutput:
    """The results so far, without pixels.

    Attributes:
        writer: Encodes the cells in the chosen formats.
        items: The images, in order.
        has_failures: Whether a file could not be used.
    """

    writer: InstanceWriter
    items: list[SegmentedItem] = field(default_factory=list)
    has_failures: bool = False

    @cached_property
    def reports(self) -> list[ImageReport]:
        """The images with their cells; only once all of them are there."""
        return [merge_results(list(item.results.values())) for item in self.items]

    @cached_property
    def mask_files(self) -> dict[CellResult, str]:
        """The mask file of each cell, relative to the output folder."""
        return {
            cell: f"{model}/{item.stem}.png"
            for item in self.items
            for model, result in item.results.items()
            for cell in result.cells
        }

    def assign_types(self, prior: PriorName | None) -> None:
        """Give the cells of all images their types under a prior: together they are one sample."""
        results = [result for item in self.items for result in item.results.values()]
        typed = iter(assign_sample_types(results, load_type_model(), prior))
        self.items = [replace(item, results={name: next(typed) for name in item.results}) for item in self.items]


def choose_stem(name: str, used_stems: set[str]) -> str:
    """Return a stem with which neither mask, overlay nor label image replaces that of another image."""
    while True:
        stem = io.make_safe_stem(name, used_stems)
        written_stems = {f"{stem}.{part}" for part in ("overlay", "labels")}
        written_stems |= {written.casefold() for written in written_stems}
        if used_stems.isdisjoint(written_stems):
            used_stems |= written_stems
            return stem


def write_outlines(item: SegmentedItem, output: BatchOutput, options: argparse.Namespace) -> None:
    """Write the cells of an image in the chosen formats."""
    for model, result in item.results.items():
        if output.writer.formats and result.size is not None:
            outlines = [build_outline(cell, cell.load()[1], options.pixel_size) for cell in result.cells]
            for ending, data in output.writer.encode_image(model, result.name, result.size, outlines).items():
                _write_file(options.out / model / f"{item.stem}.{ending}", data)


def write_summaries(output: BatchOutput, segmenters: list[Segmenter], options: argparse.Namespace) -> None:
    """Write the files that cover all images."""
    if options.measurements:
        rows = build_cell_rows(
            output.reports, pixel_size=options.pixel_size, edge_rule=options.edge_rule, mask_files=output.mask_files
        )
        _write_file(options.out / CELLS_FILE, encode_csv(rows, decimal_comma=options.decimal_comma))
        image_rows = build_image_rows(output.reports, edge_rule=options.edge_rule)
        _write_file(options.out / IMAGES_FILE, encode_csv(image_rows, decimal_comma=options.decimal_comma))
    if options.xlsx:
        workbook = build_workbook(
            output.reports, pixel_size=options.pixel_size, edge_rule=options.edge_rule, mask_files=output.mask_files
        )
        _write_file(options.out / WORKBOOK_FILE, workbook)
    for name, data in output.writer.encode_totals().items():
        _write_file(options.out / name, data)
    if options.report:
        # Imported here, because only a report needs it.
        from wbcseg.export.pdf import ReportDetails, build_pdf_report

        settings = [
            ("Model", f"{segmenter.name}: {segmenter.card.title}, file {segmenter.card.files['model'].sha256[:8]}")
            for segmenter in segmenters
        ]
        settings.append(("Prediction", "test-time averaging" if options.tta else "single pass"))
        settings += [("Refinement", "conditional random field")] if options.refine else []
        settings += describe_type_model(options.prior) if options.types else []
        settings += [("TIFF page", format_page_choice(options.page))] if options.page is not None else []
        created = datetime.now(UTC)
        report = build_pdf_report(
            output.reports,
            date=created,
            settings=settings,
            pixel_size=options.pixel_size,
            edge_rule=options.edge_rule,
            details=ReportDetails(with_image_names=not options.no_image_names, decimal_comma=options.decimal_comma),
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


def write_mask(model: str, result: Result, stem: str, options: argparse.Namespace) -> None:
    """Write a mask and its overlay."""
    overlay = visualization.overlay(result.image, result.labels, PALETTES[options.palette], options.opacity)
    _write_file(options.out / model / f"{stem}.png", io.encode_png(to_grey(result.labels)))
    _write_file(options.out / model / f"{stem}.overlay.png", io.encode_png(overlay))
