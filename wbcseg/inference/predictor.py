"""A trained model that segments images of any size."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, ImageError, ModelError
from wbcseg.inference.detection import DetectedCell, segment_field_of_view
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.inference.refine import REFINEMENT_WITH_SKIPS, REFINEMENT_WITHOUT_SKIPS
from wbcseg.inference.tflite import MAX_THREADS, TFLiteModel
from wbcseg.inference.tta import predict_tta_mean
from wbcseg.inference.two_stage import predict_two_stage
from wbcseg.labels import BACKGROUND, CLASSES, CYTOPLASM, NUCLEUS, Labels, fast_argmax
from wbcseg.models import get_spec
from wbcseg.models.card import ModelCard
from wbcseg.transforms.padding import pad_to_square, unpad

MIN_SIDE: Final = 16
"""Smallest side of an image in pixels."""

MAX_CROP_SIDE: Final = 480
"""An image whose longer side has at most this many pixels counts as a crop of one cell, a larger one as a field.

The crops of Dataset 1 have 100 to 120 pixels, those of Dataset 2 have 300.
"""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A model's segmentation of an image.

    Attributes:
        labels: Most likely class of each pixel, ``uint8[H, W]``. In crops segmented with test-time averaging or by
            general models, only the main cell is kept.
        crop_probabilities: Class probabilities of a crop, ``float32[H, W, 3]`` (background, cytoplasm, nucleus), which
            sum to 1; ``None`` for a field of view.
        model: Name of the model.
        cells: The cells of a field of view; empty for a crop.
    """

    labels: Labels = field(repr=False)
    crop_probabilities: NDArray[np.float32] | None = field(repr=False)
    model: str
    cells: tuple[DetectedCell, ...] = field(default=(), repr=False)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Class probabilities, ``float32[H, W, 3]``; in a field of view, all outside the cells is background."""
        if self.crop_probabilities is not None:
            return self.crop_probabilities
        result = np.zeros((*self.labels.shape, len(CLASSES)), np.float32)
        result[..., BACKGROUND.id] = 1.0
        for cell in self.cells:
            result[cell.bbox.slices][cell.cell_mask] = cell.probabilities[cell.cell_mask]
        return result

    @property
    def probabilities_u8(self) -> NDArray[np.uint8]:
        """Probabilities of cytoplasm and nucleus in steps of 1/255, ``uint8[H, W, 2]``, to save memory."""
        if self.crop_probabilities is not None:
            return _quantise(self.crop_probabilities)
        result = np.zeros((*self.labels.shape, 2), np.uint8)
        for cell in self.cells:
            result[cell.bbox.slices][cell.cell_mask] = _quantise(cell.probabilities[cell.cell_mask])
        return result


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
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ImageError(
                f"An image must be uint8[H, W, 3]. Received: {image.dtype}{list(image.shape)}",
                code=ErrorCode.INVALID_VALUE,
            )

        height, width = image.shape[:2]
        if min(height, width) < MIN_SIDE:
            reason = f"An image must have at least {MIN_SIDE}×{MIN_SIDE} pixels. Received: {width}×{height}."
            raise ImageError(reason, reason=reason, code=ErrorCode.TOO_SMALL)
        if is_field_of_view(image):
            labels, cells = segment_field_of_view(image, partial(self._predict_crop, tta=tta))
            return Segmentation(labels, None, self.name, cells)
        probabilities = self._predict_crop(image, tta=tta)
        labels = fast_argmax(probabilities)
        if tta or self.card.two_stage:
            labels = keep_main_cell(labels)
        return Segmentation(labels, probabilities, self.name)

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


def is_field_of_view(image: NDArray[np.uint8]) -> bool:
    """Return whether an image, ``uint8[H, W, 3]``, counts as a field of view, not as a crop of one cell."""
    height, width = image.shape[:2]
    return bool(max(height, width) > MAX_CROP_SIDE)


def _quantise(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the probabilities of cytoplasm and nucleus in steps of 1/255."""
    levels: NDArray[np.uint8] = (
        np.rint(probabilities[..., [CYTOPLASM.id, NUCLEUS.id]] * 255.0).clip(0, 255).astype(np.uint8)
    )
    return levels


def _scale_to_unit(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return ``float32[H, W, 3]`` in 0 to 1."""
    return image.astype(np.float32) / np.float32(255.0)
