"""Cross-site study: a network is trained on the images of one site (laboratory) and tested on those of the other.

Its results are also what the quality model of a network is fitted to, see :mod:`wbcseg.quality`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets import Dataset
from wbcseg.evaluation import comparison
from wbcseg.evaluation.cross_validation import (
    Study,
    build_study_metadata,
    compute_training_cost,
    list_study_files,
    score_heldout,
    score_predictions,
    sort_results,
)
from wbcseg.evaluation.metric_specs import compute_metrics
from wbcseg.evaluation.result_store import read_result
from wbcseg.evaluation.study_result import CrossSiteResult, InDomainResult, PredictionMode, ScoredImages, SiteTraining
from wbcseg.inference import Segmenter
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.io.numbers import round_or_none
from wbcseg.labels import Labels
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.metrics.calibration import CalibrationCounter
from wbcseg.models.card_records import CrossSiteSummary, InDomainTest, MeanDice, SiteTest
from wbcseg.paths import RESULTS
from wbcseg.quality.features import compute_quality_features
from wbcseg.quality.fit import Example
from wbcseg.quality.negatives import generate_negative_images
from wbcseg.training import PRESETS, Run
from wbcseg.transforms.acquisition import jitter_acquisition

CROSS_SITE_FOLDER: Final = RESULTS / "cross_site"
STUDY_NAME: Final = "cross-site"

SITES: Final = ("zheng-1", "zheng-2")
N_FOLDS: Final = 20
"""One of this many folds is held out to monitor the training; the test set is the other site."""

SITE_SETTINGS: Final[Mapping[str, Sequence[Mapping[str, float]]]] = {
    "segnet": (
        {"base_filters": 8, "input_size": 168, "cell_fraction": 0.7, "epochs": 160, "clean_epochs": 55},
        {"base_filters": 8, "input_size": 168, "cell_fraction": 0.7, "epochs": 320, "clean_epochs": 100},
    ),
    "deconvnet": (
        {"base_filters": 8, "cell_fraction": 0.65, "epochs": 160, "clean_epochs": 50},
        {"base_filters": 8, "cell_fraction": 0.65, "epochs": 240, "clean_epochs": 80},
    ),
}
"""Settings that differ from the preset ``general``, by network and site; other networks take the preset as it is.

Networks without skip connections are narrower, so that they predict fast enough, and are trained for fewer epochs,
because these take longer. Their second stage is closer, for finer outlines; SegNet-Basic also has a larger input.
"""

N_VARIED_COPIES: Final = 2
"""Varied copies of each image for the quality model, because few results on the original images are bad."""


def plan_cross_site(architecture: str, **overrides: Any) -> Study:
    """Return the trainings of a cross-site study: one for each site.

    Args:
        architecture: The network.
        overrides: Settings that replace those of :data:`SITE_SETTINGS`.
    """
    base = PRESETS["general"].replace(architecture=architecture, folds=N_FOLDS, fold=0)
    settings = SITE_SETTINGS.get(architecture, ({},) * len(SITES))
    configs = tuple(
        base.replace(dataset=f"{site}+synthetic", **{**site_settings, **overrides})
        for site, site_settings in zip(SITES, settings, strict=True)
    )
    return Study(STUDY_NAME, architecture, configs)


def evaluate_cross_site(
    study: Study, runs: Sequence[Run], datasets: Sequence[Dataset], on_image: Callable[[str], None] = lambda _: None
) -> tuple[CrossSiteResult, list[Example]]:
    """Test each run on the site that it was not trained on.

    Args:
        study: The study.
        runs: Its runs, all finished.
        datasets: The data sets of :data:`SITES`, in that order.
        on_image: Called with the id of each tested image.

    Returns:
        The result, still without the metrics of the quality model, and examples to fit that model to.
    """
    trainings, images, examples = [], [], []
    calibrations = {}
    for index, run in enumerate(runs):
        segmenter, dataset, config = Segmenter(run.folder), datasets[1 - index], run.load_config()
        counter, tested = CalibrationCounter(), []
        for sample_id in dataset.ids:
            sample = dataset.read(sample_id)
            if sample.mask is None:
                continue
            single = segmenter.predict(sample.image)
            tta = segmenter.predict(sample.image, tta=True)
            tested.append(score_predictions(sample, index, single.labels, tta.labels))
            counter.add(single.probabilities, sample.mask)
            examples += _build_examples(segmenter, sample.image, sample.mask, sample_id)
            on_image(sample_id)
        examples += [
            Example(_compute_features(segmenter, image), kind, None)
            for kind, image in generate_negative_images(seed=index)
        ]
        trainings.append(
            SiteTraining(
                trained_on=config.dataset,
                tested_on=dataset.name,
                trained=len(segmenter.card.split["train"]),
                tested=len(tested),
                clean_epochs=config.clean_epochs,
                cell_fraction=segmenter.card.cell_fraction,
                **compute_training_cost(run),
            )
        )
        calibrations[dataset.name] = counter.summarise()
        images += tested
    metadata = build_study_metadata(study, runs, segmenter, varying=("dataset", "epochs", "clean_epochs"))
    result = CrossSiteResult(**metadata, trainings=tuple(trainings), calibration=calibrations, images=tuple(images))
    return result, examples


def evaluate_in_domain(
    segmenter: Segmenter, datasets: Sequence[Dataset], on_image: Callable[[str], None] = lambda _: None
) -> InDomainResult:
    """Test a general model on held-out images of the sites it was trained on.

    Args:
        segmenter: The model.
        datasets: The data sets of :data:`SITES`, in that order.
        on_image: Called with the id of each tested image.
    """
    images = tuple(
        image
        for site_index, dataset in enumerate(datasets)
        for image in score_heldout(segmenter, dataset, site_index, on_image)
    )
    return InDomainResult(model=segmenter.name, images=images)


def load_cross_site_results(folder: Path | None = None) -> list[CrossSiteResult]:
    """Return the results of a folder, by default the shipped ones, in the usual order of the networks."""
    paths = list_study_files(folder or CROSS_SITE_FOLDER)
    return sort_results([load_cross_site_result(path) for path in paths])


def load_cross_site_result(path: Path) -> CrossSiteResult:
    """Return the result in a file."""
    return CrossSiteResult.from_dict(read_result(path))


def summarise_cross_site(result: CrossSiteResult) -> CrossSiteSummary:
    """Return a summary for the cards of general models of the same network.

    Args:
        result: With the metrics of the quality model.

    Raises:
        ValueError: If there are no metrics of the quality model yet.
    """
    if result.quality is None:
        raise ValueError("The quality model has not been fitted yet.")
    tests, in_domain = [], []
    for index, training in enumerate(result.trainings):
        mean_dice = _compute_mean_dice(result.select_training(index))
        tests.append(
            SiteTest(
                training.trained_on,
                training.tested_on,
                training.trained,
                training.tested,
                training.epochs,
                **mean_dice,
                calibration=result.calibration[training.tested_on],
            )
        )
    if result.in_domain is not None:
        for index, site in enumerate(SITES):
            part = result.in_domain.select_training(index)
            in_domain.append(InDomainTest(site, len(part.images), **_compute_mean_dice(part)))
    return CrossSiteSummary(tuple(tests), result.quality, tuple(in_domain))


def _compute_mean_dice(result: ScoredImages) -> dict[PredictionMode, dict[str, MeanDice]]:
    """Return mean Dice and its standard error by prediction mode and region."""
    means: dict[PredictionMode, dict[str, MeanDice]] = {}
    for mode in comparison.MODE_LABELS:
        means[mode] = {}
        for region in FOREGROUND_REGIONS:
            summary = comparison.summarise_values(
                list(comparison.collect_metric(result, "dice", region, mode).values())
            )
            means[mode][region] = MeanDice(round_or_none(summary.mean), round_or_none(summary.standard_error))
    return means


def _build_examples(segmenter: Segmenter, image: NDArray[np.uint8], mask: Labels, group: str) -> list[Example]:
    """Return examples for the quality model: the results on an image and on varied copies of it."""
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
