"""Write cells in COCO format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.export.outlines import CellOutline
from wbcseg.export.polygons import Polygon
from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS, find_bounds
from wbcseg.models.card import NOTICE

CELL_ID: Final = 3
"""Id of the category of whole cells; those of their regions are the class ids."""

CATEGORIES: Final = ((CYTOPLASM.id, CYTOPLASM.name), (NUCLEUS.id, NUCLEUS.name), (CELL_ID, "cell"))
"""Ids and names of the COCO categories."""


class CocoWriter:
    """Builds a COCO file image by image, without keeping masks in memory.

    Each cell has an annotation for its cytoplasm, its nucleus and the whole cell, which share the attribute
    ``cell_index``. The category of a whole cell is its type, if it has one, else ``cell``. A segmentation is a list of
    polygons along pixel edges, one for each piece. COCO polygons cannot have holes, so regions with holes, such as most
    cytoplasm, are uncompressed run lengths instead.

    References:
        https://cocodataset.org/#format-data, section “Object Detection”.
    """

    def __init__(self) -> None:
        self._images: list[str] = []
        self._annotations: list[str] = []
        self._type_ids: dict[str, int] = {}

    def add(self, name: str, size: tuple[int, int], outlines: Iterable[CellOutline]) -> None:
        """Add an image with its cells.

        Args:
            name: Name of the image file.
            size: Height and width.
            outlines: Its cells, which lie inside the image.
        """
        height, width = size
        image_id = len(self._images) + 1
        self._images.append(_to_json({"id": image_id, "file_name": name, "width": width, "height": height}))
        for outline in outlines:
            for category_id, region_mask, polygons in _list_regions(outline):
                if polygons:
                    if category_id == CELL_ID and outline.type:
                        category_id = self._type_ids.setdefault(outline.type, CELL_ID + 1 + len(self._type_ids))
                    annotation = {
                        "id": len(self._annotations) + 1,
                        "image_id": image_id,
                        "category_id": category_id,
                        "iscrowd": 0,
                        "area": int(region_mask.sum()),
                        "bbox": _compute_box(region_mask, outline.offset),
                        "segmentation": _encode_region(region_mask, polygons, outline.offset, size),
                        "attributes": outline.attributes,
                    }
                    self._annotations.append(_to_json(annotation))

    def to_bytes(self) -> bytes:
        """Return the file."""
        info = _to_json({"description": NOTICE})
        types = [(category_id, name) for name, category_id in self._type_ids.items()]
        categories = _to_json(
            [
                {"id": category_id, "name": name, "supercategory": "white blood cell"}
                for category_id, name in (*CATEGORIES, *types)
            ]
        )
        images, annotations = (",".join(entries) for entries in (self._images, self._annotations))
        return (
            f'{{"info":{info},"images":[{images}],"annotations":[{annotations}],"categories":{categories}}}'
        ).encode()


def _list_regions(outline: CellOutline) -> list[tuple[int, NDArray[np.bool_], list[Polygon]]]:
    """Return the regions of a cell: the category's id, the mask in the crop, and the outline in the image."""
    labels = outline.labels
    is_cytoplasm = labels == CYTOPLASM.id
    return [
        (CYTOPLASM.id, is_cytoplasm, outline.trace(is_cytoplasm)),
        (NUCLEUS.id, labels == NUCLEUS.id, outline.nucleus_polygons),
        (CELL_ID, labels != BACKGROUND.id, outline.cell_polygons),
    ]


def _to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _compute_box(region_mask: NDArray[np.bool_], offset: tuple[int, int]) -> list[int]:
    """Return left, top, width and height of a region in pixels of the image."""
    left, top, right, bottom = find_bounds(region_mask) or (0, 0, 0, 0)
    return [left + offset[0], top + offset[1], right - left, bottom - top]


def _encode_region(
    region_mask: NDArray[np.bool_], polygons: Sequence[Polygon], offset: tuple[int, int], size: tuple[int, int]
) -> list[list[int]] | dict[str, list[int]]:
    """Return a region as polygons, or as run lengths if it has holes."""
    if any(len(polygon) > 1 for polygon in polygons):
        return {"size": list(size), "counts": encode_run_lengths(region_mask, offset, size)}
    return [[coordinate for point in ring[:-1] for coordinate in point] for (ring,) in polygons]


def encode_run_lengths(region_mask: NDArray[np.bool_], offset: tuple[int, int], size: tuple[int, int]) -> list[int]:
    """Return the run lengths of a region, column by column and starting with background, as COCO defines them.

    Args:
        region_mask: The region in a crop, ``bool[h, w]``.
        offset: Column and row of the crop in the image.
        size: Height and width of the image.
    """
    (left, top), (height, width) = offset, size
    rows, columns = region_mask.shape
    strip = np.zeros((columns, height), np.bool_)
    strip[:, top : top + rows] = region_mask.T
    # Only the columns of the crop; those beside it lengthen the first and the last run.
    changes = np.flatnonzero(np.diff(strip.ravel(), prepend=False)) + left * height
    counts: list[int] = np.diff(np.concatenate([[0], changes, [width * height]])).tolist()
    return counts if counts[-1] else counts[:-1]
