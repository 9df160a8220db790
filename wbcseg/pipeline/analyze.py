"""Segment one image, and measure and assess its cells.

An :class:`Analysis` has the pixels in memory; the result that is kept for many images reads them again from the input
when something is drawn or exported.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets import Sample
from wbcseg.datasets.uploads import InputImage, resolve_page
from wbcseg.errors import DatasetError, ErrorCode, MaskError, Problem, WbcsegError
from wbcseg.inference import DetectedCell, Segmentation
from wbcseg.io import encode_png, format_display_name, open_image, open_mask, open_pair
from wbcseg.io.images import OpenedImage
from wbcseg.labels import CYTOPLASM, NUCLEUS, Labels
from wbcseg.pipeline.cells import analyze_cells
from wbcseg.pipeline.edits import CellSegmenter, Edit
from wbcseg.pipeline.image_result import ImageResult, LastImageCache, get_crop_box
from wbcseg.pipeline.thumbnails import render_thumbnail
from wbcseg.quality import QualityModel
from wbcseg.results import CellResult, Pixels
from wbcseg.visualization import Box

TRAINED_ON_NOTICE: Final = "was trained on this image, so its Dice is optimistic."
"""A notice, after the name of the model."""

NO_CYTOPLASM_NOTICE: Final = (
    "The expert mask has no cytoplasm: its white, or highest grey, counts as nucleus. If it shows the whole cell, the "
    "Dice of nucleus and cytoplasm is meaningless."
)
_log = logging.getLogger(__name__)


class Model(CellSegmenter, Protocol):
    """Anything that segments, such as :class:`wbcseg.inference.Segmenter`."""

    def predict(self, image: NDArray[np.uint8], *, tta: bool = False) -> Segmentation:
        """Segment an image, ``uint8[H, W, 3]``."""


@dataclass(frozen=True, eq=False)
class PipelineConfig:
    """The models and options of an analysis.

    Attributes:
        model: The model that segments.
        quality_model: Assesses the results; see :func:`wbcseg.quality.load_quality_model`.
        second_model: A second opinion: cells on which it disagrees are flagged for review.
        tta: Whether to use test-time averaging; see :meth:`wbcseg.inference.Segmenter.predict`.
        page: Page of TIFF files with several, from 0.
        training_digests: Digests of the images with masks that the model was trained on, whose Dice is marked.
    """

    model: Model
    quality_model: QualityModel | None = None
    second_model: Model | None = None
    tta: bool = False
    page: int = 0
    training_digests: frozenset[str] = frozenset()


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
    page: int = 0
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
        reloadable, masks = [], []
        for cell in self.cells:
            crop, labels = cell.load()
            mask_part = (get_crop_box(cell, labels), encode_png(labels))
            thumbnails.append(render_thumbnail(crop, labels))
            masks.append(mask_part)
            reloadable.append(replace(cell, load=_build_loader(load_pixels, *mask_part)))
        return ImageResult(
            input_image,
            (self.image.shape[0], self.image.shape[1]),
            self.is_field_of_view,
            tuple(reloadable),
            tuple(thumbnails),
            mask_problem=self.mask_problem,
            notices=self.notices,
            boxes=tuple(box for box, _ in masks),
            page=page,
            model=self.segmentation.model,
            load=lambda: _assemble(load_pixels(), masks),
            digest=_compute_digest(self.image, self.mask) if self.is_field_of_view else "",
            edits=self.edits,
        )


def analyze_image(input_image: InputImage, pipeline_config: PipelineConfig, cache: LastImageCache) -> ImageResult:
    """Segment and measure an image. Whatever goes wrong is the result's problem; nothing is raised.

    Args:
        input_image: The image.
        pipeline_config: The models and options.
        cache: Keeps the last image read.
    """
    try:
        return analyze(input_image, pipeline_config, cache).build_result()
    except Exception as error:
        return ImageResult(input_image, problem=describe_failure(input_image, error))


def describe_failure(input_image: InputImage, error: Exception) -> Problem:
    """Return why an image could not be analysed; errors that are bugs are logged."""
    if input_image.problem is not None:
        return input_image.problem
    if isinstance(error, WbcsegError):
        return error.to_problem()
    if isinstance(error, MemoryError):
        return Problem(
            f"There was not enough memory for {format_display_name(input_image.name)}.",
            input_image.name,
            "There was not enough memory for it.",
            ErrorCode.OUT_OF_MEMORY,
            "Crop or shrink it.",
        )
    # Only the type of the error: its text may quote a file name.
    _log.error("An image could not be segmented: %s", type(error).__name__)
    message = "This image could not be segmented because of an internal error."
    return Problem(message, input_image.name, message, ErrorCode.INTERNAL)


def analyze(input_image: InputImage, pipeline_config: PipelineConfig, cache: LastImageCache) -> Analysis:
    """Read, segment and measure an image.

    Args:
        input_image: The image.
        pipeline_config: The models and options.
        cache: Keeps the last image read.

    Raises:
        WbcsegError: If it cannot be read or segmented.
    """
    if (problem := input_image.problem) is not None:
        raise DatasetError(
            problem.message, file=problem.file, reason=problem.reason, code=problem.code, hint=problem.hint
        )
    data = input_image.load()
    page = resolve_page(data, input_image.name, pipeline_config.page)
    opened, mask, mask_problem = _open_with_mask(input_image, data, page)
    del data
    notices = (*input_image.notices, *opened.notices)
    analysis = analyze_pixels(input_image, opened.pixels, mask, pipeline_config, cache, page=page, notices=notices)
    return replace(analysis, mask_problem=mask_problem)


def analyze_pixels(
    input_image: InputImage,
    image: NDArray[np.uint8],
    mask: Labels | None,
    pipeline_config: PipelineConfig,
    cache: LastImageCache,
    *,
    page: int = 0,
    notices: Sequence[str] = (),
) -> Analysis:
    """Segment and measure an image that is in memory.

    Args:
        input_image: Where its pixels are read from again later.
        image: ``uint8[H, W, 3]``, RGB.
        mask: Expert mask, ``uint8[H, W]`` of class ids, or ``None``.
        pipeline_config: The models and options.
        cache: Keeps the last image read.
        page: Page of the file that the image is, from 0.
        notices: Sentences on how the image was read.

    Raises:
        WbcsegError: If it cannot be segmented.
    """
    model, second_model, tta = pipeline_config.model, pipeline_config.second_model, pipeline_config.tta
    segmentation = model.predict(image, tta=tta)
    second_labels = second_model.predict(image, tta=tta).labels if second_model else None
    digests = pipeline_config.training_digests
    seen_in_training = mask is not None and bool(digests) and _compute_digest(image, mask) in digests
    measured_cells: MutableMapping[DetectedCell, CellResult] = WeakKeyDictionary()
    cells = analyze_cells(
        input_image.name,
        image,
        segmentation,
        mask=mask,
        quality_model=pipeline_config.quality_model,
        second_labels=second_labels,
        known=measured_cells,
    )
    return Analysis(
        input_image,
        image,
        segmentation,
        tuple(replace(cell, seen_in_training=seen_in_training) for cell in cells),
        (*notices, *_list_mask_notices(mask, segmentation.model if seen_in_training else "")),
        mask=mask,
        second_labels=second_labels,
        measured_cells=measured_cells,
        page=page,
        cache=cache,
    )


def _compute_digest(image: NDArray[np.uint8], mask: Labels | None) -> str:
    return Sample("upload/image", image, mask).compute_digest()


def _list_mask_notices(mask: Labels | None, trained_model: str) -> Iterator[str]:
    """Yield what to know about an expert mask before trusting the overlap with it.

    Args:
        mask: The mask, or ``None``.
        trained_model: Name of the model if it was trained on the image and this mask, else empty.
    """
    if mask is None:
        return
    if trained_model:
        yield f"{trained_model} {TRAINED_ON_NOTICE}"
    if lacks_cytoplasm(mask):
        yield NO_CYTOPLASM_NOTICE


def lacks_cytoplasm(mask: Labels) -> bool:
    """Return whether a mask, ``uint8[H, W]`` of class ids, has a nucleus but no cytoplasm."""
    return not (mask == CYTOPLASM.id).any() and bool((mask == NUCLEUS.id).any())


def open_input(input_image: InputImage, page: int = 0) -> tuple[OpenedImage, Labels | None, Problem | None]:
    """Open an image and its mask; a mask that cannot be used does not prevent using the image.

    Args:
        input_image: The image.
        page: Page of a TIFF file with several, from 0.

    Returns:
        The image; the mask, ``uint8[H, W]`` of class ids, or ``None``; and why a mask was not used, or ``None``.

    Raises:
        ImageError: If the image cannot be read.
    """
    return _open_with_mask(input_image, input_image.load(), page)


def _open_with_mask(
    input_image: InputImage, data: bytes, page: int
) -> tuple[OpenedImage, Labels | None, Problem | None]:
    if input_image.load_mask is None:
        return open_image(data, name=input_image.name, page=page), None, None
    try:
        mask_data = input_image.load_mask()
    except WbcsegError as error:
        message = f"Mask {format_display_name(input_image.mask_name)} could not be read. {error.message}"
        problem = replace(error.to_problem(), message=message, file=input_image.mask_name)
        return open_image(data, name=input_image.name, page=page), None, problem
    try:
        image, mask = open_pair(
            data, mask_data, image_name=input_image.name, mask_name=input_image.mask_name, page=page
        )
    except (MaskError, DatasetError) as error:
        return open_image(data, name=input_image.name, page=page), None, error.to_problem()
    return image, mask, None


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
