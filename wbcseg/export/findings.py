"""What was found in pictures, as tables and as a zip of everything."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wbcseg.cards import NOTICE
from wbcseg.classes import PALETTES, Labels, to_grey
from wbcseg.drawing import overlay
from wbcseg.export.annotations import Outlined, coco, geojson
from wbcseg.export.tables import csv_bytes
from wbcseg.images import encode_png, safe_stem
from wbcseg.measurement import MEASURES, CellMeasures


@dataclass(frozen=True, eq=False)
class Finding:
    """One cell that a model found.

    Attributes:
        name: What the picture's file is called.
        image: ``uint8[H, W, 3]``, the crop.
        labels: ``uint8[H, W]`` of class ids.
        model: Name of the model.
        measures: Its figures, ``None`` where no cell was found.
        status: Whether to trust it, in two or three words; empty where that was not judged.
        reasons: Why, in plain sentences.
        scores: Dice by region against an expert's mask, where there is one.
        place: Column and row of the crop in its field of view, where it was cut out of one.
    """

    name: str
    image: NDArray[np.uint8] = field(repr=False)
    labels: Labels = field(repr=False)
    model: str
    measures: CellMeasures | None
    status: str = ""
    reasons: tuple[str, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)
    place: tuple[int, int] | None = None


def figure_rows(findings: Sequence[Finding], *, micrometres: float | None = None) -> list[list[str]]:
    """Return a table of all figures, the header first.

    Args:
        findings: One row each.
        micrometres: Side of a pixel in µm; lengths and areas are then in µm and µm², as their headers say.
    """
    scores = sorted({region for finding in findings for region in finding.scores})
    head = ["picture", "model", "status", "reasons", "left", "top"]
    head += [_unit(name, micrometres) for name in MEASURES] + [f"dice_{region}" for region in scores]
    rows = [head]
    for finding in findings:
        place = finding.place or (None, None)
        values = finding.measures.scaled(micrometres) if finding.measures else {}
        rows.append(
            [
                finding.name,
                finding.model,
                finding.status,
                " ".join(finding.reasons),
                *("" if n is None else str(n) for n in place),
                *(_number(values.get(name, math.nan)) for name in MEASURES),
                *(_number(finding.scores.get(region, math.nan)) for region in scores),
            ]
        )
    return rows


def definition_rows() -> list[list[str]]:
    """Return a table of what the figures mean, the header first."""
    return [["figure", "title", "definition"], *([one.name, one.title, one.meaning] for one in MEASURES.values())]


def bundle(findings: Sequence[Finding], *, micrometres: float | None = None, report: bytes | None = None) -> bytes:
    """Write everything as a zip.

    Args:
        findings: The cells.
        micrometres: Side of a pixel in µm, or ``None``.
        report: A PDF to put in.

    Returns:
        ``masks/`` (PNG, grey codes 0, 128 and 255), ``overlays/`` and ``outlines/`` (GeoJSON) with one file a cell,
        ``outlines.coco.json``, ``measurements.csv``, ``definitions.csv``, ``report.pdf`` and ``NOTICE.txt``.
    """
    taken: set[str] = set()
    buffer = io.BytesIO()
    pictures = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(path: str, data: bytes) -> None:
            packed = path.endswith((".png", ".pdf"))
            # A fixed date keeps the time of day out of the file.
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)

        for finding in findings:
            stem = safe_stem(f"{finding.name}-{finding.model}", taken)
            values = finding.measures.scaled(micrometres) if finding.measures else {}
            outlined = Outlined(finding.labels, measures=values, name=stem)
            pictures.append((f"{stem}.png", finding.labels.shape, [outlined]))
            add(f"masks/{stem}.png", encode_png(to_grey(finding.labels)))
            add(f"overlays/{stem}.png", encode_png(overlay(finding.image, finding.labels, PALETTES["thesis"], 0.4)))
            add(f"outlines/{stem}.geojson", geojson([outlined]))
        add("outlines.coco.json", coco([(name, (shape[0], shape[1]), cells) for name, shape, cells in pictures]))
        add("measurements.csv", csv_bytes(figure_rows(findings, micrometres=micrometres)))
        add("definitions.csv", csv_bytes(definition_rows()))
        if report is not None:
            add("report.pdf", report)
        add("NOTICE.txt", f"{NOTICE}\n".encode())
    return buffer.getvalue()


def _unit(name: str, micrometres: float | None) -> str:
    power = MEASURES[name].power
    if not power:
        return name
    unit = "px" if micrometres is None else "um"
    return f"{name}_{unit}{'2' if power == 2 else ''}"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
