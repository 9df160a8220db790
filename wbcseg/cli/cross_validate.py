"""Cross-validate networks: each image is tested by a network that never saw its cell.

Trains every network several times, which takes hours. Ctrl-C stops; the same command resumes. Without --out and
--update-package the results are only printed. --report prints the tables of existing results.
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
from wbcseg.cli.studies.runner import list_trainings, run_cross_validation
from wbcseg.cli.studies.scheduled import add_scheduler_options, train_scheduled
from wbcseg.evaluation.cross_validation import (
    CROSS_VALIDATION_FOLDER,
    list_study_files,
    load_study_results,
    plan_cross_validation,
    sort_results,
)
from wbcseg.training import PRESETS
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    split_group = parser.add_mutually_exclusive_group()
    split_group.add_argument("--folds", type=int, metavar="N", help="train and test on N folds (5)")
    split_group.add_argument(
        "--splits",
        type=int,
        metavar="N",
        help="use N random splits instead of folds: 70%% for training, 20%% for testing",
    )
    parser.add_argument("--dataset", default="zheng-1", help="name of a data set, or path of a folder or zip (zheng-1)")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="compact", help="settings to start from (compact)")
    parser.add_argument(
        "--leaky", action="store_true", help="put copies of the test images into training, to measure the effect"
    )
    add_training_options(parser)
    add_output_options(parser, report_folder=CROSS_VALIDATION_FOLDER)
    add_scheduler_options(parser)


def run_command(options: argparse.Namespace) -> int:
    """Run the command; the exit code is 130 if a training was stopped."""
    if options.report:
        print(report.format_cross_validations(load_study_results(list_study_files(options.report))))
        return 0
    overrides = get_overrides(options)
    studies = [
        plan_cross_validation(
            options.preset,
            options.dataset,
            name,
            folds=options.folds if options.folds is not None else 0 if options.splits else 5,
            splits=options.splits or 0,
            leaky=options.leaky,
            **overrides,
        )
        for name in options.architecture
    ]
    out = get_output_folder(options, CROSS_VALIDATION_FOLDER)
    if not train_scheduled(list_trainings(studies, out), options):
        return STOPPED_EXIT_CODE
    results = []
    for study in studies:
        result = run_cross_validation(study, out, overrides)
        if result is None:
            return STOPPED_EXIT_CODE
        results.append(result)
    print(report.format_cross_validations(sort_results(results)))
    return 0
