"""Measure models again on the pictures that were held out from them, or networks by cross-validation.

With names of models, or nothing: every figure of their cards is measured again; with --agreement, how well areas, N:C
and shape from their masks agree with those from the experts'; with --robustness, how they do on the same pictures in
other light, focus or stain, and of cells with hardly any cytoplasm. With --cv or --splits: the networks
are trained several times, so that every picture is tested by one that never saw its cell; it can be stopped (Ctrl-C)
and goes on where it was. With --laboratories: the same, with one laboratory's pictures for training and the other's for
the test. With --report: the tables of all cross-validations so far.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from wbcseg.cli import studies
from wbcseg.datasets import open_dataset
from wbcseg.errors import ConfigError
from wbcseg.evaluation import cross_site, evaluate_card, robustness, summarise
from wbcseg.evaluation.cross_validation import FOLDER, plan
from wbcseg.evaluation.feature_agreement import FOLDER as AGREEMENTS
from wbcseg.evaluation.feature_agreement import Pairs, pairs_of
from wbcseg.features import MEASURES
from wbcseg.inference import Catalog
from wbcseg.labels import CLASS_NAMES
from wbcseg.metrics import CELL
from wbcseg.models import ARCHITECTURES
from wbcseg.quality.model import JUDGES
from wbcseg.training import PRESETS
from wbcseg.training.jobs.stop_signal import STOPPED

TOLERANCE = 0.002
CHANGES = ("width", "canvas", "epochs", "sharp_epochs", "share")
"""Settings of the recipe that a cross-validation may change."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of models (all)")
    parser.add_argument("--pictures", action="store_true", help="a line for every picture as well")
    parser.add_argument("--json", action="store_true", help="as JSON")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--agreement", action="store_true", help="instead, compare areas, N:C and shape with the experts'"
    )
    instead.add_argument(
        "--robustness",
        action="store_true",
        help="instead, change the pictures: other light, focus, stain, cells (of models for any laboratory)",
    )
    study = parser.add_argument_group("cross-validation")
    kind = study.add_mutually_exclusive_group()
    kind.add_argument("--cv", type=int, metavar="N", help="train and test on N folds")
    kind.add_argument("--splits", type=int, metavar="N", help="instead, N random splits: 70 %% train, 20 %% test")
    kind.add_argument(
        "--laboratories",
        action="store_true",
        help="instead, train on one laboratory and test on the other, and learn how results are judged",
    )
    kind.add_argument("--report", action="store_true", help="train nothing: print the tables from the results")
    study.add_argument("--dataset", default="zheng-1", help="name of a data set, or path of a folder or zip (zheng-1)")
    study.add_argument("--preset", choices=tuple(PRESETS), default="compact", help="recipe (compact)")
    study.add_argument(
        "--architecture", nargs="+", choices=tuple(ARCHITECTURES), default=list(ARCHITECTURES), help="networks (all)"
    )
    study.add_argument("--width", type=int, help="filters of the first stage (the recipe's)")
    study.add_argument("--canvas", type=int, help="side in pixels of what the network sees (the recipe's)")
    study.add_argument("--epochs", type=int, help="epochs of each training (the recipe's)")
    study.add_argument("--sharp-epochs", type=int, help="of them at the end, sharp ones (the recipe's)")
    study.add_argument("--share", type=float, help="what the cell takes of the close look's side (the recipe's)")
    study.add_argument(
        "--leaking",
        action="store_true",
        help="put copies of the test pictures into training, to see what that is worth",
    )
    study.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER", help="folder of the results")


def act(options: argparse.Namespace) -> int:
    """Carry out the command.

    The exit code is 1 where a figure differs from the card by more than 0.002, and 130 where a training was stopped.
    """
    if options.report:
        away = studies.laboratories_report(options.out if options.out != FOLDER else cross_site.FOLDER)
        print("\n\n".join(filter(None, (studies.report(options.out), away))))
        return 0
    if options.cv is not None or options.splits is not None:
        return _cross_validate(options)
    if options.laboratories:
        return _leave_one_out(options)
    if options.robustness:
        return _strain(options)
    return _agree(options) if options.agreement else _measure_again(options)


def _agree(options: argparse.Namespace) -> int:
    catalog = Catalog()
    for name in options.models or [entry.name for entry in catalog.usable if entry.shipped]:
        segmenter = catalog.open(name)
        dataset = open_dataset(segmenter.card.dataset, fetch=True)
        for careful in (False, True):
            pairs = pairs_of(segmenter, dataset, careful=careful)
            path = pairs.write(options.out if options.out != FOLDER else AGREEMENTS)
            how = "careful" if careful else "one look"
            print(f"{name}, {how}: {len(pairs.ids)} held-out pictures of {dataset.name}, written to {path.name}")
            _print_agreement(pairs)
    return 0


def _print_agreement(pairs: Pairs) -> None:
    print(f"  {'':32} {'bias':>10} {'limits of agreement':>25} {'mean abs. error':>16} {'same':>6}")
    for figure in pairs.figures:
        one = pairs.agreement(figure)
        low, high = one.limits
        limits = f"{low:.4g} to {high:.4g}"
        title = MEASURES[figure].title
        print(f"  {title:32} {one.bias:10.4g} {limits:>25} {one.mean_absolute_error:16.4g} {one.same:6.2f}")


def _strain(options: argparse.Namespace) -> int:
    catalog = Catalog()
    general = [entry.name for entry in catalog.usable if entry.shipped and entry.card and entry.card.framed]
    for name in options.models or general:
        segmenter = catalog.open(name)
        result = robustness.strained(segmenter, open_dataset(segmenter.card.dataset, fetch=True))
        path = robustness.write(result, options.out if options.out != FOLDER else robustness.FOLDER)
        print(f"{name}: held-out pictures of {segmenter.card.dataset}, changed; written to {path.name}")
        print(f"  {'':30} {'pictures':>8}  " + "  ".join(f"Dice {region:9}" for region in robustness.SCORED))
        for row in result["changes"]:
            dice = "  ".join(f"{_shown(row[region]['dice']):14}" for region in robustness.SCORED)
            print(f"  {row['name']:30} {row['pictures']:8}  {dice}".rstrip())
    return 0


def _cross_validate(options: argparse.Namespace) -> int:
    if options.models:
        raise ConfigError("With --cv and --splits networks are trained anew: choose them with --architecture.")
    plans = [
        plan(
            options.preset,
            options.dataset,
            name,
            folds=options.cv or 0,
            splits=options.splits or 0,
            leaking=options.leaking,
            **_changes(options),
        )
        for name in options.architecture
    ]
    if not all(studies.carry_out(study, options.out, _changes(options)) for study in plans):
        return STOPPED
    print(studies.report(options.out))
    return 0


def _leave_one_out(options: argparse.Namespace) -> int:
    if options.models:
        raise ConfigError("With --laboratories networks are trained anew: choose them with --architecture.")
    out = options.out if options.out != FOLDER else cross_site.FOLDER
    for name in options.architecture:
        study = cross_site.plan(name, **_changes(options))
        if not studies.leave_one_out(study, out, JUDGES if out == cross_site.FOLDER else out / "judges"):
            return STOPPED
    print(studies.laboratories_report(out))
    return 0


def _changes(options: argparse.Namespace) -> dict[str, float]:
    return {name: getattr(options, name) for name in CHANGES if getattr(options, name) is not None}


def _measure_again(options: argparse.Namespace) -> int:
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
