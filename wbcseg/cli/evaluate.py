"""Evaluate models on their held-out images and compare the scores with their cards.

The exit code is 1 if a Dice differs from the card by more than 0.002. See also the commands cross-validate, cross-site,
robustness and agreement.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict

from wbcseg.api.segmentation import REFINEMENTS
from wbcseg.errors import ConfigError
from wbcseg.evaluation import evaluate_heldout, open_training_dataset, summarise_scores
from wbcseg.inference import Catalog
from wbcseg.metrics import REGIONS
from wbcseg.models.card_records import RegionScores

DICE_TOLERANCE = 0.002


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of models (all)")
    parser.add_argument(
        "--refine", choices=REFINEMENTS, help="refine the results as segment --refine does, and compare with the cards"
    )
    parser.add_argument("--images", action="store_true", help="also print one line for each image")
    parser.add_argument(
        "--types", action="store_true", help="evaluate the shipped model of cell types instead: wbcseg types evaluate"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_command(options: argparse.Namespace) -> int:
    """Run the command."""
    if options.types:
        return _evaluate_types(options)
    catalog = Catalog().with_crf() if options.refine else Catalog()
    names = options.models or [entry.name for entry in catalog.usable]
    all_match, results = True, []
    for name in names:
        segmenter = catalog.load(name)
        rows = evaluate_heldout(segmenter, open_training_dataset(segmenter.card))
        measured, card_metrics = summarise_scores(rows), segmenter.card.test_metrics
        is_match = measured.images == card_metrics.images and all(
            _is_close(measured.regions[region].dice, scores.dice) for region, scores in card_metrics.regions.items()
        )
        all_match &= is_match
        results.append({"model": name, "measured": asdict(measured), "card": asdict(card_metrics), "agree": is_match})
        if options.json:
            continue
        description = f"{measured.images} held-out images of {segmenter.card.dataset}"
        print(f"{name}: {description} ({card_metrics.images} in the card)")
        for region in REGIONS:
            print(_format_region(region, measured.regions[region], card_metrics.regions[region]))
        is_warned = not is_match and not options.refine
        print(f"  accuracy    {_format_score(measured.accuracy)}" + ("   DIFFERS FROM THE CARD" if is_warned else ""))
        for row in rows if options.images else ():
            dice = "  ".join(f"{region} {_format_score(value)}" for region, value in row.scores.dice.items())
            print(f"    {row.id:20} {dice}")
    if options.json:
        print(json.dumps(results, indent=1))
    # With a refinement, the difference to the card is what the command is for.
    return 0 if all_match or options.refine else 1


def _evaluate_types(options: argparse.Namespace) -> int:
    """Run ``wbcseg types evaluate``."""
    from wbcseg.cli import types

    if options.models or options.images:
        raise ConfigError(
            "Option --types evaluates the shipped model of cell types: it takes no models and no --images."
        )
    parser = argparse.ArgumentParser()
    types.add_arguments(parser)
    return types.run_command(parser.parse_args(["evaluate", *(["--json"] if options.json else [])]))


def _format_region(region: str, measured: RegionScores, card: RegionScores) -> str:
    dice, standard_error, jaccard = map(_format_score, (measured.dice, measured.dice_se, measured.jaccard))
    return (
        f"  {region:11} Dice {dice} ± {standard_error}   Jaccard {jaccard}   Dice in the card "
        f"{_format_score(card.dice)}"
    )


def _is_close(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and abs(a - b) <= DICE_TOLERANCE)


def _format_score(value: float | None) -> str:
    return "undefined" if value is None or math.isnan(value) else f"{value:.4f}"
