"""Random images and targets for timing: the time of a step does not depend on what the images show."""

from __future__ import annotations

import numpy as np

from wbcseg.labels import CLASSES
from wbcseg.training.config import TrainingConfig
from wbcseg.training.data import ArraySplit, Batch


def build_random_split(config: TrainingConfig, count: int, scale: int = 1) -> ArraySplit:
    """Return random images and labels.

    Args:
        config: The settings; the same seed gives the same images.
        count: Number of images.
        scale: Side of the images, relative to the network's input size.
    """
    rng = np.random.default_rng(config.seed)
    shape = (count, config.input_size * scale, config.input_size * scale)
    return ArraySplit(
        ids=tuple(map(str, range(count))),
        images=rng.integers(0, 256, (*shape, 3), dtype=np.uint8),
        labels=rng.integers(0, len(CLASSES), shape, dtype=np.uint8),
        unlabelled=np.zeros(shape, dtype=bool),
        cell_types=(None,) * count,
    )


def build_random_batch(config: TrainingConfig) -> Batch:
    """Return one batch of random images and one-hot targets: ``float32[batch_size, S, S, 3]`` twice."""
    return next(build_random_split(config, config.batch_size).iter_batches(config.batch_size))
