"""Train and test all networks and methods by one protocol: the same folds, size and number of epochs.

Every network gets base filters for about 1.5 million parameters and is trained on each of five folds without data
leakage. This takes a night. Ctrl-C stops; the same command resumes, and networks that have a result are not trained
again. Without --out and --update-package the results are only printed. --report prints the tables of existing results.
"""

from __future__ import annotations

import argparse

from wbcseg.cli.studies import report
from wbcseg.cli.studies.options import add_output_options, get_output_folder
from wbcseg.cli.studies.runner import list_trainings, run_cross_validation, run_method
from wbcseg.cli.studies.scheduled import add_scheduler_options, train_scheduled
from wbcseg.evaluation.cross_validation import (
    CROSS_VALIDATION_FOLDER,
    list_study_files,
    load_study_results,
    plan_comparison,
    sort_results,
)
from wbcseg.models import ARCHITECTURES
from wbcseg.models.method_registry import METHODS
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--dataset", default="zheng-1", help="name of a data set, or path of a folder or zip (zheng-1)")
    parser.add_argument("--folds", type=int, default=5, metavar="N", help="train and test on N folds (5)")
    parser.add_argument("--epochs", type=int, help="epochs of each training (those of the preset comparison)")
    parser.add_argument(
        "--architecture",
        nargs="+",
        choices=(*ARCHITECTURES, *METHODS),
        default=[*ARCHITECTURES, *METHODS],
        help="networks and methods without a deep network (all)",
    )
    add_output_options(parser, report_folder=CROSS_VALIDATION_FOLDER)
    add_scheduler_options(parser)


def run_command(options: argparse.Namespace) -> int:
    """Run the command; the exit code is 130 if a training was stopped."""
    if options.report:
        print(report.format_cross_validations(load_study_results(list_study_files(options.report))))
        return 0
    overrides = {} if options.epochs is None else {"epochs": options.epochs}
    networks = [name for name in options.architecture if name in ARCHITECTURES]
    studies = [plan_comparison(options.dataset, name, options.folds, **overrides) for name in networks]
    out = get_output_folder(options, CROSS_VALIDATION_FOLDER)
    if not train_scheduled(list_trainings(studies, out), options):
        return STOPPED_EXIT_CODE
    results = []
    for study in studies:
        result = run_cross_validation(study, out, overrides)
        if result is None:
            return STOPPED_EXIT_CODE
        results.append(result)
    study_name = plan_comparison(options.dataset, next(iter(ARCHITECTURES)), options.folds).name
    for name in options.architecture:
        if name in METHODS:
            results.append(run_method(name, study_name, options.dataset, options.folds, out))
    print(report.format_cross_validations(sort_results(results)))
    return 0
