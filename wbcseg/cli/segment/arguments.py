"""Options of the command ``segment``."""

from __future__ import annotations

import argparse
from pathlib import Path

from wbcseg import io
from wbcseg.api.segmentation import REFINEMENTS
from wbcseg.celltypes import PRIORS
from wbcseg.counting import DEFAULT_EDGE_RULE, EDGE_RULES
from wbcseg.export import (
    EXPORT_FORMATS,
    WORKBOOK_FILE,
)
from wbcseg.labels import PALETTES


def parse_location(text: str) -> Path | str:
    """Return a path, or an address such as ``s3://bucket/folder`` as it is."""
    return text if "://" in text else Path(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "paths",
        nargs="+",
        type=parse_location,
        metavar="PATH",
        help="images, folders (with subfolders) or zip files; with --scheduler also addresses such as s3://bucket/folder",
    )
    parser.add_argument(
        "--model", nargs="+", metavar="NAME", help="one or more models; give them after the images (unet-general)"
    )
    parser.add_argument(
        "--out",
        type=parse_location,
        required=True,
        metavar="DIR",
        help="folder for the results: masks DIR/MODEL/NAME.png and overlays DIR/MODEL/NAME.overlay.png",
    )
    parser.add_argument(
        "--tta",
        action="store_true",
        help="test-time averaging: mean of eight orientations, main cell only; slightly more accurate, 8 times slower",
    )
    parser.add_argument(
        "--refine",
        choices=REFINEMENTS,
        help="refine the results; crf: a conditional random field, so that close pixels of similar colour agree",
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
        "--xlsx", action="store_true", help=f"write all tables, with the differential count, to DIR/{WORKBOOK_FILE}"
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
    parser.add_argument(
        "--types", action="store_true", help="say what each cell is, with probabilities, in cells.csv and formats"
    )
    parser.add_argument(
        "--prior",
        choices=PRIORS,
        help="how common the types are; none: all equally; adult: an adult's usual shares; sample: estimated from the "
        "cells of all images (as the type model's card says)",
    )
    parser.add_argument("--decimal-comma", action="store_true", help="write tables with decimal commas and semicolons")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a PDF report")
    parser.add_argument(
        "--no-image-names",
        action="store_true",
        help="number the images in the report and do not name them: names of files can hold a patient's name",
    )
    parser.add_argument(
        "--formats",
        type=lambda text: text.split(","),
        default=[],
        metavar="FORMAT,…",
        help="write the cells, in formats separated by commas, to DIR/MODEL/NAME.labels.png and .labels.tif, "
        "DIR/MODEL/NAME.geojson, DIR/outlines.coco.json (one per model) or DIR/MODEL/NAME.rois.zip. "
        + " ".join(f"{each.name}: {each.description}" for each in EXPORT_FORMATS.values()),
    )
    add_scheduler_arguments(parser)
    # The name in version 0.1, with spaces between the formats. Remove it in 0.3.
    parser.add_argument("--export", nargs="+", dest="formats", help=argparse.SUPPRESS)


def add_scheduler_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for many processes or machines."""
    group = parser.add_argument_group(
        "many processes or machines",
        "with --scheduler, DIR gets tables in Parquet and label images, and the same command goes on after a stop",
    )
    group.add_argument(
        "--scheduler",
        metavar="WHERE",
        help="use Dask (extra cluster): local starts a process for each core; or an address such as tcp://host:8786, "
        "or a scheduler file",
    )
    group.add_argument("--workers", type=int, metavar="N", help="number of processes of --scheduler local (cores)")
    group.add_argument("--chunk-size", type=int, default=100, metavar="N", help="images in each task (100)")
    group.add_argument("--no-label-images", action="store_true", help="write no label images")
