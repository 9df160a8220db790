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
from wbcseg.training.config import PRESETS, TrainingConfig
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

    def estimate_epoch_seconds(self, side: str) -> float:
        """Return the seconds of an epoch of :data:`IMAGES_PER_EPOCH` pictures: median over the rounds."""
        means = [sum(round_) / len(round_) for round_ in self.batch_seconds[side]]
        return median(means) * IMAGES_PER_EPOCH / self.config.batch_size

    def compute_speedups(self, side: str) -> list[float]:
        """Return how many times as long as ``side`` Keras took, in every round."""
        pairs = zip(self.batch_seconds["keras"], self.batch_seconds[side], strict=True)
        return [sum(keras) / sum(own) for keras, own in pairs]

    def to_dict(self) -> dict[str, Any]:
        """Return the results as JSON values: seconds an epoch, and ratios to Keras with their least and greatest."""
        ratio = {}
        for side in self.batch_seconds:
            if side != "keras":
                found = self.compute_speedups(side)
                ratio[side] = {
                    "median": round(median(found), 3),
                    "least": round(min(found), 3),
                    "greatest": round(max(found), 3),
                }
        return {
            "architecture": self.config.architecture,
            "width": self.config.base_filters,
            "parameters": self.parameters,
            "rounds": len(self.batch_seconds["keras"]),
            "batches": len(self.batch_seconds["keras"][0]),
            "seconds_per_epoch": {side: round(self.estimate_epoch_seconds(side), 3) for side in self.batch_seconds},
            "ratio": ratio,
            "precision": self.precision,
            "first_loss": {side: round(loss, 6) for side, loss in self.first_loss.items()},
        }


def build_benchmark_config(architecture: str, width: int) -> TrainingConfig:
    """Return the settings that are compared: those of ``compact``, without what Keras' step would not do as well."""
    return PRESETS["compact"].replace(architecture=architecture, width=width, weight_average=0.0)


def run_benchmark(
    config: TrainingConfig,
    *,
    batches: int,
    rounds: int,
    parts: bool = False,
    on_round: Callable[[int], None] = lambda _: None,
) -> BenchmarkResult:
    """Time training steps of this program and of Keras, batch by batch in turns.

    Each side is a process of its own, for TensorFlow settles on oneDNN when it is imported; while one computes, the
    others wait. Keras' side has Keras' own layers in float32, its ``fit`` and TensorFlow as it comes.

    Args:
        config: The settings; their data set is not read.
        batches: Batches of a round.
        rounds: Rounds; figures are medians over them.
        parts: Whether to measure a third side too: this program's step in TensorFlow as it comes.
        on_round: Called with the number of rounds done.

    Raises:
        TrainingError: If a side cannot be started or dies.
    """
    sides = ("program", "untuned", "keras") if parts else ("program", "keras")
    with ExitStack() as stack:
        workers = {side: stack.enter_context(start_worker(side, config)) for side in sides}
        ready = {side: worker.read_response() for side, worker in workers.items()}
        first = {side: worker.step()["loss"] for side, worker in workers.items()}
        for _ in range(WARM_UP_BATCHES - 1):
            for worker in workers.values():
                worker.step()
        seconds: dict[str, list[list[float]]] = {side: [] for side in sides}
        for done in range(rounds):
            for rows in seconds.values():
                rows.append([])
            for number in range(batches):
                # Nobody is always the first.
                for side in sides if (done + number) % 2 else reversed(sides):
                    seconds[side][-1].append(workers[side].step()["seconds"])
            on_round(done + 1)
    return BenchmarkResult(
        config=config,
        batch_seconds=seconds,
        precision={side: str(values["precision"]) for side, values in ready.items()},
        first_loss=first,
        parameters=int(ready["program"]["parameters"]),
    )


def build_report(comparisons: Sequence[BenchmarkResult]) -> dict[str, Any]:
    """Return the results of several networks as JSON values, with what they were measured on."""
    config = comparisons[0].config
    return {
        "environment": describe_environment(comparisons[0].precision["program"]),
        "pictures_per_epoch": IMAGES_PER_EPOCH,
        "batch_size": config.batch_size,
        "canvas": config.input_size,
        "optimizer": config.optimizer,
        "loss": config.loss,
        "results": [comparison.to_dict() for comparison in comparisons],
    }


class _WorkerClient:
    """The other end of :class:`wbcseg.benchmarking.training_worker.RequestChannel`."""

    def __init__(self, side: str, questions: IO[str], answers: IO[str], complaints: IO[str]) -> None:
        self._variant, self._requests, self._responses, self._error_log = side, questions, answers, complaints

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
        said = self._error_log.read().strip().splitlines() or ["it said nothing"]
        return TrainingError(
            f"The process that measures {self._variant!r} ended before its time: {said[-1]}. "
            "If the memory was not enough, choose a smaller width."
        )


@contextmanager
def start_worker(side: str, config: TrainingConfig) -> Iterator[_WorkerClient]:
    """Start the process of a side. It waits until its ``step`` is called, and ends with the block."""
    # What somebody has set for TensorFlow would be set for both sides alike, and nothing left to compare.
    environ = {name: value for name, value in os.environ.items() if name not in _TENSORFLOW_VARIABLES}
    command = [sys.executable, "-m", "wbcseg.benchmarking.training_worker", side, json.dumps(config.to_dict())]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        process = subprocess.Popen(
            command,
            cwd=IMPORT_ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        try:
            if process.stdin is None or process.stdout is None:
                raise TrainingError(f"The process that measures {side!r} could not be started.")
            yield _WorkerClient(side, process.stdin, process.stdout, complaints)
        finally:
            process.kill()
            process.communicate()
