"""Adapt a model to your own images: fine-tune a copy on a few corrected crops, and see if it helps.

FOLDER (or a zip) holds 5 to 30 or more images with corrected masks; every fifth is held out, and both models are scored
on these. The adapted model is your own: it is listed and used like any other run.
"""

from __future__ import annotations

import argparse

from wbcseg.cli.train import create_run, train_run
from wbcseg.training import PRESETS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    preset = PRESETS["adapt"]
    parser.add_argument("folder", metavar="FOLDER", help="folder or zip of images and corrected masks")
    parser.add_argument("--model", default=preset.start_from, help=f"model to adapt ({preset.start_from})")
    parser.add_argument("--name", help="name of the adapted model (made of the folder's name and a number)")
    parser.add_argument(
        "--epochs", type=int, default=preset.epochs, help=f"passes through the images ({preset.epochs})"
    )
    parser.add_argument("--threads", type=int, help="number of processor threads (all)")


def run_command(options: argparse.Namespace) -> int:
    """Run the command."""
    config = PRESETS["adapt"].replace(dataset=options.folder, start_from=options.model, epochs=options.epochs)
    return train_run(create_run(config, options.name), config, threads=options.threads)
