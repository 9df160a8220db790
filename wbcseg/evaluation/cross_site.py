"""How a network does on another laboratory's pictures than it was trained on, and whether it knows when it is wrong.

The network is trained on the pictures of one laboratory (with drawn ones) and tested on those of the other, and the
other way round. From the results it is learned how to judge a result, see :mod:`wbcseg.quality`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets import Dataset
from wbcseg.evaluation import comparison
from wbcseg.evaluation.cross_validation import (
    Study,
    build_score_row,
    build_study_metadata,
    compute_training_cost,
    score_heldout,
)
from wbcseg.evaluation.metric_specs import compute_metrics
from wbcseg.inference import Segmenter
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import Labels
from wbcseg.paths import RESULTS
from wbcseg.quality.features import compute_quality_features
from wbcseg.quality.fit import Example
from wbcseg.quality.negatives import generate_negative_images
from wbcseg.training import PRESETS, Run
from wbcseg.transforms.acquisition import jitter_acquisition

CROSS_SITE_FOLDER: Final = RESULTS / "cross_site"
STUDY_NAME: Final = "cross-site"
"""Of the study."""

SITES: Final = ("zheng-1", "zheng-2")
N_FOLDS: Final = 20
"""One fold of so many is held out, to watch the training; the other laboratory is the test."""

SITE_SETTINGS: Final[Mapping[str, Sequence[Mapping[str, float]]]] = {
    "unet": ({}, {}),
    "segnet": (
        {"base_filters": 8, "input_size": 168, "cell_fraction": 0.7, "epochs": 160, "clean_epochs": 55},
        {"base_filters": 8, "input_size": 168, "cell_fraction": 0.7, "epochs": 320, "clean_epochs": 100},
    ),
    "deconvnet": (
        {"base_filters": 8, "cell_fraction": 0.65, "epochs": 160, "clean_epochs": 50},
        {"base_filters": 8, "cell_fraction": 0.65, "epochs": 240, "clean_epochs": 80},
    ),
}
"""What differs from the preset ``general``, by network and laboratory.

Those without details of their first stages in their last ones are narrower, to answer in time, and learned for fewer
epochs, which take longer. They draw finer outlines from a closer look, SegNet-Basic on a larger canvas, too.
"""

N_VARIED_COPIES: Final = 2
"""Varied copies of every picture to learn from, because few results are bad on the pictures themselves."""

FOREGROUND_REGIONS: Final = ("nucleus", "cytoplasm", "cell")

N_BINS: Final = 15
"""Of the reliability diagram."""

TEMPERATURES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0)
PIXEL_STRIDE: Final = 7
"""Every so manieth pixel counts for the calibration: neighbours say the same."""


def plan_cross_site(architecture: str, **overrides: Any) -> Study:
    """Say which trainings there are: one a laboratory.

    Args:
        architecture: The network.
        overrides: Settings other than those of the network's recipe.
    """
    base = PRESETS["general"].replace(architecture=architecture, folds=N_FOLDS, fold=0)
    configs = tuple(
        base.replace(dataset=f"{site}+synthetic", **{**site_settings, **overrides})
        for site, site_settings in zip(SITES, SITE_SETTINGS[architecture], strict=True)
    )
    return Study(STUDY_NAME, architecture, configs)


class Calibration:
    """Whether probabilities are right: of what a network calls 80 % sure, it should be right in 80 %."""

    def __init__(self) -> None:
        self._sums = np.zeros((len(TEMPERATURES), N_BINS, 3))
        self._losses = np.zeros(len(TEMPERATURES))

    def add(self, probabilities: NDArray[np.float32], mask: Labels) -> None:
        """Count the pixels of a picture.

        Args:
            probabilities: ``float32[H, W, 3]``.
            mask: ``uint8[H, W]`` of class ids: the expert's.
        """
        clipped = np.maximum(probabilities.reshape(-1, 3)[::PIXEL_STRIDE].astype(np.float64), 1e-7)
        truth = mask.ravel()[::PIXEL_STRIDE]
        for index, temperature in enumerate(TEMPERATURES):
            scaled = clipped ** (1.0 / temperature)
            scaled /= scaled.sum(axis=1, keepdims=True)
            confidence, is_correct = scaled.max(axis=1), scaled.argmax(axis=1) == truth
            bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
            for column, values in enumerate((np.ones(len(confidence)), confidence, is_correct)):
                self._sums[index, :, column] += np.bincount(bins, values, N_BINS)
            self._losses[index] -= float(np.log(scaled[np.arange(len(truth)), truth]).sum())

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values.

        ``ece`` is the expected calibration error of the probabilities as they are; ``temperature`` the best one of
        those tried (least cross-entropy), with ``ece_scaled``; ``bins`` the reliability diagram: how many pixels,
        how sure on average, and the share that is right.
        """
        unscaled_index, best_index = TEMPERATURES.index(1.0), int(self._losses.argmin())
        bins = [
            {
                "pixels": int(n_pixels),
                "confidence": round(confidence / n_pixels, 4),
                "accuracy": round(accuracy / n_pixels, 4),
            }
            for n_pixels, confidence, accuracy in self._sums[unscaled_index].tolist()
            if n_pixels
        ]
        return {
            "ece": self._compute_ece(unscaled_index),
            "temperature": TEMPERATURES[best_index],
            "ece_scaled": self._compute_ece(best_index),
            "bins": bins,
        }

    def _compute_ece(self, index: int) -> float:
        counts, confidence, accuracy = self._sums[index].T
        return round(float(np.abs(confidence - accuracy).sum() / max(counts.sum(), 1.0)), 4)


def evaluate_cross_site(
    study: Study, runs: Sequence[Run], datasets: Sequence[Dataset], on_image: Callable[[str], None] = lambda _: None
) -> tuple[dict[str, Any], list[Example]]:
    """Test every run on the laboratory that it was not trained on.

    Args:
        study: The study.
        runs: Its runs, all finished.
        datasets: The laboratories' pictures, in the order of :data:`SITES`.
        on_image: Told of every tested picture.

    Returns:
        JSON values with a row a picture, as :func:`wbcseg.evaluation.cross_validation.evaluate_study` gives, and
        ``calibration`` by the laboratory tested; and what to learn judging from.
    """
    trainings, images, examples = [], [], []
    calibrations = {}
    for index, run in enumerate(runs):
        segmenter, dataset = Segmenter(run.folder), datasets[1 - index]
        calibration = Calibration()
        rows = []
        for sample_id in dataset.ids:
            sample = dataset.read(sample_id)
            if sample.mask is None:
                continue
            single = segmenter.predict(sample.image)
            tta = segmenter.predict(sample.image, tta=True)
            rows.append(build_score_row(sample, index, single.labels, tta.labels))
            calibration.add(single.probabilities, sample.mask)
            examples += _build_examples(segmenter, sample.image, sample.mask, sample_id)
            on_image(sample_id)
        examples += [
            Example(_compute_features(segmenter, image), kind, None)
            for kind, image in generate_negative_images(seed=index)
        ]
        trainings.append(
            {
                "trained_on": run.load_config().dataset,
                "tested_on": dataset.name,
                "trained": len(segmenter.card.split["train"]),
                "tested": len(rows),
                "clean_epochs": run.load_config().clean_epochs,
                "cell_fraction": segmenter.card.cell_fraction,
                **compute_training_cost(run),
            }
        )
        calibrations[dataset.name] = calibration.to_dict()
        images += rows
    metadata = build_study_metadata(study, runs, segmenter, varying=("dataset", "epochs", "clean_epochs"))
    return {**metadata, "trainings": trainings, "calibration": calibrations, "images": images}, examples


def evaluate_in_domain(
    segmenter: Segmenter, datasets: Sequence[Dataset], on_image: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Test a model for any laboratory on its own laboratories' pictures that were held out from it.

    Args:
        segmenter: The model.
        datasets: The laboratories' pictures.
        on_image: Told of every tested picture.

    Returns:
        JSON values: the model's name as ``model`` and a row a picture as ``pictures``, of which ``training`` is the
        number of the laboratory.
    """
    rows = [
        row
        for site_index, dataset in enumerate(datasets)
        for row in score_heldout(segmenter, dataset, site_index, on_image)
    ]
    return {"model": segmenter.name, "images": rows}


def select_training(result: Mapping[str, Any], training_index: int) -> dict[str, Any]:
    """Return a result with the pictures of one training (or one laboratory) alone."""
    return {**result, "images": [row for row in result["images"] if row["training"] == training_index]}


def summarise_cross_site(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result in short, for the cards of models of the same kind.

    Args:
        result: As :func:`evaluate_cross_site` gives it, with ``trust``: the figures of the judge.

    Returns:
        JSON values: ``tests``, a row each with the laboratories, ``one_look`` and ``careful`` with mean Dice and its
        standard error by region, and ``calibration``; ``in_domain``, the same of :func:`evaluate_in_domain`; and ``trust``.
    """
    tests, in_domain = [], []
    for index, training in enumerate(result["trainings"]):
        training_info = {site: training[site] for site in ("trained_on", "tested_on", "trained", "tested", "epochs")}
        calibration = result["calibration"][training["tested_on"]]
        tests.append(
            {**training_info, **_compute_mean_dice(select_training(result, index)), "calibration": calibration}
        )
    if "in_domain" in result:
        for index, site in enumerate(SITES):
            site_result = select_training(result["in_domain"], index)
            in_domain.append({"site": site, "images": len(site_result["images"]), **_compute_mean_dice(site_result)})
    return {"tests": tests, "in_domain": in_domain, "quality": dict(result["quality"])}


def _compute_mean_dice(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return mean Dice and its standard error by look and region."""
    means: dict[str, Any] = {}
    for mode in comparison.MODE_LABELS:
        values_by_region = {
            region: comparison.collect_metric(result, "dice", region, mode) for region in FOREGROUND_REGIONS
        }
        summaries = {
            region: comparison.summarise_values(list(values.values())) for region, values in values_by_region.items()
        }
        means[mode] = {
            region: {
                "dice": _round_or_none(region_summary.mean),
                "dice_se": _round_or_none(region_summary.standard_error),
            }
            for region, region_summary in summaries.items()
        }
    return means


def _build_examples(segmenter: Segmenter, image: NDArray[np.uint8], mask: Labels, group: str) -> list[Example]:
    """Return what to learn from a picture and from varied copies of it."""
    rng = np.random.default_rng(sum(group.encode()))
    batch = np.repeat(image[None].astype(np.float32) / np.float32(255.0), N_VARIED_COPIES, axis=0)
    copies = np.rint(jitter_acquisition(jitter_acquisition(batch, rng), rng) * 255.0).astype(np.uint8)
    examples = []
    for index, variant in enumerate((image, *copies)):
        segmentation = segmenter.predict(variant)
        dice = compute_metrics(mask, segmentation.labels)["dice"]["cell"]
        features = compute_quality_features(variant, segmentation.probabilities, keep_main_cell(segmentation.labels))
        examples.append(Example(features, group, float(dice), is_original=index == 0))
    return examples


def _compute_features(segmenter: Segmenter, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    segmentation = segmenter.predict(image)
    return compute_quality_features(image, segmentation.probabilities, keep_main_cell(segmentation.labels))


def _round_or_none(value: float) -> float | None:
    """Return a figure with five digits; of one picture alone, there is no standard error."""
    return None if math.isnan(value) else round(value, 5)
