"""Train a network and export the model. Ctrl-C stops the run; --resume continues it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from wbcseg.cli.datasets import show_progress
from wbcseg.cli.formatting import format_duration
from wbcseg.errors import ConfigError, ErrorCode, RunError
from wbcseg.evaluation.training_job import run_job
from wbcseg.paths import get_runs_folder
from wbcseg.training import PRESETS, Run, TrainingConfig
from wbcseg.training.jobs.manager import is_active
from wbcseg.training.jobs.process import lower_priority
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE, stop_signal
from wbcseg.training.runs.names import suggest_run_name
from wbcseg.training.runs.progress import Progress
from wbcseg.training.settings import SETTINGS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options: one for every setting."""
    parser.add_argument("--preset", choices=tuple(PRESETS), default="compact", help="settings to start from (compact)")
    parser.add_argument("--name", help="name of the run (made of architecture, base filters, data set and a number)")
    parser.add_argument("--resume", metavar="RUN", help="resume a run: its name or its folder")
    parser.add_argument("--threads", type=int, help="number of processor threads (all)")
    parser.add_argument("--detached", action="store_true", help="run at low priority, as when started by a page")
    setting_group = parser.add_argument_group("settings", "by default those of the preset")
    for name, spec in SETTINGS.items():
        option, help_text = "--" + name.replace("_", "-"), spec.plain_help.replace("%", "%%")
        if spec.value_type == "bool":
            setting_group.add_argument(
                option, dest=name, action=argparse.BooleanOptionalAction, default=None, help=help_text
            )
        else:
            setting_group.add_argument(
                option,
                dest=name,
                type={"int": int, "float": float}.get(spec.value_type, str),
                choices=spec.choices or None,
                help=help_text,
            )


def run_command(options: argparse.Namespace) -> int:
    """Run the command; the exit code is 130 if the training was stopped."""
    changes = {name: getattr(options, name) for name in SETTINGS if getattr(options, name) is not None}
    if options.resume:
        if changes or options.name:
            raise ConfigError("With --resume, the settings are those of the run: omit all other settings and --name.")
        run = Run(_resolve_run_folder(options.resume))
        config = run.load_config()
        if not options.detached and is_active(run):
            raise RunError(f"Run {run.name} is already active.", code=ErrorCode.BUSY)
    else:
        config = PRESETS[options.preset].replace(**changes)
        run = create_run(config, options.name)
    if options.detached:
        lower_priority()
    else:
        run.clear_stop_request()
    return train_run(run, config, threads=options.threads)


def create_run(config: TrainingConfig, name: str | None) -> Run:
    """Create the folder of a run with that name, by default one that is made of its settings.

    Raises:
        RunError: If there is a run with that name, or the folder cannot be written.
    """
    run = Run(_resolve_run_folder(name or suggest_run_name(config, get_runs_folder())))
    run.create(config)
    return run


def train_run(run: Run, config: TrainingConfig, *, threads: int | None = None) -> int:
    """Train a run in this process and print its progress. Return the exit code: 130 if it was stopped."""
    print(f"Run {run.name} in {run.folder}", flush=True)
    with stop_signal(run) as should_stop:
        finished = run_job(
            run,
            config,
            should_stop=should_stop,
            on_progress=ProgressPrinter(),
            on_message=lambda text: print(text, flush=True),
            on_fetch=show_progress,
            threads=threads,
        )
    if not finished:
        in_runs_folder = run.folder.parent == get_runs_folder()
        print(f"Stopped. Resume with: wbcseg train --resume {run.name if in_runs_folder else run.folder}")
        return STOPPED_EXIT_CODE
    return 0


class ProgressPrinter:
    """Prints progress: one line per epoch and, in a terminal, a line that is updated in place."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._shown_at = 0.0

    def __call__(self, progress: Progress) -> None:
        """Print the progress."""
        time_left = format_duration(progress.seconds_left)
        if progress.epoch_metrics is None:
            if self._is_terminal and progress.loss is not None and time.monotonic() - self._shown_at > 0.2:
                self._shown_at = time.monotonic()
                text = f"epoch {progress.epoch + 1}/{progress.epochs}  batch {progress.step}/{progress.steps}"
                print(f"\r\x1b[K{text}  loss {progress.loss:.4f}  {time_left} left", end="", flush=True)
            return
        row = progress.epoch_metrics
        values = "  ".join(
            f"{label} {row[name]:.4f}/{row.get('val_' + name, float('nan')):.4f}"
            for label, name in (
                ("loss", "loss"),
                ("accuracy", "accuracy"),
                ("fast Dice nucleus", "dice_nucleus"),
                ("cytoplasm", "dice_cytoplasm"),
                ("cell", "dice_cell"),
            )
            if name in row
        )
        line_start = "\r\x1b[K" if self._is_terminal else ""
        print(
            f"{line_start}epoch {progress.epoch}/{progress.epochs}  {values}  {row['seconds']:.1f} s  {time_left} left",
            flush=True,
        )


def _resolve_run_folder(name: str) -> Path:
    path = Path(name)
    return path.absolute() if path.is_absolute() or len(path.parts) > 1 else get_runs_folder() / name
