"""Options that the commands of the studies share."""

from __future__ import annotations

import argparse
from pathlib import Path

from wbcseg.models import ARCHITECTURES

OVERRIDABLE_SETTINGS = ("base_filters", "input_size", "epochs", "clean_epochs", "cell_fraction")
"""Settings of a preset that a study may override."""


def add_output_options(
    parser: argparse.ArgumentParser, written: str = "the result", *, report_folder: Path | None = None
) -> None:
    """Add ``--out`` and ``--update-package``, and for studies that train also ``--report``; only one can be given.

    Args:
        parser: The command's parser.
        written: What the command writes.
        report_folder: Folder of the shipped results that ``--report`` prints; without it, there is no such option.
    """
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--out", type=Path, metavar="FOLDER", help=f"write {written} to this folder")
    group.add_argument(
        "--update-package",
        action="store_true",
        help=f"write {written} into the installed package, where the app and the documents read it",
    )
    if report_folder is not None:
        group.add_argument(
            "--report",
            nargs="?",
            type=Path,
            const=report_folder,
            metavar="FOLDER",
            help="train nothing: print the tables of the results in FOLDER (the shipped results)",
        )


def get_output_folder(options: argparse.Namespace, package_folder: Path) -> Path | None:
    """Return the folder to write to, ``None`` if the command only prints."""
    if options.update_package:
        return package_folder
    out: Path | None = options.out
    return out


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add the networks to train and the settings that may differ from the preset."""
    parser.add_argument(
        "--architecture", nargs="+", choices=tuple(ARCHITECTURES), default=list(ARCHITECTURES), help="networks (all)"
    )
    group = parser.add_argument_group("settings", "by default those of the preset")
    group.add_argument("--base-filters", type=int, help="filters of the first stage")
    group.add_argument("--input-size", type=int, help="side of the network's input in pixels")
    group.add_argument("--epochs", type=int, help="epochs of each training")
    group.add_argument("--clean-epochs", type=int, help="final epochs without augmentation")
    group.add_argument("--cell-fraction", type=float, help="fraction of the second stage's input that the cell takes")


def get_overrides(options: argparse.Namespace) -> dict[str, float]:
    """Return the settings that were given."""
    return {name: getattr(options, name) for name in OVERRIDABLE_SETTINGS if getattr(options, name) is not None}
