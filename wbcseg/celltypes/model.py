"""The type model: tells what a segmented cell is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltypes.card import TypeCard
from wbcseg.celltypes.crops import TypeCrop, cut_cell
from wbcseg.celltypes.measure import SHAPE_FEATURES, measure_type_features
from wbcseg.celltypes.names import SUBTYPE_NAMES, SUBTYPE_TO_TYPE, TYPE_NAMES, sum_subtypes
from wbcseg.celltypes.network import LOOKS, TypeNetwork, prepare_crop
from wbcseg.celltypes.probabilities import (
    PriorName,
    Probabilities,
    apply_prior,
    compute_subtype_probabilities,
    select_prior,
)
from wbcseg.errors import ErrorCode, ModelError
from wbcseg.inference.tflite import MAX_THREADS
from wbcseg.labels import Labels
from wbcseg.models.card_errors import CARD_FILE
from wbcseg.paths import get_types_folder
from wbcseg.results import UNSURE, CellResult

MAX_FEATURE: Final = 3.0
"""Standardised measurements are clipped to this."""

MIN_SUBTYPE_PROBABILITY: Final = 0.8
"""Minimum probability of a subtype, within its type, for it to be named."""


@dataclass(frozen=True)
class TypeResult:
    """What a cell is.

    Attributes:
        probabilities: Probability by type, in the order of :data:`wbcseg.celltypes.TYPE_NAMES`.
        type: The likeliest type, or ``unsure``.
        subtype: The likeliest subtype of the likeliest type if it is clear, such as ``band neutrophil``; else empty.
    """

    probabilities: dict[str, float]
    type: str
    subtype: str = ""

    @property
    def likeliest(self) -> str:
        """The likeliest type, even if it is unsure."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """Probability of the likeliest type."""
        return max(self.probabilities.values())

    def rank(self, count: int = 3) -> list[tuple[str, float]]:
        """Return the likeliest types with their probabilities."""
        return sorted(self.probabilities.items(), key=lambda item: -item[1])[:count]


TypeEvidence = NDArray[np.float64]
"""What the network says of a cell before any prior: probabilities of subtypes, ``float64[11]``."""


class TypeModel:
    """Tells the type of segmented cells. Threads may share it; they take turns.

    Args:
        folder: The model's folder.
        threads: Number of processor threads.

    Attributes:
        card: Its card.

    Raises:
        ModelError: If the folder holds no usable model.
        ChecksumError: If a file differs from what the card records.
    """

    def __init__(self, folder: Path, *, threads: int = MAX_THREADS) -> None:
        self.card = TypeCard.read(folder)
        data = self.card.files["network"].read(folder)
        try:
            self._network = TypeNetwork(data, threads=threads)
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"The network of {folder.name} could not be loaded: {error}.",
                file=folder.name,
                code=ErrorCode.INCOMPATIBLE,
            ) from None

    def examine(
        self, image: NDArray[np.uint8], labels: Labels, offset: tuple[int, int] = (0, 0), *, looks: int = LOOKS
    ) -> TypeEvidence | None:
        """Return what the network says of a cell, or ``None`` if there is none.

        Args:
            image: The whole image, ``uint8[H, W, 3]``, RGB.
            labels: Class ids of the cell alone, ``uint8[h, w]``, in a part of the image.
            offset: Column and row of that part.
            looks: Number of orientations in which it is looked at.
        """
        crop = cut_cell(image, labels, offset)
        return None if crop is None else self.examine_crop(crop, looks=looks)

    def examine_crop(
        self, crop: TypeCrop, features: NDArray[np.float32] | None = None, *, looks: int = LOOKS
    ) -> TypeEvidence:
        """Return what the network says of a crop.

        Args:
            crop: The cell.
            features: Its measurements, if they are known.
            looks: Number of orientations in which it is looked at.
        """
        if features is None:
            features = measure_type_features(crop)
        logits = self._network.compute_logits(prepare_crop(crop), self.standardise(features), looks)
        calibration = self.card.calibration
        log_bias = np.array(calibration.log_bias)
        return compute_subtype_probabilities(logits, calibration.temperature, log_bias)

    def standardise(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return measurements as the network is told them, ``float32[F]``."""
        calibration = self.card.calibration
        own = features[: len(SHAPE_FEATURES)]
        scaled = (own - np.array(calibration.feature_mean)) / np.array(calibration.feature_deviation)
        return np.asarray(np.clip(scaled, -MAX_FEATURE, MAX_FEATURE), np.float32)

    def decide(self, evidence: Sequence[TypeEvidence], prior: PriorName | None = None) -> list[TypeResult]:
        """Return the types of the cells of a sample.

        Args:
            evidence: What the network says of each cell.
            prior: See :data:`wbcseg.celltypes.probabilities.PRIORS`; by default the card's.
        """
        if not evidence:
            return []
        subtypes = np.stack(evidence)
        even = sum_subtypes(subtypes)
        probabilities = apply_prior(even, select_prior(prior or self.card.calibration.prior, even))
        return [self._build_result(row, own) for row, own in zip(probabilities, subtypes, strict=True)]

    def assign(self, cells: Sequence[CellResult], prior: PriorName | None = None) -> tuple[CellResult, ...]:
        """Return the cells of a sample with their types; those that it has not examined stay as they are.

        Args:
            cells: The cells. What a person said of them stays.
            prior: As in :meth:`decide`.
        """
        examined = [index for index, cell in enumerate(cells) if cell.type_evidence]
        types = self.decide([np.array(cells[index].type_evidence) for index in examined], prior)
        assigned = list(cells)
        for index, result in zip(examined, types, strict=True):
            assigned[index] = replace(
                cells[index],
                predicted_type=result.type,
                type_probabilities=result.probabilities,
                subtype=result.subtype,
            )
        return tuple(assigned)

    def _build_result(self, probabilities: Probabilities, subtypes: NDArray[np.float64]) -> TypeResult:
        best = int(probabilities.argmax())
        is_sure = probabilities[best] >= self.card.calibration.min_confidence
        own = np.where(best == SUBTYPE_TO_TYPE, subtypes, 0.0)
        likeliest = int(own.argmax())
        is_clear = own[likeliest] >= MIN_SUBTYPE_PROBABILITY * own.sum()
        subtype = SUBTYPE_NAMES[likeliest] if is_clear and SUBTYPE_NAMES[likeliest] != TYPE_NAMES[best] else ""
        values: dict[str, float] = {name: float(value) for name, value in zip(TYPE_NAMES, probabilities, strict=True)}
        return TypeResult(values, TYPE_NAMES[best] if is_sure else UNSURE, subtype if is_sure else "")


def has_type_model() -> bool:
    """Return whether a type model came with the package, or is beside the shipped models."""
    return (get_types_folder() / CARD_FILE).exists()


def load_type_model(folder: Path | None = None) -> TypeModel:
    """Return the type model of a folder, which is loaded once per process.

    Args:
        folder: Its folder, by default the shipped one.

    Raises:
        ModelError: If the folder holds no usable model.
        ChecksumError: If a file differs from what the card records.
    """
    folder = folder or get_types_folder()
    card_file = folder / CARD_FILE
    return _load_cached(folder, card_file.stat().st_mtime_ns if card_file.exists() else 0)


@lru_cache(maxsize=2)
def _load_cached(folder: Path, _changed: int) -> TypeModel:
    return TypeModel(folder)
