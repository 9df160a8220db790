"""How fast this program trains beside Keras with its own layers, loop and settings, measured in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import IO, Any, Final

from wbcseg.errors import TrainingError
from wbcseg.paths import IMPORT_ROOT
from wbcseg.training.config import TrainingConfig
from wbcseg.training.presets import PRESETS
from wbcseg.training.tf_env import describe_environment

IMAGES_PER_EPOCH: Final = 210
"""Pictures an epoch: what four of five leak-free folds of 264 pictures have."""

WARM_UP_BATCHES: Final = 2
"""Batches before the measurement: TensorFlow prepares itself in the first, oneDNN finds its memory in the second."""


_TENSORFLOW_VARIABLES: Final = ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class BenchmarkResult:
    """What was measured for one network.

    Attributes:
        config: The settings of the training.
        batch_seconds: By side, seconds of every measured batch: ``[rounds][batches]``.
        precision: By side, what it computes in.
        first_loss: By side, the loss of the first batch; all sides begin with the same weights.
        parameters: Size of the network.
    """

    config: TrainingConfig
    batch_seconds: dict[str, list[list[float]]]
    precision: dict[str, str]
    first_loss: dict[str, float]
    parameters: int

    def estimate_epoch_seconds(self, variant: str) -> float:
        """Return the seconds of an epoch of :data:`IMAGES_PER_EPOCH` pictures: median over the rounds."""
        means = [sum(round_) / len(round_) for round_ in self.batch_seconds[variant]]
        return median(means) * IMAGES_PER_EPOCH / self.config.batch_size

    def compute_speedups(self, variant: str) -> list[float]:
        """Return how many times as long as ``variant`` Keras took, in every round."""
        pairs = zip(self.batch_seconds["keras"], self.batch_seconds[variant], strict=True)
        return [sum(keras) / sum(own) for keras, own in pairs]

    def to_dict(self) -> dict[str, Any]:
        """Return the results as JSON values: seconds an epoch, and ratios to Keras with their least and greatest."""
        speedup_summary = {}
        for variant in self.batch_seconds:
            if variant != "keras":
                speedups = self.compute_speedups(variant)
                speedup_summary[variant] = {
                    "median": round(median(speedups), 3),
                    "least": round(min(speedups), 3),
                    "greatest": round(max(speedups), 3),
                }
        return {
            "architecture": self.config.architecture,
            "base_filters": self.config.base_filters,
            "parameters": self.parameters,
            "rounds": len(self.batch_seconds["keras"]),
            "batches": len(self.batch_seconds["keras"][0]),
            "seconds_per_epoch": {
                variant: round(self.estimate_epoch_seconds(variant), 3) for variant in self.batch_seconds
            },
            "speedup": speedup_summary,
            "precision": self.precision,
            "first_loss": {variant: round(loss, 6) for variant, loss in self.first_loss.items()},
        }


def build_benchmark_config(architecture: str, base_filters: int) -> TrainingConfig:
    """Return the settings that are compared: those of ``compact``, without what Keras' step would not do as well."""
    return PRESETS["compact"].replace(architecture=architecture, width=base_filters, weight_average=0.0)


def run_benchmark(
    config: TrainingConfig,
    *,
    batches: int,
    rounds: int,
    include_untuned: bool = False,
    on_round: Callable[[int], None] = lambda _: None,
) -> BenchmarkResult:
    """Time training steps of this program and of Keras, batch by batch in turns.

    Each side is a process of its own, for TensorFlow settles on oneDNN when it is imported; while one computes, the
    others wait. Keras' side has Keras' own layers in float32, its ``fit`` and TensorFlow as it comes.

    Args:
        config: The settings; their data set is not read.
        batches: Batches of a round.
        rounds: Rounds; figures are medians over them.
        include_untuned: Whether to measure a third side too: this program's step in TensorFlow as it comes.
        on_round: Called with the number of rounds done.

    Raises:
        TrainingError: If a side cannot be started or dies.
    """
    variants = ("program", "untuned", "keras") if include_untuned else ("program", "keras")
    with ExitStack() as stack:
        workers = {variant: stack.enter_context(start_worker(variant, config)) for variant in variants}
        ready_messages = {variant: worker.read_response() for variant, worker in workers.items()}
        first_losses = {variant: worker.step()["loss"] for variant, worker in workers.items()}
        for _ in range(WARM_UP_BATCHES - 1):
            for worker in workers.values():
                worker.step()
        seconds: dict[str, list[list[float]]] = {variant: [] for variant in variants}
        for round_index in range(rounds):
            for variant_rounds in seconds.values():
                variant_rounds.append([])
            for batch_index in range(batches):
                # Nobody is always the first.
                for variant in variants if (round_index + batch_index) % 2 else reversed(variants):
                    seconds[variant][-1].append(workers[variant].step()["seconds"])
            on_round(round_index + 1)
    return BenchmarkResult(
        config=config,
        batch_seconds=seconds,
        precision={variant: str(values["precision"]) for variant, values in ready_messages.items()},
        first_loss=first_losses,
        parameters=int(ready_messages["program"]["parameters"]),
    )


def build_report(results: Sequence[BenchmarkResult]) -> dict[str, Any]:
    """Return the results of several networks as JSON values, with what they were measured on."""
    config = results[0].config
    return {
        "environment": describe_environment(results[0].precision["program"]),
        "images_per_epoch": IMAGES_PER_EPOCH,
        "batch_size": config.batch_size,
        "input_size": config.input_size,
        "optimizer": config.optimizer,
        "loss": config.loss,
        "results": [result.to_dict() for result in results],
    }


class _WorkerClient:
    """The other end of :class:`wbcseg.benchmarking.training_worker.RequestChannel`."""

    def __init__(self, variant: str, requests: IO[str], responses: IO[str], error_log: IO[str]) -> None:
        self._variant, self._requests, self._responses, self._error_log = variant, requests, responses, error_log

    def step(self) -> dict[str, Any]:
        try:
            self._requests.write("\n")
            self._requests.flush()
        except OSError:
            raise self._build_error() from None
        return self.read_response()

    def read_response(self) -> dict[str, Any]:
        line = self._responses.readline()
        if not line:
            raise self._build_error()
        values: dict[str, Any] = json.loads(line)
        return values

    def _build_error(self) -> TrainingError:
        self._error_log.seek(0)
        error_lines = self._error_log.read().strip().splitlines() or ["it said nothing"]
        return TrainingError(
            f"The process that measures {self._variant!r} ended before its time: {error_lines[-1]}. "
            "If the memory was not enough, choose a smaller width."
        )


@contextmanager
def start_worker(variant: str, config: TrainingConfig) -> Iterator[_WorkerClient]:
    """Start the process of a side. It waits until its ``step`` is called, and ends with the block."""
    # What somebody has set for TensorFlow would be set for both sides alike, and nothing left to compare.
    environ = {name: value for name, value in os.environ.items() if name not in _TENSORFLOW_VARIABLES}
    command = [sys.executable, "-m", "wbcseg.benchmarking.training_worker", variant, json.dumps(config.to_dict())]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as error_log:
        process = subprocess.Popen(
            command,
            cwd=IMPORT_ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=error_log,
            text=True,
        )
        try:
            if process.stdin is None or process.stdout is None:
                raise TrainingError(f"The process that measures {variant!r} could not be started.")
            yield _WorkerClient(variant, process.stdin, process.stdout, error_log)
        finally:
            process.kill()
            process.communicate()
