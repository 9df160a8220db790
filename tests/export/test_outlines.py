"""Outlines reproduce the masks that they were traced from."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from wbcseg.datasets import open_dataset
from wbcseg.export import CellOutline
from wbcseg.export.coco import CocoWriter, encode_run_lengths
from wbcseg.export.geojson import build_geojson
from wbcseg.export.polygons import trace_polygons
from wbcseg.features import extract_features
from wbcseg.labels import Labels


def fill_rings(rings: list[list[list[int]]], height: int, width: int) -> NDArray[np.bool_]:
    """Fill rings by the even-odd rule."""
    inside = np.zeros((height, width), bool)
    for ring in rings:
        for (x1, y1), (x2, y2) in itertools.pairwise(ring):
            assert x1 == x2 or y1 == y2
            if x1 == x2:
                inside[min(y1, y2) : max(y1, y2), x1:] ^= True
    return inside


def compute_area(ring: Any) -> float:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in itertools.pairwise(ring)) / 2


@settings(max_examples=150, deadline=None)
@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_any_mask_is_reproduced(mask: NDArray[np.bool_]) -> None:
    traced = trace_polygons(mask)
    assert (fill_rings([ring for piece in traced for ring in piece], *mask.shape) == mask).all()
    assert sum(compute_area(ring) for piece in traced for ring in piece) == mask.sum()
    for outer, *holes in traced:
        assert outer[0] == outer[-1]
        assert compute_area(outer) > 0
        assert all(compute_area(hole) < 0 for hole in holes)
        # Programs that follow the OGC standard reject rings that visit a point twice.
        assert all(len({*ring}) == len(ring) - 1 for ring in (outer, *holes))
        # Every hole belongs to the piece that contains it.
        assert sum(compute_area(ring) for ring in (outer, *holes)) > 0


def test_ring_with_an_island_is_two_polygons() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1:8, 1:8] = True
    mask[2:7, 2:7] = False
    mask[4, 4] = True
    ring, island = sorted(trace_polygons(mask), key=len, reverse=True)
    assert ring[0] == [(1, 1), (8, 1), (8, 8), (1, 8), (1, 1)]
    assert len(ring) == 2
    assert island == [[(4, 4), (5, 4), (5, 5), (4, 5), (4, 4)]]


def test_holes_that_meet_in_a_corner_are_separate() -> None:
    mask = np.ones((6, 6), bool)
    mask[2, 2] = mask[3, 3] = False
    (piece,) = trace_polygons(mask)
    assert [len(ring) for ring in piece] == [5, 5, 5]


@pytest.fixture
def labels() -> Labels:
    mask = open_dataset("synthetic").read("synthetic/003").mask
    assert mask is not None
    return mask


def test_geojson_has_cell_nucleus_measurements_and_status(labels: Labels) -> None:
    sample = open_dataset("synthetic").read("synthetic/003")
    features = extract_features(sample.image, labels)
    assert features is not None
    values = {**features.values, "nucleus_to_cytoplasm": float("nan")}
    document = json.loads(build_geojson([CellOutline(labels, (10, 20), values, 12, "review", ("top", "left"))]))
    assert document["type"] == "FeatureCollection"
    (feature,) = document["features"]
    assert feature["properties"]["objectType"] == "cell"
    assert feature["properties"]["name"] == "Cell 12"
    assert feature["properties"]["classification"] == {"name": "White blood cell", "color": [0, 255, 0]}
    assert feature["properties"]["metadata"] == {"cell_index": "12", "status": "review", "cut_by_edge": "top left"}
    assert feature["properties"]["measurements"]["cell_area"] == (labels > 0).sum()
    assert "nucleus_to_cytoplasm" not in feature["properties"]["measurements"]
    for geometry, mask in ((feature["geometry"], labels > 0), (feature["nucleusGeometry"], labels == 2)):
        pieces = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        shifted = [[[x - 10, y - 20] for x, y in ring] for piece in pieces for ring in piece]
        assert (fill_rings(shifted, *labels.shape) == mask).all()


def test_geojson_without_cells_is_an_empty_collection() -> None:
    assert json.loads(build_geojson([CellOutline(np.zeros((5, 5), np.uint8))]))["features"] == []


def test_cell_without_nucleus_is_an_annotation() -> None:
    (feature,) = json.loads(build_geojson([CellOutline(np.ones((5, 5), np.uint8))]))["features"]
    assert feature["properties"]["objectType"] == "annotation"
    assert "nucleusGeometry" not in feature


def write_coco(images: list[tuple[str, tuple[int, int], list[CellOutline]]]) -> bytes:
    writer = CocoWriter()
    for image_outlines in images:
        writer.add(*image_outlines)
    return writer.to_bytes()


def test_coco_reproduces_every_mask(labels: Labels) -> None:
    height, width = labels.shape
    images = [
        ("a.png", (height, width), [CellOutline(labels, number=5, status="ok")]),
        ("b.png", (height + 7, width + 9), [CellOutline(labels, (9, 7))]),
    ]
    document = json.loads(write_coco(images))
    assert [image["file_name"] for image in document["images"]] == ["a.png", "b.png"]
    assert len(document["annotations"]) == 6
    names = {category["id"]: category["name"] for category in document["categories"]}
    attributes = [annotation["attributes"] for annotation in document["annotations"]]
    assert attributes == [{"cell_index": 5, "status": "ok"}] * 3 + [{"cell_index": 1}] * 3
    assert all(annotation["iscrowd"] == 0 for annotation in document["annotations"])
    sizes = {image["id"]: (image["height"], image["width"]) for image in document["images"]}
    for annotation in document["annotations"]:
        size = sizes[annotation["image_id"]]
        mask = decode_coco(annotation["segmentation"], size)
        whole = np.zeros(size, np.uint8)
        whole[-height:, -width:] = labels
        kind = names[annotation["category_id"]]
        expected = whole > 0 if kind == "cell" else whole == {"cytoplasm": 1, "nucleus": 2}[kind]
        assert (mask == expected).all()
        assert annotation["area"] == expected.sum()
        x, y, w, h = annotation["bbox"]
        assert expected[y : y + h, x : x + w].sum() == expected.sum()


def decode_coco(segmentation: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of a COCO segmentation: run lengths, or polygons without holes."""
    if isinstance(segmentation, dict):
        assert segmentation["size"] == list(size)
        flat = np.concatenate([np.full(n, i % 2, bool) for i, n in enumerate(segmentation["counts"])])
        return flat.reshape(size[::-1]).T
    rings = [list(zip(flat[::2], flat[1::2], strict=True)) for flat in segmentation]
    return fill_rings([[*ring, ring[0]] for ring in rings], *size)


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))), st.integers(0, 3), st.integers(0, 3))
def test_run_lengths_of_a_crop_are_those_of_the_image(mask: NDArray[np.bool_], left: int, top: int) -> None:
    whole = np.pad(mask, ((top, 2), (left, 1)))
    size = (whole.shape[0], whole.shape[1])
    counts = encode_run_lengths(mask, (left, top), size)
    assert (decode_coco({"size": list(size), "counts": counts}, size) == whole).all()
    assert all(counts[1:])


def test_run_lengths_begin_with_background() -> None:
    assert encode_run_lengths(np.ones((2, 2), np.bool_), (0, 0), (2, 2)) == [0, 4]


def test_coco_regions_in_pieces_have_a_polygon_each_and_those_with_holes_run_lengths() -> None:
    labels = np.ones((5, 9), np.uint8)
    labels[2, [2, 6]] = 2
    document = json.loads(write_coco([("a", (5, 9), [CellOutline(labels)])]))
    cytoplasm, nucleus, cell = (annotation["segmentation"] for annotation in document["annotations"])
    assert set(cytoplasm) == {"size", "counts"}
    assert nucleus == [[2, 2, 3, 2, 3, 3, 2, 3], [6, 2, 7, 2, 7, 3, 6, 3]]
    assert cell == [[0, 0, 9, 0, 9, 5, 0, 5]]
