"""What the commands share that train by steps, on a library of cells that is built when it is first needed."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from wbcseg.cli.formatting import format_duration
from wbcseg.errors import ConfigError
from wbcseg.training.jobs.stop_signal import print_to_stderr
from wbcseg.training.steps.loop import StepReport

MIN_IMAGES: Final = 20
"""Fewer images of a data set are not enough to train and test."""


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a training that do not depend on the network."""
    parser.add_argument("--learning-rate", type=float, metavar="RATE", help="highest learning rate (0.002)")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="number format (float32)")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of weights and training data (1)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads of the training (all)")


def add_max_images_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--max-images``, which makes the library smaller."""
    parser.add_argument(
        "--max-images",
        type=int,
        metavar="N",
        help="use at most this many images of each data set, to try things out (all)",
    )


def collect_given(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """Return those of the options that were given, by name."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def prepare_library(
    folder: Path, max_images: int | None, is_built: Callable[[Path], bool], build: Callable[[Path], object]
) -> Path:
    """Return the folder of a library, which is built if it is missing.

    Args:
        folder: Folder of the whole library.
        max_images: Maximum number of images of each data set; a smaller library has a folder of its own.
        is_built: Returns whether a folder holds a library.
        build: Builds the library in a folder.

    Raises:
        ConfigError: If there are fewer than :data:`MIN_IMAGES` images.
    """
    if max_images is not None:
        if max_images < MIN_IMAGES:
            raise ConfigError(f"Option --max-images must be at least {MIN_IMAGES}. Received: {max_images}")
        folder = folder.with_name(f"{folder.name}-{max_images}")
    if not is_built(folder):
        print_to_stderr(f"Building the library of cells in {folder} …")
        build(folder)
    return folder


def print_report(report: StepReport, network: str = "") -> None:
    """Print the progress of a training.

    Args:
        report: The progress.
        network: The network's name, if the command trains several.
    """
    losses = ", ".join(f"{name} {value:.4f}" for name, value in report.losses.items())
    remaining = format_duration((report.steps - report.step) * report.seconds_per_step)
    print_to_stderr(
        f"{f'{network}: ' if network else ''}step {report.step} of {report.steps}, {losses}; "
        f"{1000 * report.seconds_per_step:.0f} ms a step, {report.waiting:.0%} of it waiting; {remaining} left"
    )
