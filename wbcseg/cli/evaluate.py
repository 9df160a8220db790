"""Measure models again on the pictures that were held out from them, and compare with their cards."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from wbcseg.classes import CLASS_NAMES
from wbcseg.datasets import open_dataset
from wbcseg.evaluation import evaluate_card, summarise
from wbcseg.metrics import CELL
from wbcseg.prediction import Catalog

TOLERANCE = 0.002


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of models (all)")
    parser.add_argument("--pictures", action="store_true", help="a line for every picture as well")
    parser.add_argument("--json", action="store_true", help="as JSON")


def act(options: argparse.Namespace) -> int:
    """Carry out the command; the exit code is 1 where a figure differs from the card by more than 0.002."""
    catalog = Catalog()
    names = options.models or [entry.name for entry in catalog.usable]
    agree, report = True, []
    for name in names:
        segmenter = catalog.open(name)
        rows = evaluate_card(segmenter, open_dataset(segmenter.card.dataset, fetch=True))
        now, then = summarise(rows), segmenter.card.heldout
        same = now["pictures"] == then["pictures"] and all(
            _close(now["regions"][r]["dice"], then["regions"][r]["dice"]) for r in then["regions"]
        )
        agree &= same
        report.append({"model": name, "measured": now, "card": then, "agree": same})
        if options.json:
            continue
        held_out = f"{now['pictures']} held-out pictures of {segmenter.card.dataset}"
        print(f"{name}: {held_out} (the card has {then['pictures']})")
        for region in (*CLASS_NAMES, CELL):
            print(_line(region, now["regions"][region], then["regions"][region]))
        print(f"  accuracy    {_shown(now['accuracy'])}" + ("" if same else "   DIFFERS FROM THE CARD"))
        for row in rows if options.pictures else ():
            print(f"    {row.id:20} " + "  ".join(f"{key} {_shown(value)}" for key, value in row.scores.dice.items()))
    if options.json:
        print(json.dumps(report, indent=1))
    return 0 if agree else 1


def _line(region: str, measured: Mapping[str, float | None], card: Mapping[str, float | None]) -> str:
    dice, error, jaccard = (_shown(measured[name]) for name in ("dice", "dice_se", "jaccard"))
    return f"  {region:11} Dice {dice} ± {error}   Jaccard {jaccard}   the card's Dice {_shown(card['dice'])}"


def _close(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and abs(a - b) <= TOLERANCE)


def _shown(value: float | None) -> str:
    return "undefined" if value is None or value != value else f"{value:.4f}"
