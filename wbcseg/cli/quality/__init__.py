"""Fit the quality check of general models, and test it on laboratories that it was not fitted to.

Each laboratory's held-out images, and varied copies of them, are segmented; a check that was fitted to the other
laboratories says which results it would flag. Without names, all shipped general models are tested. Without --out and
--update-package the results are only printed.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from wbcseg.cli.studies.options import add_output_options, get_output_folder
from wbcseg.datasets import open_dataset
from wbcseg.evaluation.cross_site import CROSS_SITE_FOLDER, SITES, load_cross_site_result
from wbcseg.evaluation.quality_study import study_quality
from wbcseg.evaluation.result_store import write_result
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.models.card_records import QualityMetrics
from wbcseg.quality.model import QUALITY_MODELS_FOLDER


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of models (all shipped general models)")
    add_output_options(parser, "the quality check")


def run_command(options: argparse.Namespace) -> int:
    """Run the command."""
    catalog = Catalog()
    general = [entry.name for entry in catalog.usable if entry.shipped and entry.card.two_stage]
    datasets = [open_dataset(name, download=True) for name in SITES]
    out = get_output_folder(options, QUALITY_MODELS_FOLDER)
    for name in options.models or general:
        entry = catalog.get(name)
        model = study_quality(catalog.load(name), datasets)
        print(name)
        _print_metrics(model.metrics)
        if out:
            model.write(entry.card.architecture, out)
        if options.update_package:
            _update_results(entry, model.metrics)
    return 0


def _print_metrics(metrics: QualityMetrics) -> None:
    print(f"  {'laboratory':12} {'good':>6} {'flagged':>8} {'bad':>6} {'flagged':>8}")
    for test in metrics.laboratories:
        flagged = ["–" if value is None else f"{100 * value:.0f} %" for value in (test.good_flagged, test.bad_flagged)]
        print(f"  {test.name:12} {test.good:6} {flagged[0]:>8} {test.bad:6} {flagged[1]:>8}")
    negatives, smears = (100 * share for share in (metrics.out_of_range_negatives, metrics.out_of_range_smears))
    print(f"  out of range: {negatives:.0f} % of {metrics.negatives} images that are not smears,")
    print(f"    {smears:.1f} % of {metrics.smears} smears")


def _update_results(entry: ModelEntry, metrics: QualityMetrics) -> None:
    """Write the metrics into the cross-site result of the model's network and onto its card."""
    path = CROSS_SITE_FOLDER / f"{entry.card.architecture}.json"
    write_result(path, replace(load_cross_site_result(path), quality=metrics).to_dict())
    if entry.card.cross_site is not None:
        replace(entry.card, cross_site=replace(entry.card.cross_site, quality=metrics)).write(entry.folder)
