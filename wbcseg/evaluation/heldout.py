"""How well a model does on pictures that it was not trained with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from wbcseg.datasets import Dataset, check_manifest
from wbcseg.errors import DatasetError
from wbcseg.inference import Segmenter
from wbcseg.metrics import REGIONS, Scores, compute_mean_and_standard_error, score
from wbcseg.splitting.thesis import get_original_id, is_flipped_copy


@dataclass(frozen=True)
class ImageScore:
    """A model's figures on one picture.

    Attributes:
        id: The picture.
        cell_type: Its cell type, or ``None``.
        scores: Dice, Jaccard and accuracy.
    """

    id: str
    cell_type: str | None
    scores: Scores


def score_images(segmenter: Segmenter, dataset: Dataset, ids: Iterable[str]) -> list[ImageScore]:
    """Segment pictures with a model and compare with the expert's masks.

    Args:
        segmenter: The model.
        dataset: The data set.
        ids: Pictures of it; flipped copies (``…+twin``) are left out, as are pictures without a mask.
    """
    rows = []
    for sample_id in ids:
        if is_flipped_copy(sample_id):
            continue
        sample = dataset.read(sample_id)
        if sample.mask is None:
            continue
        labels = segmenter.predict(sample.image).labels
        rows.append(ImageScore(sample.id, sample.cell_type, score(sample.mask, labels)))
    return rows


def summarise_scores(rows: Sequence[ImageScore]) -> dict[str, Any]:
    """Return means with their standard errors (deviation with n − 1, over √n).

    A picture in which a class is in neither mask does not count for that class; ``n`` says how many do.

    Args:
        rows: One or more pictures.

    Returns:
        ``pictures``, ``accuracy`` (share of pixels) and ``regions``: for background, cytoplasm, nucleus and cell
        ``dice``, ``dice_se``, ``jaccard``, ``jaccard_se`` and ``n``. What is not defined is ``None``.
    """
    regions = {}
    for region in REGIONS:
        dice, dice_se, n = compute_mean_and_standard_error(row.scores.dice[region] for row in rows)
        jaccard, jaccard_se, _ = compute_mean_and_standard_error(row.scores.jaccard[region] for row in rows)
        values = {"dice": dice, "dice_se": dice_se, "jaccard": jaccard, "jaccard_se": jaccard_se}
        regions[region] = {**{name: _round_or_none(value) for name, value in values.items()}, "n": n}
    accuracy, _, _ = compute_mean_and_standard_error(row.scores.accuracy for row in rows)
    return {"images": len(rows), "accuracy": _round_or_none(accuracy), "regions": regions}


def evaluate_heldout(segmenter: Segmenter, dataset: Dataset) -> list[ImageScore]:
    """Score a model on the pictures that its card says were held out.

    Args:
        segmenter: The model.
        dataset: The data set that it was trained on, or a part of it.

    Raises:
        ManifestError: If a held-out picture is not what it was, naming it.
        DatasetError: If none of them is there.
    """
    return score_images(segmenter, dataset, list_heldout_ids(segmenter, dataset))


def list_heldout_ids(segmenter: Segmenter, dataset: Dataset) -> list[str]:
    """Return the pictures that a model's card says were held out, those of them that are here.

    Flipped copies do not count, nor do drawn pictures where there are photographed ones.

    Raises:
        ManifestError: If one is not what it was, naming it.
        DatasetError: If none of them is there.
    """
    ids = [i for i in segmenter.card.split["test"] if get_original_id(i) == i and i in dataset]
    ids = [i for i in ids if not i.startswith("synthetic/")] or ids
    if not ids:
        raise DatasetError(
            f"None of the pictures that were held out from {segmenter.name} is in data set {dataset.name}. "
            f"They are pictures of {segmenter.card.dataset}."
        )
    digests = {sample_id: dataset.read(sample_id).compute_digest() for sample_id in ids}
    check_manifest(dataset.name, {i: segmenter.card.split["manifest"].get(i, "") for i in ids}, digests)
    return ids


def _round_or_none(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 5)
