"""Progress of a training run, written to its folder for the page, the terminal and other processes."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from wbcseg.errors import RunError
from wbcseg.training.runs.folder import Run

Phase = Literal["preparing", "training", "testing", "finishing"]

PHASES: Final = get_args(Phase)
PROGRESS_FILE: Final = "progress.json"

WRITE_INTERVAL: Final = 0.5
"""Minimum seconds between two updates of the file within an epoch."""

RECENT_BATCHES: Final = 20
"""Number of batches over which the speed is averaged."""


@dataclass(frozen=True)
class Progress:
    """Progress of a training run.

    Attributes:
        phase: ``preparing`` (reading the data, building the network), ``training`` (within an epoch), ``testing``
            (validation after the epoch) or ``finishing`` (exporting and evaluating the model).
        epoch: Number of whole epochs done.
        epochs: Total number of epochs.
        step: Number of batches done in the current epoch.
        steps: Batches per epoch.
        loss: Loss of the last batch; ``None`` before the first.
        images_per_second: Speed over the last batches; ``None`` before the second.
        seconds_left: Estimate for all remaining epochs; ``None`` before there is one.
        epoch_metrics: Metrics of the epoch that has just ended; otherwise ``None``. Not stored.
        changed: When it was written, in seconds since 1970.
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
    changed: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored as JSON values."""
        return {name: value for name, value in vars(self).items() if name != "epoch_metrics"}


class ProgressWriter:
    """Keeps track of the progress of a run and writes it to the run's folder.

    Args:
        run: The run.
        epochs: Total number of epochs.
        steps: Batches per epoch.
        history: One row per epoch done; :meth:`end_epoch` appends to it.
        on_progress: Called with every change.
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
        """Record the start of an epoch."""
        self._batch_times.clear()
        self._batch_times.append((time.perf_counter(), 0))
        self._update(phase="training", step=0)

    def record_batch(self, image_count: int, metrics: dict[str, float]) -> None:
        """Record a batch.

        Args:
            image_count: Number of images in it.
            metrics: Its loss, accuracy and Dice.
        """
        self._batch_times.append((time.perf_counter(), image_count))
        if self._progress.epoch == 0:
            self._batch_metrics.append({"batch": self._progress.step + 1, **metrics})
        step = self._progress.step + 1
        self._update(phase="training", step=step, loss=metrics["loss"], images_per_second=self._compute_speed())

    def begin_test(self) -> None:
        """Record the start of the validation after an epoch."""
        self._update(phase="testing", force=True)

    def end_epoch(self, row: dict[str, float]) -> None:
        """Record the metrics of an epoch that has ended."""
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
        # In the first batch, TensorFlow compiles the network: it says nothing about the speed of the others.
        times = list(self._batch_times)[1:]
        if len(times) < 2:
            return None
        return sum(count for _, count in times[1:]) / max(1e-9, times[-1][0] - times[0][0])

    def _estimate_seconds_left(self) -> float | None:
        progress, times = self._progress, list(self._batch_times)[1:]
        epochs_left = progress.epochs - progress.epoch - progress.step / max(1, progress.steps)
        if self.history:
            # As above: the first epoch includes the compilation.
            recent = self.history[1:][-5:] or self.history
            return epochs_left * sum(row["seconds"] for row in recent) / len(recent)
        if len(times) < 2:
            return None
        batch_seconds = (times[-1][0] - times[0][0]) / (len(times) - 1)
        return epochs_left * progress.steps * batch_seconds


def write_progress(run: Run, progress: Progress) -> None:
    """Write the progress to the run's folder.

    Raises:
        RunError: If the folder cannot be written.
    """
    run.write(PROGRESS_FILE, dataclasses.replace(progress, changed=time.time()).to_dict())


def load_progress(run: Run) -> Progress | None:
    """Return the progress of a run, or ``None`` if it is not known."""
    try:
        values = run.read(PROGRESS_FILE)
        loss, speed, seconds_left = (
            None if values[name] is None else float(values[name])
            for name in ("loss", "images_per_second", "seconds_left")
        )
        epoch, epochs, step, steps = (int(values[name]) for name in ("epoch", "epochs", "step", "steps"))
        phase: Any = values["phase"]
        is_plausible = 0 <= epoch <= epochs and 0 <= step <= steps
        if phase not in PHASES or not is_plausible:
            return None
        return Progress(phase, epoch, epochs, step, steps, loss, speed, seconds_left, changed=float(values["changed"]))
    except (RunError, KeyError, TypeError, ValueError, OverflowError):
        return None
