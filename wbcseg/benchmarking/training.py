"""Compare the speed of training with Keras' own layers, loop and settings, measured in turns."""

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
from wbcseg.training.precision import PRECISIONS, choose_precision
from wbcseg.training.presets import PRESETS
from wbcseg.training.tf_env import describe_environment

IMAGES_PER_EPOCH: Final = 210
"""Images per epoch: four of five leak-free folds of 264 images."""

WARM_UP_BATCHES: Final = 2
"""Batches before the measurement: TensorFlow compiles the network in the first, oneDNN allocates in the second."""

_TENSORFLOW_VARIABLES: Final = ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclass(frozen=True)
class BenchmarkResult:
    """Timings for one network.

    Attributes:
        config: The settings of the training.
        batch_seconds: By variant, seconds of every timed batch: ``[rounds][batches]``.
        first_loss: By variant, the loss of the first batch; all variants start with the same weights.
        parameters: Number of parameters of the network.
    """

    config: TrainingConfig
    batch_seconds: dict[str, list[list[float]]]
    first_loss: dict[str, float]
    parameters: int

    @property
    def step_seconds(self) -> dict[str, float]:
        """Seconds per training step of this package by precision: median over the rounds."""
        return {name: self._compute_batch_seconds(name) for name in PRECISIONS if name in self.batch_seconds}

    @property
    def auto_precision(self) -> str:
        """The precision that ``precision="auto"`` uses here."""
        return choose_precision(self.step_seconds)

    def estimate_epoch_seconds(self, variant: str) -> float:
        """Return the seconds per epoch of :data:`IMAGES_PER_EPOCH` images: median over the rounds."""
        return self._compute_batch_seconds(variant) * IMAGES_PER_EPOCH / self.config.batch_size

    def compute_speedups(self, variant: str) -> list[float]:
        """Return how many times as long as ``variant`` Keras took, in every round."""
        pairs = zip(self.batch_seconds["keras"], self.batch_seconds[variant], strict=True)
        return [sum(keras) / sum(own) for keras, own in pairs]

    def to_dict(self) -> dict[str, Any]:
        """Return the results as JSON values: seconds per epoch, and speedups over Keras with their range."""
        speedup_summary = {}
        for variant in self.batch_seconds:
            if variant != "keras":
                speedups = self.compute_speedups(variant)
                speedup_summary[variant] = {
                    "median": round(median(speedups), 3),
                    "min": round(min(speedups), 3),
                    "max": round(max(speedups), 3),
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
            "auto_precision": self.auto_precision,
            "first_loss": {variant: round(loss, 6) for variant, loss in self.first_loss.items()},
        }

    def _compute_batch_seconds(self, variant: str) -> float:
        return median(sum(seconds) / len(seconds) for seconds in self.batch_seconds[variant])


def build_benchmark_config(architecture: str, base_filters: int) -> TrainingConfig:
    """Return the settings that are compared: ``compact``, without what Keras' training step does not do."""
    return PRESETS["compact"].replace(architecture=architecture, base_filters=base_filters, ema_decay=0.0)


def run_benchmark(
    config: TrainingConfig,
    *,
    batches: int,
    rounds: int,
    include_untuned: bool = False,
    on_round: Callable[[int], None] = lambda _: None,
) -> BenchmarkResult:
    """Time training steps of this package, in float32 and bfloat16, and of Keras, batch by batch in turns.

    Each variant is a process of its own, because TensorFlow decides on oneDNN when it is imported; while one computes,
    the others wait. The Keras variant has Keras' own layers in float32, its ``fit`` and TensorFlow's default settings.

    Args:
        config: The settings; their data set is not read.
        batches: Batches per round.
        rounds: Rounds; results are medians over them.
        include_untuned: Whether to time this package's float32 step with TensorFlow's default settings, too.
        on_round: Called with the number of rounds done.

    Raises:
        TrainingError: If the process of a variant cannot be started or dies.
    """
    variants = [*PRECISIONS, "untuned", "keras"] if include_untuned else [*PRECISIONS, "keras"]
    with ExitStack() as stack:
        workers = {variant: stack.enter_context(start_worker(variant, config)) for variant in variants}
        parameters, first_losses = {}, {}
        for variant in tuple(variants):
            try:
                parameters[variant] = int(workers[variant].read_response()["parameters"])
                first_losses[variant] = float(workers[variant].step()["loss"])
            except TrainingError:
                # Some processors cannot compute in bfloat16 at all.
                if variant != "bfloat16":
                    raise
                variants.remove(variant)
        for _ in range(WARM_UP_BATCHES - 1):
            for variant in variants:
                workers[variant].step()
        seconds: dict[str, list[list[float]]] = {variant: [] for variant in variants}
        for round_index in range(rounds):
            for variant_rounds in seconds.values():
                variant_rounds.append([])
            for batch_index in range(batches):
                # No variant is always the first.
                for variant in variants if (round_index + batch_index) % 2 else reversed(variants):
                    seconds[variant][-1].append(workers[variant].step()["seconds"])
            on_round(round_index + 1)
    return BenchmarkResult(
        config=config, batch_seconds=seconds, first_loss=first_losses, parameters=parameters["float32"]
    )


def build_report(results: Sequence[BenchmarkResult]) -> dict[str, Any]:
    """Return the results of several networks as JSON values, with the machine they were measured on."""
    config = results[0].config
    return {
        "environment": describe_environment(results[0].auto_precision),
        "images_per_epoch": IMAGES_PER_EPOCH,
        "batch_size": config.batch_size,
        "input_size": config.input_size,
        "optimizer": config.optimizer,
        "loss": config.loss,
        "results": [result.to_dict() for result in results],
    }


class _WorkerClient:
    """This process' end of a :class:`wbcseg.benchmarking.training_worker.RequestChannel`."""

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
        error_lines = self._error_log.read().strip().splitlines() or ["no message"]
        return TrainingError(
            f"The process that times {self._variant!r} ended early: {error_lines[-1]}. "
            "If it ran out of memory, choose fewer base filters."
        )


@contextmanager
def start_worker(variant: str, config: TrainingConfig) -> Iterator[_WorkerClient]:
    """Start the process of a variant. It waits until its ``step`` is called, and ends with the block."""
    # Settings of the user's environment would apply to all variants alike and leave nothing to compare.
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
                raise TrainingError(f"The process that times {variant!r} could not be started.")
            yield _WorkerClient(variant, process.stdin, process.stdout, error_log)
        finally:
            process.kill()
            process.communicate()
