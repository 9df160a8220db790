"""Write cells as GeoJSON for QuPath."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from wbcseg.export.outlines import CellOutline
from wbcseg.export.polygons import Polygon
from wbcseg.labels import CYTOPLASM, PALETTES

UNTYPED_CLASS: Final = "White blood cell"
"""QuPath class of a cell without a type."""


def build_geojson(outlines: Iterable[CellOutline]) -> bytes:
    """Return cells as a GeoJSON feature collection in the form that QuPath imports and exports.

    Each cell is a QuPath cell object: the outlines of the whole cell and of its nucleus (``nucleusGeometry``), its
    name, class, colour and measurements; number and quality status are in its metadata. A cell without a nucleus is an
    annotation. Coordinates are pixels from the upper left corner of the image, and outlines run along the edges of
    pixels: QuPath's regions have the same origin, and a pixel is the square from its number to the next one.

    Args:
        outlines: The cells of one image.

    References:
        QuPath, ``qupath.lib.io.QuPathTypeAdapters.PathObjectTypeAdapter`` (the properties ``objectType``, ``name``,
        ``classification``, ``measurements`` and ``metadata``, and ``nucleusGeometry`` beside ``geometry``), and
        https://qupath.readthedocs.io/en/stable/docs/advanced/exporting_annotations.html (units and origin).
    """
    features = [_build_feature(outline) for outline in outlines if outline.cell_polygons]
    return json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":")).encode()


def _build_feature(outline: CellOutline) -> dict[str, Any]:
    properties = {
        "objectType": "cell" if outline.nucleus_polygons else "annotation",
        "name": outline.name,
        "classification": {
            "name": outline.type.capitalize() or UNTYPED_CLASS,
            "color": PALETTES["thesis"].colors[CYTOPLASM.id],
        },
        "measurements": {name: value for name, value in (outline.measurements or {}).items() if np.isfinite(value)},
        "metadata": {name: str(value) for name, value in outline.attributes.items()},
    }
    feature = {"type": "Feature", "geometry": _build_geometry(outline.cell_polygons), "properties": properties}
    if outline.nucleus_polygons:
        feature["nucleusGeometry"] = _build_geometry(outline.nucleus_polygons)
    return feature


def _build_geometry(polygons: Sequence[Polygon]) -> dict[str, Any]:
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}
