"""Pictures and masks stay aligned."""

from __future__ import annotations

import io

import numpy as np
import pytest
from builders import draw_cell, encode, exif
from PIL import Image

from wbcseg.errors import ImageError, MaskError, PairingError
from wbcseg.io import open_pair
from wbcseg.labels import to_grey

CELL, LABELS = draw_cell()
UPRIGHT = {6: np.rot90(LABELS, -1), 8: np.rot90(LABELS, 1), 5: LABELS.T, 7: np.rot90(LABELS.T, 2)}


def aligned(pixels: np.ndarray, labels: np.ndarray) -> bool:
    """Tell whether the labels lie on the dark cell."""
    dark = pixels.astype(int).sum(2) < 590
    return bool(np.array_equal(dark, labels > 0))


def test_a_plain_pair() -> None:
    picture, labels = open_pair(encode(CELL, "BMP"), encode(to_grey(LABELS)))
    assert picture.format == "BMP"
    assert aligned(picture.pixels, labels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_fault_08_both_say_that_they_are_turned(orientation: int) -> None:
    turned = exif(orientation)
    picture, labels = open_pair(encode(CELL, exif=turned), encode(LABELS, exif=turned))
    assert aligned(picture.pixels, labels)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_fault_08_a_mask_of_the_stored_size_is_turned_along(orientation: int) -> None:
    picture, labels = open_pair(encode(CELL, exif=exif(orientation)), encode(LABELS))
    assert aligned(picture.pixels, labels)
    np.testing.assert_array_equal(labels, UPRIGHT[orientation])


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_fault_08_a_mask_of_the_upright_size_is_left_alone(orientation: int) -> None:
    upright = np.ascontiguousarray(UPRIGHT[orientation])
    picture, labels = open_pair(encode(CELL, exif=exif(orientation)), encode(upright))
    assert aligned(picture.pixels, labels)


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_fault_08_what_nothing_can_decide_is_refused(orientation: int) -> None:
    with pytest.raises(PairingError, match=rf"smear\.png is stored turned.*orientation {orientation}.*mask\.png"):
        open_pair(encode(CELL, exif=exif(orientation)), encode(LABELS), image_name="smear.png", mask_name="mask.png")


def test_fault_08_a_square_picture_on_its_side_is_refused() -> None:
    square, labels = draw_cell(24, 24)
    with pytest.raises(PairingError, match="stored turned"):
        open_pair(encode(square, exif=exif(6)), encode(labels))


def test_fault_15_two_sizes_are_named() -> None:
    with pytest.raises(PairingError, match=r"a\.png has 30×24 pixels and its mask b\.png has 29×24"):
        open_pair(encode(CELL), encode(LABELS[:, 1:].copy()), image_name="a.png", mask_name="b.png")
    with pytest.raises(PairingError, match="30×24 pixels"):
        open_pair(encode(CELL), encode(np.ascontiguousarray(LABELS.T)))


def test_the_one_that_is_broken_is_named() -> None:
    with pytest.raises(ImageError, match=r"Picture a\.png"):
        open_pair(b"", encode(LABELS), image_name="a.png")
    with pytest.raises(MaskError, match=r"Mask b\.png"):
        open_pair(encode(CELL), b"", mask_name="b.png")


def test_a_page_of_a_stack_with_its_mask() -> None:
    buffer = io.BytesIO()
    frames = [Image.new("RGB", size, (9, 9, 9)) for size in ((30, 20), (40, 20))]
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    mask = encode(np.zeros((20, 40), np.uint8))
    picture, labels = open_pair(buffer.getvalue(), mask, page=1)
    assert picture.pixels.shape[:2] == labels.shape == (20, 40)
    with pytest.raises(PairingError, match="same size"):
        open_pair(buffer.getvalue(), mask)
