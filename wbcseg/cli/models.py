"""List the models, or show the details of some."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from typing import Any

from wbcseg.celltypes.card import TypeCard
from wbcseg.errors import ModelError
from wbcseg.inference import BrokenModel, Catalog, ModelEntry
from wbcseg.inference.detection import DetectorCard
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.models.card import ModelCard
from wbcseg.paths import DETECTOR_FOLDER, TYPES_FOLDER, get_detector_folder, get_types_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", nargs="*", metavar="MODEL", help="show all details of these models")
    format_group = parser.add_mutually_exclusive_group()
    format_group.add_argument("--json", action="store_true", help="print JSON")
    format_group.add_argument("--markdown", action="store_true", help="print the shipped models as a Markdown table")


def run_command(options: argparse.Namespace) -> int:
    """Run the command."""
    catalog = Catalog()
    entries = [catalog.find(name) for name in options.names] or catalog.entries
    if options.json:
        print(json.dumps([_build_record(entry) for entry in entries], indent=1, ensure_ascii=False))
        return 0
    if options.markdown:
        print(format_markdown_table([e.card for e in entries if isinstance(e, ModelEntry) and e.shipped]))
        return 0
    if not entries:
        print("No models. To train one, see: wbcseg train --help")
    for entry in entries:
        print(_format_line(entry))
        if options.names and isinstance(entry, ModelEntry):
            print(_format_details(entry.card))
    if not options.names:
        print(_format_detector())
        print(_format_types())
    return 0


def _format_detector() -> str:
    """Return a line about the cell detector, which every model shares."""
    try:
        card = DetectorCard.read(get_detector_folder())
    except ModelError as error:
        return f"{DETECTOR_FOLDER:24} cannot be used: {error}"
    megabytes = sum(record.size for record in card.files.values()) / 1e6
    return f"{DETECTOR_FOLDER:24} {card.title}, {megabytes:.1f} MB; finds the cells of fields of view for all models"


def _format_types() -> str:
    """Return a line about the type model."""
    try:
        card = TypeCard.read(get_types_folder())
    except ModelError as error:
        return f"{TYPES_FOLDER:24} cannot be used: {error}"
    megabytes = card.files["network"].size / 1e6
    return f"{TYPES_FOLDER:24} {card.title}, {megabytes:.1f} MB; says what each cell is"


def _format_details(card: ModelCard) -> str:
    split, training = card.split, card.training
    fold = "" if split["fold"] is None else f", fold {split['fold']} of {split['folds']} held out"
    lines = [
        f"trained on {len(split['train'])} images of {card.dataset} ({split['kind']}{fold}), "
        f"{training.epochs} epochs in {training.seconds:.0f} s, wbcseg {card.wbcseg_version}, {card.created}",
        f"settings: {', '.join(f'{name} {value}' for name, value in card.config.items())}",
        *_format_cross_site(card),
        *card.notes,
        card.acknowledgement,
        card.notice,
    ]
    return "\n".join(f"  {line}" for line in lines if line)


def _format_cross_site(card: ModelCard) -> Iterator[str]:
    """Yield the results of networks of this type on images from a site that they were not trained on."""
    if card.cross_site is None:
        return
    for test in card.cross_site.tests:
        dice = ", ".join(
            f"{name} {_format_score(scores.dice)} ± {_format_score(scores.dice_se)}"
            for name, scores in test.tta.items()
        )
        yield (
            f"trained the same way on {test.trained_on} and tested on {test.tested_on} ({test.tested} "
            f"images), test-time averaging: Dice {dice}; expected calibration error {test.calibration.ece:.3f}"
        )
    quality = card.cross_site.quality
    yield (
        f"quality check: AUROC of smears vs other images {quality.out_of_range_auroc:.4f}; flagged of crops "
        f"with a whole-cell Dice below .8: {_format_percent(quality.bad_flagged)}, of the others: "
        f"{_format_percent(quality.good_flagged)}"
    )


def format_markdown_table(cards: Iterable[ModelCard]) -> str:
    """Return a Markdown table of models and their held-out Dice (mean ± standard error)."""
    lines = [
        "| model | parameters | file size | held-out images | Dice nucleus | Dice cytoplasm | Dice whole cell |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for card in cards:
        regions = [card.test_metrics.regions[name] for name in FOREGROUND_REGIONS]
        dice = " | ".join(f"{_format_score(r.dice)} ± {_format_score(r.dice_se)}" for r in regions)
        size = f"{card.size_bytes / 1e6:.1f} MB"
        lines.append(f"| {card.title} | {card.parameters:,} | {size} | {card.test_metrics.images} | {dice} |")
    return "\n".join(lines)


def _build_record(entry: ModelEntry | BrokenModel) -> dict[str, Any]:
    problem = entry.problem if isinstance(entry, BrokenModel) else None
    values: dict[str, Any] = {"name": entry.name, "shipped": entry.shipped}
    values["problem"] = {"code": problem.code, "message": str(problem)} if problem else None
    if isinstance(entry, ModelEntry):
        card_values = entry.card.to_dict()
        names = (
            "title",
            "architecture",
            "base_filters",
            "parameters",
            "created",
            "test_metrics",
            "files",
            "notice",
            "acknowledgement",
            "notes",
        )
        values |= {name: card_values[name] for name in names}
        split = entry.card.split
        values |= {"dataset": entry.card.dataset, "split": split["kind"], "fold": split["fold"]}
        values |= {"is_leaky": entry.card.is_leaky}
    return values


def _format_line(entry: ModelEntry | BrokenModel) -> str:
    if isinstance(entry, BrokenModel):
        return f"{entry.name:24} cannot be used: {entry.problem}"
    metrics = entry.card.test_metrics
    dice = ", ".join(f"{name} {_format_score(metrics.regions[name].dice)}" for name in FOREGROUND_REGIONS)
    megabytes = entry.card.size_bytes / 1e6
    leakage_note = " (leaky split: most have a flipped copy in training)" if entry.card.is_leaky else ""
    images_text = f"{metrics.images} held-out images{leakage_note}"
    return f"{entry.name:24} {entry.card.title}, {megabytes:.1f} MB; Dice on {images_text}: {dice}"


def _format_percent(fraction: float | None) -> str:
    return "none" if fraction is None else f"{fraction:.0%}"


def _format_score(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
