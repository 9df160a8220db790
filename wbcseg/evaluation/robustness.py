"""Robustness of a model: its Dice on held-out images with other light, focus or stain, or of other cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets import Dataset
from wbcseg.evaluation.heldout import ImageScore, list_heldout_ids, summarise_scores
from wbcseg.evaluation.result_store import read_result, write_result
from wbcseg.inference import Segmenter
from wbcseg.labels import Labels
from wbcseg.metrics import FOREGROUND_REGIONS, score
from wbcseg.models.card_records import MeanDice
from wbcseg.paths import RESULTS
from wbcseg.transforms.background import CHANGES
from wbcseg.transforms.cell import decondense_chromatin, scale_cytoplasm

ROBUSTNESS_FOLDER: Final = RESULTS / "robustness"

Rgb = NDArray[np.uint8]
Perturbation = Callable[[Rgb, Labels], tuple[Rgb, Labels]]

ROUND_NUCLEUS_TYPES: Final = ("lymphocyte", "monocyte")
"""Cell types whose nucleus can fill most of the cell."""

UNCHANGED: Final = "unchanged"


def _tint_light(red: float, green: float, blue: float) -> Perturbation:
    return lambda image, mask: (_to_uint8(image * np.array([red, green, blue])), mask)


def _scale_stain(strength: float) -> Perturbation:
    return lambda image, mask: (_to_uint8(255.0 * (image / 255.0) ** strength), mask)


def _blur(relative_sigma: float) -> Perturbation:
    def perturb(image: Rgb, mask: Labels) -> tuple[Rgb, Labels]:
        from scipy import ndimage

        sigma = relative_sigma * max(mask.shape)
        return _to_uint8(ndimage.gaussian_filter(image.astype(np.float32), (sigma, sigma, 0.0), mode="nearest")), mask

    return perturb


def _add_colour_fringes(relative_shift: float) -> Perturbation:
    def perturb(image: Rgb, mask: Labels) -> tuple[Rgb, Labels]:
        from scipy import ndimage

        shifted, max_shift = image.astype(np.float32), relative_shift * max(mask.shape)
        for channel, shift in ((0, max_shift), (2, -max_shift)):
            shifted[..., channel] = ndimage.shift(shifted[..., channel], shift, order=1, mode="nearest")
        return _to_uint8(shifted), mask

    return perturb


def _desaturate(image: Rgb, mask: Labels) -> tuple[Rgb, Labels]:
    return _to_uint8(np.repeat((image @ np.array([0.299, 0.587, 0.114]))[..., None], 3, axis=-1)), mask


def _decondense_chromatin(image: Rgb, mask: Labels) -> tuple[Rgb, Labels]:
    rng = np.random.default_rng(int(image.sum()))
    return _to_uint8(255.0 * decondense_chromatin(image.astype(np.float32) / np.float32(255.0), mask, rng)), mask


def _vary_background(change: str) -> Perturbation:
    """Return a change of the background, of random but repeatable strength."""

    def perturb(image: Rgb, mask: Labels) -> tuple[Rgb, Labels]:
        rng = np.random.default_rng(int(image.sum()))
        return _to_uint8(255.0 * CHANGES[change](image.astype(np.float32) / np.float32(255.0), mask, rng)), mask

    return perturb


def _shrink_cytoplasm(kept_fraction: float) -> Perturbation:
    return lambda image, mask: scale_cytoplasm(image, mask, kept_fraction)


PERTURBATIONS: Final[Mapping[str, Perturbation]] = MappingProxyType(
    {
        UNCHANGED: lambda image, mask: (image, mask),
        "orange light": _tint_light(1.0, 0.8, 0.5),
        "blue light": _tint_light(0.6, 0.75, 1.0),
        "half the light": _tint_light(0.5, 0.5, 0.5),
        "paler stain": _scale_stain(0.6),
        "darker stain": _scale_stain(1.6),
        "greyscale": _desaturate,
        "red and blue swapped": lambda image, mask: (np.ascontiguousarray(image[..., ::-1]), mask),
        "negative": lambda image, mask: (np.asarray(255 - image, np.uint8), mask),
        **{change: _vary_background(change) for change in CHANGES},
        "out of focus": _blur(0.015),
        "colour fringes": _add_colour_fringes(0.01),
        "loosened chromatin": _decondense_chromatin,
        "1/2 of the cytoplasm rim": _shrink_cytoplasm(0.5),
        "1/4 of the cytoplasm rim": _shrink_cytoplasm(0.25),
        "1/8 of the cytoplasm rim": _shrink_cytoplasm(0.125),
    }
)
"""Perturbations of an image and its mask by name. Those that end with "rim" apply to round nuclei only."""


@dataclass(frozen=True)
class PerturbationResult:
    """Mean Dice of a model on perturbed images.

    Attributes:
        name: The perturbation, a key of :data:`PERTURBATIONS`.
        images: Number of images.
        nucleus: Mean Dice of the nucleus.
        cytoplasm: Mean Dice of the cytoplasm.
        cell: Mean Dice of the whole cell.
    """

    name: str
    images: int
    nucleus: MeanDice
    cytoplasm: MeanDice
    cell: MeanDice

    def get_dice(self, region: str) -> float | None:
        """Return the mean Dice of a region of :data:`wbcseg.metrics.FOREGROUND_REGIONS`."""
        value: MeanDice = getattr(self, region)
        return value.dice


@dataclass(frozen=True)
class RobustnessResult:
    """Mean Dice of a model under all perturbations.

    Attributes:
        model: Name of the model.
        weights: SHA-256 of its weights.
        changes: One entry for each perturbation.
    """

    model: str
    weights: str
    changes: tuple[PerturbationResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**asdict(self), "changes": [asdict(change) for change in self.changes]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned."""
        changes = tuple(
            PerturbationResult(
                row["name"], row["images"], **{region: MeanDice(**row[region]) for region in FOREGROUND_REGIONS}
            )
            for row in values["changes"]
        )
        return cls(values["model"], values["weights"], changes)

    def write(self, folder: Path) -> Path:
        """Write the result to a folder. Return the file."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.model}.json"
        write_result(path, self.to_dict())
        return path


def evaluate_robustness(segmenter: Segmenter, dataset: Dataset) -> RobustnessResult:
    """Score a model on its held-out images under each perturbation.

    Args:
        segmenter: The model.
        dataset: The data set it was trained on, or a part of it.

    Raises:
        ManifestError: If a held-out image has changed.
        DatasetError: If the data set has none of them.
    """
    samples = [dataset.read(sample_id) for sample_id in list_heldout_ids(segmenter, dataset)]
    changes = []
    for name, perturb in PERTURBATIONS.items():
        scores = []
        for sample in samples:
            if sample.mask is None or (name.endswith("rim") and sample.cell_type not in ROUND_NUCLEUS_TYPES):
                continue
            image, mask = perturb(sample.image, sample.mask)
            labels = segmenter.predict(image).labels
            scores.append(ImageScore(sample.id, sample.cell_type, score(mask, labels)))
        summary = summarise_scores(scores)
        dice_by_region = {
            region: MeanDice(summary.regions[region].dice, summary.regions[region].dice_se)
            for region in FOREGROUND_REGIONS
        }
        changes.append(PerturbationResult(name, summary.images, **dice_by_region))
    return RobustnessResult(segmenter.name, segmenter.card.files["weights"].sha256, tuple(changes))


def load_robustness(folder: Path = ROBUSTNESS_FOLDER) -> list[RobustnessResult]:
    """Return all results of a folder, by default the shipped ones, ordered by model."""
    return [RobustnessResult.from_dict(read_result(path)) for path in sorted(folder.glob("*.json"))]


def _to_uint8(values: NDArray[Any]) -> Rgb:
    levels: Rgb = np.rint(np.clip(values, 0.0, 255.0)).astype(np.uint8)
    return levels
