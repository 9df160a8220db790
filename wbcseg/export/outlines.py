"""Write outlines of cells as GeoJSON for QuPath and as COCO."""

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
    """A cell to write.

    Attributes:
        labels: Class ids ``uint8[H, W]`` of the whole image, or of a crop.
        offset: Column and row of the crop in the image.
        measurements: Measurements by name with unit; undefined ones (NaN) are excluded.
        name: Name of the cell.
        status: Quality status code; empty if quality was not assessed.
    """

    labels: Labels
    offset: tuple[int, int] = (0, 0)
    measurements: Mapping[str, float] | None = None
    name: str = ""
    status: str = ""


def build_geojson(cells: Iterable[CellOutline]) -> bytes:
    """Return cells as a GeoJSON feature collection in the form that QuPath imports and exports.

    Each cell is a QuPath cell object: the outline of the whole cell, that of its nucleus, and the measurements; the
    quality status is in its metadata. Coordinates are pixels of the image from its upper left corner.

    Args:
        cells: The cells of one image.
    """
    features = [feature for cell in cells if (feature := _build_feature(cell)) is not None]
    return _to_json({"type": "FeatureCollection", "features": features}).encode()


def _build_feature(cell: CellOutline) -> dict[str, Any] | None:
    cell_geometry, nucleus_geometry = (
        _build_geometry(region_mask, cell.offset) for region_mask in (cell.labels > 0, cell.labels == NUCLEUS.id)
    )
    if cell_geometry is None:
        return None
    colour = PALETTES["thesis"].to_hex(CYTOPLASM.id)
    properties: dict[str, Any] = {
        "objectType": "cell" if nucleus_geometry else "annotation",
        "classification": {"name": "White blood cell", "color": [int(colour[i : i + 2], 16) for i in (1, 3, 5)]},
        "measurements": {name: value for name, value in (cell.measurements or {}).items() if np.isfinite(value)},
    }
    if cell.name:
        properties["name"] = cell.name
    if cell.status:
        properties["metadata"] = {"status": cell.status}
    feature: dict[str, Any] = {"type": "Feature", "geometry": cell_geometry, "properties": properties}
    if nucleus_geometry:
        feature["nucleusGeometry"] = nucleus_geometry
    return feature


def _build_geometry(region_mask: NDArray[np.bool_], offset: tuple[int, int]) -> dict[str, Any] | None:
    coordinates = [_translate(polygon, offset) for polygon in trace_polygons(region_mask)]
    if not coordinates:
        return None
    if len(coordinates) == 1:
        return {"type": "Polygon", "coordinates": coordinates[0]}
    return {"type": "MultiPolygon", "coordinates": coordinates}


def _translate(polygon: Polygon, offset: tuple[int, int]) -> list[list[list[int]]]:
    return [[[x + offset[0], y + offset[1]] for x, y in ring] for ring in polygon]


class CocoWriter:
    """Builds a COCO file image by image, without keeping masks in memory.

    Masks are run-length encoded (column by column), because cytoplasm has holes, which COCO polygons cannot express.
    """

    def __init__(self) -> None:
        self._images: list[str] = []
        self._annotations: list[str] = []

    def add(self, name: str, size: tuple[int, int], cells: Iterable[CellOutline]) -> None:
        """Add an image with its cells.

        Args:
            name: Name of the image file.
            size: Height and width.
            cells: Its cells.
        """
        height, width = size
        image_id = len(self._images) + 1
        self._images.append(_to_json({"id": image_id, "file_name": name, "width": width, "height": height}))
        for cell in cells:
            x, y = cell.offset
            image_labels = np.zeros((height, width), np.uint8)
            visible = cell.labels[: height - y, : width - x]
            image_labels[y : y + visible.shape[0], x : x + visible.shape[1]] = visible
            for category_id, _ in CATEGORIES:
                region_mask = image_labels > 0 if category_id == len(CLASSES) else image_labels == category_id
                if region_mask.any():
                    annotation = _build_annotation(len(self._annotations) + 1, image_id, category_id, region_mask)
                    if cell.status:
                        annotation["attributes"] = {"status": cell.status}
                    self._annotations.append(_to_json(annotation))

    def to_bytes(self) -> bytes:
        """Return the file."""
        info = _to_json({"description": NOTICE})
        categories = _to_json(
            [{"id": category_id, "name": name, "supercategory": "white blood cell"} for category_id, name in CATEGORIES]
        )
        images, annotations = (",".join(entries) for entries in (self._images, self._annotations))
        return (
            f'{{"info":{info},"images":[{images}],"annotations":[{annotations}],"categories":{categories}}}'
        ).encode()


def _to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _build_annotation(
    annotation_id: int, image_id: int, category_id: int, region_mask: NDArray[np.bool_]
) -> dict[str, Any]:
    rows, columns = np.flatnonzero(region_mask.any(axis=1)), np.flatnonzero(region_mask.any(axis=0))
    box = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": category_id,
        "iscrowd": 0,
        "area": int(region_mask.sum()),
        "bbox": [int(n) for n in box],
        "segmentation": {"size": list(region_mask.shape), "counts": encode_run_lengths(region_mask)},
    }


def encode_run_lengths(region_mask: NDArray[np.bool_]) -> list[int]:
    """Return the run lengths of a mask, column by column and starting with background, as COCO defines them."""
    flat = region_mask.T.ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    bounds = np.concatenate([[0], changes, [flat.size]])
    counts: list[int] = np.diff(bounds).tolist()
    return [0, *counts] if flat[0] else counts
