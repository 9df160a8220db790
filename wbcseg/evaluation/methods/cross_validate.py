"""Cross-validate a method without a deep network on the folds, and by the scores, that networks have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from wbcseg.datasets.base import Dataset
from wbcseg.evaluation.cross_validation import score_heldout
from wbcseg.evaluation.entries.extras import PixelCounter
from wbcseg.evaluation.methods.train import count_values, get_environment, write_method
from wbcseg.evaluation.study_result import CrossValidationResult, FoldTraining, TestedImage
from wbcseg.inference import Segmenter
from wbcseg.models.method_registry import get_method
from wbcseg.splitting.splits import DEFAULT_SEED
from wbcseg.training.methods import FittedMethod, MethodConfig, fit_method
from wbcseg.training.methods.fit import split_dataset

COMPARISON_STUDY: Final = "zheng-1-comparison-cv5"
"""The study that compares all networks and methods by one protocol."""

VARYING: Final = ("fold", "split_seed")
"""Settings that differ between the trainings of a study."""


def cross_validate_method(
    method: str,
    dataset: Dataset,
    *,
    study: str = COMPARISON_STUDY,
    folds: int = 5,
    split_seed: int = DEFAULT_SEED,
    seed: int = DEFAULT_SEED,
    on_image: Callable[[str], None] = lambda _: None,
) -> CrossValidationResult:
    """Train a method on each fold and score it on the images of the others' test sides.

    Args:
        method: Name of the method.
        dataset: The data set.
        study: Name of the study.
        folds: Number of folds without data leakage, the same as those of networks.
        split_seed: Random seed of the folds.
        seed: Random seed of the trainings.
        on_image: Called with the id of each scored image.

    Raises:
        WbcsegError: If the data cannot be used.
    """
    splits, samples = split_dataset(dataset, folds=folds, seed=split_seed)
    trainings: list[FoldTraining] = []
    images: list[TestedImage] = []
    counter = PixelCounter()
    for fold, split in enumerate(splits):
        config = MethodConfig(method, dataset.name, folds, fold, split_seed, seed=seed)
        fitted = fit_method(config, split, samples)
        with TemporaryDirectory() as folder:
            card = write_method(config, fitted, Path(folder))
            tested = score_heldout(Segmenter(Path(folder), card), dataset, fold, on_image, counter)
        trainings.append(_summarise(config, fitted, len(tested), card.size_bytes))
        images += tested
    return CrossValidationResult(
        study=study,
        architecture=method,
        title=get_method(method).title,
        parameters=count_values(config, fitted),
        config={name: value for name, value in config.to_dict().items() if name not in VARYING},
        environment=get_environment(),
        manifest_digest=splits[0].to_dict()["manifest_digest"],
        trainings=tuple(trainings),
        images=tuple(images),
        pixels=counter.summarise(),
        crop_cpu_ms=counter.crop_cpu_ms,
    )


def _summarise(config: MethodConfig, fitted: FittedMethod, n_tested: int, size: int) -> FoldTraining:
    return FoldTraining(
        fold=config.fold,
        split_seed=config.split_seed,
        epochs=0,
        seconds=round(fitted.seconds, 1),
        cpu_seconds=round(fitted.cpu_seconds, 1),
        trained=len(fitted.split.train),
        tested=n_tested,
        model_bytes=size,
    )
