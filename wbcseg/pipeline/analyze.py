"""Segment one image, and measure and assess its cells."""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltypes import PriorName, TypeModel
from wbcseg.datasets.pages import resolve_page
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import DatasetError, ErrorCode, ImageError, MaskError, Problem, WbcsegError
from wbcseg.inference import CellSegmenter, DetectedCell, Segmentation
from wbcseg.io import PageChoice, check_mask, format_display_name, open_image, open_pair
from wbcseg.io.images import OpenedImage
from wbcseg.io.mask_meaning import holds_mask_codes
from wbcseg.labels import Labels
from wbcseg.pipeline.analysis import Analysis, compute_image_digest
from wbcseg.pipeline.cells import analyze_cells
from wbcseg.pipeline.image_result import ImageResult, LastImageCache
from wbcseg.quality import QualityModel
from wbcseg.results import CellResult
from wbcseg.turns import WorkCancelledError

TRAINED_ON_NOTICE: Final = "was trained on this image, so its Dice is optimistic."
"""A notice, after the name of the model."""

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
        page: Page of files with several; a choice of the input image has precedence.
        type_model: Says what each cell is; see :func:`wbcseg.celltypes.load_type_model`. Without it, cells have no
            type.
        prior: How common the types are taken to be, one of :data:`wbcseg.celltypes.PRIORS`; by default as the type
            model's card says.
        training_digests: Digests of the images with masks that the model was trained on, whose Dice is marked.
    """

    model: Model
    quality_model: QualityModel | None = None
    second_model: Model | None = None
    tta: bool = False
    page: PageChoice = None
    training_digests: frozenset[str] = frozenset()
    type_model: TypeModel | None = None
    prior: PriorName | None = None


def analyze_image(input_image: InputImage, pipeline_config: PipelineConfig, cache: LastImageCache) -> ImageResult:
    """Segment and measure an image. Whatever goes wrong is the result's problem.

    Args:
        input_image: The image.
        pipeline_config: The models and options.
        cache: Keeps the last image read.

    Raises:
        WorkCancelledError: If the work is no longer wanted; see :mod:`wbcseg.turns`.
    """
    try:
        return analyze(input_image, pipeline_config, cache).build_result()
    except WorkCancelledError:
        raise
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
    if input_image.problem is not None:
        raise DatasetError.from_problem(input_image.problem)
    data = input_image.load()
    page = resolve_page(data, input_image, pipeline_config.page)
    opened, mask, mask_problem = _open_with_mask(input_image, data, page)
    del data
    notices = (*input_image.notices, *opened.notices)
    analysis = analyze_pixels(input_image, opened.pixels, mask, pipeline_config, cache, page=page, notices=notices)
    return replace(analysis, mask_problem=mask_problem, pixel_size=opened.pixel_size)


def analyze_pixels(
    input_image: InputImage,
    image: NDArray[np.uint8],
    mask: Labels | None,
    pipeline_config: PipelineConfig,
    cache: LastImageCache,
    *,
    page: PageChoice = None,
    notices: Sequence[str] = (),
) -> Analysis:
    """Segment and measure an image that is in memory.

    Args:
        input_image: Where its pixels are read from again later.
        image: ``uint8[H, W, 3]``, RGB.
        mask: Expert mask, ``uint8[H, W]`` of class ids, or ``None``.
        pipeline_config: The models and options.
        cache: Keeps the last image read.
        page: Page of the file that the image is.
        notices: Sentences on how the image was read.

    Raises:
        WbcsegError: If it cannot be segmented.
    """
    model, second_model, tta = pipeline_config.model, pipeline_config.second_model, pipeline_config.tta
    segmentation = model.predict(image, tta=tta)
    second_labels = second_model.predict(image, tta=tta).labels if second_model else None
    digests = pipeline_config.training_digests
    seen_in_training = mask is not None and bool(digests) and compute_image_digest(image, mask) in digests
    measured_cells: MutableMapping[DetectedCell, CellResult] = WeakKeyDictionary()
    cells = analyze_cells(
        input_image.name,
        image,
        segmentation,
        mask=mask,
        quality_model=pipeline_config.quality_model,
        second_labels=second_labels,
        known=measured_cells,
        type_model=pipeline_config.type_model,
        prior=pipeline_config.prior,
    )
    return Analysis(
        input_image,
        image,
        segmentation,
        tuple(replace(cell, seen_in_training=seen_in_training) for cell in cells),
        (
            *notices,
            *segmentation.notices,
            *list_mask_notices(image, mask, segmentation.model if seen_in_training else ""),
        ),
        mask=mask,
        second_labels=second_labels,
        measured_cells=measured_cells,
        page=page,
        cache=cache,
    )


def list_mask_notices(image: NDArray[np.uint8], mask: Labels | None, trained_model: str = "") -> Iterator[str]:
    """Yield what to know about an expert mask before trusting the overlap with it.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        mask: The mask, ``uint8[H, W]`` of class ids, or ``None``.
        trained_model: Name of the model if it was trained on the image and this mask, else empty.
    """
    if mask is None:
        return
    if trained_model:
        yield f"{trained_model} {TRAINED_ON_NOTICE}"
    if (issue := check_mask(mask, image)) is not None and not issue.is_wrong:
        yield str(issue)


def open_input(input_image: InputImage, page: PageChoice = None) -> tuple[OpenedImage, Labels | None, Problem | None]:
    """Open an image and its mask; a mask that cannot be used does not prevent using the image.

    Args:
        input_image: The image.
        page: Page of a TIFF file with several.

    Returns:
        The image; the mask, ``uint8[H, W]`` of class ids, or ``None``; and why a mask was not used, or ``None``: it
        cannot be read, or its classes seem to mean something else (see :mod:`wbcseg.io.mask_meaning`).

    Raises:
        ImageError: If the image cannot be read.
    """
    return _open_with_mask(input_image, input_image.load(), page)


def _open_with_mask(
    input_image: InputImage, data: bytes, page: PageChoice
) -> tuple[OpenedImage, Labels | None, Problem | None]:
    if input_image.load_mask is None:
        return _open_image(input_image, data, page), None, None
    try:
        mask_data = input_image.load_mask()
    except WbcsegError as error:
        message = f"Mask {format_display_name(input_image.mask_name)} could not be read. {error.message}"
        problem = replace(error.to_problem(), message=message, file=input_image.mask_name)
        return _open_image(input_image, data, page), None, problem
    correction = input_image.mask_correction
    try:
        image, mask = open_pair(
            data,
            mask_data,
            image_name=input_image.name,
            mask_name=input_image.mask_name,
            page=page,
            correction=correction,
        )
    except (MaskError, DatasetError) as error:
        return _open_image(input_image, data, page), None, error.to_problem()
    return image, *screen_mask(input_image, image.pixels, mask)


def screen_mask(
    input_image: InputImage, image: NDArray[np.uint8], mask: Labels | None
) -> tuple[Labels | None, Problem | None]:
    """Return a mask and no problem; or no mask, if its classes seem to mean something else, and the problem.

    Args:
        input_image: The input, which may hold a correction: then someone has checked the mask.
        image: ``uint8[H, W, 3]``, RGB.
        mask: ``uint8[H, W]`` of class ids, or ``None``.
    """
    issue = check_mask(mask, image) if mask is not None and input_image.mask_correction is None else None
    if issue is None or not issue.is_wrong:
        return mask, None
    return None, issue.to_problem(input_image.mask_name or "mask")


def _open_image(input_image: InputImage, data: bytes, page: PageChoice) -> OpenedImage:
    """Open an image without a mask of its own; ask about one that looks like a mask."""
    image = open_image(data, name=input_image.name, page=page)
    if not input_image.mask_name and holds_mask_codes(image.pixels):
        reason = "It looks like a mask: it holds only the values of one, such as 0, 128 and 255."
        raise ImageError(
            f"Image {format_display_name(input_image.name)} was not segmented. {reason}",
            file=input_image.name,
            reason=reason,
            code=ErrorCode.LOOKS_LIKE_MASK,
            hint="If it is the mask of an image, give it that image's name with _mask at the end.",
        )
    return image
