"""Train a network and export the model. Ctrl-C stops the run; --resume continues it.

A method without a deep network, such as random_forest, is trained in seconds and is no run: it has neither epochs nor
checkpoints, and its folder holds the model only.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from wbcseg.cli.datasets import show_progress
from wbcseg.cli.train.output import ProgressPrinter, describe_next_steps, describe_start
from wbcseg.datasets import open_zip
from wbcseg.datasets.base import anonymise
from wbcseg.errors import ConfigError, ErrorCode, NotEnoughMemoryError, RunError
from wbcseg.evaluation.methods import train_method
from wbcseg.evaluation.training_job import run_job
from wbcseg.io.mask_meaning import as_correction
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.models.method_registry import METHODS
from wbcseg.paths import get_runs_folder
from wbcseg.training import PRESETS, Run, TrainingConfig
from wbcseg.training.checkpoint import get_size
from wbcseg.training.config import UPLOADED_DATASET
from wbcseg.training.jobs.checks import check_start
from wbcseg.training.jobs.manager import is_active
from wbcseg.training.jobs.process import lower_priority
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE, stop_signal
from wbcseg.training.methods import MethodConfig
from wbcseg.training.runs.names import check_run_name, find_free_name, label_dataset, suggest_run_name
from wbcseg.training.settings import SETTINGS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options: one for every setting."""
    parser.add_argument("--preset", choices=tuple(PRESETS), default="compact", help="settings to start from (compact)")
    parser.add_argument("--name", help="name of the run (made of architecture, base filters, data set and a number)")
    parser.add_argument("--resume", metavar="RUN", help="resume a run: its name or its folder")
    parser.add_argument(
        "--force", action="store_true", help="start although the memory may not be enough by the estimate"
    )
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
                choices=(*spec.choices, *METHODS) if name == "architecture" else spec.choices or None,
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
        if run.load_state().status == "finished" and not get_size(run.folder):
            raise RunError(
                f"Run {run.name} is finished.",
                code=ErrorCode.INVALID_VALUE,
                hint="Start a new one; with --keep-checkpoints it can be resumed after its end.",
            )
        if not options.detached:
            _check_start(config, options)
    elif options.architecture in METHODS:
        return _train_method(options, changes)
    else:
        config = PRESETS[options.preset].replace(**changes)
        _check_start(config, options)
        run = create_run(config, options.name)
    if options.detached:
        lower_priority()
    else:
        run.clear_stop_request()
    return train_run(run, config, threads=options.threads)


def _train_method(options: argparse.Namespace, changes: dict[str, Any]) -> int:
    """Train a method without a deep network."""
    if options.threads is not None:
        raise ConfigError(f"{METHODS[options.architecture].title} takes no --threads.")
    if options.detached:
        lower_priority()
    config = MethodConfig.from_settings(options.architecture, PRESETS[options.preset], changes)
    dataset = None
    if config.dataset == UPLOADED_DATASET:
        correction = as_correction(config.mask_correction)
        dataset = anonymise(open_zip(sys.stdin.buffer.read(), f"{UPLOADED_DATASET}.zip", correction=correction))
    stem = f"{config.architecture}-{label_dataset(config.dataset)}"
    folder = _resolve_run_folder(options.name or find_free_name(stem, get_runs_folder()))
    check_run_name(folder.name)
    print(f"Model {folder.name} in {folder}", flush=True)
    card = train_method(config, folder, dataset=dataset, on_message=lambda text: print(text, flush=True))
    scores = {name: card.test_metrics.regions[name].dice for name in FOREGROUND_REGIONS}
    dice = ", ".join(f"{name} {'not defined' if value is None else value}" for name, value in scores.items())
    print(f"Finished: Dice on {card.test_metrics.images} whole held-out images: {dice}")
    return 0


def _check_start(config: TrainingConfig, options: argparse.Namespace) -> None:
    """Check what the page checks."""
    # Of a path, only the last part is the name of a run.
    name = Path(options.name).name if options.name else None
    try:
        check_start(config, get_runs_folder(), name=name, force=options.force)
    except NotEnoughMemoryError as error:
        hint = f"{error.hint} To start all the same, add --force."
        raise NotEnoughMemoryError(error.message, code=error.code, hint=hint) from None


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
    printer = ProgressPrinter()
    print("\n".join(describe_start(run.name, config, str(run.folder))), flush=True)
    with stop_signal(run) as should_stop:
        finished = run_job(
            run,
            config,
            should_stop=should_stop,
            on_progress=printer,
            on_message=printer.show_message,
            on_fetch=show_progress,
            threads=threads,
        )
    in_runs_folder = run.folder.parent == get_runs_folder()
    name = run.name if in_runs_folder else str(run.folder)
    if not finished:
        print(f"Stopped. Resume with: {shlex.join(['wbcseg', 'train', '--resume', name])}")
        return STOPPED_EXIT_CODE
    print("\n".join(describe_next_steps(name)))
    return 0


def _resolve_run_folder(name: str) -> Path:
    path = Path(name)
    return path.absolute() if path.is_absolute() or len(path.parts) > 1 else get_runs_folder() / name
