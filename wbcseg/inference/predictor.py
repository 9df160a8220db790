"""A trained model that segments pictures of any size."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ImageError, ModelError
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
"""Least side of a picture in pixels."""

MAX_CROP_SIDE: Final = 480
"""A picture whose longer side is at most this many pixels is taken for a crop of one cell, a larger one for a field.

The crops of Dataset 1 have 100 to 120 pixels, those of Dataset 2 have 300.
"""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What a model makes of a picture.

    Attributes:
        labels: ``uint8[H, W]``: the likeliest class of every pixel, but for what was tidied: the crops of careful
            predictions and of models for any laboratory.
        crop_probabilities: Of a crop, its class probabilities, ``float32[H, W, 3]``: background, cytoplasm and nucleus; they add up
            to 1. ``None`` of a field of view.
        model: Name of the model.
        cells: Of a field of view, its white cells; of a crop, nothing.
    """

    labels: Labels = field(repr=False)
    crop_probabilities: NDArray[np.float32] | None = field(repr=False)
    model: str
    cells: tuple[DetectedCell, ...] = field(default=(), repr=False)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Class probabilities of the picture, ``float32[H, W, 3]``; what is no cell of a field is surely background."""
        if self.crop_probabilities is not None:
            return self.crop_probabilities
        result = np.zeros((*self.labels.shape, len(CLASSES)), np.float32)
        result[..., BACKGROUND.id] = 1.0
        for cell in self.cells:
            result[cell.bbox.slices][cell.cell_mask] = cell.probabilities[cell.cell_mask]
        return result

    @property
    def probabilities_u8(self) -> NDArray[np.uint8]:
        """Probabilities of cytoplasm and nucleus in steps of 1/255, ``uint8[H, W, 2]``: a sixth of the memory."""
        if self.crop_probabilities is not None:
            return _quantise(self.crop_probabilities)
        result = np.zeros((*self.labels.shape, 2), np.uint8)
        for cell in self.cells:
            result[cell.bbox.slices][cell.cell_mask] = _quantise(cell.probabilities[cell.cell_mask])
        return result


class Segmenter:
    """A trained model, ready to segment. Several threads may use it; they take turns.

    Args:
        folder: The model's folder.
        card: Its card, read already, or ``None`` to read it.
        name: What results call the model, by default the folder's name.
        threads: How many processor threads to compute with.
        edges: Whether a model for any laboratory draws its outlines along the picture's edges; without, they are as
            the network left them.

    Attributes:
        card: The model's card.
        name: The model's name.

    Raises:
        ModelError: If the folder holds no model that this program can use.
        ChecksumError: If its file is not the one that the card describes.
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
                f"File {record.name} of model {folder.name} cannot be read: {error.strerror or error}. "
                "Copy the model's folder again from where it came from."
            ) from None
        record.check(data, folder)
        self._folder = folder
        self._refinement = (
            (REFINEMENT_WITH_SKIPS if get_spec(self.card.architecture).has_skips else REFINEMENT_WITHOUT_SKIPS)
            if refine
            else None
        )
        # One for both looks of a model that looks twice: another size costs a moment, a second one its memory.
        self._tflite_model = TFLiteModel(data, name=self.name, threads=threads)

    def clone(self, *, threads: int = 1) -> Segmenter:
        """Return the same model with networks of its own, so that two threads need not take turns."""
        return Segmenter(self._folder, self.card, name=self.name, threads=threads, refine=self._refinement is not None)

    def predict(self, image: NDArray[np.uint8], *, tta: bool = False) -> Segmentation:
        """Segment a picture.

        A crop is laid on the square that the model was trained on: in the middle and mirrored outwards where it is
        smaller, shrunk where it is larger. A model for any laboratory (``card.framed``) looks twice instead, see
        :mod:`wbcseg.inference.two_stage`, draws its outlines along the picture's edges, see
        :mod:`wbcseg.inference.refine`, and keeps nothing but the main cell. A picture with a side of more than 480
        pixels is a field of view: its white cells are found and segmented one by one, see
        :mod:`wbcseg.inference.detection`.

        Args:
            image: ``uint8[H, W, 3]``, RGB, from 16×16 pixels up.
            tta: Whether to look in all eight orientations and take the mean, and to keep nothing of a crop but its
                main cell. It takes eight times as long.

        Returns:
            Class ids of the picture's own size, with the probabilities that they come from.

        Raises:
            ImageError: If it is smaller, or no such array.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ImageError(f"A picture must be uint8[H, W, 3]. Received: {image.dtype}{list(image.shape)}")

        height, width = image.shape[:2]
        if min(height, width) < MIN_SIDE:
            raise ImageError(
                f"A picture must have at least {MIN_SIDE}×{MIN_SIDE} pixels to be segmented. Received: {width}×{height}"
            )
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
    """Whether a picture, ``uint8[H, W, 3]``, is taken for a whole field of view instead of a crop of one cell."""
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
