"""The same training repeated, so that every picture is tested by a network that never saw its cell.

A result is a small JSON file: settings, machine, times, and the scores of every picture. Those that came with the
program are in the folder ``results/crossvalidation`` beside this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wbcseg.datasets import DATASET_NAMES
from wbcseg.datasets.base import Dataset
from wbcseg.datasets.sample import Sample
from wbcseg.errors import ConfigError, DatasetError
from wbcseg.evaluation.heldout import list_heldout_ids
from wbcseg.evaluation.metric_specs import compute_metrics
from wbcseg.evaluation.result_store import read_result
from wbcseg.inference import Segmenter
from wbcseg.labels import Labels
from wbcseg.models import ARCHITECTURES, get_spec
from wbcseg.paths import RESULTS
from wbcseg.training import PRESETS, Run, TrainingConfig

CROSS_VALIDATION_FOLDER: Final = RESULTS / "cross_validation"
UNUSED_FRACTION: Final = 0.1
"""Share of the pictures that random splits leave out: 70 % train and 20 % test, as in MedSegBench."""


@dataclass(frozen=True)
class Study:
    """One network trained several times on different parts of a data set.

    Attributes:
        name: Short name: data set, recipe and kind of split.
        architecture: The network.
        configs: Settings of the trainings.
    """

    name: str
    architecture: str
    configs: tuple[TrainingConfig, ...]

    @property
    def result_name(self) -> str:
        """Name of the result, and beginning of the runs' names."""
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
    """Say which trainings make a study.

    Args:
        preset: Name of the recipe. That of the thesis is used without its leaking split.
        dataset: Name of a data set, or path of a folder or zip.
        architecture: The network.
        folds: How many folds of a cross-validation: every picture is tested once.
        splits: Instead, how many random splits in 70 % to train, 10 % left out and 20 % to test.
        leaky: Whether copies of the test pictures are in training on purpose.
        overrides: Further settings.

    Raises:
        ConfigError: If not exactly one of ``folds`` and ``splits`` is given, a setting makes no sense, or own
            data is called like a data set of the program.
    """
    if bool(folds) == bool(splits):
        raise ConfigError(
            f"Give a number of folds or a number of random splits. Received: {folds} folds and {splits} splits"
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
    if dataset_name in DATASET_NAMES and dataset not in DATASET_NAMES:
        raise ConfigError(
            f"Results are called by their data, and {dataset_name} is a data set of the program. Rename {dataset}."
        )
    split_kind = f"cv{folds}" if folds else f"splits{splits}"
    name = f"{dataset_name}-{preset}-{split_kind}{'-leaky' if leaky else ''}"
    return Study(name, architecture, tuple(configs))


def evaluate_study(
    study: Study, runs: Sequence[Run], dataset: Dataset, on_image: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Score every run on its held-out pictures.

    Args:
        study: The study.
        runs: Its runs, all finished.
        dataset: The data set that they were trained on.
        on_image: Told of every scored picture.

    Returns:
        JSON values. In ``images`` there is one row a tested picture with the scores of ``one_look`` and of a
        ``careful`` prediction (see :func:`wbcseg.evaluation.metric_specs.compute_metrics`).

    Raises:
        WbcsegError: If a run has no model or the data is not what it was.
    """
    trainings, images = [], []
    for index, run in enumerate(runs):
        segmenter = Segmenter(run.folder)
        if segmenter.card.dataset != dataset.name:
            raise DatasetError(f"Run {run.name} was trained on {segmenter.card.dataset}. Received: {dataset.name}")
        rows = score_heldout(segmenter, dataset, index, on_image)
        trainings.append(_build_training_row(run, segmenter, len(rows)))
        images += rows
    metadata = build_study_metadata(study, runs, segmenter, varying=("fold", "split_seed"))
    metadata["config"]["dataset"] = dataset.name
    digest = segmenter.card.split["manifest_digest"]
    return {**metadata, "manifest_digest": digest, "trainings": trainings, "images": images}


def build_study_metadata(
    study: Study, runs: Sequence[Run], segmenter: Segmenter, varying: Sequence[str]
) -> dict[str, Any]:
    """Return what a result says before its trainings and pictures.

    Args:
        study: The study.
        runs: Its runs.
        segmenter: Of one of them.
        varying: Settings that differ between the runs; the others are in ``config``.
    """
    return {
        "study": study.name,
        "architecture": study.architecture,
        "title": f"{get_spec(study.architecture).title}, width {study.configs[0].base_filters}",
        "parameters": segmenter.card.parameters,
        "config": {name: value for name, value in study.configs[0].to_dict().items() if name not in varying},
        "environment": runs[0].read("environment.json"),
    }


def build_score_row(sample: Sample, training: int, single: Labels, tta: Labels) -> dict[str, Any]:
    """Return the scores of a picture against the expert's mask, as a row of a result.

    Args:
        sample: The picture, with a mask.
        training: Number of the training that tested it.
        single: ``uint8[H, W]`` of class ids.
        tta: Likewise; see :meth:`wbcseg.inference.Segmenter.predict`.
    """
    if sample.mask is None:
        raise ValueError(f"Picture {sample.id} has no expert's mask.")
    metrics_by_mode = {"single": compute_metrics(sample.mask, single), "tta": compute_metrics(sample.mask, tta)}
    return {"id": sample.id, "cell_type": sample.cell_type, "training": training, **metrics_by_mode}


def score_heldout(
    segmenter: Segmenter, dataset: Dataset, training_index: int, on_image: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Return the rows of a model's held-out pictures of a data set; see :func:`build_score_row`.

    Args:
        segmenter: The model.
        dataset: The data set that it was trained on, or a part of it.
        training_index: Of the training.
        on_image: Told of every scored picture.
    """
    rows = []
    for sample_id in list_heldout_ids(segmenter, dataset):
        sample = dataset.read(sample_id)
        if sample.mask is None:
            continue
        single, tta = (segmenter.predict(sample.image, tta=tta).labels for tta in (False, True))
        rows.append(build_score_row(sample, training_index, single, tta))
        on_image(sample_id)
    return rows


def _build_training_row(run: Run, segmenter: Segmenter, n_tested: int) -> dict[str, Any]:
    config = run.load_config()
    return {
        "fold": config.fold,
        "split_seed": config.split_seed,
        **compute_training_cost(run),
        "trained": len(segmenter.card.split["train"]),
        "tested": n_tested,
        "model_bytes": segmenter.card.size_bytes,
    }


def compute_training_cost(run: Run) -> dict[str, Any]:
    """Return how long a training took: ``epochs``, ``seconds`` and, where it is known, ``cpu_seconds``."""
    history = run.load_metrics()
    return {
        "epochs": len(history),
        "seconds": round(sum(row["seconds"] for row in history), 1),
        # Runs of earlier versions have no processor time.
        "cpu_seconds": round(sum(cpu_seconds), 1)
        if (cpu_seconds := [epoch_row["cpu_seconds"] for epoch_row in history if "cpu_seconds" in epoch_row])
        else None,
    }


def list_study_files(folder: Path | None = None) -> list[Path]:
    """Return the files of a folder's results, by default of those that came with the program."""
    return sorted((folder or CROSS_VALIDATION_FOLDER).glob("*.json"))


def get_study_file(dataset: str, architecture: str) -> Path:
    """Return where the cross-validation of a network on one data set by our recipe is, if there is one."""
    return CROSS_VALIDATION_FOLDER / f"{dataset}-compact-cv5-{architecture}.json"


def load_study_results(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the results in files by study, the networks of each in their usual order."""
    results = [read_result(path) for path in files]
    order = list(ARCHITECTURES)
    return sorted(results, key=lambda result: (result["study"], order.index(result["architecture"])))
