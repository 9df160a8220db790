"""Write all results as one zip."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping

from wbcseg.counting import DEFAULT_EDGE_RULE
from wbcseg.differential import DIFFERENTIAL_FILE, build_differential_rows, count_reports
from wbcseg.export.csv import (
    CELLS_FILE,
    DEFINITIONS_FILE,
    IMAGES_FILE,
    build_cell_rows,
    build_definition_rows,
    build_image_rows,
    encode_csv,
)
from wbcseg.export.formats import DEFAULT_FORMATS, InstanceWriter
from wbcseg.export.outlines import build_outline
from wbcseg.export.xlsx import WORKBOOK_FILE, build_workbook
from wbcseg.io import encode_png, make_safe_stem
from wbcseg.io.filenames import make_safe_name
from wbcseg.labels import PALETTES, to_grey
from wbcseg.models.card import NOTICE
from wbcseg.results import CellResult, Results, group_by_image
from wbcseg.visualization import overlay


def build_results_zip(
    results: Results,
    *,
    pixel_size: float | None = None,
    edge_rule: str = DEFAULT_EDGE_RULE,
    formats: Iterable[str] = DEFAULT_FORMATS,
    report: bytes | None = None,
    decimal_comma: bool = False,
    samples: Mapping[str, str] | None = None,
) -> bytes:
    """Return all results as a zip.

    Args:
        results: Images, or the cells of each of them. Their pixels are loaded one after the other.
        pixel_size: Pixel size in µm, or ``None``.
        edge_rule: Which of the cells cut by the image edge count, a key of :data:`wbcseg.counting.EDGE_RULES`.
        formats: Formats of the cells, keys of :data:`wbcseg.export.EXPORT_FORMATS`.
        report: The report as PDF, to include.
        decimal_comma: How numbers in the tables are written; see :func:`wbcseg.export.encode_csv`.
        samples: Sample of each image by its name, for the differential count; by default, all images are one sample.

    Returns:
        The zip. It holds ``masks/`` (PNG with grey codes 0, 128 and 255) and ``overlays/`` with a file per cell,
        ``outlines/`` with a file per image, model and format, a COCO file per model, ``cells.csv``, ``images.csv``,
        ``definitions.csv``, ``differential.csv`` if cells have types, all tables as ``results.xlsx``, ``report.pdf``
        and ``NOTICE.txt``.

    Raises:
        ConfigError: If an edge rule or a format is unknown.
    """
    reports = group_by_image(results)
    models = list(dict.fromkeys(model for image_report in reports for model in image_report.models))
    writer = InstanceWriter(formats, models)
    stems: set[str] = set()
    used_names: set[str] = set()
    mask_files: dict[CellResult, str] = {}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(path: str, data: bytes) -> None:
            is_compressed = path.endswith((".png", ".tif", ".pdf", ".xlsx", ".zip"))
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
                    outlines.append(build_outline(cell, labels, pixel_size))
                    mask_files[cell] = f"masks/{stem}.png"
                    add(mask_files[cell], encode_png(to_grey(labels)))
                    add(f"overlays/{stem}.png", encode_png(overlay(image, labels, PALETTES["thesis"], 0.4)))
                if image_report.size is not None:
                    files = writer.encode_image(model, image_report.name, image_report.size, outlines)
                    for ending, data in files.items():
                        add(f"outlines/{outline_stem}.{ending}", data)
        for name, data in writer.encode_totals().items():
            add(name, data)
        cell_rows = build_cell_rows(reports, pixel_size=pixel_size, edge_rule=edge_rule, mask_files=mask_files)
        add(CELLS_FILE, encode_csv(cell_rows, decimal_comma=decimal_comma))
        image_rows = build_image_rows(reports, edge_rule=edge_rule)
        add(IMAGES_FILE, encode_csv(image_rows, decimal_comma=decimal_comma))
        definition_rows = build_definition_rows(pixel_size, edge_rule=edge_rule)
        add(DEFINITIONS_FILE, encode_csv(definition_rows, decimal_comma=decimal_comma))
        if any(cell.type for image_report in reports for cell in image_report.cells):
            differential_rows = build_differential_rows(count_reports(reports, samples=samples, edge_rule=edge_rule))
            add(DIFFERENTIAL_FILE, encode_csv(differential_rows, decimal_comma=decimal_comma))
        workbook = build_workbook(
            reports, pixel_size=pixel_size, edge_rule=edge_rule, samples=samples, mask_files=mask_files
        )
        add(WORKBOOK_FILE, workbook)
        if report is not None:
            add("report.pdf", report)
        add("NOTICE.txt", f"{NOTICE}\n".encode())
    return buffer.getvalue()
