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
        pictures_per_second: Over the last batches, or ``None`` before the second.
        seconds_left: Estimate for all epochs, or ``None`` before there is one.
        row: The metrics of the epoch, where one has just ended.
    """

    phase: Phase
    epoch: int
    epochs: int
    step: int = 0
    steps: int = 0
    loss: float | None = None
    pictures_per_second: float | None = None
    seconds_left: float | None = None
    row: dict[str, float] | None = None


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
        self._now = Progress("preparing", len(history), epochs, steps=steps)
        self._on_progress = on_progress
        self._written = 0.0
        self._times: deque[tuple[float, int]] = deque(maxlen=RECENT_BATCHES + 1)
        self._batches: list[dict[str, float]] = []
        if not history:
            run.write("batches.json", {"batches": []})

    def begin_epoch(self) -> None:
        """Note that an epoch begins."""
        self._times.clear()
        self._times.append((time.perf_counter(), 0))
        self._tell(phase="training", step=0)

    def batch(self, pictures: int, means: dict[str, float]) -> None:
        """Note a batch.

        Args:
            pictures: How many pictures it had.
            means: Its loss, accuracy and Dice.
        """
        self._times.append((time.perf_counter(), pictures))
        if self._now.epoch == 0:
            self._batches.append({"batch": self._now.step + 1, **means})
        step = self._now.step + 1
        self._tell(phase="training", step=step, loss=means["loss"], pictures_per_second=self._speed())

    def test(self) -> None:
        """Note that the epoch's batches are done and the held-out pictures are next."""
        self._tell(phase="testing", now=True)

    def end_epoch(self, row: dict[str, float]) -> None:
        """Note the metrics of an epoch that has ended."""
        self.history.append(row)
        self.run.write("metrics.json", {"epochs": self.history})
        self._tell(epoch=len(self.history), step=0, row=row, now=True)
        self._now = dataclasses.replace(self._now, row=None)

    def _tell(self, *, now: bool = False, **changes: Any) -> None:
        self._now = dataclasses.replace(self._now, **changes)
        self._now = dataclasses.replace(self._now, seconds_left=self._seconds_left())
        if now or time.monotonic() - self._written >= WRITE_INTERVAL or self._now.step == self._now.steps:
            write_progress(self.run, self._now)
            if self._batches and len(self.history) <= 1:
                self.run.write("batches.json", {"batches": self._batches})
            self._written = time.monotonic()
        self._on_progress(self._now)

    def _speed(self) -> float | None:
        # The first batch builds the network's program, which says nothing of the speed to come.
        times = list(self._times)[1:]
        if len(times) < 2:
            return None
        return sum(count for _, count in times[1:]) / max(1e-9, times[-1][0] - times[0][0])

    def _seconds_left(self) -> float | None:
        now, times = self._now, list(self._times)[1:]
        left = now.epochs - now.epoch - now.step / max(1, now.steps)
        if self.history:
            # As above: the first epoch builds the program.
            recent = self.history[1:][-5:] or self.history
            return left * sum(row["seconds"] for row in recent) / len(recent)
        if len(times) < 2:
            return None
        batch = (times[-1][0] - times[0][0]) / (len(times) - 1)
        return left * now.steps * batch


def write_progress(run: Run, progress: Progress) -> None:
    """Write where a training is to its folder.

    Raises:
        RunError: If the folder cannot be written.
    """
    values = dataclasses.asdict(progress)
    del values["row"]
    run.write("progress.json", {**values, "changed": time.time()})
