"""Kinds of images beyond plain RGB: phones, 16 bits, channels as pages, large cameras, pixel sizes."""

from __future__ import annotations

import io
import math

import numpy as np
import pillow_heif
import pytest
import tifffile
from builders import encode, exif, texture
from expect import raises
from PIL import Image

from wbcseg.errors import ErrorCode, ImageError, MaskError
from wbcseg.io import decode as decode_module
from wbcseg.io import encode_png, limits, open_image, open_mask, read_size

IMAGE = texture(4, 90)[:, :80]
HOT = 65535


def heic(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(image)).save(buffer, quality=95)
    return buffer.getvalue()


def write_tiff(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **{"photometric": "minisblack", **options})
    return buffer.getvalue()


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"method": 0, "quality": 90}])
def test_webp_is_read_without_its_metadata(options: dict[str, object]) -> None:
    data = encode(IMAGE, "WEBP", exif=exif(6), **options)
    opened = open_image(data)
    assert (opened.format, opened.orientation) == ("WebP", 6)
    assert opened.pixels.shape == (80, 90, 3) == (*read_size(data), 3)
    assert np.abs(opened.pixels.astype(int) - np.rot90(IMAGE, -1)).mean() < 8
    if options.get("lossless"):
        np.testing.assert_array_equal(opened.pixels, np.rot90(IMAGE, -1))


def test_heic_is_read() -> None:
    data = heic(IMAGE)
    opened = open_image(data, name="IMG_0001.HEIC")
    assert opened.format == "HEIC"
    assert opened.pixels.shape == (90, 80, 3) == (*read_size(data), 3)
    assert np.abs(opened.pixels.astype(int) - IMAGE).mean() < 12


@pytest.mark.parametrize("data", [encode(IMAGE, "WEBP"), heic(IMAGE)])
def test_a_cut_phone_image_is_rejected(data: bytes) -> None:
    for length in range(12, len(data) - 2, 97):
        with pytest.raises(ImageError):
            open_image(data[:length])


def test_lossy_phone_formats_are_no_masks_and_lossless_webp_is() -> None:
    labels = (IMAGE[..., 0] > 150).astype(np.uint8)
    for data in (encode(labels * 255, "WEBP", "RGB"), heic(np.dstack([labels * 255] * 3))):
        with raises(MaskError, ErrorCode.MASK_FORMAT):
            open_mask(data)
    np.testing.assert_array_equal(open_mask(encode(labels * 255, "WEBP", "RGB", lossless=True)), labels * 2)


@pytest.mark.parametrize("top", [1023, 4095, 16383, 60000])
@pytest.mark.parametrize("channels", [1, 3])
def test_hot_and_dead_pixels_change_nothing_else(top: int, channels: int) -> None:
    values = (IMAGE / 255 * top).astype(np.uint16)
    values = values[..., 0] if channels == 1 else values
    options = {} if channels == 1 else {"photometric": "rgb"}
    clean = open_image(write_tiff(values, **options)).pixels.astype(int)
    spoiled = values.copy()
    spoiled[10, 20] = spoiled[50, 60] = HOT
    spoiled[:, 33] = 0
    opened = open_image(write_tiff(spoiled, **options)).pixels.astype(int)
    keep = np.ones(clean.shape[:2], bool)
    keep[10, 20] = keep[50, 60] = keep[:, 33] = False
    assert np.abs(opened - clean)[keep].max() <= 2


@pytest.mark.parametrize(("black", "width"), [(33_000, 3_800), (1_500, 850), (200, 400), (50_000, 9_000)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_narrow_range_is_stretched_and_said(black: int, width: int, channels: int) -> None:
    values = (black + IMAGE / 255.0 * width).astype(np.uint16)
    values = values[..., 0] if channels == 1 else values
    opened = open_image(write_tiff(values, **({} if channels == 1 else {"photometric": "rgb"})))
    assert opened.pixels.min() == 0
    assert opened.pixels.max() == 255
    (notice,) = opened.notices
    low, high = (int(part) for part in notice.partition("(")[2].partition(")")[0].split("–"))
    assert black <= low < high <= black + width


def test_an_empty_16_bit_field_is_not_stretched_to_its_noise() -> None:
    noise = np.random.default_rng(0).normal(40_000, 30, (90, 80)).astype(np.uint16)
    assert open_image(write_tiff(noise)).pixels.std() < 25


@pytest.mark.parametrize(
    "options", [{"imagej": True, "metadata": {"axes": "CYX"}}, {"ome": True, "metadata": {"axes": "CYX"}}]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_declared_channel_pages_become_one_colour_image(options: dict[str, object], dtype: type) -> None:
    values = np.moveaxis(IMAGE.astype(dtype) * (1 if dtype is np.uint8 else 257), -1, 0)
    opened = open_image(write_tiff(values, **options))
    assert np.abs(opened.pixels.astype(int) - IMAGE).max() <= 1
    assert any("3 pages" in notice for notice in opened.notices)
    second = open_image(write_tiff(values, **options), page=1).pixels
    assert (second[..., 0] == second[..., 1]).all()


def test_three_plain_grey_pages_are_asked_about() -> None:
    data = write_tiff(np.moveaxis(IMAGE, -1, 0), metadata=None)
    with raises(ImageError, ErrorCode.CHANNELS_AS_PAGES, match="3 channels as pages"):
        open_image(data)
    np.testing.assert_array_equal(open_image(data, page="rgb").pixels, IMAGE)
    np.testing.assert_array_equal(open_image(data, page=2).pixels[..., 0], IMAGE[..., 2])
    with raises(ImageError, ErrorCode.NO_SUCH_PAGE):
        open_image(encode(IMAGE), page="rgb")


def test_fluorescence_channels_and_stacks_are_not_combined() -> None:
    pages = np.moveaxis(IMAGE, -1, 0)
    channels = write_tiff(pages, ome=True, metadata={"axes": "CYX", "Channel": {"Name": ["DAPI", "FITC", "TRITC"]}})
    with raises(ImageError, ErrorCode.CHANNELS_AS_PAGES):
        open_image(channels)
    stack = open_image(write_tiff(pages, imagej=True, metadata={"axes": "ZYX"}))
    np.testing.assert_array_equal(stack.pixels[..., 0], pages[0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"imagej": True, "resolution": (1 / 0.065, 1 / 0.065), "metadata": {"unit": "um"}}, 0.065),
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm"}}, 0.1),
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 250.0, "PhysicalSizeXUnit": "nm"}}, 0.25),
        ({"resolution": (100_000, 100_000), "resolutionunit": 3, "metadata": None}, 0.1),
        ({"resolution": (300, 300), "resolutionunit": 2, "metadata": None}, None),
        ({"metadata": None}, None),
    ],
)
def test_the_pixel_size_that_a_tiff_states_is_offered(options: dict[str, object], expected: float | None) -> None:
    pixel_size = open_image(write_tiff(IMAGE[..., 0], **options)).pixel_size
    assert pixel_size is None if expected is None else math.isclose(pixel_size or 0, expected, rel_tol=1e-3)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("size", [(90, 80), (89, 79)])
def test_images_above_the_limit_are_shrunk_with_their_masks(
    monkeypatch: pytest.MonkeyPatch, format: str, size: tuple[int, int]
) -> None:
    monkeypatch.setattr("wbcseg.io.formats.header.MAX_PIXELS", 5_000)
    image = IMAGE[: size[0], : size[1]]
    data = encode(image, format)
    opened = open_image(data)
    assert opened.pixels.shape == (45, 40, 3) == (*read_size(data), 3)
    assert any("hrunk" in notice for notice in opened.notices)
    means = image[:88, :78].reshape(44, 2, 39, 2, 3).mean((1, 3))
    assert np.abs(opened.pixels[:44, :39] - means).mean() < (12 if format == "JPEG" else 1)
    assert open_mask(encode_png((image[..., 0] > 99).astype(np.uint8))).shape == (45, 40)
    monkeypatch.setattr(decode_module, "get_free_memory", lambda: 1000)
    with raises(ImageError, ErrorCode.OUT_OF_MEMORY):
        open_image(data)


@pytest.mark.parametrize(("width", "height"), [(5712, 4284), (6016, 4016), (6048, 4032), (6240, 4160), (5776, 4336)])
def test_usual_cameras_are_within_the_limit(width: int, height: int) -> None:
    assert width * height <= limits.MAX_PIXELS
