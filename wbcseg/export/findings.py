"""What was found in pictures, as tables and as a zip of everything."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
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

Pixels = tuple[NDArray[np.uint8], Labels]


@dataclass(frozen=True, eq=False)
class Finding:
    """One cell that a model found, or a crop in which it found none.

    Attributes:
        name: What the picture's file is called.
        load: Returns the crop, ``uint8[H, W, 3]``, and its class ids, ``uint8[H, W]``; only when they are needed,
            because thousands of pictures do not fit into memory. See :func:`held` for those that are there anyway.
        model: Name of the model.
        measures: Its figures, ``None`` where no cell was found.
        size: Height and width of the picture that the crop is of.
        place: Column and row of the crop in its field of view, where it was cut out of one.
        number: Which cell of the field it is, from 1; 0 for a picture that is a crop itself.
        status: Whether to trust it, in two or three words; empty where that was not judged.
        reasons: Why, in plain sentences.
        scores: Dice by region against an expert's mask, where there is one.
    """

    name: str
    load: Callable[[], Pixels] = field(repr=False)
    model: str
    measures: CellMeasures | None
    size: tuple[int, int]
    place: tuple[int, int] | None = None
    number: int = 0
    status: str = ""
    reasons: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)


def held(image: NDArray[np.uint8], labels: Labels) -> Callable[[], Pixels]:
    """Return a loader of pixels that are in memory."""
    return lambda: (image, labels)


def figure_rows(findings: Sequence[Finding], *, micrometres: float | None = None) -> list[list[str]]:
    """Return a table of all figures, the header first.

    Args:
        findings: One row each.
        micrometres: Side of a pixel in µm; lengths and areas are then in µm and µm², as their headers say.
    """
    scores = sorted({region for finding in findings for region in finding.scores})
    head = ["picture", "cell", "model", "status", "reasons", "left", "top"]
    head += [_unit(name, micrometres) for name in MEASURES] + [f"dice_{region}" for region in scores]
    rows = [head]
    for finding in findings:
        place = finding.place or (None, None)
        values = finding.measures.scaled(micrometres) if finding.measures else {}
        rows.append(
            [
                finding.name,
                str(finding.number or ""),
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
        findings: The cells; those of one field of view follow each other.
        micrometres: Side of a pixel in µm, or ``None``.
        report: A PDF to put in.

    Returns:
        ``masks/`` (PNG, grey codes 0, 128 and 255) and ``overlays/`` with one file a cell, ``outlines/`` (GeoJSON) with
        one file a picture, ``outlines.coco.json``, ``measurements.csv``, ``definitions.csv``, ``report.pdf`` and
        ``NOTICE.txt``.
    """
    taken: set[str] = set()
    buffer = io.BytesIO()
    pictures: list[tuple[str, tuple[int, int], list[Outlined]]] = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(path: str, data: bytes) -> None:
            packed = path.endswith((".png", ".pdf"))
            # A fixed date keeps the time of day out of the file.
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)

        for finding in findings:
            # Cells of a field follow each other, from number 1; crops are pictures of their own.
            if finding.number <= 1:
                pictures.append((safe_stem(f"{finding.name}-{finding.model}", taken), finding.size, []))
            picture, _, cells = pictures[-1]
            stem = safe_stem(f"{picture}-{finding.number}", taken) if finding.number else picture
            image, labels = finding.load()
            values = finding.measures.scaled(micrometres) if finding.measures else {}
            cells.append(Outlined(labels, finding.place or (0, 0), values, stem))
            add(f"masks/{stem}.png", encode_png(to_grey(labels)))
            add(f"overlays/{stem}.png", encode_png(overlay(image, labels, PALETTES["thesis"], 0.4)))
        for stem, _, cells in pictures:
            add(f"outlines/{stem}.geojson", geojson(cells))
        add("outlines.coco.json", coco([(f"{stem}.png", size, cells) for stem, size, cells in pictures]))
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
