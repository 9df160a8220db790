"""A trained model that segments images of any size."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, ImageError
from wbcseg.eyepiece import find_black_surround
from wbcseg.inference.close_up import CloseUpModel
from wbcseg.inference.detection import load_cell_detector
from wbcseg.inference.detection.candidates import MAX_CANDIDATES
from wbcseg.inference.field_of_view import is_crop_of_one_cell, segment_field_of_view
from wbcseg.inference.pointed_cell import Box, segment_pointed_cell
from wbcseg.inference.postprocess import has_central_cell, keep_main_cell
from wbcseg.inference.refine import REFINEMENT_WITH_SKIPS, REFINEMENT_WITHOUT_SKIPS, EdgeRefinement
from wbcseg.inference.segmentation import DetectedCell, Segmentation
from wbcseg.inference.tflite import MAX_THREADS, TFLiteModel
from wbcseg.inference.tta import predict_tta_mean
from wbcseg.inference.two_stage import predict_two_stage
from wbcseg.labels import fast_argmax, mark_background
from wbcseg.models import get_spec
from wbcseg.models.card import ModelCard
from wbcseg.models.pixels.crf import refine_crf
from wbcseg.models.pixels.method_model import MethodModel
from wbcseg.transforms.padding import pad_to_square, unpad

MIN_SIDE: Final = 16
"""Smallest side of an image in pixels."""

MAX_UNDETECTED_CROP_SIDE: Final = 480
"""An image in which no cell is detected may be a crop if its longer side has at most this many pixels."""

SINGLE_STAGE_CELL_FRACTION: Final = 0.65
"""Size of the cell in close-ups for models without a second stage: the median in the crops of Zheng's Dataset 1."""

MANY_CELLS_NOTICE: Final = (
    f"This image has more than {MAX_CANDIDATES} places that may be white cells. Only the {MAX_CANDIDATES} most likely "
    "ones were looked at, so cells may be missing: crop the image into parts to find them all."
)


LoadedModel = TFLiteModel | MethodModel
"""What predicts the class probabilities of a square: a network, or a method without one."""


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
        data = self.card.files["model"].read(folder)
        self._folder = folder
        self._refinement = _choose_refinement(self.card) if refine and self.card.two_stage else None
        self._uses_crf = False
        # One for both stages: resizing it is fast, a second one would take memory.
        self._model: LoadedModel = (
            MethodModel(data, method=self.card.architecture, name=self.name)
            if self.card.is_method
            else TFLiteModel(data, name=self.name, threads=threads)
        )

    def clone(self, *, threads: int = 1) -> Segmenter:
        """Return a copy with its own network, so that two threads need not take turns."""
        segmenter = Segmenter(
            self._folder, self.card, name=self.name, threads=threads, refine=self._refinement is not None
        )
        return segmenter.with_crf() if self._uses_crf else segmenter

    def with_crf(self) -> Segmenter:
        """Return the same model followed by a conditional random field (:mod:`wbcseg.models.pixels.crf`)."""
        segmenter = copy.copy(self)
        segmenter._uses_crf = True
        return segmenter

    def predict(self, image: NDArray[np.uint8], *, tta: bool = False) -> Segmentation:
        """Segment an image.

        A crop is padded (mirrored) or shrunk to the model's input size. General models (``card.two_stage``) instead
        predict in two stages (:mod:`wbcseg.inference.two_stage`), refine outlines along the edges in the image
        (:mod:`wbcseg.inference.refine`), and keep only the main cell.

        Whether an image is a crop or a field of view depends on the cells that are detected in it
        (:mod:`wbcseg.inference.detection`): a crop shows one large cell in the middle. A small image in which none is
        detected is a crop, too, if the model finds a cell in the middle. The cells of a field of view are segmented in
        close-ups (:mod:`wbcseg.inference.field_of_view`). The black surround of an eyepiece is background.

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
        height, width = image.shape[:2]
        detector = load_cell_detector()
        candidates = detector.find_candidates(image)
        detections = detector.detect_in(candidates)
        if detections and not is_crop_of_one_cell(detections, height, width):
            cells = segment_field_of_view(image, detections, self._build_close_up_model(tta=tta))
            notices = (MANY_CELLS_NOTICE,) if detector.may_miss_cells(candidates) else ()
            return Segmentation.from_cells(cells, image.shape, self.name, notices)
        if not detections and max(height, width) > MAX_UNDETECTED_CROP_SIDE:
            return Segmentation.from_cells((), image.shape, self.name)
        probabilities = self._predict_crop(image, tta=tta)
        if (surround := find_black_surround(image)) is not None:
            mark_background(probabilities, surround)
        labels = fast_argmax(probabilities)
        if not detections and not has_central_cell(labels):
            return Segmentation.from_cells((), image.shape, self.name)
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
        if occupied is None:
            occupied = np.zeros(image.shape[:2], np.uint16)
        return segment_pointed_cell(image, self._build_close_up_model(tta=tta), occupied, box=box, point=point)

    def _build_close_up_model(self, *, tta: bool) -> CloseUpModel:
        def predict_squares(squares: NDArray[np.uint8]) -> NDArray[np.float32]:
            if tta or self._uses_crf:
                return np.stack([self._predict_square(square, tta=tta) for square in squares])
            return self._model.predict_batch(_scale_to_unit(squares))

        cell_fraction = self.card.cell_fraction if self.card.two_stage else SINGLE_STAGE_CELL_FRACTION
        return CloseUpModel(predict_squares, self.card.input_size, cell_fraction, self._refinement)

    def _predict_square(
        self, square: NDArray[np.uint8], *, tta: bool, use_crf: bool | None = None
    ) -> NDArray[np.float32]:
        """Return the class probabilities of a square, ``float32[S, S, 3]``; ``use_crf`` is as chosen by default."""
        values = _scale_to_unit(square)
        has_effect = not (isinstance(self._model, MethodModel) and self._model.ignores_orientation)
        probabilities = predict_tta_mean(self._model, values) if tta and has_effect else self._model(values)
        return refine_crf(probabilities, square) if (self._uses_crf if use_crf is None else use_crf) else probabilities

    def _predict_crop(self, image: NDArray[np.uint8], *, tta: bool) -> NDArray[np.float32]:
        """Return the class probabilities of a crop of one cell, ``float32[H, W, 3]``."""

        if self.card.two_stage:
            return predict_two_stage(
                image,
                partial(self._predict_square, tta=tta, use_crf=False),
                partial(self._predict_square, tta=tta),
                input_size=self.card.input_size,
                cell_fraction=self.card.cell_fraction,
                refinement=self._refinement,
            )
        padded, placement = pad_to_square(image, self.card.input_size)
        return unpad(self._predict_square(padded, tta=tta), placement)


def _choose_refinement(card: ModelCard) -> EdgeRefinement:
    return REFINEMENT_WITH_SKIPS if get_spec(card.architecture).has_skips else REFINEMENT_WITHOUT_SKIPS


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


def _scale_to_unit(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return ``float32[H, W, 3]`` in 0 to 1."""
    return image.astype(np.float32) / np.float32(255.0)
