"""Test models on altered images: other light, focus or stain, and cells with hardly any cytoplasm.

Each held-out image is altered in each of these ways, and the table shows the mean Dice. Without names, all shipped
general models are tested. Without --out and --update-package the results are only printed.
"""

from __future__ import annotations

import argparse

from wbcseg.cli.studies.options import add_output_options, get_output_folder
from wbcseg.evaluation import open_training_dataset
from wbcseg.evaluation.robustness import ROBUSTNESS_FOLDER, RobustnessResult, evaluate_robustness
from wbcseg.inference import Catalog
from wbcseg.metrics import FOREGROUND_REGIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of models (all shipped general models)")
    add_output_options(parser)


def run_command(options: argparse.Namespace) -> int:
    """Run the command."""
    catalog = Catalog()
    general_models = [entry.name for entry in catalog.usable if entry.shipped and entry.card.two_stage]
    out = get_output_folder(options, ROBUSTNESS_FOLDER)
    for name in options.models or general_models:
        segmenter = catalog.load(name)
        result = evaluate_robustness(segmenter, open_training_dataset(segmenter.card))
        print(f"{name}: altered held-out images of {segmenter.card.dataset}")
        _print_table(result)
        if out:
            print(f"  written to {result.write(out)}")
    return 0


def _print_table(result: RobustnessResult) -> None:
    print(f"  {'':30} {'images':>8}  " + "  ".join(f"Dice {region:9}" for region in FOREGROUND_REGIONS))
    for change in result.changes:
        cells = []
        for region in FOREGROUND_REGIONS:
            dice = change.get_dice(region)
            cells.append(f"{'undefined' if dice is None else f'{dice:.4f}':14}")
        print(f"  {change.name:30} {change.images:8}  {'  '.join(cells)}".rstrip())
