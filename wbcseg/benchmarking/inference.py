"""Measure crops per second, beside Keras, and whether memory stays constant."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import psutil

from wbcseg.benchmarking.training import start_worker
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.inference import Segmenter, predict_many
from wbcseg.training import PRESETS
from wbcseg.training.tf_env import get_processor_name

N_DISTINCT_CROPS: Final = 24
"""Number of different crops; they are segmented again and again."""


@dataclass(frozen=True)
class Throughput:
    """Timings and memory.

    Attributes:
        model: Name of the model.
        n_crops: Total number of crops.
        wbcseg_rounds: Seconds per crop, by round.
        keras_batch_rounds: Seconds per crop of the thesis' U-Net in Keras, in batches of 32.
        keras_single_rounds: The same, one by one.
        memory_mb: Resident memory of this process in MB, after each round.
    """

    model: str
    n_crops: int
    wbcseg_rounds: tuple[float, ...]
    keras_batch_rounds: tuple[float, ...]
    keras_single_rounds: tuple[float, ...]
    memory_mb: tuple[float, ...]

    @property
    def wbcseg_seconds(self) -> float:
        """Median seconds per crop."""
        return statistics.median(self.wbcseg_rounds)

    @property
    def keras_batch_seconds(self) -> float:
        """Median seconds per crop of Keras, in batches of 32."""
        return statistics.median(self.keras_batch_rounds)

    @property
    def keras_single_seconds(self) -> float:
        """Median seconds per crop of Keras, one by one."""
        return statistics.median(self.keras_single_rounds)

    def to_dict(self) -> dict[str, Any]:
        """Return the timings as JSON values, with the processor."""
        return {"processor": get_processor_name(), "cores": psutil.cpu_count(), **vars(self)}


def measure_throughput(
    segmenter: Segmenter, n_crops: int, *, n_rounds: int, on_round: Callable[[int], None] = lambda _: None
) -> Throughput:
    """Segment crops in rounds; in between, Keras predicts with the thesis' U-Net in a separate process.

    Args:
        segmenter: The model.
        n_crops: Total number of crops.
        n_rounds: Number of rounds; while one process computes, the other waits.
        on_round: Called with the number of rounds done.

    Raises:
        TrainingError: If the Keras process cannot be started or dies.
    """
    images = [draw_sample(5, index, size=(120, 120)).image for index in range(N_DISTINCT_CROPS)]
    for _ in predict_many(segmenter, images):
        pass
    wbcseg_rounds, keras_batch_rounds, keras_single_rounds, memory_mb = [], [], [], []
    config = PRESETS["thesis"].replace(batch_size=32)
    process = psutil.Process()
    crops_per_round = -(-n_crops // n_rounds)
    with start_worker("predict", config) as worker:
        worker.read_response()
        for round_index in range(n_rounds):
            start = time.perf_counter()
            for _ in predict_many(
                segmenter, (images[crop_index % N_DISTINCT_CROPS] for crop_index in range(crops_per_round))
            ):
                pass
            wbcseg_rounds.append((time.perf_counter() - start) / crops_per_round)
            memory_mb.append(process.memory_info().rss / 1e6)
            reply = worker.step()
            keras_batch_rounds.append(reply["seconds"])
            keras_single_rounds.append(reply["single_seconds"])
            on_round(round_index + 1)
    return Throughput(
        segmenter.name,
        crops_per_round * n_rounds,
        tuple(wbcseg_rounds),
        tuple(keras_batch_rounds),
        tuple(keras_single_rounds),
        tuple(memory_mb),
    )
