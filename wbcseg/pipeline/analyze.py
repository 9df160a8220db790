"""What came of one picture: its figures, a small picture to show, and its labels as PNG.

Pixels are not kept: they are read again from what the reader brought when something is to be drawn or saved.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets import Sample
from wbcseg.datasets.uploads import InputImage, resolve_page
from wbcseg.errors import DatasetError, ErrorCode, MaskError, Problem, WbcsegError
from wbcseg.inference import Segmentation, is_field_of_view
from wbcseg.io import encode_png, format_display_name, open_image, open_mask, open_pair
from wbcseg.io.images import OpenedImage
from wbcseg.labels import CYTOPLASM, NUCLEUS, Labels
from wbcseg.pipeline.cells import analyze_cells
from wbcseg.pipeline.thumbnails import render_thumbnail
from wbcseg.quality import QualityModel
from wbcseg.results import CellResult, Pixels
from wbcseg.visualization import Box

TRAINED_ON_NOTICE: Final = "was trained on this picture: its Dice flatters."
"""What is said of a model, after its name."""

NO_CYTOPLASM_NOTICE: Final = (
    "The expert's mask has no cytoplasm: its white, or highest grey, counts as nucleus. If it is of the whole cell, "
    "the overlap (Dice) of nucleus and cytoplasm says nothing."
)
_log = logging.getLogger(__name__)


class Model(Protocol):
    """What segments; see :class:`wbcseg.inference.Segmenter`."""

    def predict(self, image: NDArray[np.uint8], *, tta: bool = False) -> Segmentation:
        """Segment a picture, ``uint8[H, W, 3]``."""


@dataclass(frozen=True, eq=False)
class ImageResult:
    """What came of one item.

    Attributes:
        input_image: What was looked at.
        size: Height and width of the picture, or ``None`` where it could not be read.
        is_field_of_view: Whether it is a whole field of view, which may hold any number of cells.
        cells: Its cells. A crop has one, without figures where no cell was found.
        thumbnails: A small PNG with overlay for each finding; of a field, one of the whole before them.
        problem: Why there are no findings, in a plain sentence; else empty.
        mask_problem: Why the expert's mask was not used, though the picture was.
        notices: Plain sentences on how the picture was read.
        boxes: Left, top, right and bottom in pixels of each finding's crop; in a crop the whole of it.
        page: Which page of the file it is, from 0.
        model: Name of the model that looked at it.
        load: Returns the whole picture, ``uint8[H, W, 3]``, and its class ids, ``uint8[H, W]``, read anew.
    """

    input_image: InputImage
    size: tuple[int, int] | None = None
    is_field_of_view: bool = False
    cells: tuple[CellResult, ...] = ()
    thumbnails: tuple[bytes, ...] = field(default=(), repr=False)
    problem: Problem | None = None
    mask_problem: Problem | None = None
    notices: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    page: int = 0
    model: str = ""
    load: Callable[[], Pixels] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What the picture is called."""
        return self.input_image.name


class LastImageCache:
    """The picture that was read last, while somebody wants it kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._key = ""
        self._pixels: NDArray[np.uint8] | None = None

    @contextmanager
    def keep(self) -> Iterator[None]:
        """Keep pictures from now on, the last one only."""
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
        """Return a picture, ``uint8[H, W, 3]``: the one that is kept, if its key is the same, else the one read."""
        with self._lock:
            if self._pixels is not None and self._key == key:
                return self._pixels
            self._pixels = None
        pixels = read()
        with self._lock:
            if self._n_users:
                self._key, self._pixels = key, pixels
        return pixels


@dataclass(frozen=True, eq=False)
class PipelineConfig:
    """Who looks at pictures, and how.

    Attributes:
        model: What segments.
        quality_model: Says whether results look right; see :func:`wbcseg.quality.load_quality_model`.
        second_model: A second opinion: cells that it sees otherwise are to be checked.
        tta: See :meth:`wbcseg.inference.Segmenter.predict`.
        page: Which page of TIFF files with several, from 0.
        training_digests: Digests of the pictures with masks that the model was trained with; their Dice is marked.
    """

    model: Model
    quality_model: QualityModel | None = None
    second_model: Model | None = None
    tta: bool = False
    page: int = 0
    training_digests: frozenset[str] = frozenset()


def analyze_image(input_image: InputImage, pipeline_config: PipelineConfig, cache: LastImageCache) -> ImageResult:
    """Segment and measure a picture. Whatever goes wrong is its own problem; nothing is raised.

    Args:
        input_image: The picture.
        pipeline_config: Who looks at it.
        cache: Where the picture is kept that was read last.
    """
    if input_image.problem:
        return ImageResult(input_image, problem=input_image.problem)
    try:
        return _analyze(input_image, pipeline_config, cache)
    except WbcsegError as error:
        return ImageResult(input_image, problem=error.to_problem())
    except MemoryError:
        problem = Problem(
            f"There was not enough memory for {format_display_name(input_image.name)}.",
            input_image.name,
            "There was not enough memory for it.",
            ErrorCode.OUT_OF_MEMORY,
            "Crop or shrink it.",
        )
        return ImageResult(input_image, problem=problem)
    except Exception as error:
        # The kind of error and nothing else: its text may quote the name of a file.
        _log.error("A picture of a batch could not be segmented: %s", type(error).__name__)
        message = "This image could not be segmented because of an internal error."
        problem = Problem(message, input_image.name, message, ErrorCode.INTERNAL)
        return ImageResult(input_image, problem=problem)


def _analyze(input_image: InputImage, pipeline_config: PipelineConfig, cache: LastImageCache) -> ImageResult:
    data = input_image.load()
    page = resolve_page(data, input_image.name, pipeline_config.page)
    decoded, mask, mask_problem = _open_with_mask(input_image, data, page)
    del data
    image = decoded.pixels
    segmentation = pipeline_config.model.predict(image, tta=pipeline_config.tta)
    second_labels = (
        pipeline_config.second_model.predict(image, tta=pipeline_config.tta).labels
        if pipeline_config.second_model
        else None
    )
    in_field = is_field_of_view(image)
    seen_in_training = (
        mask is not None
        and bool(pipeline_config.training_digests)
        and _compute_digest(image, mask) in pipeline_config.training_digests
    )
    cells = analyze_cells(
        input_image.name,
        image,
        segmentation,
        mask=mask,
        quality_model=pipeline_config.quality_model,
        second_labels=second_labels,
    )

    key = f"{input_image.key} page {page}"

    def load_pixels() -> NDArray[np.uint8]:
        return cache.get(key, lambda: open_image(input_image.load(), name=input_image.name, page=page).pixels)

    # Whoever wants pictures kept need not read this one again.
    cache.get(key, lambda: image)
    reloadable, thumbnails, masks = [], [], []
    if in_field:
        thumbnails.append(render_thumbnail(image, segmentation.labels))
    for cell in cells:
        crop, labels = cell.load()
        mask_part = (_get_crop_box(cell, labels), encode_png(labels))
        thumbnails.append(render_thumbnail(crop, labels))
        masks.append(mask_part)
        reloadable.append(replace(cell, load=_build_loader(load_pixels, *mask_part), seen_in_training=seen_in_training))
    return ImageResult(
        input_image,
        (image.shape[0], image.shape[1]),
        in_field,
        tuple(reloadable),
        tuple(thumbnails),
        mask_problem=mask_problem,
        notices=(
            *input_image.notices,
            *decoded.notices,
            *_list_mask_notices(mask, segmentation.model if seen_in_training else ""),
        ),
        boxes=tuple(box for box, _ in masks),
        page=page,
        model=segmentation.model,
        load=lambda: _assemble(load_pixels(), masks),
    )


def _compute_digest(image: NDArray[np.uint8], mask: Labels) -> str:
    return Sample("brought/picture", image, mask).compute_digest()


def _list_mask_notices(mask: Labels | None, trained_model: str) -> Iterator[str]:
    """Yield what a reader should know of the expert's mask before trusting the overlap with it.

    Args:
        mask: The mask, if there is one.
        trained_model: Name of the model if it was trained on the picture and this mask, else empty.
    """
    if mask is None:
        return
    if trained_model:
        yield f"{trained_model} {TRAINED_ON_NOTICE}"
    if lacks_cytoplasm(mask):
        yield NO_CYTOPLASM_NOTICE


def lacks_cytoplasm(mask: Labels) -> bool:
    """Whether an expert's mask, ``uint8[H, W]`` of class ids, has a nucleus and no cytoplasm."""
    return not (mask == CYTOPLASM.id).any() and bool((mask == NUCLEUS.id).any())


def build_field_result(
    name: str, image: NDArray[np.uint8], labels: Labels, cell_results: Sequence[CellResult]
) -> ImageResult:
    """Return what came of a field of view that is in memory anyway.

    Args:
        name: What it is called.
        image: ``uint8[H, W, 3]``.
        labels: ``uint8[H, W]`` of class ids.
        cell_results: Its cells; their pixels too are in memory.
    """
    crops = [cell.load() for cell in cell_results]
    return ImageResult(
        InputImage(name, "", lambda: encode_png(image)),
        (image.shape[0], image.shape[1]),
        is_field_of_view=True,
        cells=tuple(cell_results),
        thumbnails=(render_thumbnail(image, labels), *(render_thumbnail(*crop) for crop in crops)),
        boxes=tuple(_get_crop_box(cell, crop[1]) for cell, crop in zip(cell_results, crops, strict=True)),
        load=lambda: (image, labels),
    )


def _get_crop_box(cell: CellResult, labels: Labels) -> Box:
    left, top = cell.offset or (0, 0)
    return left, top, left + labels.shape[1], top + labels.shape[0]


def open_input(input_image: InputImage, page: int = 0) -> tuple[OpenedImage, Labels | None, Problem | None]:
    """Open a picture and its mask; a mask that will not do is no reason to leave out the picture.

    Args:
        input_image: The picture.
        page: Which page of a TIFF file with several, from 0.

    Returns:
        The picture; the mask, ``uint8[H, W]`` of class ids, or ``None``; and why there is none although one came along.

    Raises:
        ImageError: If it is no picture, or not an acceptable one.
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
        problem = replace(
            error.to_problem(),
            message=f"Mask {format_display_name(input_image.mask_name)} could not be read. {error.message}",
            file=input_image.mask_name,
        )
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


def rename_result(result: ImageResult, input_image: InputImage) -> ImageResult:
    """Return what is known of a picture under the name that it has now."""
    return replace(
        result,
        input_image=input_image,
        cells=tuple(replace(cell, image_name=input_image.name) for cell in result.cells),
    )
