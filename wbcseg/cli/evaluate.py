"""Measure models again on the pictures that were held out from them, or networks by cross-validation.

With names of models, or nothing: every figure of their cards is measured again; with --agreement, how well areas, N:C
and shape from their masks agree with those from the experts'; with --robustness, how they do on the same pictures in
other light, focus or stain, and of cells with hardly any cytoplasm. With --cv or --splits: the networks
are trained several times, so that every picture is tested by one that never saw its cell; it can be stopped (Ctrl-C)
and goes on where it was. With --cross-site: the same, with one laboratory's pictures for training and the other's for
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
from wbcseg.evaluation import cross_site, evaluate_heldout, robustness, summarise_scores
from wbcseg.evaluation.cross_validation import CROSS_VALIDATION_FOLDER, plan_cross_validation
from wbcseg.evaluation.feature_agreement import FEATURE_AGREEMENT_FOLDER as AGREEMENTS
from wbcseg.evaluation.feature_agreement import FeaturePairs, compute_feature_pairs
from wbcseg.features import FEATURES
from wbcseg.inference import Catalog
from wbcseg.labels import CLASS_NAMES
from wbcseg.metrics import CELL
from wbcseg.models import ARCHITECTURES
from wbcseg.quality.model import QUALITY_MODELS_FOLDER
from wbcseg.training import PRESETS
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE

DICE_TOLERANCE = 0.002
OVERRIDABLE_SETTINGS = ("base_filters", "input_size", "epochs", "clean_epochs", "cell_fraction")
"""Settings of the recipe that a cross-validation may change."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of models (all)")
    parser.add_argument("--images", action="store_true", help="a line for every picture as well")
    parser.add_argument("--json", action="store_true", help="as JSON")
    mode_group = parser.add_mutually_exclusive_group()
    mode_group.add_argument(
        "--agreement", action="store_true", help="instead, compare areas, N:C and shape with the experts'"
    )
    mode_group.add_argument(
        "--robustness",
        action="store_true",
        help="instead, change the pictures: other light, focus, stain, cells (of models for any laboratory)",
    )
    study_group = parser.add_argument_group("cross-validation")
    kind_group = study_group.add_mutually_exclusive_group()
    kind_group.add_argument("--cv", type=int, metavar="N", help="train and test on N folds")
    kind_group.add_argument("--splits", type=int, metavar="N", help="instead, N random splits: 70 %% train, 20 %% test")
    kind_group.add_argument(
        "--cross-site",
        action="store_true",
        help="instead, train on one laboratory and test on the other, and learn how results are judged",
    )
    kind_group.add_argument("--report", action="store_true", help="train nothing: print the tables from the results")
    study_group.add_argument(
        "--dataset", default="zheng-1", help="name of a data set, or path of a folder or zip (zheng-1)"
    )
    study_group.add_argument("--preset", choices=tuple(PRESETS), default="compact", help="recipe (compact)")
    study_group.add_argument(
        "--architecture", nargs="+", choices=tuple(ARCHITECTURES), default=list(ARCHITECTURES), help="networks (all)"
    )
    study_group.add_argument("--base-filters", type=int, help="filters of the first stage (the recipe's)")
    study_group.add_argument("--input-size", type=int, help="side in pixels of what the network sees (the recipe's)")
    study_group.add_argument("--epochs", type=int, help="epochs of each training (the recipe's)")
    study_group.add_argument("--clean-epochs", type=int, help="of them at the end, sharp ones (the recipe's)")
    study_group.add_argument(
        "--cell-fraction", type=float, help="what the cell takes of the close look's side (the recipe's)"
    )
    study_group.add_argument(
        "--leaky",
        action="store_true",
        help="put copies of the test pictures into training, to see what that is worth",
    )
    study_group.add_argument(
        "--out", type=Path, default=CROSS_VALIDATION_FOLDER, metavar="FOLDER", help="folder of the results"
    )


def run_command(options: argparse.Namespace) -> int:
    """Carry out the command.

    The exit code is 1 where a figure differs from the card by more than 0.002, and 130 where a training was stopped.
    """
    if options.report:
        cross_site_report = studies.format_cross_site_report(
            options.out if options.out != CROSS_VALIDATION_FOLDER else cross_site.CROSS_SITE_FOLDER
        )
        print("\n\n".join(filter(None, (studies.format_report(options.out), cross_site_report))))
        return 0
    if options.cv is not None or options.splits is not None:
        return _cross_validate(options)
    if options.cross_site:
        return _evaluate_cross_site(options)
    if options.robustness:
        return _evaluate_robustness(options)
    return _compare_features(options) if options.agreement else _evaluate_models(options)


def _compare_features(options: argparse.Namespace) -> int:
    catalog = Catalog()
    for name in options.models or [entry.name for entry in catalog.usable if entry.shipped]:
        segmenter = catalog.load(name)
        dataset = open_dataset(segmenter.card.dataset, download=True)
        for tta in (False, True):
            pairs = compute_feature_pairs(segmenter, dataset, tta=tta)
            path = pairs.write(options.out if options.out != CROSS_VALIDATION_FOLDER else AGREEMENTS)
            mode_label = "careful" if tta else "one look"
            print(f"{name}, {mode_label}: {len(pairs.ids)} held-out pictures of {dataset.name}, written to {path.name}")
            _print_agreement(pairs)
    return 0


def _print_agreement(pairs: FeaturePairs) -> None:
    print(f"  {'':32} {'bias':>10} {'limits of agreement':>25} {'mean abs. error':>16} {'same':>6}")
    for feature in pairs.feature_values:
        agreement = pairs.compute_agreement(feature)
        low, high = agreement.limits
        limits = f"{low:.4g} to {high:.4g}"
        title = FEATURES[feature].title
        print(
            f"  {title:32} {agreement.bias:10.4g} {limits:>25} {agreement.mean_absolute_error:16.4g} {agreement.fraction_equal:6.2f}"
        )


def _evaluate_robustness(options: argparse.Namespace) -> int:
    catalog = Catalog()
    general_models = [entry.name for entry in catalog.usable if entry.shipped and entry.card and entry.card.two_stage]
    for name in options.models or general_models:
        segmenter = catalog.load(name)
        result = robustness.evaluate_robustness(segmenter, open_dataset(segmenter.card.dataset, download=True))
        path = robustness.write_robustness(
            result, options.out if options.out != CROSS_VALIDATION_FOLDER else robustness.ROBUSTNESS_FOLDER
        )
        print(f"{name}: held-out pictures of {segmenter.card.dataset}, changed; written to {path.name}")
        print(f"  {'':30} {'images':>8}  " + "  ".join(f"Dice {region:9}" for region in robustness.FOREGROUND_REGIONS))
        for row in result["changes"]:
            dice = "  ".join(f"{_format_score(row[region]['dice']):14}" for region in robustness.FOREGROUND_REGIONS)
            print(f"  {row['name']:30} {row['images']:8}  {dice}".rstrip())
    return 0


def _cross_validate(options: argparse.Namespace) -> int:
    if options.models:
        raise ConfigError("With --cv and --splits networks are trained anew: choose them with --architecture.")
    plans = [
        plan_cross_validation(
            options.preset,
            options.dataset,
            name,
            folds=options.cv or 0,
            splits=options.splits or 0,
            leaky=options.leaky,
            **_get_overrides(options),
        )
        for name in options.architecture
    ]
    if not all(studies.run_study(study, options.out, _get_overrides(options)) for study in plans):
        return STOPPED_EXIT_CODE
    print(studies.format_report(options.out))
    return 0


def _evaluate_cross_site(options: argparse.Namespace) -> int:
    if options.models:
        raise ConfigError("With --cross-site networks are trained anew: choose them with --architecture.")
    out = options.out if options.out != CROSS_VALIDATION_FOLDER else cross_site.CROSS_SITE_FOLDER
    for name in options.architecture:
        study = cross_site.plan_cross_site(name, **_get_overrides(options))
        if not studies.run_cross_site_study(
            study, out, QUALITY_MODELS_FOLDER if out == cross_site.CROSS_SITE_FOLDER else out / "judges"
        ):
            return STOPPED_EXIT_CODE
    print(studies.format_cross_site_report(out))
    return 0


def _get_overrides(options: argparse.Namespace) -> dict[str, float]:
    return {name: getattr(options, name) for name in OVERRIDABLE_SETTINGS if getattr(options, name) is not None}


def _evaluate_models(options: argparse.Namespace) -> int:
    catalog = Catalog()
    names = options.models or [entry.name for entry in catalog.usable]
    all_match, results = True, []
    for name in names:
        segmenter = catalog.load(name)
        rows = evaluate_heldout(segmenter, open_dataset(segmenter.card.dataset, download=True))
        measured, card_metrics = summarise_scores(rows), segmenter.card.test_metrics
        is_match = measured["images"] == card_metrics["images"] and all(
            _is_close(measured["regions"][region_name]["dice"], card_metrics["regions"][region_name]["dice"])
            for region_name in card_metrics["regions"]
        )
        all_match &= is_match
        results.append({"model": name, "measured": measured, "card": card_metrics, "agree": is_match})
        if options.json:
            continue
        description = f"{measured['images']} held-out pictures of {segmenter.card.dataset}"
        print(f"{name}: {description} (the card has {card_metrics['images']})")
        for region in (*CLASS_NAMES, CELL):
            print(_format_region(region, measured["regions"][region], card_metrics["regions"][region]))
        print(f"  accuracy    {_format_score(measured['accuracy'])}" + ("" if is_match else "   DIFFERS FROM THE CARD"))
        for row in rows if options.images else ():
            print(
                f"    {row.id:20} "
                + "  ".join(f"{key} {_format_score(value)}" for key, value in row.scores.dice.items())
            )
    if options.json:
        print(json.dumps(results, indent=1))
    return 0 if all_match else 1


def _format_region(region: str, measured: Mapping[str, float | None], card: Mapping[str, float | None]) -> str:
    dice, standard_error, jaccard = (_format_score(measured[name]) for name in ("dice", "dice_se", "jaccard"))
    return f"  {region:11} Dice {dice} ± {standard_error}   Jaccard {jaccard}   the card's Dice {_format_score(card['dice'])}"


def _is_close(a: float | None, b: float | None) -> bool:
    return a == b or (a is not None and b is not None and abs(a - b) <= DICE_TOLERANCE)


def _format_score(value: float | None) -> str:
    return "undefined" if value is None or value != value else f"{value:.4f}"
