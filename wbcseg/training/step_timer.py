"""Time training steps. Imports TensorFlow."""

from __future__ import annotations

import gc
import time
from typing import Final

import keras

from wbcseg.training.config import TrainingConfig
from wbcseg.training.random_data import build_random_batch
from wbcseg.training.trainer import Trainer

TIMED_STEPS: Final = 4
MAX_TIMED_SECONDS: Final = 15.0
"""No further step is timed after this many seconds."""


def time_training_step(config: TrainingConfig) -> float:
    """Return the seconds of a training step: the shortest of a few, which other programs disturb least.

    The first step, in which TensorFlow compiles the network, is not timed. Must run before the network of the training
    is built: it resets Keras, so that the numbers in layer names start at zero.

    Raises:
        MemoryError: If there is not enough memory.
    """
    keras.utils.clear_session()
    try:
        return min(_time_steps(config))
    finally:
        keras.utils.clear_session()
        gc.collect()


def _time_steps(config: TrainingConfig) -> list[float]:
    trainer = Trainer(config, steps_per_epoch=1)
    images, targets = build_random_batch(config)
    trainer.step(images, targets, 0)
    timings: list[float] = []
    while len(timings) < TIMED_STEPS and sum(timings) < MAX_TIMED_SECONDS:
        start_time = time.perf_counter()
        trainer.step(images, targets, 1 + len(timings))
        timings.append(time.perf_counter() - start_time)
    return timings
