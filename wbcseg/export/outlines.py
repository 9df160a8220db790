"""Outlines of cells for other programs: GeoJSON as QuPath reads it, and COCO."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.export.polygons import Polygon, trace_polygons
from wbcseg.labels import CLASSES, CYTOPLASM, NUCLEUS, PALETTES, Labels
from wbcseg.models.card import NOTICE

CATEGORIES: Final = ((1, CYTOPLASM.name), (2, NUCLEUS.name), (3, "cell"))
"""Ids and names of the COCO categories; the first two are the class ids."""


@dataclass(frozen=True, eq=False)
class CellOutline:
    """A cell to be written.

    Attributes:
        labels: ``uint8[H, W]`` of class ids of the whole picture, or of a part of it.
        offset: Column and row of the picture where that part begins.
        measurements: Figures by name, with their unit; those that are not defined (NaN) are left out.
        name: What the cell is called.
    """

    labels: Labels
    offset: tuple[int, int] = (0, 0)
    measurements: Mapping[str, float] | None = None
    name: str = ""


def build_geojson(cells: Iterable[CellOutline]) -> bytes:
    """Write cells as a GeoJSON feature collection, as QuPath imports and exports it.

    Every cell is a QuPath cell object: the outline of the whole cell, with that of its nucleus beside it and the
    figures as measurements. Coordinates are pixels of the picture, (0, 0) being its upper left corner.

    Args:
        cells: The cells of one picture.
    """
    features = [feature for cell in cells if (feature := _build_feature(cell)) is not None]
    return _to_json({"type": "FeatureCollection", "features": features}).encode()


def _build_feature(cell: CellOutline) -> dict[str, Any] | None:
    whole, nucleus = (_build_geometry(mask, cell.offset) for mask in (cell.labels > 0, cell.labels == NUCLEUS.id))
    if whole is None:
        return None
    green = PALETTES["thesis"].to_hex(CYTOPLASM.id)
    properties: dict[str, Any] = {
        "objectType": "cell" if nucleus else "annotation",
        "classification": {"name": "White blood cell", "color": [int(green[i : i + 2], 16) for i in (1, 3, 5)]},
        "measurements": {n: v for n, v in (cell.measurements or {}).items() if np.isfinite(v)},
    }
    if cell.name:
        properties["name"] = cell.name
    feature: dict[str, Any] = {"type": "Feature", "geometry": whole, "properties": properties}
    if nucleus:
        feature["nucleusGeometry"] = nucleus
    return feature


def _build_geometry(mask: NDArray[np.bool_], offset: tuple[int, int]) -> dict[str, Any] | None:
    found = [_translate(polygon, offset) for polygon in trace_polygons(mask)]
    if not found:
        return None
    if len(found) == 1:
        return {"type": "Polygon", "coordinates": found[0]}
    return {"type": "MultiPolygon", "coordinates": found}


def _translate(polygon: Polygon, offset: tuple[int, int]) -> list[list[list[int]]]:
    return [[[x + offset[0], y + offset[1]] for x, y in ring] for ring in polygon]


class CocoWriter:
    """A COCO file that is written picture by picture, so that no masks are kept.

    Masks are run lengths (columns first), because a cytoplasm has a hole, which COCO's polygons cannot have.
    """

    def __init__(self) -> None:
        self._images: list[str] = []
        self._annotations: list[str] = []

    def add(self, name: str, size: tuple[int, int], cells: Iterable[CellOutline]) -> None:
        """Add a picture with its cells.

        Args:
            name: What its file is called.
            size: Height and width.
            cells: Any number of them.
        """
        height, width = size
        number = len(self._images) + 1
        self._images.append(_to_json({"id": number, "file_name": name, "width": width, "height": height}))
        for cell in cells:
            x, y = cell.offset
            whole = np.zeros((height, width), np.uint8)
            part = cell.labels[: height - y, : width - x]
            whole[y : y + part.shape[0], x : x + part.shape[1]] = part
            for category, _ in CATEGORIES:
                mask = whole > 0 if category == len(CLASSES) else whole == category
                if mask.any():
                    found = _build_annotation(len(self._annotations) + 1, number, category, mask)
                    self._annotations.append(_to_json(found))

    def to_bytes(self) -> bytes:
        """Return the file."""
        info = _to_json({"description": NOTICE})
        categories = _to_json(
            [{"id": key, "name": name, "supercategory": "white blood cell"} for key, name in CATEGORIES]
        )
        images, annotations = (",".join(parts) for parts in (self._images, self._annotations))
        return (
            f'{{"info":{info},"images":[{images}],"annotations":[{annotations}],"categories":{categories}}}'
        ).encode()


def _to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _build_annotation(number: int, image: int, category: int, mask: NDArray[np.bool_]) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "iscrowd": 0,
        "area": int(mask.sum()),
        "bbox": [int(n) for n in box],
        "segmentation": {"size": list(mask.shape), "counts": encode_run_lengths(mask)},
    }


def encode_run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Return how many pixels are out, in, out, … of a mask, column by column, as COCO counts them."""
    flat = mask.T.ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    bounds = np.concatenate([[0], changes, [flat.size]])
    counts: list[int] = np.diff(bounds).tolist()
    return [0, *counts] if flat[0] else counts
