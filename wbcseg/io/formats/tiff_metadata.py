"""What the metadata of a TIFF say about its pixels: their size, their range, and whether its pages are channels.

Understood are ImageJ's and OME's description (tag 270) and the resolution of TIFF itself. Nothing here is applied
without asking, except that pages which the file declares as red, green and blue become one colour image.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from wbcseg.io.formats import tiff
from wbcseg.io.formats.header import ChannelPages

_MAX_DESCRIPTION_BYTES: Final = 1 << 20
PLAUSIBLE_PIXEL_SIZE: Final = (0.01, 3.0)
"""Smallest and largest pixel size in µm that a microscope's camera has; 72 or 300 dpi are no pixel size."""

_UNITS: Final = {
    "nm": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "\\u00b5m": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0,
    "mm": 1e3, "cm": 1e4, "centimeter": 1e4, "m": 1e6, "inch": 25_400.0, "inches": 25_400.0, "in": 25_400.0,
}  # fmt: skip
_RESOLUTION_UNITS: Final = {2: 25_400.0, 3: 10_000.0}
_COLORS: Final = ("red", "green", "blue")


@dataclass(frozen=True)
class TiffMetadata:
    """What the metadata of a TIFF say.

    Attributes:
        pixel_size: In µm, or ``None`` if the file does not state a plausible one.
        declared_range: Lowest and highest value that it uses, or ``None``.
        channel_pages: Whether its pages are the three channels of one image.
    """

    pixel_size: float | None
    declared_range: tuple[int, int] | None
    channel_pages: ChannelPages


def read_metadata(data_file: tiff.TiffFile) -> TiffMetadata:
    """Read the metadata of a TIFF from its first page."""
    text = data_file.get_bytes(tiff.DESCRIPTION, _MAX_DESCRIPTION_BYTES).decode("utf-8", "replace")
    is_imagej, is_ome = text.startswith("ImageJ="), "<OME" in text[:4096]
    fields = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)) if is_imagej else {}
    low, high = (data_file.get_integer(tag, -1) for tag in (tiff.MIN_SAMPLE_VALUE, tiff.MAX_SAMPLE_VALUE))
    declared_range = (low, high) if 0 <= low < high else None
    return TiffMetadata(
        _read_pixel_size(data_file, fields, text if is_ome else ""),
        _read_display_range(fields) or declared_range,
        _find_channel_pages(data_file, fields, text if is_ome else ""),
    )


def _read_pixel_size(data_file: tiff.TiffFile, fields: dict[str, str], ome: str) -> float | None:
    if ome:
        size = re.search(r'\bPhysicalSizeX="([0-9.eE+-]{1,30})"', ome)
        unit = re.search(r'\bPhysicalSizeXUnit="([^"]{1,20})"', ome)
        scale = _UNITS.get((unit[1] if unit else "µm").strip().lower())
        return _check_pixel_size((_as_float(size[1]) if size else 0.0) * (scale or 0.0))
    resolution = data_file.get_rational(tiff.X_RESOLUTION)
    scale = _UNITS.get(fields.get("unit", "").strip().lower())
    if scale is None and not fields.get("unit", "").strip():
        scale = _RESOLUTION_UNITS.get(data_file.get_integer(tiff.RESOLUTION_UNIT, 2))
    return _check_pixel_size(scale / resolution) if scale and resolution else None


def _check_pixel_size(size: float) -> float | None:
    return float(f"{size:.4g}") if PLAUSIBLE_PIXEL_SIZE[0] <= size <= PLAUSIBLE_PIXEL_SIZE[1] else None


def _read_display_range(fields: dict[str, str]) -> tuple[int, int] | None:
    low, high = (_as_float(fields.get(name, "")) for name in ("min", "max"))
    return (int(low), int(high)) if 0 <= low < high <= 0xFFFF else None


def _as_float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if abs(value) < 1e30 else 0.0


def _find_channel_pages(data_file: tiff.TiffFile, fields: dict[str, str], ome: str) -> ChannelPages:
    if data_file.page_count != 3 or not _are_pages_grey(data_file):
        return "no"
    if ome:
        sizes = {axis: re.search(rf'\bSize{axis}="(\d+)"', ome) for axis in "CZT"}
        if (count := sizes["C"]) and count[1] != "3":
            return "no"
        names = [name.lower() for name in re.findall(r'<Channel\b[^>]*?\bName="([^"]{1,80})"', ome)]
        is_color = not names or all(name.startswith(color) for name, color in zip(names, _COLORS, strict=False))
        return "declared" if count and is_color else "possible"
    if fields:
        if fields.get("channels", "").strip() == "3":
            return "declared"
        return "no" if {"slices", "frames"} & fields.keys() else "possible"
    return "possible"


def _are_pages_grey(data_file: tiff.TiffFile) -> bool:
    """Return whether the three pages have one channel each, and one size and depth."""
    pages = [tiff.read_tiff(data_file.data, page) for page in range(3)]
    tags = (tiff.WIDTH, tiff.HEIGHT, tiff.BITS_PER_SAMPLE, tiff.SAMPLE_FORMAT, tiff.PHOTOMETRIC)
    kinds = {tuple(page.get_integer(tag, 1) for tag in tags) for page in pages}
    return (
        len(kinds) == 1
        and all(page.get_integer(tiff.SAMPLES_PER_PIXEL, 1) == 1 for page in pages)
        and pages[0].get_integer(tiff.PHOTOMETRIC, 1) in (0, 1)
        and pages[0].get_integer(tiff.BITS_PER_SAMPLE, 1) in (8, 16)
    )
