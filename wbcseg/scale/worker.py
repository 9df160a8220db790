"""What a worker does with a chunk: read, segment, measure, and write the results."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from wbcseg.api import load_model, segment_input
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import Problem
from wbcseg.export import InstanceWriter, build_outline
from wbcseg.inference import Segmenter
from wbcseg.pipeline import ImageResult, merge_results
from wbcseg.pipeline.analyze import describe_failure
from wbcseg.results import ImageReport
from wbcseg.scale.addresses import SourceImage, read_address
from wbcseg.scale.chunks import Chunk
from wbcseg.scale.options import ScaleOptions
from wbcseg.scale.tables import build_cell_table, build_image_table, build_problem_table
from wbcseg.scale.target import DoneImage, Entry, Target, choose_label_name


@dataclass
class _Reader:
    """Reads an image for the pipeline, and keeps what the manifest says of it."""

    image: SourceImage
    retries: int = 0
    digests: list[str] = field(default_factory=list)

    def build_input(self) -> InputImage:
        """Return the image as an input of the pipeline."""
        image = self.image
        load_mask = self._build_loader(image.mask_address) if image.mask_address else None
        mask_name = image.mask_address.rpartition("/")[2]
        return InputImage(image.name, image.version, self._build_loader(image.address), mask_name, load_mask)

    def _build_loader(self, address: str) -> Callable[[], bytes]:
        kept: list[bytes] = []

        def load() -> bytes:
            if not kept:
                data, retries = read_address(address)
                self.retries += retries
                self.digests.append(hashlib.sha256(data).hexdigest())
                kept.append(data)
            return kept[0]

        return load


def process_chunk(chunk: Chunk, options: ScaleOptions, target_address: str) -> Entry:
    """Segment the images of a chunk and write its results.

    A problem with an image is a row of the table of problems.

    Raises:
        WbcsegError: If the results cannot be written.
    """
    start = time.monotonic()
    target, segmenter = Target(target_address), _load_segmenter(options.model)
    reports, done, retries = [], [], 0
    for image in chunk.images:
        reader = _Reader(image)
        reports.append(_process_image(reader, segmenter, options, target))
        retries += reader.retries
        done.append(DoneImage(image.name, image.version, " ".join(reader.digests)))
    return write_reports(chunk, reports, done, options, target, retries=retries, seconds=time.monotonic() - start)


def set_aside(image: SourceImage, options_digest: str, options: ScaleOptions, target: Target) -> Entry:
    """Write that an image ended the processes that segmented it."""
    reason = "Two processes ended while they segmented it, perhaps for lack of memory."
    problem = Problem(f"{image.name}: {reason}", image.name, reason, hint="Crop or shrink it.")
    report = merge_results([ImageResult(InputImage(image.name, "", bytes), problem=problem)])
    chunk = Chunk((image,), options_digest)
    return write_reports(chunk, [report], [DoneImage(image.name, image.version, "")], options, target)


def write_reports(
    chunk: Chunk,
    reports: list[ImageReport],
    done: list[DoneImage],
    options: ScaleOptions,
    target: Target,
    *,
    retries: int = 0,
    seconds: float = 0.0,
) -> Entry:
    """Write the tables of a chunk and its entry in the manifest."""
    tables = {
        "cells": build_cell_table(
            reports, pixel_size=options.pixel_size, edge_rule=options.edge_rule, types=options.types
        ),
        "images": build_image_table(reports, edge_rule=options.edge_rule),
        "problems": build_problem_table(reports),
    }
    entry = Entry.from_tables(chunk.id, chunk.options_digest, done, tables, retries=retries, seconds=seconds)
    target.write_chunk(entry, tables)
    return entry


def _process_image(reader: _Reader, segmenter: Segmenter, options: ScaleOptions, target: Target) -> ImageReport:
    input_image = reader.build_input()
    try:
        result = segment_input(
            input_image, segmenter, tta=options.tta, page=options.page, types=options.types, prior=options.prior
        )
    except Exception as error:
        return merge_results([ImageResult(input_image, problem=describe_failure(input_image, error))])
    image_result = result.image_result
    if options.label_images and image_result.size is not None:
        outlines = [build_outline(cell, cell.load()[1], options.pixel_size) for cell in image_result.cells]
        files = InstanceWriter(["labels"], [segmenter.name]).encode_image(
            segmenter.name, image_result.name, image_result.size, outlines
        )
        target.write(choose_label_name(image_result.name), files["labels.png"])
    return merge_results([image_result])


@lru_cache(maxsize=1)
def _load_segmenter(name: str) -> Segmenter:
    """Load a model once per process."""
    return load_model(name)
