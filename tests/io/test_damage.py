"""Damage that decoders fill in without a word is reported; sound files of unusual kinds are not called damaged."""

from __future__ import annotations

import io
import struct
import time
import zlib

import numpy as np
import pytest
import tifffile
from builders import encode, png, texture
from expect import raises
from PIL import Image

from wbcseg.errors import ErrorCode, ImageError
from wbcseg.io import open_image

IMAGE = texture(3, 120)
DAMAGE = (ErrorCode.DAMAGED, ErrorCode.TRUNCATED)


def jpeg(**options: object) -> bytes:
    return encode(IMAGE, "JPEG", quality=90, **options)


def zeroed(data: bytes, start: float = 0.5, end: float = 0.7) -> bytes:
    first, last = int(len(data) * start), int(len(data) * end)
    return data[:first] + bytes(last - first) + data[last:]


def first_scan_only(data: bytes) -> bytes:
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    return data[:second] + b"\xff\xd9"


def double_height(data: bytes) -> bytes:
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">H", 240) + data[place + 2 :]


DAMAGED = {
    "baseline zeroed": zeroed(jpeg()),
    "progressive zeroed": zeroed(jpeg(progressive=True)),
    "restart markers zeroed": zeroed(jpeg(restart_marker_rows=1)),
    "grey zeroed": zeroed(encode(IMAGE[..., 0], "JPEG")),
    "cmyk zeroed": zeroed(encode(IMAGE, "JPEG", "CMYK")),
    "4:4:4 random": jpeg(subsampling=0)[:3000] + bytes(range(256)) * 2 + jpeg(subsampling=0)[3512:],
    "cut, with an end marker": jpeg()[:4000] + b"\xff\xd9",
    "height doubled": double_height(jpeg()),
    "first scan only": first_scan_only(jpeg(progressive=True)),
    "png of half its rows": png(120, 120, b"".join(b"\0" + row.tobytes() for row in IMAGE[:60, :, 0])),
    "deflate tiff": zeroed(encode(IMAGE, "TIFF", compression="tiff_adobe_deflate")),
    "deflate tiff of half its rows": encode(IMAGE, "TIFF"),
    "jpeg in tiff": zeroed(encode(IMAGE, "TIFF", compression="jpeg")),
}


def half_deflate_tiff() -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, IMAGE, compression="zlib", photometric="rgb", metadata=None)
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        offset = file.pages[0].dataoffsets[0]
    packed = zlib.compress(IMAGE[:60].tobytes(), 9)
    data[offset : offset + len(packed)] = packed
    return bytes(data)


DAMAGED["deflate tiff of half its rows"] = half_deflate_tiff()


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_reported(name: str) -> None:
    with pytest.raises(ImageError) as caught:
        open_image(DAMAGED[name])
    assert caught.value.code in DAMAGE


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"restart_marker_rows": 2}, {"subsampling": 0}, {"subsampling": 1}, {"quality": 5}],
)
def test_sound_jpegs_are_read_as_by_pillow(options: dict[str, object]) -> None:
    for image in (IMAGE, IMAGE[..., 0]):
        data = encode(image, "JPEG", **options)
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        opened = open_image(data)
        np.testing.assert_array_equal(opened.pixels, expected)
        assert opened.notices == ()


def test_padding_and_unknown_versions_are_no_damage() -> None:
    sound = jpeg()
    expected = open_image(sound).pixels
    padded = sound[:-2] + bytes(37) + sound[-2:]
    version = sound.replace(b"JFIF\0\1\1", b"JFIF\0\7\7")
    trailing = sound + b"camera data" * 9
    for data in (padded, version, trailing):
        np.testing.assert_array_equal(open_image(data).pixels, expected)


def split_jpeg(data: bytes) -> dict[int, bytes]:
    """Return the segments of a baseline JPEG of one channel by their marker; the last is its scan with the data."""
    segments, place = {}, 2
    while data[place + 1] != 0xDA:
        length = int.from_bytes(data[place + 2 : place + 4], "big") + 2
        segments[data[place + 1]] = segments.get(data[place + 1], b"") + data[place : place + length]
        place += length
    segments[0xDA] = data[place:-2]
    return segments


def jpeg_without_named_subsampling() -> bytes:
    """Return a sound JPEG whose colours have a third of the width: one scan per channel, written as grey JPEGs."""
    width, height = 72, 40
    channels = [np.asarray(channel) for channel in Image.fromarray(IMAGE[:height, :width]).convert("YCbCr").split()]
    parts = [split_jpeg(encode(c if i == 0 else c[:, ::3], "JPEG", quality=90)) for i, c in enumerate(channels)]
    sampling = (0x31, 0x11, 0x11)
    components = b"".join(bytes((number + 1, sampling[number], 0)) for number in range(3))
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + components
    scans = b"".join(part[0xDA][:5] + bytes((number + 1,)) + part[0xDA][6:] for number, part in enumerate(parts))
    return b"\xff\xd8" + parts[0][0xE0] + parts[0][0xDB] + frame + parts[0][0xC4] + scans + b"\xff\xd9"


def test_a_jpeg_whose_subsampling_has_no_name_is_read_with_a_notice_that_it_was_not_checked() -> None:
    data = jpeg_without_named_subsampling()
    opened = open_image(data)
    np.testing.assert_array_equal(opened.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    assert np.abs(opened.pixels[..., 1].astype(int) - IMAGE[:40, :72, 1]).mean() < 20
    assert len(opened.notices) == 1
    with raises(ImageError, ErrorCode.TRUNCATED):
        open_image(data[: len(data) // 2])


def test_jpeg_of_12_bits_or_without_loss_is_unsupported_not_damaged() -> None:
    data = bytearray(jpeg())
    place = data.index(b"\xff\xc0")
    twelve, lossless = bytearray(data), bytearray(data)
    twelve[place + 4] = 12
    lossless[place + 1] = 0xC3
    for changed in (twelve, lossless):
        with raises(ImageError, ErrorCode.UNSUPPORTED_ENCODING):
            open_image(bytes(changed))


@pytest.mark.parametrize("dtype", [np.uint64, np.float64, np.uint32, np.float16])
def test_tiff_of_unusual_numbers_is_unsupported_not_damaged(dtype: type) -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, IMAGE[..., 0].astype(dtype))
    with raises(ImageError, ErrorCode.UNSUPPORTED_ENCODING):
        open_image(buffer.getvalue())


def test_channels_that_are_not_marked_as_colours_are_read_with_a_notice() -> None:
    for planar, array in (("separate", np.moveaxis(IMAGE, -1, 0)), ("contig", IMAGE)):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, array, photometric="minisblack", planarconfig=planar)
        opened = open_image(buffer.getvalue())
        np.testing.assert_array_equal(opened.pixels, IMAGE)
        assert len(opened.notices) == 1


@pytest.mark.parametrize("format", ["BMP", "TIFF"])
@pytest.mark.parametrize("blank", [0, 255])
def test_a_blank_band_is_a_notice(format: str, blank: int) -> None:
    damaged = IMAGE.copy()
    damaged[50:70] = blank
    opened = open_image(encode(damaged, format))
    assert any("blank" in notice and "51 to 70" in notice for notice in opened.notices)
    np.testing.assert_array_equal(opened.pixels, damaged)


def test_plain_backgrounds_and_single_colours_are_no_blank_bands() -> None:
    overexposed = np.full((120, 120, 3), 255, np.uint8)
    overexposed[50:80, 50:80] = IMAGE[:30, :30]
    for image in (overexposed, np.full((50, 60, 3), 200, np.uint8), IMAGE):
        assert open_image(encode(image)).notices == ()


def test_a_huge_tile_is_refused_by_its_header() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((64, 64), np.uint8), tile=(64, 64), metadata=None)
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        offsets = [file.pages[0].tags[number].valueoffset for number in (322, 323)]
        dtypes = [int(file.pages[0].tags[number].dtype) for number in (322, 323)]
    for offset, dtype in zip(offsets, dtypes, strict=True):
        data[offset : offset + (2 if dtype == 3 else 4)] = struct.pack("<H" if dtype == 3 else "<L", 20_000)
    with raises(ImageError, ErrorCode.TOO_LARGE):
        open_image(bytes(data))


def test_checking_a_jpeg_takes_at_most_a_third_longer_than_pillow_alone() -> None:
    field = np.tile(texture(5, 200), (10, 10, 1))
    data = encode(field, "JPEG", quality=90)
    ours, pillows = [], []
    for _ in range(5):
        start = time.process_time()
        np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        pillows.append(time.process_time() - start)
        start = time.process_time()
        open_image(data)
        ours.append(time.process_time() - start)
    assert min(ours) <= 1.3 * min(pillows) + 0.02
