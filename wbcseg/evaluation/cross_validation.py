"""Cross-validation: several trainings of a network, so that each image is tested by one that never saw its cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypedDict, TypeVar

from wbcseg.datasets import DATASETS
from wbcseg.datasets.base import Dataset
from wbcseg.datasets.sample import Sample
from wbcseg.errors import ConfigError, DatasetError
from wbcseg.evaluation.entries.extras import PixelCounter, average_curves
from wbcseg.evaluation.heldout import list_heldout_ids
from wbcseg.evaluation.metric_specs import compute_metrics
from wbcseg.evaluation.result_store import read_result
from wbcseg.evaluation.study_result import CrossValidationResult, FoldTraining, StudyResult, TestedImage
from wbcseg.inference import Segmenter
from wbcseg.labels import Labels
from wbcseg.metrics import find_unmarked_class
from wbcseg.models import ARCHITECTURES, COMPARED_PARAMETERS, get_spec
from wbcseg.models.card_records import Environment
from wbcseg.paths import RESULTS
from wbcseg.training import PRESETS, Run, TrainingConfig

Result = TypeVar("Result", bound=StudyResult)

CROSS_VALIDATION_FOLDER: Final = RESULTS / "cross_validation"

LEAKY_SUFFIX: Final = "-leaky"
"""Ends the names of studies with copies of the test images in training."""

UNUSED_FRACTION: Final = 0.1
"""Fraction of the images that random splits leave out: 70% for training and 20% for testing, as in MedSegBench."""


@dataclass(frozen=True)
class Study:
    """Several trainings of one network on different parts of the data.

    Attributes:
        name: Short name: data set, preset and kind of split.
        architecture: The network.
        configs: Settings of the trainings.
    """

    name: str
    architecture: str
    configs: tuple[TrainingConfig, ...]

    @property
    def result_name(self) -> str:
        """Name of the result, and prefix of the runs' names."""
        return f"{self.name}-{self.architecture}"

    @property
    def run_names(self) -> tuple[str, ...]:
        """Names of the trainings' runs."""
        return tuple(f"{self.result_name}-{index}" for index in range(len(self.configs)))


def plan_cross_validation(
    preset: str,
    dataset: str,
    architecture: str,
    *,
    folds: int = 0,
    splits: int = 0,
    leaky: bool = False,
    **overrides: Any,
) -> Study:
    """Return the trainings of a cross-validation.

    Args:
        preset: Name of the preset. That of the thesis is used without its leaky split.
        dataset: Name of a data set, or path of a folder or zip.
        architecture: The network.
        folds: Number of folds: each image is tested once.
        splits: Instead, the number of random splits into 70% for training, 10% unused and 20% for testing.
        leaky: Whether to put copies of the test images into training on purpose.
        overrides: Further settings.

    Raises:
        ConfigError: If not exactly one of ``folds`` and ``splits`` is given, a setting is invalid, or an own data set
            has the name of a built-in one.
    """
    if bool(folds) == bool(splits):
        raise ConfigError(
            f"Give either a number of folds or a number of random splits. Received: {folds} folds and {splits} splits"
        )
    base = PRESETS[preset].replace(
        architecture=architecture,
        dataset=dataset,
        split="leaky" if leaky else "leak-free",
        thesis_bugs=False,
        **({"flipped_copies": True} if leaky else {}),
        **overrides,
    )
    if folds:
        configs = [base.replace(folds=folds, fold=fold) for fold in range(folds)]
    else:
        configs = [
            base.replace(folds=5, fold=0, split_seed=seed, unused_fraction=UNUSED_FRACTION)
            for seed in range(1, splits + 1)
        ]
    dataset_name = Path(dataset).stem
    if dataset_name in DATASETS and dataset not in DATASETS:
        raise ConfigError(
            f"Results are named after their data set, and {dataset_name} is a built-in data set. Rename {dataset}."
        )
    split_kind = f"cv{folds}" if folds else f"splits{splits}"
    name = f"{dataset_name}-{preset}-{split_kind}{LEAKY_SUFFIX if leaky else ''}"
    return Study(name, architecture, tuple(configs))


def plan_comparison(dataset: str, architecture: str, folds: int = 5, **overrides: Any) -> Study:
    """Return the trainings of a network in the comparison of all networks at :data:`COMPARED_PARAMETERS`.

    Args:
        dataset: Name of a data set, or path of a folder or zip.
        architecture: The network.
        folds: Number of folds.
        overrides: Further settings.

    Raises:
        ConfigError: If a setting is invalid, or an own data set has the name of a built-in one.
    """
    base_filters = get_spec(architecture).find_base_filters(COMPARED_PARAMETERS)
    return plan_cross_validation(
        "comparison", dataset, architecture, folds=folds, base_filters=base_filters, **overrides
    )


def evaluate_study(
    study: Study, runs: Sequence[Run], dataset: Dataset, on_image: Callable[[str], None] = lambda _: None
) -> CrossValidationResult:
    """Score each run on its held-out images.

    Args:
        study: The study.
        runs: Its runs, all finished.
        dataset: The data set they were trained on.
        on_image: Called with the id of each scored image.

    Raises:
        WbcsegError: If a run has no model, or the data has changed.
    """
    trainings, images, counter = [], [], PixelCounter()
    for index, run in enumerate(runs):
        segmenter = Segmenter(run.folder)
        if segmenter.card.dataset != dataset.name:
            raise DatasetError(f"Run {run.name} was trained on {segmenter.card.dataset}. Received: {dataset.name}")
        tested = score_heldout(segmenter, dataset, index, on_image, counter)
        trainings.append(summarise_training(run, segmenter, len(tested)))
        images += tested
    metadata = build_study_metadata(study, runs, segmenter, varying=("fold", "split_seed"))
    metadata["config"]["dataset"] = dataset.name
    return CrossValidationResult(
        **metadata,
        manifest_digest=segmenter.card.split["manifest_digest"],
        trainings=tuple(trainings),
        images=tuple(images),
        pixels=counter.summarise(),
        crop_cpu_ms=counter.crop_cpu_ms,
        curve=average_curves(runs),
    )


class StudyMetadata(TypedDict):
    """The fields of :class:`wbcseg.evaluation.study_result.StudyResult` that describe the study."""

    study: str
    architecture: str
    title: str
    parameters: int
    config: dict[str, Any]
    environment: Environment


def build_study_metadata(
    study: Study, runs: Sequence[Run], segmenter: Segmenter, varying: Sequence[str]
) -> StudyMetadata:
    """Return the description of a study for its result.

    Args:
        study: The study.
        runs: Its runs.
        segmenter: The model of one of them.
        varying: Settings that differ between the runs; all others are in ``config``.
    """
    return {
        "study": study.name,
        "architecture": study.architecture,
        "title": f"{get_spec(study.architecture).title}, {study.configs[0].base_filters} base filters",
        "parameters": segmenter.card.parameters,
        "config": {name: value for name, value in study.configs[0].to_dict().items() if name not in varying},
        "environment": runs[0].load_environment(),
    }


def score_predictions(sample: Sample, training: int, single: Labels, tta: Labels) -> TestedImage:
    """Score the predictions of one image against the expert's mask.

    Args:
        sample: The image, with a mask.
        training: Index of the training that tests it.
        single: ``uint8[H, W]`` of class ids, predicted in a single pass.
        tta: Same, with test-time averaging.
    """
    if sample.mask is None:
        raise ValueError(f"Image {sample.id} has no expert mask.")
    return TestedImage(
        sample.id,
        sample.cell_type,
        training,
        single=_score_marked(sample.mask, single),
        tta=_score_marked(sample.mask, tta),
    )


def _score_marked(truth: Labels, labels: Labels) -> dict[str, Any]:
    """Return all metrics of an image, without those of a class that the mask does not mark."""
    metrics, region = compute_metrics(truth, labels), find_unmarked_class(truth)
    for values in metrics.values():
        if isinstance(values, dict) and region in values:
            values[region] = None
    return metrics


def score_heldout(
    segmenter: Segmenter,
    dataset: Dataset,
    training_index: int,
    on_image: Callable[[str], None] = lambda _: None,
    counter: PixelCounter | None = None,
) -> list[TestedImage]:
    """Score a model on its held-out images of a data set.

    Args:
        segmenter: The model.
        dataset: The data set it was trained on, or a part of it.
        training_index: Index of the training.
        on_image: Called with the id of each scored image.
        counter: Counts the images' pixels and the time that each took.
    """
    images, counter = [], counter or PixelCounter()
    for sample_id in list_heldout_ids(segmenter, dataset):
        sample = dataset.read(sample_id)
        if sample.mask is None:
            continue
        single, tta = counter.predict(segmenter, sample.image), segmenter.predict(sample.image, tta=True)
        counter.add(sample.mask, single)
        images.append(score_predictions(sample, training_index, single.labels, tta.labels))
        on_image(sample_id)
    return images


def summarise_training(run: Run, segmenter: Segmenter, n_tested: int) -> FoldTraining:
    """Return what a training was, and on how many images it was tested."""
    config = run.load_config()
    return FoldTraining(
        fold=config.fold,
        split_seed=config.split_seed,
        **compute_training_cost(run),
        trained=len(segmenter.card.split["train"]),
        tested=n_tested,
        model_bytes=segmenter.card.size_bytes,
    )


class TrainingCost(TypedDict):
    """Duration of a training; ``cpu_seconds`` is ``None`` if it was not recorded."""

    epochs: int
    seconds: float
    cpu_seconds: float | None


def compute_training_cost(run: Run) -> TrainingCost:
    """Return the duration of a training."""
    history = run.load_metrics()
    cpu_seconds = [row["cpu_seconds"] for row in history if "cpu_seconds" in row]
    return {
        "epochs": len(history),
        "seconds": round(sum(row["seconds"] for row in history), 1),
        "cpu_seconds": round(sum(cpu_seconds), 1) if cpu_seconds else None,
    }


def list_study_files(folder: Path | None = None) -> list[Path]:
    """Return the result files of a folder, by default those of the shipped cross-validations."""
    return sorted((folder or CROSS_VALIDATION_FOLDER).glob("*.json"))


def get_study_file(dataset: str, architecture: str) -> Path:
    """Return the file of a network's shipped cross-validation on one data set, which may not exist."""
    return CROSS_VALIDATION_FOLDER / f"{dataset}-compact-cv5-{architecture}.json"


def load_study_results(files: Sequence[Path]) -> list[CrossValidationResult]:
    """Return the results in files by study, the networks of each in their usual order."""
    return sort_results([CrossValidationResult.from_dict(read_result(path)) for path in files])


def sort_results(results: Sequence[Result]) -> list[Result]:
    """Return results by study, the networks of each in their usual order; unknown networks come last."""
    ranks = {name: rank for rank, name in enumerate(ARCHITECTURES)}
    return sorted(results, key=lambda result: (result.study, ranks.get(result.architecture, len(ranks))))
