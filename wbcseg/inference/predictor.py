"""A trained model that segments images of any size."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, ImageError, ModelError
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.inference.refine import REFINEMENT_WITH_SKIPS, REFINEMENT_WITHOUT_SKIPS
from wbcseg.inference.segmentation import BBox, DetectedCell, Segmentation, clip_bbox
from wbcseg.inference.tflite import MAX_THREADS, TFLiteModel
from wbcseg.inference.threshold_rule import detect_nuclei, segment_cell, segment_field_of_view
from wbcseg.inference.tta import predict_tta_mean
from wbcseg.inference.two_stage import predict_two_stage
from wbcseg.labels import fast_argmax
from wbcseg.models import get_spec
from wbcseg.models.card import ModelCard
from wbcseg.transforms.padding import pad_to_square, unpad

MIN_SIDE: Final = 16
"""Smallest side of an image in pixels."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""

MAX_CROP_SIDE: Final = 480
"""An image whose longer side has at most this many pixels counts as a crop of one cell, a larger one as a field.

The crops of Dataset 1 have 100 to 120 pixels, those of Dataset 2 have 300.
"""


class Segmenter:
    """A trained model, ready to segment. Threads may share it; they take turns.

    Args:
        folder: The model's folder.
        card: Its card, or ``None`` to read it.
        name: Name of the model in results, by default the folder's name.
        threads: Number of processor threads.
        refine: Whether general models refine outlines along the edges in the image.

    Attributes:
        card: The model's card.
        name: The model's name.

    Raises:
        ModelError: If the folder holds no usable model.
        ChecksumError: If a file differs from what the card records.
    """

    def __init__(
        self,
        folder: Path,
        card: ModelCard | None = None,
        *,
        name: str | None = None,
        threads: int = MAX_THREADS,
        refine: bool = True,
    ) -> None:
        self.card = card or ModelCard.read(folder)
        self.name = name or folder.name
        record = self.card.files["model"]
        try:
            data = (folder / record.name).read_bytes()
        except OSError as error:
            raise ModelError(
                f"File {record.name} of model {folder.name} could not be read: {error.strerror or error}.",
                file=record.name,
                code=ErrorCode.UNREADABLE,
                hint="Copy the model folder again from its source.",
            ) from None
        record.check(data, folder)
        self._folder = folder
        self._refinement = (
            (REFINEMENT_WITH_SKIPS if get_spec(self.card.architecture).has_skips else REFINEMENT_WITHOUT_SKIPS)
            if refine
            else None
        )
        # One for both stages: resizing it is fast, a second one would take memory.
        self._tflite_model = TFLiteModel(data, name=self.name, threads=threads)

    def clone(self, *, threads: int = 1) -> Segmenter:
        """Return a copy with its own network, so that two threads need not take turns."""
        return Segmenter(self._folder, self.card, name=self.name, threads=threads, refine=self._refinement is not None)

    def predict(self, image: NDArray[np.uint8], *, tta: bool = False) -> Segmentation:
        """Segment an image.

        A crop is padded (mirrored) or shrunk to the model's input size. General models (``card.two_stage``) instead
        predict in two stages (:mod:`wbcseg.inference.two_stage`), refine outlines along the edges in the image
        (:mod:`wbcseg.inference.refine`), and keep only the main cell. An image with a side of more than 480 pixels is a
        field of view: its cells are detected and segmented one by one (:mod:`wbcseg.inference.detection`).

        Args:
            image: ``uint8[H, W, 3]``, RGB, at least 16×16 pixels.
            tta: Whether to average over all eight orientations (test-time averaging), and to keep only the main cell of
                a crop. It takes eight times as long.

        Returns:
            Class ids and probabilities in the size of the image.

        Raises:
            ImageError: If the image is too small, or not such an array.
        """
        _check_image(image)
        if max(image.shape[:2]) > MAX_CROP_SIDE:
            cells = segment_field_of_view(image, partial(self._predict_crop, tta=tta))
            return Segmentation.from_cells(cells, image.shape, self.name)
        probabilities = self._predict_crop(image, tta=tta)
        labels = fast_argmax(probabilities)
        if tta or self.card.two_stage:
            labels = keep_main_cell(labels)
        return Segmentation(labels, probabilities, self.name)

    def segment_cell(
        self,
        image: NDArray[np.uint8],
        *,
        box: Box | None = None,
        point: tuple[float, float] | None = None,
        occupied: NDArray[np.uint16] | None = None,
        tta: bool = False,
    ) -> DetectedCell | None:
        """Segment one cell of a field of view that a person pointed at.

        Args:
            image: The field, ``uint8[H, W, 3]``, RGB.
            box: Left, top, right and bottom of the cell in pixels, or
            point: x and y of a point in it.
            occupied: :attr:`Segmentation.instances` of the cells that there are; their pixels are not taken.
            tta: Whether to use test-time averaging.

        Returns:
            The cell with the next free id, or ``None`` if there is no cell, or if it is one of the others.

        Raises:
            ImageError: If the image is too small, or not such an array.
            ValueError: If not exactly one of ``box`` and ``point`` is given, or if it is not in the image.
        """
        _check_image(image)
        height, width = image.shape[:2]
        if occupied is None:
            occupied = np.zeros((height, width), np.uint16)
        for bbox in _list_crops(image, box, point):
            cell = segment_cell(image, bbox, partial(self._predict_crop, tta=tta), occupied > 0)
            if cell is not None:
                return replace(cell, id=int(occupied.max(initial=0)) + 1)
        return None

    def _predict_crop(self, image: NDArray[np.uint8], *, tta: bool) -> NDArray[np.float32]:
        """Return the class probabilities of a crop of one cell, ``float32[H, W, 3]``."""

        def predict_square(square: NDArray[np.uint8]) -> NDArray[np.float32]:
            return (
                predict_tta_mean(self._tflite_model, _scale_to_unit(square))
                if tta
                else self._tflite_model(_scale_to_unit(square))
            )

        if self.card.two_stage:
            return predict_two_stage(
                image,
                predict_square,
                predict_square,
                input_size=self.card.input_size,
                cell_fraction=self.card.cell_fraction,
                refinement=self._refinement,
            )
        padded, placement = pad_to_square(image, self.card.input_size)
        return unpad(predict_square(padded), placement)


def _check_image(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(
            f"An image must be uint8[H, W, 3]. Received: {image.dtype}{list(image.shape)}",
            code=ErrorCode.INVALID_VALUE,
        )
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE:
        reason = f"An image must have at least {MIN_SIDE}×{MIN_SIDE} pixels. Received: {width}×{height}."
        raise ImageError(reason, reason=reason, code=ErrorCode.TOO_SMALL)


def _list_crops(image: NDArray[np.uint8], box: Box | None, point: tuple[float, float] | None) -> list[BBox]:
    """Return the crops in which the cell that a person pointed at may be, the most likely one first."""
    height, width = image.shape[:2]
    if (box is None) == (point is None):
        raise ValueError("Give either `box` or `point`.")
    if box is not None:
        left, top, right, bottom = box
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise ValueError(f"Argument `box` must lie in the image of {width}×{height} pixels. Received: {box}")
        half = 0.8 * max(right - left, bottom - top)
        y, x = (top + bottom) / 2, (left + right) / 2
        return [clip_bbox(y - half, x - half, y + half, x + half, height, width)]
    assert point is not None
    x, y = point
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"Argument `point` must lie in the image of {width}×{height} pixels. Received: {point}")
    around = [bbox for bbox in detect_nuclei(image) if bbox.top <= y < bbox.bottom and bbox.left <= x < bbox.right]
    around.sort(key=lambda bbox: math.dist(bbox.centre, (y, x)))
    halves = (30, 60, 120, 240)
    return around + [clip_bbox(y - half, x - half, y + half, x + half, height, width) for half in halves]


def _scale_to_unit(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return ``float32[H, W, 3]`` in 0 to 1."""
    return image.astype(np.float32) / np.float32(255.0)
