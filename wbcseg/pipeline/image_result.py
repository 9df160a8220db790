"""The result of one image, without its pixels, and a cache of the last image that was read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import Problem
from wbcseg.io import PageChoice, encode_png
from wbcseg.labels import Labels
from wbcseg.pipeline.edits import Edit
from wbcseg.pipeline.thumbnails import render_thumbnail
from wbcseg.pipeline.tiles import Tile, render_tile
from wbcseg.quality import EMPTY_FIELD_REASON, REVIEW
from wbcseg.results import CellResult, Pixels


@dataclass(frozen=True, eq=False)
class ImageResult:
    """The result of one input image.

    Attributes:
        input_image: The input image.
        size: Height and width; ``None`` if it could not be read.
        is_field_of_view: Whether it is a field of view, which may hold any number of cells.
        cells: Its cells. A crop has one, without features if no cell was found.
        thumbnails: A small PNG with overlay for each cell; for a field of view, preceded by one of the whole.
        problem: Why there is no result, or ``None``.
        mask_problem: Why the expert mask was not used, or ``None``.
        notices: Sentences on how the image was read.
        page: Page of the file, from 0.
        model: Name of the model that segmented it.
        load: Returns the whole image and its class ids, read again from the input.
        digest: Digest of the content, mask included; see
            :meth:`wbcseg.datasets.Sample.compute_digest`.
        edits: The corrections in force, in order.
        tiles: Each cell in the middle of a square.
    """

    input_image: InputImage
    size: tuple[int, int] | None = None
    is_field_of_view: bool = False
    cells: tuple[CellResult, ...] = ()
    thumbnails: tuple[bytes, ...] = field(default=(), repr=False)
    problem: Problem | None = None
    mask_problem: Problem | None = None
    notices: tuple[str, ...] = ()
    page: PageChoice = None
    pixel_size: float | None = None
    model: str = ""
    load: Callable[[], Pixels] | None = field(default=None, repr=False)
    digest: str = ""
    edits: tuple[Edit, ...] = ()
    tiles: tuple[Tile, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """Name of the image."""
        return self.input_image.name

    @property
    def status(self) -> str:
        """Quality status of the image itself: :data:`REVIEW` if no cell was found in a field of view, else empty."""
        return REVIEW if self.is_field_of_view and not self.cells else ""

    @property
    def message(self) -> str:
        """The reason for this status, as sentences."""
        return EMPTY_FIELD_REASON if self.status else ""


class LastImageCache:
    """Keeps the image that was read last, while anyone wants it kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._key = ""
        self._pixels: NDArray[np.uint8] | None = None

    @contextmanager
    def keep(self) -> Iterator[None]:
        """Keep the last image within this context."""
        with self._lock:
            self._n_users += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_users -= 1
                if not self._n_users:
                    self._pixels = None

    def get(self, key: str, read: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Return an image, ``uint8[H, W, 3]``: the cached one if it has the same key, else the one read."""
        with self._lock:
            if self._pixels is not None and self._key == key:
                return self._pixels
            self._pixels = None
        pixels = read()
        with self._lock:
            if self._n_users:
                self._key, self._pixels = key, pixels
        return pixels


def build_field_result(
    name: str, image: NDArray[np.uint8], labels: Labels, cell_results: Sequence[CellResult]
) -> ImageResult:
    """Return the result of a field of view that is in memory.

    Args:
        name: Its name.
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
        cell_results: Its cells, with pixels in memory.
    """
    crops = [cell.load() for cell in cell_results]
    return ImageResult(
        InputImage(name, "", lambda: encode_png(image)),
        (image.shape[0], image.shape[1]),
        is_field_of_view=True,
        cells=tuple(cell_results),
        thumbnails=(render_thumbnail(image, labels), *(render_thumbnail(*crop) for crop in crops)),
        load=lambda: (image, labels),
        tiles=tuple(render_tile(image, cell) for cell in cell_results),
    )


def rename_result(result: ImageResult, input_image: InputImage) -> ImageResult:
    """Return the result of the same image under the name that it has now."""
    return replace(
        result,
        input_image=input_image,
        cells=tuple(replace(cell, image_name=input_image.name) for cell in result.cells),
    )
