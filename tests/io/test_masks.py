"""Opening expert masks: codes, palettes, rejections."""

from __future__ import annotations

import io

import numpy as np
import pytest
from builders import directory, draw_cell, encode, exif, grey_page, tiff
from expect import raises
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from wbcseg.errors import ErrorCode, MaskError
from wbcseg.io import encode_png, open_mask
from wbcseg.labels import to_grey

CELL, LABELS = draw_cell()


def palette_mask(ids: np.ndarray, colors: list[int], format: str = "PNG") -> bytes:
    image = Image.fromarray(ids.astype(np.uint8)).convert("P")
    image.putdata(ids.ravel().tolist())
    image.putpalette(colors)
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("values", [LABELS, to_grey(LABELS)], ids=["ids", "codes"])
def test_ids_and_grey_codes_are_read(format: str, values: np.ndarray) -> None:
    labels = open_mask(encode(values, format))
    assert labels.dtype == np.uint8
    assert labels.flags.c_contiguous
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
@pytest.mark.parametrize("values", [LABELS, to_grey(LABELS)], ids=["ids", "codes"])
def test_16_and_32_bit_integers_are_not_scaled(dtype: type, values: np.ndarray) -> None:
    np.testing.assert_array_equal(open_mask(encode(values.astype(dtype), "TIFF")), LABELS)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_grey_rgb_is_read(mode: str) -> None:
    np.testing.assert_array_equal(open_mask(encode(to_grey(LABELS), "PNG", mode)), LABELS)


def test_one_bit_is_background_and_nucleus() -> None:
    np.testing.assert_array_equal(open_mask(encode(LABELS == 2)), np.where(LABELS == 2, 2, 0))


def test_single_class_is_read_in_either_code() -> None:
    for value, label in ((0, 0), (1, 1), (2, 2), (128, 1), (255, 2)):
        assert (open_mask(encode(np.full((5, 6), value, np.uint8))) == label).all()


@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 2)))
@settings(max_examples=50, deadline=None)
def test_written_masks_are_read_unchanged(labels: np.ndarray) -> None:
    np.testing.assert_array_equal(open_mask(encode_png(labels)), labels)
    np.testing.assert_array_equal(open_mask(encode_png(to_grey(labels))), labels)


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize(
    "colors",
    [
        [255, 0, 0, 0, 255, 0, 0, 0, 255],
        [0, 0, 0, 128, 0, 0, 0, 128, 0],
        [0, 0, 0, 1, 1, 1, 2, 2, 2],
        [0, 0, 0, 128, 128, 128, 255, 255, 255],
        [0] * 9,
        [128, 128, 128, 129, 128, 128, 0, 0, 0],
    ],
)
def test_palette_mask_keeps_its_ids(colors: list[int], format: str) -> None:
    np.testing.assert_array_equal(open_mask(palette_mask(LABELS, colors, format)), LABELS)


def test_palette_of_grey_codes_is_read_by_its_greys_if_the_ids_are_not_classes() -> None:
    ids = np.array([3, 7, 9])[LABELS]
    colors = [99] * 9 + [0] * 3 + [1] * 9 + [128] * 3 + [1] * 3 + [255] * 3
    np.testing.assert_array_equal(open_mask(palette_mask(ids, colors)), LABELS)


def test_palette_that_shows_ids_as_other_classes_is_rejected() -> None:
    with raises(MaskError, ErrorCode.MASK_VALUES, match=r"id 1 \(cytoplasm\) in grey 255"):
        open_mask(palette_mask(LABELS, [0, 0, 0, 255, 255, 255, 128, 128, 128]))


def test_invalid_value_is_named_with_file_and_position() -> None:
    values = to_grey(LABELS).copy()
    values[3, 5] = 127
    with raises(MaskError, ErrorCode.MASK_VALUES, match=r"masks/cell 7\.png .*127 \(row 3, column 5\)") as caught:
        open_mask(encode(values), name="masks/cell 7.png")
    assert caught.value.file == "masks/cell 7.png"
    assert "128 (cytoplasm)" in str(caught.value.hint)


def test_ids_and_codes_do_not_mix() -> None:
    values = to_grey(LABELS).copy()
    values[0, 0] = 1
    with raises(MaskError, ErrorCode.MASK_VALUES, match=r"the value 1 \(row 0, column 0\)"):
        open_mask(encode(values))
    with raises(MaskError, ErrorCode.MASK_VALUES, match=r"the value 3 .* and 6 other values"):
        open_mask(encode(np.arange(10, dtype=np.uint8).reshape(2, 5)))


@pytest.mark.parametrize("value", [256, 65535, -1])
def test_values_beyond_8_bits_are_named_not_wrapped(value: int) -> None:
    values = LABELS.astype(np.int32)
    values[2, 4] = value
    with raises(MaskError, ErrorCode.MASK_VALUES, match=rf"the value {value} \(row 2, column 4\)"):
        open_mask(encode(values, "TIFF"))


def test_colour_is_rejected() -> None:
    with raises(MaskError, ErrorCode.MASK_FORMAT, match="colour"):
        open_mask(encode(CELL))


def test_transparent_mask_is_rejected() -> None:
    with raises(MaskError, ErrorCode.MASK_FORMAT, match="transparent"):
        open_mask(encode(np.dstack([to_grey(LABELS)] * 3 + [LABELS])))


@pytest.mark.parametrize(("format", "options"), [("JPEG", {}), ("TIFF", {"compression": "jpeg"})])
@pytest.mark.parametrize("thresholds", [None, (64, 205)])
def test_lossy_mask_is_rejected(format: str, options: dict[str, str], thresholds: tuple[int, int] | None) -> None:
    with raises(MaskError, ErrorCode.MASK_FORMAT, match="JPEG"):
        open_mask(encode(to_grey(LABELS), format, **options), name="cell.png", thresholds=thresholds)


def test_mask_of_several_pages_is_rejected() -> None:
    pages = [Image.fromarray(LABELS)] * 2
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    with raises(MaskError, ErrorCode.MASK_FORMAT, match="2 pages"):
        open_mask(buffer.getvalue())


def test_thresholds_classify_stray_greys() -> None:
    values = np.array([[0, 63, 64, 128, 204, 205, 255]], np.uint8)
    np.testing.assert_array_equal(open_mask(encode(values), thresholds=(64, 205)), [[0, 0, 1, 1, 1, 2, 2]])
    np.testing.assert_array_equal(
        open_mask(palette_mask(np.array([[0, 1, 2]]), [200, 200, 200, 9, 9, 9, 230, 230, 230]), thresholds=(64, 205)),
        [[1, 0, 2]],
    )
    with raises(MaskError, ErrorCode.MASK_FORMAT, match="colour"):
        open_mask(palette_mask(LABELS, [0, 0, 0, 255, 0, 0, 0, 0, 255]), thresholds=(64, 205))


def test_mask_is_rotated_by_its_own_or_the_given_orientation() -> None:
    np.testing.assert_array_equal(open_mask(encode(LABELS, exif=exif(6))), np.rot90(LABELS, -1))
    np.testing.assert_array_equal(open_mask(encode(LABELS), orientation=8), np.rot90(LABELS, 1))
    np.testing.assert_array_equal(open_mask(encode(LABELS, exif=exif(6)), orientation=1), LABELS)


def test_floating_point_mask_is_rejected() -> None:
    values = np.zeros(16, np.float32)
    with raises(MaskError, ErrorCode.UNSUPPORTED_ENCODING, match="floating-point"):
        open_mask(tiff(directory(grey_page(t258=32, t279=64, t339=3)), values.tobytes()))


@pytest.mark.parametrize("data", [b"", b"hello", encode(LABELS)[:60]])
def test_unreadable_mask_is_a_mask_error_with_its_name(data: bytes) -> None:
    with pytest.raises(MaskError, match=r"expert\.png") as caught:
        open_mask(data, name="expert.png")
    assert caught.value.file == "expert.png"
