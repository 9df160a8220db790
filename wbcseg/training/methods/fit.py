"""Let a method learn from the training images of a split, and measure how long it takes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from wbcseg.datasets.base import Dataset
from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError
from wbcseg.models.method_registry import Arrays, LabelledImage, get_method
from wbcseg.splitting.splits import Split, build_leak_free_folds
from wbcseg.training.methods.config import MethodConfig
from wbcseg.transforms.padding import pad_labels_to_square, pad_to_square

MIN_IMAGES = 4
"""Fewer images with a mask are not enough to train and test."""


@dataclass(frozen=True, eq=False)
class FittedMethod:
    """What a method has learned.

    Attributes:
        arrays: The arrays.
        split: Its training and held-out images.
        seconds: Time of the training, with the computation of features.
        cpu_seconds: Processor time of all cores.
    """

    arrays: Arrays
    split: Split
    seconds: float
    cpu_seconds: float


def split_dataset(dataset: Dataset, *, folds: int, seed: int) -> tuple[list[Split], dict[str, Sample]]:
    """Return the folds without data leakage that networks have, and the images with a mask by id.

    Args:
        dataset: The data set.
        folds: Number of folds.
        seed: Random seed of the folds.

    Raises:
        DatasetError: If there are too few images with masks.
        SplitError: If there are fewer cells than folds.
    """
    samples = {sample.id: sample for sample in dataset if sample.mask is not None}
    if len(samples) < MIN_IMAGES:
        raise DatasetError(
            f"A training needs at least {MIN_IMAGES} images with an expert mask; data set {dataset.name} has "
            f"{len(samples)}."
        )
    return build_leak_free_folds(dataset.name, list(samples.values()), folds=folds, seed=seed), samples


def fit_method(config: MethodConfig, split: Split, samples: dict[str, Sample]) -> FittedMethod:
    """Let a method learn from the training images of a split.

    Args:
        config: The settings.
        split: The split.
        samples: The images by id.
    """
    images = [_place(samples[sample_id], config.input_size) for sample_id in split.train]
    start, cpu_start = time.perf_counter(), time.process_time()
    arrays = get_method(config.architecture).fit(images, config.seed)
    return FittedMethod(arrays, split, time.perf_counter() - start, time.process_time() - cpu_start)


def _place(sample: Sample, side: int) -> LabelledImage:
    """Return an image and its mask as large as the method sees them, without what pads them to a square."""
    if sample.mask is None:
        raise ValueError(f"Image {sample.id} has no expert mask.")
    image, placement = pad_to_square(sample.image, side)
    return image[placement.window], pad_labels_to_square(sample.mask, side)[placement.window]
