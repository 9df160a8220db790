"""Compare the cell measurements of models with those of expert masks, on held-out images.

Prints bias and limits of agreement (Bland and Altman) of areas, ratios, shape and colour, for a single pass and for
test-time averaging. Without names, all shipped models are compared. Without --out and --update-package the results are
only printed.
"""

from __future__ import annotations

import argparse

from wbcseg.cli.studies.options import add_output_options, get_output_folder
from wbcseg.evaluation import open_training_dataset
from wbcseg.evaluation.comparison import MODE_LABELS
from wbcseg.evaluation.feature_agreement import FEATURE_AGREEMENT_FOLDER, FeaturePairs, compute_feature_pairs
from wbcseg.features import FEATURES
from wbcseg.inference import Catalog


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of models (all shipped models)")
    add_output_options(parser)


def run_command(options: argparse.Namespace) -> int:
    """Run the command."""
    catalog = Catalog()
    out = get_output_folder(options, FEATURE_AGREEMENT_FOLDER)
    for name in options.models or [entry.name for entry in catalog.usable if entry.shipped]:
        segmenter = catalog.load(name)
        dataset = open_training_dataset(segmenter.card)
        for mode, label in MODE_LABELS.items():
            pairs = compute_feature_pairs(segmenter, dataset, tta=mode == "tta")
            print(f"{name}, {label}: {len(pairs.ids)} held-out images of {dataset.name}")
            _print_table(pairs)
            if out:
                print(f"  written to {pairs.write(out)}")
    return 0


def _print_table(pairs: FeaturePairs) -> None:
    print(f"  {'':32} {'bias':>10} {'limits of agreement':>25} {'mean abs. error':>16} {'equal':>6}")
    for feature in pairs.feature_values:
        agreement = pairs.compute_agreement(feature)
        low, high = agreement.limits
        limits = f"{low:.4g} to {high:.4g}"
        print(
            f"  {FEATURES[feature].title:32} {agreement.bias:10.4g} {limits:>25} "
            f"{agreement.mean_absolute_error:16.4g} {agreement.fraction_equal:6.2f}"
        )
