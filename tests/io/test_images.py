"""Opening images: formats, conversions, limits, rejections."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from builders import TINY, chunk, directory, draw_cell, encode, exif, grey_page, png, tag, tiff
from expect import raises
from PIL import Image

from wbcseg.errors import ErrorCode, ImageError
from wbcseg.io import MAX_BYTES, MAX_SHRUNK_PIXELS, encode_png, open_image, open_mask, read_size

CELL, LABELS = draw_cell()
PACKED = zlib.compress(bytes(20_000_000), 1)


def jpeg_bomb() -> bytes:
    data = bytearray(encode(CELL, "JPEG"))
    size = data.index(b"\xff\xc0") + 5
    data[size : size + 4] = struct.pack(">HH", 65500, 65500)
    return bytes(data)


def bmp(width: int, height: int, bits: int = 24, compression: int = 0, rest: bytes = b"") -> bytes:
    return b"BM" + bytes(8) + struct.pack("<LLllHHLLllLL", 54, 40, width, height, 1, bits, compression, *[0] * 5) + rest


# Files within the size limit that would take minutes or gigabytes if they were read naively.
ENDLESS: dict[str, Callable[[], bytes]] = {
    "png of chunks": lambda: png(2, 2, TINY)[:33] + chunk(b"abCd", b"") * 2_000_000,
    "png of text": lambda: png(2, 2, TINY, before=[(b"tEXt", b"key\0" + b"x" * 50_000_000)]),
    "png of packed text": lambda: png(2, 2, TINY, before=[(b"zTXt", b"k\0\0" + PACKED)] * 100, after=[(b"iTXt", b"k")]),
    "png with a huge profile": lambda: png(2, 2, TINY, before=[(b"iCCP", b"p\0\0" + PACKED)]),
    "png of frames": lambda: png(2, 2, TINY, before=[(b"acTL", struct.pack(">LL", 2**31 - 1, 0))]),
    "jpeg of filling": lambda: b"\xff\xd8" + b"\xff" * 70_000_000,
    "jpeg of comments": lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 10_000_000,
    "jpeg of scans": lambda: encode(CELL, "JPEG", progressive=True)[:-2] + b"\xff\xda\0\2" * 1_000_000 + b"\xff\xd9",
    "tiff of pages": lambda: tiff(b"".join(directory(grey_page(), 24 + 102 * n) for n in range(1, 20_000))),
    "tiff in a circle": lambda: tiff(directory(grey_page(), 24)),
    "tiff of pages of tags": lambda: tiff(
        b"".join(directory(grey_page() + [tag(9000, 3, 1, 0)] * 480, 24 + 5862 * n) for n in range(1, 999))
        + directory(grey_page())
    ),
    "tiff of tags": lambda: tiff(struct.pack("<H", 65535) + tag(256, 3, 1, 4) * 65535),
    "bigtiff of tags": lambda: b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**60) + bytes(1000),
    "tiff of strips": lambda: tiff(
        directory([*grey_page()[:5], tag(273, 4, 9_000_000, 200), tag(278, 4, 1, 1), tag(279, 4, 9_000_000, 200)])
        + bytes(36_000_000)
    ),
    "tiff of large tags": lambda: tiff(
        directory([*grey_page(), *(tag(number, 4, 12_000_000, 200) for number in (320, 332, 347, 529, 530, 532))])
        + bytes(48_000_200)
    ),
}


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_come_back_pixel_for_pixel(format: str) -> None:
    opened = open_image(encode(CELL, format))
    assert opened.format == format
    assert opened.notices == ()
    assert opened.pixels.dtype == np.uint8
    assert opened.pixels.flags.c_contiguous
    assert opened.pixels.flags.writeable
    np.testing.assert_array_equal(opened.pixels, CELL)


def test_jpeg_comes_back_nearly_the_same() -> None:
    opened = open_image(encode(CELL, "JPEG", quality=95, subsampling=0))
    assert opened.format == "JPEG"
    assert np.abs(opened.pixels.astype(int) - CELL).mean() < 3


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "TIFF"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (17, 31)])
def test_odd_sizes_are_kept(format: str, size: tuple[int, int]) -> None:
    opened = open_image(encode(np.full((*size, 3), 200, np.uint8), format))
    assert opened.pixels.shape == (*size, 3)
    assert read_size(encode(np.full((*size, 3), 200, np.uint8), format)) == size


def test_field_of_view_of_4000_by_3000_is_read() -> None:
    assert open_image(encode(np.zeros((3000, 4000), np.uint8), "PNG")).pixels.shape == (3000, 4000, 3)
    assert MAX_BYTES > 4000 * 3000 * 6


def test_empty_file_is_rejected_with_its_name() -> None:
    with raises(ImageError, ErrorCode.EMPTY, match=r"smear\.png") as caught:
        open_image(b"", name="smear.png")
    assert caught.value.file == "smear.png"
    assert "smear" not in (caught.value.to_problem().text_without_names or "smear")


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", {"compression": "packbits"}),
    ],
)
def test_truncated_file_is_rejected_or_read_whole(format: str, options: dict[str, object]) -> None:
    data = encode(CELL, format, **options)
    whole = open_image(data).pixels
    accepted = 0
    for length in range(0, len(data), 1 if len(data) < 1500 else 7):
        try:
            pixels = open_image(data[:length]).pixels
        except ImageError:
            continue
        accepted += 1
        np.testing.assert_array_equal(pixels, whole)
    # Only padding at the very end (BMP rows, a TIFF's last pointer) may be missing.
    assert accepted <= 4


def test_damaged_png_is_rejected_by_its_checksum() -> None:
    data = bytearray(encode(CELL))
    data[data.index(b"IDAT") + 60] ^= 1
    with raises(ImageError, ErrorCode.DAMAGED, match="IDAT"):
        open_image(bytes(data))


def test_format_is_detected_from_content_not_name() -> None:
    assert open_image(encode(CELL, "TIFF"), name="cell.png").format == "TIFF"
    assert open_image(encode(CELL, "JPEG"), name="cell.bmp").format == "JPEG"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(30), "PostScript"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"GIF89a" + bytes(30), "GIF"),
        (b"RIFF\0\0\0\0WAVE", "RIFF"),
        (b"\0\0\0\x18ftypavif", "AVIF"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04" + bytes(30), "zip"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"hello", "text"),
        (bytes(50), "something else"),
    ],
)
def test_other_formats_are_rejected_and_named(data: bytes, words: str) -> None:
    with raises(ImageError, ErrorCode.UNSUPPORTED_FORMAT, match=words):
        open_image(data, name="cell.png")


@pytest.mark.parametrize(
    "data",
    [
        png(60_000, 60_000, b""),
        jpeg_bomb(),
        bmp(2**31 - 1, 2**31 - 1),
        bmp(30_000, -30_000),
        tiff(directory(grey_page(100_000, 100_000))),
        png(MAX_SHRUNK_PIXELS, 1, b""),
        png(MAX_SHRUNK_PIXELS // 4000 + 1, 4000, b""),
    ],
)
def test_pixel_bomb_is_rejected_by_its_header(data: bytes) -> None:
    for read in (open_image, read_size):
        start = time.process_time()
        with raises(ImageError, ErrorCode.TOO_LARGE, match=r"\d+×\d+ pixels"):
            read(data, name="bomb")
        assert time.process_time() - start < 2


@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured with the resource module")
def test_pixel_bomb_needs_less_than_100_mb(tmp_path: Path) -> None:
    bombs = [png(60_000, 60_000, b""), jpeg_bomb(), bmp(2**31 - 1, 2**31 - 1), tiff(directory(grey_page(10**5, 10**5)))]
    bombs += [ENDLESS[name]() for name in ("png of packed text", "png with a huge profile", "jpeg of comments")]
    for number, bomb in enumerate(bombs):
        (tmp_path / f"{number}.png").write_bytes(bomb)
    script = """
import resource, sys
from pathlib import Path
from wbcseg.errors import ImageError
from wbcseg.io import open_image
files = [Path(name).read_bytes() for name in sys.argv[1:]]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in files:
    try:
        open_image(data)
    except ImageError:
        pass
growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(growth // (1024 * 1024 if sys.platform == "darwin" else 1024))
"""
    command = [sys.executable, "-c", script, *map(str, sorted(tmp_path.iterdir()))]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert int(result.stdout) < 100


@pytest.mark.parametrize("name", ENDLESS)
def test_malicious_files_are_handled_within_two_seconds(name: str) -> None:
    data = ENDLESS[name]()
    start = time.process_time()
    try:
        assert open_image(data).pixels.size
    except ImageError as error:
        assert error.reason  # noqa: PT017
    assert time.process_time() - start < 2


def test_first_frame_of_an_animation_is_used_with_a_notice() -> None:
    frames = [Image.fromarray(np.full((8, 9, 3), value, np.uint8)) for value in (50, 100, 150)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    opened = open_image(buffer.getvalue())
    assert (opened.pixels == 50).all()
    assert opened.notices == ("The first of 3 images in the file is used.",)
    with raises(ImageError, ErrorCode.NO_SUCH_PAGE, match="Page 2"):
        open_image(buffer.getvalue(), page=1)


def test_requested_page_of_a_tiff_is_used() -> None:
    frames = [Image.fromarray(np.full((8 + n, 9, 3), 50 * n, np.uint8)) for n in range(3)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:], compression="tiff_lzw")
    for page in range(3):
        opened = open_image(buffer.getvalue(), page=page)
        assert opened.pixels.shape == (8 + page, 9, 3)
        assert (opened.pixels == 50 * page).all()
        assert opened.notices == (f"Page {page + 1} of 3 is used.",)
    for page in (3, -1):
        with raises(ImageError, ErrorCode.NO_SUCH_PAGE):
            open_image(buffer.getvalue(), page=page)


@pytest.mark.parametrize(
    ("top", "said"), [(255, 255), (1023, 1023), (4095, 4095), (16383, 16383), (65535, 65535), (2300, 4095)]
)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_by_its_range(format: str, top: int, said: int) -> None:
    values = np.linspace(0, top, 600).astype(np.uint16).reshape(20, 30)
    opened = open_image(encode(values, format))
    np.testing.assert_array_equal(opened.pixels[:, :, 1], np.floor(values / said * 255 + 0.5).astype(np.uint8))
    assert opened.notices == (f"Scaled from 16-bit grey (0–{said}) to 8 bits.",)


def test_big_endian_16_bit_grey_is_the_same() -> None:
    values = np.arange(600, dtype=np.uint16).reshape(20, 30) * 109
    little = encode(values, "TIFF")
    tags = {256: 30, 257: 20, 258: 16, 259: 1, 262: 1, 273: 8, 278: 20, 279: 1200}
    entries = b"".join(struct.pack(">HHLL", number, 4, 1, value) for number, value in tags.items())
    big = b"MM\0*" + struct.pack(">L", 1208) + values.astype(">u2").tobytes() + struct.pack(">H", 8) + entries
    np.testing.assert_array_equal(open_image(big).pixels, open_image(little).pixels)


def rgb_16(values: np.ndarray) -> bytes:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(values.shape[1], values.shape[0], rows, depth=16, color=2)


def test_16_bit_colour_keeps_its_range() -> None:
    values = np.random.default_rng(1).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    opened = open_image(rgb_16(values))
    np.testing.assert_array_equal(opened.pixels, np.round(values / 257))
    assert opened.notices == ("Scaled from 16 bits per channel (0–65535) to 8.",)


def test_16_bit_colour_of_a_12_bit_camera_is_scaled_by_its_range() -> None:
    values = np.random.default_rng(1).integers(0, 4096, (20, 30, 3)).astype(np.uint16)
    opened = open_image(rgb_16(values))
    np.testing.assert_array_equal(opened.pixels, np.floor(values / 4095 * 255 + 0.5))
    assert opened.notices == ("Scaled from 16 bits per channel (0–4095) to 8.",)


@pytest.mark.parametrize(
    ("dtype", "words"), [(np.float32, "floating-point"), (np.int32, "signed or 32-bit"), (np.int16, "signed or 32-bit")]
)
def test_pixels_without_a_fixed_range_are_rejected(dtype: type, words: str) -> None:
    values = np.arange(16, dtype=dtype)
    kind = {np.float32: 3, np.int32: 2, np.int16: 2}[dtype]
    page = grey_page(t258=values.itemsize * 8, t279=values.nbytes, t339=kind)
    with raises(ImageError, ErrorCode.UNSUPPORTED_ENCODING, match=words):
        open_image(tiff(directory(page), values.tobytes()))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colour_in_planes_is_read(dtype: type, byteorder: str, bigtiff: bool, compression: str | None) -> None:
    values = CELL.astype(dtype) * (1 if dtype is np.uint8 else 257)
    buffer = io.BytesIO()
    options = {"bigtiff": bigtiff, "byteorder": byteorder, "compression": compression}
    tifffile.imwrite(buffer, np.moveaxis(values, -1, 0), photometric="rgb", planarconfig="separate", **options)
    np.testing.assert_array_equal(open_image(buffer.getvalue()).pixels, CELL)


def cell_dice(pixels: np.ndarray) -> float:
    """Return the Dice of a dark-cell threshold with the test cell."""
    is_cell = pixels.astype(int).sum(2) < 590
    truth = LABELS > 0
    return 2 * (is_cell & truth).sum() / (is_cell.sum() + truth.sum())


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        ("RGB", "PNG"),
        ("L", "PNG"),
        ("L", "JPEG"),
        ("LA", "PNG"),
        ("RGBA", "PNG"),
        ("RGBA", "TIFF"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("YCbCr", "TIFF"),
        ("YCbCr", "JPEG"),
        ("P", "PNG"),
        ("P", "BMP"),
        ("P", "TIFF"),
        ("PA", "TIFF"),
    ],
)
def test_every_mode_shows_the_same_cell(mode: str, format: str) -> None:
    image = Image.fromarray(CELL)
    image = image.quantize(64) if mode in ("P", "PA") else image.convert(mode)
    image = image.convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, format)
    opened = open_image(buffer.getvalue())
    assert opened.pixels.shape == CELL.shape
    assert cell_dice(opened.pixels) > 0.98
    assert any("CMYK" in notice for notice in opened.notices) == (mode == "CMYK")


def test_one_bit_becomes_black_and_white() -> None:
    opened = open_image(encode(LABELS > 0, "PNG"))
    np.testing.assert_array_equal(opened.pixels[:, :, 0], np.where(LABELS > 0, 255, 0))


def test_lab_is_rejected() -> None:
    buffer = io.BytesIO()
    Image.new("LAB", (4, 4)).save(buffer, "TIFF")
    with raises(ImageError, ErrorCode.UNSUPPORTED_ENCODING, match="Lab"):
        open_image(buffer.getvalue())


def test_transparency_is_shown_on_white() -> None:
    rgba = np.dstack([CELL, np.full(LABELS.shape, 255, np.uint8)])
    rgba[:5, :, 3] = 0
    rgba[5, :, 3] = 51
    opened = open_image(encode(rgba))
    assert opened.notices == ("Transparent parts shown on white.",)
    assert (opened.pixels[:5] == 255).all()
    np.testing.assert_allclose(opened.pixels[5], CELL[5] * 0.2 + 255 * 0.8, atol=1)
    np.testing.assert_array_equal(opened.pixels[6:], CELL[6:])


def test_palette_with_a_transparent_colour_is_shown_on_white() -> None:
    image = Image.fromarray((LABELS > 0).astype(np.uint8), "L").convert("P")
    image.putpalette([10, 20, 30, 200, 0, 0])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=1)
    pixels = open_image(buffer.getvalue()).pixels
    assert (pixels[LABELS > 0] == 255).all()
    assert (pixels[LABELS == 0] == (10, 20, 30)).all()


def test_transparency_that_hides_everything_is_ignored() -> None:
    opened = open_image(encode(np.dstack([CELL, np.zeros(LABELS.shape, np.uint8)])))
    np.testing.assert_array_equal(opened.pixels, CELL)
    assert opened.notices == ("Transparency ignored: it would hide the whole image.",)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG"])
def test_exif_orientation_is_applied_as_by_pillow(format: str, orientation: int) -> None:
    from PIL import ImageOps

    data = encode(CELL, format, exif=exif(orientation))
    reference = Image.open(io.BytesIO(data))
    reference.load()
    expected = np.asarray(ImageOps.exif_transpose(reference))
    opened = open_image(data)
    assert opened.orientation == orientation
    assert bool(opened.notices) == (orientation != 1)
    assert read_size(data) == opened.pixels.shape[:2] == ((30, 24) if orientation > 4 else (24, 30))
    np.testing.assert_array_equal(opened.pixels, expected)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_invalid_orientation_is_ignored(value: int) -> None:
    assert open_image(encode(CELL, exif=exif(value))).orientation == 1


def test_damaged_exif_is_ignored() -> None:
    data = png(2, 2, TINY, before=[(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff\xff")])
    assert open_image(data).pixels.shape == (2, 2, 3)


def test_file_with_too_many_bytes_is_rejected() -> None:
    with raises(ImageError, ErrorCode.TOO_LARGE, match="80 MB"):
        open_image(bytes(MAX_BYTES + 1))


def test_bmp_with_run_length_compression_is_rejected() -> None:
    with raises(ImageError, ErrorCode.UNSUPPORTED_ENCODING, match="run-length"):
        open_image(bmp(4, 4, 8, 1, bytes(2000)))


@pytest.mark.parametrize("code", [4, 34925, 50000, 50001])
def test_tiff_with_unsupported_compression_is_rejected(code: int) -> None:
    with raises(ImageError, ErrorCode.UNSUPPORTED_ENCODING, match=f"compression {code}"):
        open_image(tiff(directory(grey_page(t259=code))))


def test_encode_png_writes_no_metadata() -> None:
    opened = open_image(encode(CELL, "JPEG", exif=exif(6), comment=b"Jane Doe"))
    data = encode_png(opened.pixels)
    kinds = []
    position = 8
    while position < len(data):
        (length,) = struct.unpack(">L", data[position : position + 4])
        kinds.append(data[position + 4 : position + 8])
        position += 12 + length
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}
    assert b"Doe" not in data
    np.testing.assert_array_equal(open_image(data).pixels, opened.pixels)


def test_encode_png_keeps_grey_grey() -> None:
    data = encode_png(LABELS * 100)
    assert data[25] == 0
    np.testing.assert_array_equal(open_mask(encode_png(LABELS)), LABELS)


@pytest.mark.parametrize("array", [np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2)), np.zeros((0, 2), np.uint8)])
def test_encode_png_rejects_other_arrays(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="Received: "):
        encode_png(array)


def test_read_size_of_a_file_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "cell.bin"
    path.write_bytes(encode(CELL, "JPEG"))
    assert read_size(path) == (24, 30)
    path.write_bytes(b"")
    with raises(ImageError, ErrorCode.EMPTY):
        read_size(path)
    with raises(ImageError, ErrorCode.UNREADABLE):
        read_size(tmp_path / "gone")


def test_messages_show_hostile_names_as_short_printable_text() -> None:
    with pytest.raises(ImageError) as caught:
        open_image(b"", name="a\0b\n<b>" + "x" * 300)
    text = str(caught.value)
    assert "\0" not in text
    assert "\n" not in text
    assert "<b>" in text
    assert len(text) < 150
