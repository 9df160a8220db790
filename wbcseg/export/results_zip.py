"""Write all results as one zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import numpy as np

from wbcseg.counting import DEFAULT_EDGE_RULE
from wbcseg.export.csv import (
    CELLS_FILE,
    DEFINITIONS_FILE,
    IMAGES_FILE,
    build_cell_rows,
    build_definition_rows,
    build_image_rows,
    encode_csv,
    format_column_name,
)
from wbcseg.export.outlines import CellOutline, CocoWriter, build_geojson
from wbcseg.io import encode_png, make_safe_stem
from wbcseg.io.filenames import make_safe_name
from wbcseg.labels import PALETTES, Labels, to_grey
from wbcseg.models.card import NOTICE
from wbcseg.results import CellResult, Results, group_by_image
from wbcseg.visualization import overlay


def build_results_zip(
    results: Results,
    *,
    pixel_size: float | None = None,
    edge_rule: str = DEFAULT_EDGE_RULE,
    report: bytes | None = None,
) -> bytes:
    """Return all results as a zip.

    Args:
        results: Images, or the cells of each of them. Their pixels are loaded one after the other.
        pixel_size: Pixel size in µm, or ``None``.
        edge_rule: Which of the cells cut by the image edge count, a key of :data:`wbcseg.counting.EDGE_RULES`.
        report: The report as PDF, to include.

    Returns:
        The zip. It holds ``masks/`` (PNG with grey codes 0, 128 and 255) and ``overlays/`` with a file per cell,
        ``outlines/`` (GeoJSON) with a file per image and model, a COCO file per model (see :func:`format_coco_name`),
        ``cells.csv``, ``images.csv``, ``definitions.csv``, ``report.pdf`` and ``NOTICE.txt``.
    """
    reports = group_by_image(results)
    models = list(dict.fromkeys(model for image_report in reports for model in image_report.models))
    coco_writers = {model: CocoWriter() for model in models}
    stems: set[str] = set()
    used_names: set[str] = set()
    mask_files: dict[CellResult, str] = {}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(path: str, data: bytes) -> None:
            is_compressed = path.endswith((".png", ".pdf"))
            # A fixed date keeps the time of day out of the file.
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_STORED if is_compressed else zipfile.ZIP_DEFLATED)

        for image_report in reports:
            base = make_safe_stem(image_report.name, stems) if image_report.models else ""
            for model, model_cells in image_report.iter_by_model():
                outline_stem = make_safe_name(f"{base}-{model}", used_names)
                outlines = []
                for cell in model_cells:
                    stem = (
                        make_safe_name(f"{base}-{model}-cell-{cell.cell_index}", used_names)
                        if cell.cell_index
                        else outline_stem
                    )
                    image, labels = cell.load()
                    outlines.append(build_outline(cell, labels, stem, pixel_size))
                    mask_files[cell] = f"masks/{stem}.png"
                    add(mask_files[cell], encode_png(to_grey(labels)))
                    add(f"overlays/{stem}.png", encode_png(overlay(image, labels, PALETTES["thesis"], 0.4)))
                add(f"outlines/{outline_stem}.geojson", build_geojson(outlines))
                if image_report.size is not None:
                    coco_writers[model].add(image_report.name, image_report.size, outlines)
        for model, coco_writer in coco_writers.items():
            add(format_coco_name(model, models), coco_writer.to_bytes())
        cell_rows = build_cell_rows(reports, pixel_size=pixel_size, edge_rule=edge_rule, mask_files=mask_files)
        add(CELLS_FILE, encode_csv(cell_rows))
        add(IMAGES_FILE, encode_csv(build_image_rows(reports, edge_rule=edge_rule)))
        add(DEFINITIONS_FILE, encode_csv(build_definition_rows(pixel_size, edge_rule=edge_rule)))
        if report is not None:
            add("report.pdf", report)
        add("NOTICE.txt", f"{NOTICE}\n".encode())
    return buffer.getvalue()


def build_outline(cell: CellResult, labels: Labels, name: str, pixel_size: float | None) -> CellOutline:
    """Return a cell as input for GeoJSON and COCO.

    Args:
        cell: The cell.
        labels: Its class ids, ``uint8[H, W]``.
        name: Its name in the file.
        pixel_size: Pixel size in µm, or ``None``; the measurements' names have the unit.
    """
    values = cell.features.to_units(pixel_size) if cell.features else {}
    measurements = {format_column_name(key, pixel_size): value for key, value in values.items()}
    return CellOutline(labels.astype(np.uint8, copy=False), cell.offset or (0, 0), measurements, name, cell.status)


def format_coco_name(model: str, models: Sequence[str]) -> str:
    """Return the name of a model's COCO file. Each model has one, because COCO lists an image once.

    Args:
        model: Name of the model.
        models: All of them.
    """
    return "outlines.coco.json" if len(models) == 1 else f"outlines-{make_safe_name(model, set())}.coco.json"
