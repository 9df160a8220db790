"""How a model does on its held-out pictures as they would be in other light, focus or stain, or of other cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets import Dataset
from wbcseg.evaluation.heldout import ImageScore, list_heldout_ids, summarise_scores
from wbcseg.evaluation.result_store import read_result, write_result
from wbcseg.inference import Segmenter
from wbcseg.labels import CYTOPLASM, NUCLEUS, Labels
from wbcseg.metrics import CELL, score
from wbcseg.paths import RESULTS
from wbcseg.transforms.cell import decondense_chromatin, scale_cytoplasm

ROBUSTNESS_FOLDER: Final = RESULTS / "robustness"

Rgb = NDArray[np.uint8]
Perturbation = Callable[[Rgb, Labels], tuple[Rgb, Labels]]

ROUND_NUCLEUS_TYPES: Final = ("lymphocyte", "monocyte")
"""Cell types whose nucleus can fill its cell."""

UNCHANGED: Final = "as it is"

FOREGROUND_REGIONS: Final = (NUCLEUS.name, CYTOPLASM.name, CELL)


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


def _shrink_cytoplasm(kept_fraction: float) -> Perturbation:
    return lambda image, mask: scale_cytoplasm(image, mask, kept_fraction)


PERTURBATIONS: Final[Mapping[str, Perturbation]] = MappingProxyType(
    {
        UNCHANGED: lambda image, mask: (image, mask),
        "orange light": _tint_light(1.0, 0.8, 0.5),
        "blue light": _tint_light(0.6, 0.75, 1.0),
        "half of the light": _tint_light(0.5, 0.5, 0.5),
        "paler stain": _scale_stain(0.6),
        "darker stain": _scale_stain(1.6),
        "grey": _desaturate,
        "out of focus": _blur(0.015),
        "colour fringes": _add_colour_fringes(0.01),
        "loose chromatin": _decondense_chromatin,
        "half of the cytoplasm's rim": _shrink_cytoplasm(0.5),
        "a quarter of the rim": _shrink_cytoplasm(0.25),
        "an eighth of the rim": _shrink_cytoplasm(0.125),
    }
)
"""What is done to a picture and its mask, by name. Those of the rim are for round nuclei only."""


def evaluate_robustness(segmenter: Segmenter, dataset: Dataset) -> dict[str, Any]:
    """Score a model on its held-out pictures, changed in every way.

    Args:
        segmenter: The model.
        dataset: The data set that it was trained on, or a part of it.

    Returns:
        JSON values: ``model``, ``weights`` (their SHA-256) and ``changes``, a row each with its ``name``, the number of
        ``pictures``, and for nucleus, cytoplasm and cell mean Dice, ``dice``, and its standard error, ``dice_se``.

    Raises:
        ManifestError: If a held-out picture is not what it was, naming it.
        DatasetError: If none of them is there.
    """
    samples = [dataset.read(sample_id) for sample_id in list_heldout_ids(segmenter, dataset)]
    rows = []
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
            region: {name: summary["regions"][region][name] for name in ("dice", "dice_se")}
            for region in FOREGROUND_REGIONS
        }
        rows.append({"name": name, "images": summary["images"], **dice_by_region})
    return {"model": segmenter.name, "weights": segmenter.card.files["weights"].sha256, "changes": rows}


def write_robustness(result: Mapping[str, Any], folder: Path = ROBUSTNESS_FOLDER) -> Path:
    """Write what :func:`evaluate_robustness` gives. Returns its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['model']}.json"
    write_result(path, result)
    return path


def load_robustness(folder: Path = ROBUSTNESS_FOLDER) -> list[dict[str, Any]]:
    """Return all results of a folder, by the models' names."""
    return [read_result(path) for path in sorted(folder.glob("*.json"))]


def _to_uint8(values: NDArray[Any]) -> Rgb:
    levels: Rgb = np.rint(np.clip(values, 0.0, 255.0)).astype(np.uint8)
    return levels
