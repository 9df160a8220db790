"""What a mask means: wrong classes are recognised by their code, and corrected when asked to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from builders import encode
from expect import raises
from PIL import Image

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ErrorCode, MaskError
from wbcseg.io import check_mask, encode_png, open_mask
from wbcseg.io.mask_meaning import correct_labels, holds_mask_codes, look_like_instances


def cells() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for index in range(8):
        sample = draw_sample(77, index, size=(96, 104))
        assert sample.mask is not None
        yield sample.image, sample.mask


CELLS = list(cells())


def build_field(masks: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    rows = [range(4), range(4, 8)]
    image = np.vstack([np.hstack([CELLS[i][0] for i in row]) for row in rows])
    return image, np.vstack([np.hstack([masks[i] for i in row]) for row in rows])


FIELD, FIELD_MASK = build_field([mask for _, mask in CELLS])
INSTANCES = build_field([(mask > 0) * np.uint8(number + 1) for number, (_, mask) in enumerate(CELLS)])[1]


@pytest.mark.parametrize(("image", "mask"), [*CELLS, (FIELD, FIELD_MASK)])
def test_each_kind_of_wrong_mask_is_named_and_mended(image: np.ndarray, mask: np.ndarray) -> None:
    assert check_mask(mask, image) is None
    for correction, code in (("swap", ErrorCode.MASK_SWAPPED), ("invert", ErrorCode.MASK_INVERTED)):
        wrong = correct_labels(mask, correction)
        issue = check_mask(wrong, image)
        assert issue is not None
        assert (issue.code, issue.correction, issue.is_wrong) == (code, correction, True)
        np.testing.assert_array_equal(open_mask(encode_png(wrong), correction=correction), mask)


@pytest.mark.parametrize(("image", "mask"), CELLS)
@pytest.mark.parametrize("value", [1, 128, 255])
@pytest.mark.parametrize("lowest", [1, 2])
def test_a_mask_of_one_class_is_named(image: np.ndarray, mask: np.ndarray, value: int, lowest: int) -> None:
    labels = open_mask(encode((mask >= lowest).astype(np.uint8) * np.uint8(value)))
    issue = check_mask(labels, image)
    assert issue is not None
    assert (issue.code, issue.is_wrong) == (ErrorCode.MASK_ONE_CLASS, False)
    inverted = open_mask(encode((mask < 1).astype(np.uint8) * np.uint8(value)))
    assert getattr(check_mask(inverted, image), "code", None) == ErrorCode.MASK_INVERTED


def test_masks_without_cell_or_background_are_named() -> None:
    image, mask = CELLS[0]
    for value in (0, 1, 2):
        issue = check_mask(np.full_like(mask, value), image)
        assert issue is not None
        assert issue.code == ErrorCode.MASK_EMPTY


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
@pytest.mark.parametrize("step", [1, 3, 30])
def test_numbers_of_cells_are_recognised_and_read_as_cells(dtype: type, step: int) -> None:
    values = INSTANCES.astype(dtype) * dtype(step)
    data = encode(values, "TIFF" if dtype is np.int32 else "PNG")
    with raises(MaskError, ErrorCode.MASK_INSTANCES):
        open_mask(data)
    np.testing.assert_array_equal(open_mask(data, correction="instances"), INSTANCES > 0)


def test_numbers_beyond_8_bits_and_colours_of_cells_are_recognised() -> None:
    colors = np.random.default_rng(0).integers(40, 256, (9, 3)).astype(np.uint8)
    colors[0] = 0
    paletted = Image.fromarray(INSTANCES).convert("P")
    paletted.putpalette(colors.ravel().tolist())
    for data in (encode(INSTANCES.astype(np.uint16) * 300), encode(colors[INSTANCES]), encode(np.asarray(paletted))):
        with raises(MaskError, ErrorCode.MASK_INSTANCES):
            open_mask(data)
        np.testing.assert_array_equal(open_mask(data, correction="instances"), INSTANCES > 0)


def test_two_numbered_cells_are_not_taken_for_cytoplasm_and_nucleus() -> None:
    two = np.where((INSTANCES == 1) | (INSTANCES == 6), INSTANCES, 0)
    issue = check_mask(open_mask(encode(np.where(two == 6, 2, two).astype(np.uint8))), FIELD)
    assert issue is not None
    assert (issue.code, issue.correction) == (ErrorCode.MASK_INSTANCES, "instances")


def test_stray_values_are_no_numbers_of_cells() -> None:
    _, mask = CELLS[0]
    values = np.array([0, 128, 255], np.uint8)[mask]
    soft = np.asarray(Image.fromarray(values).resize((70, 60), Image.Resampling.BILINEAR))
    assert not look_like_instances(soft)
    with raises(MaskError, ErrorCode.MASK_VALUES):
        open_mask(encode(soft))


def test_grey_codes_of_16_bits_are_read() -> None:
    _, mask = CELLS[0]
    for codes in ((0, 32896, 65535), (0, 32768, 65535)):
        np.testing.assert_array_equal(open_mask(encode(np.array(codes, np.uint16)[mask])), mask)


def test_only_masks_look_like_masks() -> None:
    image, mask = CELLS[0]
    for values in (np.array([0, 128, 255], np.uint8)[mask], mask, (mask > 0) * np.uint8(255)):
        assert holds_mask_codes(np.repeat(values[..., None], 3, axis=2))
    for other in (image, np.repeat(image[..., :1], 3, axis=2), np.full_like(image, 255)):
        assert not holds_mask_codes(other)
