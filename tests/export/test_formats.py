"""Every format gives back the cells that were written: their pixels, their numbers and their names."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from roifile import ImagejRoi
from skimage.draw import polygon2mask

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ConfigError, ErrorCode, WbcsegError
from wbcseg.export import DEFAULT_FORMATS, EXPORT_FORMATS, CellOutline, InstanceWriter, check_formats
from wbcseg.export.outlines import build_label_image, separate_outlines
from wbcseg.labels import Labels

SIZE = (150, 240)
LabelImage = NDArray[np.uint16]


def draw_cell(number: int, left: int, top: int, seed: int) -> CellOutline:
    mask = draw_sample(number, seed, size=(100, 100)).mask
    assert mask is not None
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    labels = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return CellOutline(labels, (left, top), number=number)


@pytest.fixture(scope="module")
def outlines() -> list[CellOutline]:
    """Two cells that touch, one that the edge cuts, one in pieces and with a hole; their numbers have gaps."""
    first = draw_cell(1, 20, 30, seed=1)
    cut_off = draw_cell(300, 190, -8, seed=2)
    cut_off = CellOutline(cut_off.labels[8:], (190, 0), number=300)
    pieces = np.ones((20, 30), np.uint8)
    pieces[8:12, 8:12] = 0
    pieces[:, 20:24] = 0
    pieces[3:6, 25:28] = 2
    touching = draw_cell(2, 20 + first.labels.shape[1] - 12, 40, seed=3)
    return separate_outlines([first, touching, cut_off, CellOutline(pieces, (200, 120), number=65_535)], SIZE)


@pytest.fixture(scope="module")
def expected(outlines: list[CellOutline]) -> LabelImage:
    return build_label_image(outlines, SIZE)


@pytest.fixture(scope="module")
def files(outlines: list[CellOutline]) -> dict[str, bytes]:
    writer = InstanceWriter(DEFAULT_FORMATS, ["unet-16"])
    return writer.encode_image("unet-16", "field.png", SIZE, outlines) | writer.encode_totals()


def fill(rings: list[list[tuple[float, float]]]) -> NDArray[np.bool_]:
    """Return the pixels whose centres are inside an odd number of rings of (x, y)."""
    inside = np.zeros(SIZE, np.bool_)
    for ring in rings:
        inside ^= polygon2mask(SIZE, np.array([(y - 0.5, x - 0.5) for x, y in ring]))
    return inside


def read_png(files: dict[str, bytes]) -> LabelImage:
    with Image.open(io.BytesIO(files["labels.png"])) as image:
        assert image.mode == "I;16"
        assert not image.info
        return np.array(image, np.uint16)


def read_tiff(files: dict[str, bytes]) -> LabelImage:
    with Image.open(io.BytesIO(files["labels.tif"])) as image:
        assert image.mode == "I;16"
        return np.array(image, np.uint16)


def read_geojson(files: dict[str, bytes]) -> LabelImage:
    image = np.zeros(SIZE, np.uint16)
    for feature in json.loads(files["geojson"])["features"]:
        geometry = feature["geometry"]
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        inside = fill([ring for polygon in polygons for ring in polygon])
        assert not image[inside].any(), "Cells overlap."
        image[inside] = int(feature["properties"]["name"].removeprefix("Cell "))
    return image


def read_coco(files: dict[str, bytes]) -> LabelImage:
    document = json.loads(files["outlines.coco.json"])
    names = {category["id"]: category["name"] for category in document["categories"]}
    image = np.zeros(SIZE, np.uint16)
    for annotation in document["annotations"]:
        if names[annotation["category_id"]] != "cell":
            continue
        segmentation = annotation["segmentation"]
        if isinstance(segmentation, dict):
            runs = [np.full(count, index % 2, np.bool_) for index, count in enumerate(segmentation["counts"])]
            inside = np.concatenate(runs).reshape(SIZE[::-1]).T
        else:
            inside = fill([list(zip(flat[::2], flat[1::2], strict=True)) for flat in segmentation])
        left, top, width, height = annotation["bbox"]
        assert inside[top : top + height, left : left + width].sum() == inside.sum() == annotation["area"]
        assert not image[inside].any(), "Cells overlap."
        image[inside] = annotation["attributes"]["cell_index"]
    return image


def read_rois(files: dict[str, bytes]) -> LabelImage:
    image = np.zeros(SIZE, np.uint16)
    with zipfile.ZipFile(io.BytesIO(files["rois.zip"])) as archive:
        for name in archive.namelist():
            roi = ImagejRoi.frombytes(archive.read(name))
            assert name == f"{roi.name}.roi"
            rings = roi.coordinates(multi=True)
            inside = fill([ring.tolist() for ring in rings])
            points = np.concatenate(rings)
            bounds = (points[:, 0].min(), points[:, 1].min(), points[:, 0].max(), points[:, 1].max())
            assert (roi.left, roi.top, roi.right, roi.bottom) == bounds
            assert not image[inside].any(), "Cells overlap."
            image[inside] = int(roi.name.removeprefix("Cell "))
    return image


@pytest.mark.parametrize("read", [read_png, read_tiff, read_geojson, read_coco, read_rois])
def test_every_format_gives_back_every_pixel_and_number(
    read: Callable[[dict[str, bytes]], LabelImage], files: dict[str, bytes], expected: LabelImage
) -> None:
    assert np.unique(expected).tolist() == [0, 1, 2, 300, 65_535]
    assert ((expected[:, :-1] == 1) & (expected[:, 1:] == 2)).any(), "Two cells touch."
    assert (read(files) == expected).all()


def test_nuclei_are_inside_their_cells(files: dict[str, bytes], outlines: list[CellOutline]) -> None:
    features = json.loads(files["geojson"])["features"]
    for feature, outline in zip(features, outlines, strict=True):
        geometry = feature["nucleusGeometry"]
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        assert fill([ring for polygon in polygons for ring in polygon]).sum() == (outline.labels == 2).sum()


def test_sub_pixel_polygons_are_written_for_cells_of_one_piece(files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(files["rois.zip"])) as archive:
        rois = {name: ImagejRoi.frombytes(archive.read(name)) for name in archive.namelist()}
    assert rois["Cell 1.roi"].subpixelresolution
    assert rois["Cell 1.roi"].subpixel_coordinates is not None
    assert [roi.composite for roi in rois.values()] == [False, False, False, True]


def block(left: int, side: int, number: int) -> CellOutline:
    return CellOutline(np.ones((side, side), np.uint8), (left, 0), number=number)


def test_of_overlapping_cells_the_first_keeps_the_pixels() -> None:
    size = (6, 12)
    outlines = separate_outlines([block(0, 6, 4), block(3, 6, 9), block(1, 2, 5)], size)
    assert [outline.number for outline in outlines] == [4, 9]
    assert build_label_image(outlines, size)[0].tolist() == [4] * 6 + [9] * 3 + [0] * 3


def test_what_lies_outside_the_image_is_cut_off() -> None:
    (outline,) = separate_outlines([block(8, 6, 1)], (4, 12))
    assert outline.labels.shape == (4, 4)


def test_a_number_that_does_not_fit_is_an_error_and_never_wraps() -> None:
    with pytest.raises(WbcsegError) as error:
        build_label_image([block(0, 2, 65_536)], (5, 5))
    assert error.value.code == ErrorCode.TOO_LARGE


def test_an_image_without_cells_has_empty_files() -> None:
    writer = InstanceWriter(DEFAULT_FORMATS, ["m"])
    blank: Labels = np.zeros((4, 5), np.uint8)
    files = writer.encode_image("m", "a.png", (4, 5), [CellOutline(blank)])
    with Image.open(io.BytesIO(files["labels.png"])) as image:
        assert not np.array(image).any()
    assert json.loads(files["geojson"])["features"] == []
    assert zipfile.ZipFile(io.BytesIO(files["rois.zip"])).namelist() == []
    assert len(json.loads(writer.encode_totals()["outlines.coco.json"])["images"]) == 1


@pytest.mark.parametrize(
    ("chosen", "endings", "totals"),
    [
        ((), [], []),
        (("labels",), ["labels.png", "labels.tif"], []),
        (("imagej", "geojson"), ["geojson", "rois.zip"], []),
        (("coco",), [], ["outlines-a.coco.json", "outlines-b.coco.json"]),
    ],
)
def test_only_the_chosen_formats_are_written(chosen: tuple[str, ...], endings: list[str], totals: list[str]) -> None:
    writer = InstanceWriter(chosen, ["a", "b"])
    assert list(writer.encode_image("a", "a.png", (8, 8), [block(0, 3, 1)])) == endings
    assert list(writer.encode_totals()) == totals


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(ConfigError) as error:
        check_formats(["labels", "svg"])
    assert error.value.code == ErrorCode.INVALID_VALUE
    assert check_formats(reversed([*EXPORT_FORMATS, "coco"])) == tuple(EXPORT_FORMATS)
