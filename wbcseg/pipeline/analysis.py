"""An analysed image in memory, and the result that is kept of it.

The result reads the pixels again from the input when something is drawn or exported.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets import Sample
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import Problem
from wbcseg.inference import DetectedCell, Segmentation
from wbcseg.io import PageChoice, encode_png, open_image, open_mask
from wbcseg.labels import Labels
from wbcseg.pipeline.edits import Edit
from wbcseg.pipeline.image_result import ImageResult, LastImageCache
from wbcseg.pipeline.thumbnails import render_thumbnail
from wbcseg.pipeline.tiles import render_tile
from wbcseg.results import CellResult, Pixels
from wbcseg.visualization import Box


@dataclass(frozen=True, eq=False)
class Analysis:
    """An image in memory with its segmentation and its cells.

    Attributes:
        input_image: Where its pixels are read from again later.
        image: ``uint8[H, W, 3]``, RGB.
        segmentation: Labels and probabilities, as the model predicted them.
        cells: Its cells, with pixels in memory. A crop has one, without features if no cell was found.
        notices: Sentences on how the image was read.
        mask: The expert mask, ``uint8[H, W]`` of class ids, or ``None``.
        mask_problem: Why the expert mask was not used, or ``None``.
        second_labels: Class ids by the model that gives a second opinion, ``uint8[H, W]``, or ``None``.
        edits: The corrections in force, in order.
        measured_cells: The cells as they were measured, without what depends on others; see
            :func:`wbcseg.pipeline.analyze_cells`.
        page: Page of the file that the image is, from 0.
        cache: Keeps the last image read.
    """

    input_image: InputImage
    image: NDArray[np.uint8] = field(repr=False)
    segmentation: Segmentation
    cells: tuple[CellResult, ...]
    notices: tuple[str, ...] = ()
    mask: Labels | None = field(default=None, repr=False)
    mask_problem: Problem | None = None
    second_labels: Labels | None = field(default=None, repr=False)
    edits: tuple[Edit, ...] = ()
    measured_cells: MutableMapping[DetectedCell, CellResult] = field(default_factory=WeakKeyDictionary, repr=False)
    page: PageChoice = None
    pixel_size: float | None = None
    cache: LastImageCache = field(default_factory=LastImageCache, repr=False)

    @property
    def is_field_of_view(self) -> bool:
        """Whether the image counts as a field of view."""
        return self.segmentation.is_field_of_view

    def build_result(self) -> ImageResult:
        """Return the result without pixels, to keep those of many images: they are read again when needed."""
        input_image, page, cache = self.input_image, self.page, self.cache
        key = f"{input_image.key} page {page}"

        def load_pixels() -> NDArray[np.uint8]:
            return cache.get(key, lambda: open_image(input_image.load(), name=input_image.name, page=page).pixels)

        # Put it into the cache, so that it need not be read again.
        cache.get(key, lambda: self.image)
        thumbnails = [render_thumbnail(self.image, self.segmentation.labels)] if self.is_field_of_view else []
        reloadable, masks, tiles = [], [], []
        for cell in self.cells:
            crop, labels = cell.load()
            mask_part = (_get_crop_box(cell, labels), encode_png(labels))
            thumbnails.append(render_thumbnail(crop, labels))
            masks.append(mask_part)
            tiles.append(render_tile(self.image, cell))
            reloadable.append(replace(cell, load=_build_loader(load_pixels, *mask_part)))
        return ImageResult(
            input_image,
            (self.image.shape[0], self.image.shape[1]),
            self.is_field_of_view,
            tuple(reloadable),
            tuple(thumbnails),
            mask_problem=self.mask_problem,
            notices=self.notices,
            page=page,
            pixel_size=self.pixel_size,
            model=self.segmentation.model,
            load=lambda: _assemble(load_pixels(), masks),
            digest=compute_image_digest(self.image, self.mask),
            edits=self.edits,
            tiles=tuple(tiles),
        )


def compute_image_digest(image: NDArray[np.uint8], mask: Labels | None) -> str:
    """Return the digest of an image and its expert mask; see :meth:`wbcseg.datasets.Sample.compute_digest`.

    Args:
        image: ``uint8[H, W, 3]``.
        mask: ``uint8[H, W]`` of class ids, or ``None``.
    """
    return Sample("upload/image", image, mask).compute_digest()


def _get_crop_box(cell: CellResult, labels: Labels) -> Box:
    """Return left, top, right and bottom of a cell's crop in its image."""
    left, top = cell.offset or (0, 0)
    return left, top, left + labels.shape[1], top + labels.shape[0]


def _get_slices(box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = box
    return slice(top, bottom), slice(left, right)


def _build_loader(load_pixels: Callable[[], NDArray[np.uint8]], box: Box, png: bytes) -> Callable[[], Pixels]:
    return lambda: (load_pixels()[_get_slices(box)], open_mask(png))


def _assemble(image: NDArray[np.uint8], parts: Sequence[tuple[Box, bytes]]) -> Pixels:
    labels = np.zeros(image.shape[:2], np.uint8)
    for box, png in parts:
        region = labels[_get_slices(box)]
        np.maximum(region, open_mask(png), out=region)
    return image, labels
