"""What a training writes down while it goes on, for whoever watches: the page, the terminal, another process."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from wbcseg.training.runs.folder import Run

Phase = Literal["preparing", "training", "testing", "finishing"]

WRITE_INTERVAL: Final = 0.5
"""Least seconds between two writings within an epoch."""

RECENT_BATCHES: Final = 20
"""Batches that the speed is taken from."""


@dataclass(frozen=True)
class Progress:
    """Where a training is.

    Attributes:
        phase: ``preparing`` (reading the data, building the network), ``training`` (within an epoch), ``testing`` (on
            the held-out pictures, after it) or ``finishing`` (making the model and measuring it).
        epoch: Whole epochs done.
        epochs: Epochs in all.
        step: Batches done in the present epoch.
        steps: Batches an epoch.
        loss: Loss of the last batch, or ``None`` before the first.
        images_per_second: Over the last batches, or ``None`` before the second.
        seconds_left: Estimate for all epochs, or ``None`` before there is one.
        epoch_metrics: The metrics of the epoch, where one has just ended.
    """

    phase: Phase
    epoch: int
    epochs: int
    step: int = 0
    steps: int = 0
    loss: float | None = None
    images_per_second: float | None = None
    seconds_left: float | None = None
    epoch_metrics: dict[str, float] | None = None


class ProgressWriter:
    """Keeps the times of a training, and writes down where it is.

    Args:
        run: The run's folder.
        epochs: Epochs in all.
        steps: Batches an epoch.
        history: One row an epoch, for the epochs that are done; it grows by :meth:`end_epoch`.
        on_progress: Told of everything as well.
    """

    def __init__(
        self,
        run: Run,
        epochs: int,
        steps: int,
        history: list[dict[str, float]],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.run = run
        self.history = history
        self._progress = Progress("preparing", len(history), epochs, steps=steps)
        self._on_progress = on_progress
        self._written_at = 0.0
        self._batch_times: deque[tuple[float, int]] = deque(maxlen=RECENT_BATCHES + 1)
        self._batch_metrics: list[dict[str, float]] = []
        if not history:
            run.write("batches.json", {"batches": []})

    def begin_epoch(self) -> None:
        """Note that an epoch begins."""
        self._batch_times.clear()
        self._batch_times.append((time.perf_counter(), 0))
        self._update(phase="training", step=0)

    def record_batch(self, image_count: int, metrics: dict[str, float]) -> None:
        """Note a batch.

        Args:
            image_count: How many pictures it had.
            metrics: Its loss, accuracy and Dice.
        """
        self._batch_times.append((time.perf_counter(), image_count))
        if self._progress.epoch == 0:
            self._batch_metrics.append({"batch": self._progress.step + 1, **metrics})
        step = self._progress.step + 1
        self._update(phase="training", step=step, loss=metrics["loss"], images_per_second=self._compute_speed())

    def begin_test(self) -> None:
        """Note that the epoch's batches are done and the held-out pictures are next."""
        self._update(phase="testing", force=True)

    def end_epoch(self, row: dict[str, float]) -> None:
        """Note the metrics of an epoch that has ended."""
        self.history.append(row)
        self.run.write("metrics.json", {"epochs": self.history})
        self._update(epoch=len(self.history), step=0, epoch_metrics=row, force=True)
        self._progress = dataclasses.replace(self._progress, epoch_metrics=None)

    def _update(self, *, force: bool = False, **changes: Any) -> None:
        self._progress = dataclasses.replace(self._progress, **changes)
        self._progress = dataclasses.replace(self._progress, seconds_left=self._estimate_seconds_left())
        if (
            force
            or time.monotonic() - self._written_at >= WRITE_INTERVAL
            or self._progress.step == self._progress.steps
        ):
            write_progress(self.run, self._progress)
            if self._batch_metrics and len(self.history) <= 1:
                self.run.write("batches.json", {"batches": self._batch_metrics})
            self._written_at = time.monotonic()
        self._on_progress(self._progress)

    def _compute_speed(self) -> float | None:
        # The first batch builds the network's program, which says nothing of the speed to come.
        times = list(self._batch_times)[1:]
        if len(times) < 2:
            return None
        return sum(count for _, count in times[1:]) / max(1e-9, times[-1][0] - times[0][0])

    def _estimate_seconds_left(self) -> float | None:
        progress, times = self._progress, list(self._batch_times)[1:]
        epochs_left = progress.epochs - progress.epoch - progress.step / max(1, progress.steps)
        if self.history:
            # As above: the first epoch builds the program.
            recent = self.history[1:][-5:] or self.history
            return epochs_left * sum(row["seconds"] for row in recent) / len(recent)
        if len(times) < 2:
            return None
        batch_seconds = (times[-1][0] - times[0][0]) / (len(times) - 1)
        return epochs_left * progress.steps * batch_seconds


def write_progress(run: Run, progress: Progress) -> None:
    """Write where a training is to its folder.

    Raises:
        RunError: If the folder cannot be written.
    """
    values = dataclasses.asdict(progress)
    del values["epoch_metrics"]
    run.write("progress.json", {**values, "changed": time.time()})
