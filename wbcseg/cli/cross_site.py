"""Train networks on the images of one laboratory and test them on those of the other.

Also fits the quality model of each network. Trains every network twice, which takes hours. Ctrl-C stops; the same
command resumes. Without --out and --update-package the results are only printed. --report prints the tables of existing
results.
"""

from __future__ import annotations

import argparse

from wbcseg.cli.studies import report
from wbcseg.cli.studies.options import (
    add_output_options,
    add_training_options,
    get_output_folder,
    get_overrides,
)
from wbcseg.cli.studies.runner import run_cross_site
from wbcseg.evaluation.cross_site import CROSS_SITE_FOLDER, load_cross_site_results, plan_cross_site
from wbcseg.evaluation.cross_validation import sort_results
from wbcseg.quality.model import QUALITY_MODELS_FOLDER
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_training_options(parser)
    add_output_options(parser, "the result and the quality model", report_folder=CROSS_SITE_FOLDER)


def run_command(options: argparse.Namespace) -> int:
    """Run the command; the exit code is 130 if a training was stopped."""
    if options.report:
        print(report.format_cross_site(load_cross_site_results(options.report)))
        return 0
    out = get_output_folder(options, CROSS_SITE_FOLDER)
    quality_folder = QUALITY_MODELS_FOLDER if options.update_package else out and out / "quality_models"
    results = []
    for name in options.architecture:
        study = plan_cross_site(name, **get_overrides(options))
        result = run_cross_site(study, out, quality_folder, update_cards=options.update_package)
        if result is None:
            return STOPPED_EXIT_CODE
        results.append(result)
    print(report.format_cross_site(sort_results(results)))
    return 0
