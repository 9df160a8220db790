"""Train a network and make a model of it. Ctrl-C stops it; --resume goes on. Loads TensorFlow."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from wbcseg.architectures import ARCHITECTURES
from wbcseg.cli.data import show_progress
from wbcseg.datasets import check_dataset, open_dataset
from wbcseg.errors import ConfigError, WbcsegError
from wbcseg.preparation.augmentation import AUGMENTATIONS
from wbcseg.training import PRESETS, Run, TrainingConfig, runs_folder
from wbcseg.training.config import CHOICES
from wbcseg.training.environment import start_engine
from wbcseg.training.run import next_name

if TYPE_CHECKING:
    from wbcseg.training.loop import Progress

SETTINGS = {field.name: str(field.type) for field in dataclasses.fields(TrainingConfig)}
WORDS = {**CHOICES, "architecture": tuple(ARCHITECTURES), "augmentation": tuple(AUGMENTATIONS)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options: one for every setting of a training."""
    parser.add_argument("--preset", choices=tuple(PRESETS), default="compact", help="settings to start from (compact)")
    parser.add_argument("--name", help="name of the run (architecture, width, data and a number)")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run: its name, or its folder")
    parser.add_argument("--threads", type=int, help="processor threads to compute with (all)")
    settings = parser.add_argument_group("settings", "see wbcseg.training.TrainingConfig for meanings and ranges")
    for name, kind in SETTINGS.items():
        option = "--" + name.replace("_", "-")
        if kind == "bool":
            settings.add_argument(option, dest=name, action=argparse.BooleanOptionalAction, default=None)
        else:
            settings.add_argument(
                option, dest=name, type={"int": int, "float": float}.get(kind, str), choices=WORDS.get(name)
            )


def act(options: argparse.Namespace) -> int:
    """Carry out the command; the exit code is 130 where the training was stopped before its end."""
    changes = {name: getattr(options, name) for name in SETTINGS if getattr(options, name) is not None}
    if options.resume:
        if changes or options.name:
            raise ConfigError("With --resume the settings are those of the run. Leave the other options away.")
        run = Run(_folder_of(options.resume))
        config = run.config()
    else:
        config = PRESETS[options.preset].replace(**changes)
        run = Run(_folder_of(options.name or next_name(config, runs_folder())))
        run.create(config)
    print(f"Run {run.name} in {run.folder}", flush=True)
    with _stop_signals() as should_stop:
        finished = carry_out(run, config, should_stop=should_stop, threads=options.threads)
    if not finished:
        print(f"Stopped. Go on with: python -m wbcseg train --resume {options.resume or run.name}")
        return 130
    return 0


def carry_out(run: Run, config: TrainingConfig, *, should_stop: Callable[[], bool], threads: int | None = None) -> bool:
    """Train a run to its end, export its model and write its card.

    Args:
        run: The run.
        config: Its settings.
        should_stop: Asked after every batch.
        threads: Processor threads to compute with.

    Returns:
        Whether it came to its end.

    Raises:
        WbcsegError: If it cannot go on; the run is marked as failed, with the reason.
    """
    try:
        dataset = open_dataset(config.dataset, fetch=True, progress=show_progress)
        check_dataset(dataset)
        start_engine(threads)
        from wbcseg.evaluation import describe_run
        from wbcseg.training import loop
        from wbcseg.training.data import load_data
        from wbcseg.training.exporting import export

        data = load_data(config, dataset)
        print(f"{len(data.train)} pictures to train, {len(data.test)} held out ({config.split})", flush=True)
        if not loop.train(run, data, on_progress=Reporter(), should_stop=should_stop):
            return False
        card = describe_run(run, dataset, export(run))
        run.set_state("finished", epoch=config.epochs, epochs=config.epochs)
    except WbcsegError as error:
        _mark_failed(run, str(error))
        raise
    except MemoryError:
        reason = "The memory was not enough. Choose a smaller width or batch size."
        _mark_failed(run, reason)
        raise ConfigError(reason) from None
    except OSError as error:
        reason = f"Run folder {run.folder} cannot be written: {error.strerror or error}. The last checkpoint is valid."
        _mark_failed(run, reason)
        raise WbcsegError(reason) from None
    regions = card.heldout["regions"]
    dice = ", ".join(f"{name} {regions[name]['dice']}" for name in ("nucleus", "cytoplasm", "cell"))
    print(f"Finished: Dice on {card.heldout['pictures']} held-out pictures: {dice}")
    return True


class Reporter:
    """Shows a training's progress in the terminal: a line an epoch, and a moving line where there is a screen."""

    def __init__(self) -> None:
        self._moving = sys.stdout.isatty()
        self._shown = 0.0

    def __call__(self, progress: Progress) -> None:
        """Show where the training is."""
        left = _duration(progress.seconds_left)
        if progress.row is None:
            if self._moving and time.monotonic() - self._shown > 0.2:
                self._shown = time.monotonic()
                text = f"epoch {progress.epoch + 1}/{progress.epochs}  batch {progress.step}/{progress.steps}"
                print(f"\r\x1b[K{text}  loss {progress.loss:.4f}  {left} left", end="", flush=True)
            return
        row = progress.row
        values = "  ".join(
            f"{label} {row[name]:.4f}/{row.get('val_' + name, float('nan')):.4f}"
            for label, name in (
                ("loss", "loss"),
                ("accuracy", "accuracy"),
                ("Dice nucleus", "dice_nucleus"),
                ("cytoplasm", "dice_cytoplasm"),
                ("cell", "dice_cell"),
            )
            if name in row
        )
        start = "\r\x1b[K" if self._moving else ""
        print(
            f"{start}epoch {progress.epoch}/{progress.epochs}  {values}  {row['seconds']:.1f} s  {left} left",
            flush=True,
        )


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C (or a request to end) into a wish to stop; a second one interrupts at once."""
    asked: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        print("\nStopping after this batch. The last whole epoch is kept.", file=sys.stderr, flush=True)

    before: dict[signal.Signals, Any] = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _folder_of(name: str) -> Path:
    path = Path(name)
    return path if path.is_absolute() or len(path.parts) > 1 else runs_folder() / name


def _mark_failed(run: Run, reason: str) -> None:
    try:
        run.set_state("failed", reason=reason)
    except WbcsegError as error:
        print(f"The failure could not be written down: {error}", file=sys.stderr)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "unknown time"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
