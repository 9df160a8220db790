"""Segment images: one, many one after the other, or many in the background."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from wbcseg.api.inputs import ArrayInput, ImageSource, build_input
from wbcseg.api.models import DEFAULT_MODEL, load_model
from wbcseg.api.result import Result
from wbcseg.celltypes import PriorName, load_type_model
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ConfigError, WbcsegError
from wbcseg.inference import Segmenter
from wbcseg.io import PageChoice
from wbcseg.pipeline import (
    AnalysisEditor,
    Batch,
    LastImageCache,
    PipelineConfig,
    analyze,
    analyze_pixels,
    collect_inputs,
    screen_mask,
)
from wbcseg.quality import load_quality_model

Refinement = Literal["crf"]
"""What can refine the result of any model."""

REFINEMENTS: Final = ("crf",)
"""The names of :data:`Refinement`."""


def segment(
    image: ImageSource,
    model: str | Segmenter = DEFAULT_MODEL,
    *,
    second_model: str | Segmenter | None = None,
    tta: bool = False,
    mask: ImageSource | None = None,
    page: PageChoice = None,
    types: bool = False,
    prior: PriorName | None = None,
    refine: Refinement | None = None,
) -> Result:
    """Segment the white blood cells in an image.

    An image with one large cell in the middle counts as a crop, any other as a field of view with any number of cells.

    Args:
        image: Path, content of a file (PNG, JPEG, BMP, TIFF, WebP or HEIC), or pixels: ``uint8[H, W, 3]`` RGB or
            ``uint8[H, W]`` grey.
        model: Name of a model (see :func:`wbcseg.list_models`), or a loaded one.
        second_model: A second opinion: cells on which this model disagrees are flagged for review.
        tta: Whether to use test-time averaging: slightly more accurate, 8 times slower.
        mask: Expert mask to compare with: a file, or class ids ``uint8[H, W]``.
        page: Page of a TIFF file with several, from 0; ``"rgb"`` for three pages as red, green and blue; ``None`` for
            what the file declares, else its first page.
        types: Whether to say what each cell is.
        prior: How common the types are taken to be: ``none`` (all equally), ``adult`` (an adult's usual shares) or
            ``sample`` (estimated from the cells of the image); by default as the type model's card says.
        refine: ``"crf"`` lets a conditional random field refine the model's result: pixels that are close and of
            similar colour agree on their class (:mod:`wbcseg.models.pixels.crf`).

    Returns:
        The result.

    Raises:
        ImageError: If the image cannot be read.
        MaskError: If the mask cannot be read.
        ModelError: If there is no such model.

    Example:
        >>> import wbcseg
        >>> from wbcseg.datasets import open_dataset
        >>> image = open_dataset("synthetic").read("synthetic/001").image
        >>> result = wbcseg.segment(image)
        >>> result.labels.shape == image.shape[:2]
        True
        >>> [cell] = result.cells
        >>> cell.quality.status in ("ok", "unfamiliar", "review", "out_of_range")
        True
        >>> 0 < cell.features["nucleus_to_cell"] < 1
        True
    """
    return segment_input(
        build_input(image, mask),
        model,
        second_model=second_model,
        tta=tta,
        page=page,
        types=types,
        prior=prior,
        refine=refine,
    )


def segment_many(
    images: str | os.PathLike[str] | Iterable[ImageSource],
    model: str | Segmenter = DEFAULT_MODEL,
    *,
    second_model: str | Segmenter | None = None,
    tta: bool = False,
    page: PageChoice = None,
    types: bool = False,
    prior: PriorName | None = None,
    refine: Refinement | None = None,
    on_error: Callable[[str, WbcsegError], None] | None = None,
) -> Iterator[Result]:
    """Segment many images, one after the other.

    Args:
        images: A folder (with sub-folders) or zip, whose masks are paired with images by name; or images, as in
            :func:`segment`. One image at a time is in memory.
        model: Name of a model, or a loaded one.
        second_model: A second opinion, as in :func:`segment`.
        tta: Whether to use test-time averaging.
        page: Page of a TIFF file with several, from 0; ``"rgb"`` for three pages as red, green and blue; ``None`` for
            what the file declares, else its first page.
        types: Whether to say what each cell is, as in :func:`segment`.
        prior: How common the types are taken to be, as in :func:`segment`; an image is a sample.
        refine: As in :func:`segment`.
        on_error: Called with the name of an image that failed and the error; without it, the error is raised.

    Yields:
        A result for each image that could be segmented.

    Example:
        >>> import numpy as np
        >>> import wbcseg
        >>> blank = np.full((60, 60, 3), 230, np.uint8)
        >>> failed = []
        >>> results = wbcseg.segment_many(
        ...     [blank, b"not an image"], on_error=lambda name, error: failed.append((name, str(error.code)))
        ... )
        >>> [len(result.cells) for result in results], failed
        ([0], [('image 2', 'unsupported_format')])
    """
    segmenter = _load(model, refine)
    second_segmenter = None if second_model is None else _load(second_model)
    for input_image in _iter_inputs(images):
        try:
            yield segment_input(
                input_image, segmenter, second_model=second_segmenter, tta=tta, page=page, types=types, prior=prior
            )
        except WbcsegError as error:
            if on_error is None:
                raise
            on_error(input_image.name, error)


def start_batch(
    images: str | os.PathLike[str] | Iterable[ImageSource | InputImage],
    model: str | Segmenter = DEFAULT_MODEL,
    *,
    second_model: str | Segmenter | None = None,
    tta: bool = False,
    page: PageChoice = None,
    types: bool = False,
    prior: PriorName | None = None,
    refine: Refinement | None = None,
    previous: Batch | None = None,
    idle_timeout: float | None = None,
) -> Batch:
    """Segment many images in the background, as the page Batch does, and return at once.

    Args:
        images: As in :func:`segment_many`, or input images of the pipeline.
        model: Name of a model, or a loaded one.
        second_model: A second opinion, as in :func:`segment`.
        tta: Whether to use test-time averaging.
        page: Page of a TIFF file with several, from 0; ``"rgb"`` for three pages as red, green and blue; ``None`` for
            what the file declares, else its first page.
        types: Whether to say what each cell is, as in :func:`segment`.
        prior: How common the types are taken to be, as in :func:`segment`.
        refine: As in :func:`segment`.
        previous: A batch with the same models and options, whose results are reused.
        idle_timeout: Seconds after the last :meth:`wbcseg.api.Batch.record_heartbeat` at which the work pauses; by
            default, it never does.

    Returns:
        The batch, started: its ``progress``, its results so far without pixels (``get_results()``), ``cancel()``.

    Raises:
        ModelError: If there is no such model, or it cannot be used.

    Example:
        >>> import numpy as np
        >>> import wbcseg
        >>> batch = wbcseg.start_batch([np.full((60, 60, 3), 230, np.uint8), b"not an image"])
        >>> batch.join()
        >>> batch.progress.done, [result.problem and str(result.problem.code) for result in batch.get_results()]
        (2, [None, 'unsupported_format'])
    """
    config = _build_config(_load(model, refine), second_model, tta=tta, page=page, types=types, prior=prior)
    batch = Batch(tuple(_iter_inputs(images)), config, previous=previous, idle_timeout=idle_timeout)
    batch.start()
    return batch


def segment_input(
    input_image: InputImage,
    model: str | Segmenter,
    *,
    second_model: str | Segmenter | None = None,
    tta: bool = False,
    page: PageChoice = None,
    types: bool = False,
    prior: PriorName | None = None,
    refine: Refinement | None = None,
    cache: LastImageCache | None = None,
) -> Result:
    """Segment an input image of the pipeline, as the command ``segment`` does.

    Args:
        input_image: The image and its mask.
        model: Name of a model, or a loaded one.
        second_model: A second opinion, as in :func:`segment`.
        tta: Whether to use test-time averaging.
        page: Page of a TIFF file with several, from 0; ``"rgb"`` for three pages as red, green and blue; ``None`` for
            what the file declares, else its first page.
        types: Whether to say what each cell is, as in :func:`segment`.
        prior: How common the types are taken to be, as in :func:`segment`.
        refine: As in :func:`segment`.
        cache: Keeps the last image read.

    Raises:
        WbcsegError: If it cannot be read or segmented.
    """
    config = _build_config(_load(model, refine), second_model, tta=tta, page=page, types=types, prior=prior)
    cache = cache or LastImageCache()
    if isinstance(input_image, ArrayInput):
        mask, mask_problem = screen_mask(input_image, input_image.pixels, input_image.mask_labels)
        analysis = analyze_pixels(input_image, input_image.pixels, mask, config, cache)
        analysis = replace(analysis, mask_problem=mask_problem)
    else:
        analysis = analyze(input_image, config, cache)
    return Result(analysis, AnalysisEditor(analysis, config))


def _load(model: str | Segmenter, refine: Refinement | None = None) -> Segmenter:
    check_refinement(refine)
    segmenter = load_model(model) if isinstance(model, str) else model
    return segmenter if refine is None else segmenter.with_crf()


def check_refinement(name: str | None) -> None:
    """Check the name of a refinement.

    Raises:
        ConfigError: If there is none of that name.
    """
    if name is not None and name not in REFINEMENTS:
        raise ConfigError(f"Argument `refine` must be one of {', '.join(REFINEMENTS)}. Received: {name!r}")


def _build_config(
    model: str | Segmenter,
    second_model: str | Segmenter | None,
    *,
    tta: bool,
    page: PageChoice,
    types: bool,
    prior: PriorName | None,
) -> PipelineConfig:
    segmenter = _load(model)
    return PipelineConfig(
        segmenter,
        load_quality_model(segmenter.card),
        None if second_model is None else _load(second_model),
        tta,
        page,
        segmenter.card.training_digests,
        load_type_model() if types else None,
        prior,
    )


def _iter_inputs(images: str | os.PathLike[str] | Iterable[ImageSource | InputImage]) -> Iterator[InputImage]:
    if isinstance(images, str | os.PathLike):
        yield from collect_inputs([Path(images)])
        return
    for number, image in enumerate(images, start=1):
        yield image if isinstance(image, InputImage) else build_input(image, None, f"image {number}")
