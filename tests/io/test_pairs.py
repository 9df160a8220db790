"""Images and masks stay aligned."""

from __future__ import annotations

import io

import numpy as np
import pytest
from builders import draw_cell, encode, exif
from expect import raises
from PIL import Image

from wbcseg.errors import ErrorCode, ImageError, MaskError, PairingError
from wbcseg.io import open_pair
from wbcseg.labels import to_grey

CELL, LABELS = draw_cell()
UPRIGHT = {6: np.rot90(LABELS, -1), 8: np.rot90(LABELS, 1), 5: LABELS.T, 7: np.rot90(LABELS.T, 2)}


def aligned(pixels: np.ndarray, labels: np.ndarray) -> bool:
    """Return whether the labels lie on the dark cell."""
    dark = pixels.astype(int).sum(2) < 590
    return bool(np.array_equal(dark, labels > 0))


def test_pair_of_the_same_size() -> None:
    opened, labels = open_pair(encode(CELL, "BMP"), encode(to_grey(LABELS)))
    assert opened.format == "BMP"
    assert aligned(opened.pixels, labels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_both_have_an_orientation(orientation: int) -> None:
    turned = exif(orientation)
    opened, labels = open_pair(encode(CELL, exif=turned), encode(LABELS, exif=turned))
    assert aligned(opened.pixels, labels)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_mask_of_the_stored_size_is_rotated_with_its_image(orientation: int) -> None:
    opened, labels = open_pair(encode(CELL, exif=exif(orientation)), encode(LABELS))
    assert aligned(opened.pixels, labels)
    np.testing.assert_array_equal(labels, UPRIGHT[orientation])


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_mask_of_the_upright_size_is_not_rotated(orientation: int) -> None:
    upright = np.ascontiguousarray(UPRIGHT[orientation])
    opened, labels = open_pair(encode(CELL, exif=exif(orientation)), encode(upright))
    assert aligned(opened.pixels, labels)


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_ambiguous_orientation_is_rejected(orientation: int) -> None:
    with raises(
        PairingError, ErrorCode.AMBIGUOUS_ORIENTATION, match=rf"smear\.png.*orientation {orientation}.*mask\.png"
    ):
        open_pair(encode(CELL, exif=exif(orientation)), encode(LABELS), image_name="smear.png", mask_name="mask.png")


def test_rotated_square_image_is_ambiguous() -> None:
    square, labels = draw_cell(24, 24)
    with raises(PairingError, ErrorCode.AMBIGUOUS_ORIENTATION):
        open_pair(encode(square, exif=exif(6)), encode(labels))


def test_different_sizes_are_rejected_and_named() -> None:
    with raises(PairingError, ErrorCode.SIZE_MISMATCH, match=r"a\.png has 30×24 pixels and its mask b\.png has 29×24"):
        open_pair(encode(CELL), encode(LABELS[:, 1:].copy()), image_name="a.png", mask_name="b.png")
    with raises(PairingError, ErrorCode.SIZE_MISMATCH, match="30×24 pixels"):
        open_pair(encode(CELL), encode(np.ascontiguousarray(LABELS.T)))


def test_error_names_the_broken_file() -> None:
    with raises(ImageError, ErrorCode.EMPTY, match=r"a\.png"):
        open_pair(b"", encode(LABELS), image_name="a.png")
    with raises(MaskError, ErrorCode.EMPTY, match=r"b\.png"):
        open_pair(encode(CELL), b"", mask_name="b.png")


def test_page_of_a_stack_with_its_mask() -> None:
    buffer = io.BytesIO()
    frames = [Image.new("RGB", size, (9, 9, 9)) for size in ((30, 20), (40, 20))]
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    mask = encode(np.zeros((20, 40), np.uint8))
    opened, labels = open_pair(buffer.getvalue(), mask, page=1)
    assert opened.pixels.shape[:2] == labels.shape == (20, 40)
    with raises(PairingError, ErrorCode.SIZE_MISMATCH):
        open_pair(buffer.getvalue(), mask)
