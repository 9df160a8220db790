"""What a training prints: what it is, a line per epoch, a bar within an epoch, and what to do next."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from typing import Final

from wbcseg.cli.formatting import format_duration
from wbcseg.models import get_spec
from wbcseg.training import TrainingConfig
from wbcseg.training.runs.progress import Progress

BAR_WIDTH: Final = 24
"""Characters of the bar."""

REDRAW_SECONDS: Final = 0.2
"""Minimum seconds between two updates of the bar."""

CLEAR_LINE: Final = "\r\x1b[K"

COLUMNS: Final = (
    ("loss", "loss", 8, ".4f"),
    ("val loss", "val_loss", 9, ".4f"),
    ("Dice nucleus", "val_dice_nucleus", 14, ".3f"),
    ("cytoplasm", "val_dice_cytoplasm", 10, ".3f"),
    ("cell", "val_dice_cell", 7, ".3f"),
    ("rate", "learning_rate", 10, ".1e"),
    ("images/s", "images_per_second", 9, ".0f"),
    ("seconds", "seconds", 8, ".1f"),
)
"""Title, metric, width and format of each column of the table of epochs."""

UNDEFINED: Final = "-"
EPOCH_WIDTH: Final = 17
"""Characters of ``epoch 1234/2000``, with a gap."""


def describe_start(name: str, config: TrainingConfig, folder: str) -> list[str]:
    """Return what is about to be trained, line by line."""
    network = f"{get_spec(config.architecture).title}, {config.base_filters} base filters"
    split = (
        "thesis split" if config.split == "thesis" else f"{config.split} split, fold {config.fold} of {config.folds}"
    )
    return [
        f"Run {name} in {folder}",
        f"  {network} | {config.dataset} | {split} | seed {config.seed}",
        "  Ctrl-C stops it after the current batch, and it can be resumed.",
    ]


def describe_next_steps(name: str) -> list[str]:
    """Return what can be done with a finished run, line by line.

    Args:
        name: Name or folder of the run.
    """
    commands = {
        "segment images": ["wbcseg", "segment", "IMAGE", "--model", name],
        "score it": ["wbcseg", "evaluate", name],
        "see its settings": ["wbcseg", "runs", "show", name],
    }
    return ["Next:", *(f"  {shlex.join(words):56} # {purpose}" for purpose, words in commands.items())]


def format_table_head() -> str:
    """Return the titles of the table of epochs; its Dice is that of the validation images."""
    return (
        "Validation Dice is that of nucleus, cytoplasm and cell.\n"
        + f"{'epoch':>9}"
        + "".join(f"{title:>{width}}" for title, _, width, _ in COLUMNS)
        + f"{'left':>9}"
    )


def format_epoch(row: Mapping[str, float], epoch: int, epochs: int, seconds_left: float | None) -> str:
    """Return the line of an epoch."""
    cells = [
        f"{format(row[name], number_format) if name in row else UNDEFINED:>{width}}"
        for _, name, width, number_format in COLUMNS
    ]
    return f"{f'epoch {epoch}/{epochs}':{EPOCH_WIDTH}}" + "".join(cells) + f"{format_duration(seconds_left):>9}"


def format_bar(progress: Progress) -> str:
    """Return the line within an epoch."""
    done = round(BAR_WIDTH * progress.step / max(1, progress.steps))
    parts = [
        f"{f'epoch {progress.epoch + 1}/{progress.epochs}':{EPOCH_WIDTH}}[{'=' * done}{' ' * (BAR_WIDTH - done)}]",
        f"{progress.step}/{progress.steps}",
        f"loss {progress.loss:.4f}" if progress.loss is not None else "",
        f"{progress.images_per_second:.0f} images/s" if progress.images_per_second else "",
        f"{format_duration(progress.seconds_left)} left" if progress.seconds_left is not None else "",
    ]
    return "  ".join(filter(None, parts))


class ProgressPrinter:
    """Prints progress: one line per epoch and, in a terminal, a bar that is updated in place."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._shown_at = 0.0
        self._has_head = False

    def __call__(self, progress: Progress) -> None:
        """Print the progress."""
        if progress.epoch_metrics is None:
            if self._is_terminal and progress.phase == "training" and self._is_due():
                print(CLEAR_LINE + format_bar(progress), end="", flush=True)
            return
        if not self._has_head:
            self.show_message(format_table_head())
            self._has_head = True
        row = progress.epoch_metrics
        self.show_message(format_epoch(row, progress.epoch, progress.epochs, progress.seconds_left))

    def show_message(self, text: str) -> None:
        """Print a line of its own."""
        print((CLEAR_LINE if self._is_terminal else "") + text, flush=True)

    def _is_due(self) -> bool:
        if time.monotonic() - self._shown_at < REDRAW_SECONDS:
            return False
        self._shown_at = time.monotonic()
        return True
