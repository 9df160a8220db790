"""Everything that was found as one zip, and its outlines."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import numpy as np

from wbcseg.export.csv import build_definition_rows, build_feature_rows, format_column_name
from wbcseg.export.outlines import CellOutline, CocoWriter, build_geojson
from wbcseg.export.tables import encode_csv
from wbcseg.io import encode_png, make_safe_stem
from wbcseg.io.filenames import make_safe_name
from wbcseg.labels import PALETTES, Labels, to_grey
from wbcseg.models.card import NOTICE
from wbcseg.results import CellResult, Results, group_by_image
from wbcseg.visualization import overlay


def build_results_zip(found: Results, *, micrometres: float | None = None, report: bytes | None = None) -> bytes:
    """Write everything as a zip.

    Args:
        found: Pictures, or the cells of each of them. Their pixels are loaded one after the other.
        micrometres: Side of a pixel in µm, or ``None``.
        report: A PDF to put in.

    Returns:
        ``masks/`` (PNG, grey codes 0, 128 and 255) and ``overlays/`` with one file a cell, ``outlines/`` (GeoJSON) with
        one file a picture and model, a COCO file a model (see :func:`format_coco_name`), ``measurements.csv``, which says
        whose each mask is, ``definitions.csv``, ``report.pdf`` and ``NOTICE.txt``.
    """
    pictures = group_by_image(found)
    models = list(dict.fromkeys(model for picture in pictures for model in picture.models))
    documents = {model: CocoWriter() for model in models}
    stems: set[str] = set()
    taken: set[str] = set()
    mask_files: dict[CellResult, str] = {}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(path: str, data: bytes) -> None:
            packed = path.endswith((".png", ".pdf"))
            # A fixed date keeps the time of day out of the file.
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)

        for picture in pictures:
            base = make_safe_stem(picture.name, stems) if picture.models else ""
            for model, findings in picture.iter_by_model():
                whole = make_safe_name(f"{base}-{model}", taken)
                cells = []
                for one in findings:
                    stem = make_safe_name(f"{base}-{model}-cell-{one.cell_index}", taken) if one.cell_index else whole
                    image, labels = one.load()
                    cells.append(build_outline(one, labels, stem, micrometres))
                    mask_files[one] = f"masks/{stem}.png"
                    add(mask_files[one], encode_png(to_grey(labels)))
                    add(f"overlays/{stem}.png", encode_png(overlay(image, labels, PALETTES["thesis"], 0.4)))
                add(f"outlines/{whole}.geojson", build_geojson(cells))
                if picture.size is not None:
                    documents[model].add(picture.name, picture.size, cells)
        for model, document in documents.items():
            add(format_coco_name(model, models), document.to_bytes())
        add(
            "measurements.csv", encode_csv(build_feature_rows(pictures, micrometres=micrometres, mask_files=mask_files))
        )
        add("definitions.csv", encode_csv(build_definition_rows(micrometres)))
        if report is not None:
            add("report.pdf", report)
        add("NOTICE.txt", f"{NOTICE}\n".encode())
    return buffer.getvalue()


def build_outline(finding: CellResult, labels: Labels, name: str, micrometres: float | None) -> CellOutline:
    """Return a cell as its outline is written.

    Args:
        finding: The cell.
        labels: Its class ids, ``uint8[H, W]``.
        name: What it is called.
        micrometres: Side of a pixel in µm, or ``None``. The figures' names say which.
    """
    values = finding.features.to_units(micrometres) if finding.features else {}
    named = {format_column_name(key, micrometres): value for key, value in values.items()}
    return CellOutline(labels.astype(np.uint8, copy=False), finding.offset or (0, 0), named, name)


def format_coco_name(model: str, models: Sequence[str]) -> str:
    """Return what a model's COCO file is called: a picture is in a file once, so that models have one each.

    Args:
        model: Name of the model.
        models: All of them.
    """
    return "outlines.coco.json" if len(models) == 1 else f"outlines-{make_safe_name(model, set())}.coco.json"
