"""How a model does on its held-out pictures as they would be in other light, focus or stain, or of other cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets import DataSet
from wbcseg.evaluation.heldout import PictureScore, heldout_ids, summarise
from wbcseg.evaluation.result_store import read_result, write_result
from wbcseg.inference import Segmenter
from wbcseg.labels import CYTOPLASM, NUCLEUS, Labels
from wbcseg.metrics import CELL, score
from wbcseg.paths import RESULTS
from wbcseg.transforms.cell import loosened, with_rim

FOLDER: Final = RESULTS / "robustness"

Picture = NDArray[np.uint8]
Change = Callable[[Picture, Labels], tuple[Picture, Labels]]

ROUND: Final = ("lymphocyte", "monocyte")
"""Cell types whose nucleus can fill its cell."""

AS_IT_IS: Final = "as it is"

SCORED: Final = (NUCLEUS.name, CYTOPLASM.name, CELL)


def _lit(red: float, green: float, blue: float) -> Change:
    return lambda image, mask: (_levels(image * np.array([red, green, blue])), mask)


def _stained(strength: float) -> Change:
    return lambda image, mask: (_levels(255.0 * (image / 255.0) ** strength), mask)


def _blurred(share: float) -> Change:
    def change(image: Picture, mask: Labels) -> tuple[Picture, Labels]:
        from scipy import ndimage

        sigma = share * max(mask.shape)
        return _levels(ndimage.gaussian_filter(image.astype(np.float32), (sigma, sigma, 0.0), mode="nearest")), mask

    return change


def _fringed(share: float) -> Change:
    def change(image: Picture, mask: Labels) -> tuple[Picture, Labels]:
        from scipy import ndimage

        changed, far = image.astype(np.float32), share * max(mask.shape)
        for channel, shift in ((0, far), (2, -far)):
            changed[..., channel] = ndimage.shift(changed[..., channel], shift, order=1, mode="nearest")
        return _levels(changed), mask

    return change


def _grey(image: Picture, mask: Labels) -> tuple[Picture, Labels]:
    return _levels(np.repeat((image @ np.array([0.299, 0.587, 0.114]))[..., None], 3, axis=-1)), mask


def _loosened(image: Picture, mask: Labels) -> tuple[Picture, Labels]:
    rng = np.random.default_rng(int(image.sum()))
    return _levels(255.0 * loosened(image.astype(np.float32) / np.float32(255.0), mask, rng)), mask


def _rim(kept: float) -> Change:
    return lambda image, mask: with_rim(image, mask, kept)


CHANGES: Final[Mapping[str, Change]] = MappingProxyType(
    {
        AS_IT_IS: lambda image, mask: (image, mask),
        "orange light": _lit(1.0, 0.8, 0.5),
        "blue light": _lit(0.6, 0.75, 1.0),
        "half of the light": _lit(0.5, 0.5, 0.5),
        "paler stain": _stained(0.6),
        "darker stain": _stained(1.6),
        "grey": _grey,
        "out of focus": _blurred(0.015),
        "colour fringes": _fringed(0.01),
        "loose chromatin": _loosened,
        "half of the cytoplasm's rim": _rim(0.5),
        "a quarter of the rim": _rim(0.25),
        "an eighth of the rim": _rim(0.125),
    }
)
"""What is done to a picture and its mask, by name. Those of the rim are for round nuclei only."""


def strained(segmenter: Segmenter, dataset: DataSet) -> dict[str, Any]:
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
    samples = [dataset.read(sample_id) for sample_id in heldout_ids(segmenter, dataset)]
    rows = []
    for name, change in CHANGES.items():
        scores = []
        for sample in samples:
            if sample.mask is None or (name.endswith("rim") and sample.cell_type not in ROUND):
                continue
            image, mask = change(sample.image, sample.mask)
            labels = segmenter.predict(image).labels
            scores.append(PictureScore(sample.id, sample.cell_type, score(mask, labels)))
        means = summarise(scores)
        figures = {region: {name: means["regions"][region][name] for name in ("dice", "dice_se")} for region in SCORED}
        rows.append({"name": name, "pictures": means["pictures"], **figures})
    return {"model": segmenter.name, "weights": segmenter.card.files["weights"].sha256, "changes": rows}


def write(result: Mapping[str, Any], folder: Path = FOLDER) -> Path:
    """Write what :func:`strained` gives. Returns its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['model']}.json"
    write_result(path, result)
    return path


def read(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Return all results of a folder, by the models' names."""
    return [read_result(path) for path in sorted(folder.glob("*.json"))]


def _levels(values: NDArray[Any]) -> Picture:
    levels: Picture = np.rint(np.clip(values, 0.0, 255.0)).astype(np.uint8)
    return levels
