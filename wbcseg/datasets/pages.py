"""Which page of a file with several pages is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ErrorCode, ImageError, WbcsegError
from wbcseg.io import PageChoice, format_display_name
from wbcseg.io.formats.header import Header
from wbcseg.io.images import read_file_header

TIFF_SUFFIXES: Final = (".tif", ".tiff")
MAX_HEADERS_READ: Final = 200
"""Maximum number of TIFF files whose number of pages is read."""


def read_page_headers(input_images: Sequence[InputImage]) -> dict[str, Header]:
    """Return the headers of the TIFF files that have several pages, by the key of the image."""
    headers: dict[str, Header] = {}
    tiffs = [
        input_image
        for input_image in input_images
        if not input_image.problem and PurePosixPath(input_image.name).suffix.lower() in TIFF_SUFFIXES
    ]
    for input_image in tiffs[:MAX_HEADERS_READ]:
        try:
            header = read_file_header(input_image.load(), name=input_image.name)
        except WbcsegError:
            # Reported when the image is processed.
            continue
        if header.page_count > 1:
            headers[input_image.key] = header
    return headers


def list_page_choices(header: Header) -> list[PageChoice]:
    """Return what can be read from a file with several pages, the default first; ``None`` if it must be chosen."""
    pages: list[PageChoice] = [*range(header.page_count)]
    if header.channel_pages == "no":
        return pages
    return ["rgb", *pages] if header.channel_pages == "declared" else [None, "rgb", *pages]


def format_page_choice(choice: PageChoice) -> str:
    """Return a page for people."""
    if choice is None:
        return "Choose…"
    return "Pages 1 to 3 as red, green and blue" if choice == "rgb" else f"Page {choice + 1}"


def resolve_page(data: bytes, input_image: InputImage, page: PageChoice) -> PageChoice:
    """Return the page to read: that of the image, else the requested one if the file has several pages.

    Raises:
        ImageError: If the file is not an image, or has several pages but not that one.
    """
    header = read_file_header(data, name=input_image.name)
    if header.format != "TIFF" or header.page_count == 1:
        return None
    page = page if input_image.page is None else input_image.page
    if page == "rgb" and header.channel_pages == "no":
        return None
    if isinstance(page, int) and page >= header.page_count:
        reason = f"Page {page + 1} was requested, but the file has {header.page_count}."
        raise ImageError(
            f"Image {format_display_name(input_image.name)} could not be read. {reason}",
            file=input_image.name,
            reason=reason,
            code=ErrorCode.NO_SUCH_PAGE,
        )
    return page
