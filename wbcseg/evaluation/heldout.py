"""Scores of a model on the images that were held out from its training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wbcseg.datasets import Dataset, check_manifest, open_dataset
from wbcseg.errors import DatasetError
from wbcseg.inference import Segmenter
from wbcseg.io.mask_meaning import as_correction
from wbcseg.io.numbers import round_or_none
from wbcseg.metrics import REGIONS, Scores, compute_mean_and_standard_error, score_marked
from wbcseg.models.card import ModelCard
from wbcseg.models.card_records import HeldoutMetrics, RegionScores
from wbcseg.splitting.thesis import get_original_id, is_flipped_copy


@dataclass(frozen=True)
class ImageScore:
    """Scores of a model on one image.

    Attributes:
        id: The image.
        cell_type: Its cell type, or ``None``.
        scores: Dice, Jaccard and accuracy.
    """

    id: str
    cell_type: str | None
    scores: Scores


def open_training_dataset(card: ModelCard, name: str = "") -> Dataset:
    """Return the data set that a model was trained on, its masks corrected as in training.

    Args:
        card: The model's card.
        name: Another data set to open instead.

    Raises:
        DatasetError: If it cannot be opened.
    """
    correction = as_correction(str(card.config.get("mask_correction", "none")))
    return open_dataset(name or card.dataset, download=True, correction=correction)


def score_images(segmenter: Segmenter, dataset: Dataset, ids: Iterable[str]) -> list[ImageScore]:
    """Segment images with a model and score them against the experts' masks.

    Args:
        segmenter: The model.
        dataset: The data set.
        ids: Images to score; flipped copies (``…+flipped``) and images without a mask are excluded.
    """
    rows = []
    for sample_id in ids:
        if is_flipped_copy(sample_id):
            continue
        sample = dataset.read(sample_id)
        if sample.mask is None:
            continue
        labels = segmenter.predict(sample.image).labels
        rows.append(ImageScore(sample.id, sample.cell_type, score_marked(sample.mask, labels)))
    return rows


def summarise_scores(rows: Sequence[ImageScore]) -> HeldoutMetrics:
    """Return means and their standard errors (sample standard deviation over √n).

    An image in which a class is in neither mask, or whose mask marks the other class only, does not count for that
    class; ``n`` is the number of images that do.

    Args:
        rows: Scores of images; without any, nothing is defined.
    """
    regions = {}
    for region in REGIONS:
        dice, dice_se, n = compute_mean_and_standard_error(row.scores.dice[region] for row in rows)
        jaccard, jaccard_se, _ = compute_mean_and_standard_error(row.scores.jaccard[region] for row in rows)
        regions[region] = RegionScores(
            round_or_none(dice), round_or_none(dice_se), round_or_none(jaccard), round_or_none(jaccard_se), n
        )
    accuracy, _, _ = compute_mean_and_standard_error(row.scores.accuracy for row in rows)
    return HeldoutMetrics(len(rows), round_or_none(accuracy), regions)


def evaluate_heldout(segmenter: Segmenter, dataset: Dataset) -> list[ImageScore]:
    """Score a model on the held-out images that its card lists.

    Args:
        segmenter: The model.
        dataset: The data set it was trained on, or a part of it.

    Raises:
        ManifestError: If a held-out image has changed.
        DatasetError: If the data set has none of them.
    """
    return score_images(segmenter, dataset, list_heldout_ids(segmenter, dataset))


def list_heldout_ids(segmenter: Segmenter, dataset: Dataset) -> list[str]:
    """Return the held-out images of a model that a data set has.

    Flipped copies are excluded, and so are synthetic images if there are real ones.

    Raises:
        ManifestError: If one of them has changed.
        DatasetError: If the data set has none of them.
    """
    ids = [i for i in segmenter.card.split["test"] if get_original_id(i) == i and i in dataset]
    ids = [i for i in ids if not i.startswith("synthetic/")] or ids
    if not ids:
        raise DatasetError(
            f"Data set {dataset.name} has none of the held-out images of {segmenter.name}, which are from "
            f"{segmenter.card.dataset}."
        )
    digests = {sample_id: dataset.read(sample_id).compute_digest() for sample_id in ids}
    check_manifest(dataset.name, {i: segmenter.card.split["manifest"].get(i, "") for i in ids}, digests)
    return ids
