"""Reproduce the thesis' experiments and print the published values next to the reproduced ones.

This takes hours. Ctrl-C stops; the same command resumes. Without --out and --update-package the results are only
printed. --report prints the tables of existing results.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

from wbcseg.cli.formatting import format_duration
from wbcseg.cli.studies.options import add_output_options, get_output_folder
from wbcseg.cli.studies.scheduled import add_scheduler_options, train_scheduled
from wbcseg.datasets import open_dataset
from wbcseg.errors import RunError
from wbcseg.evaluation.reproduction import (
    CPU_SECONDS,
    EXPERIMENTS,
    REPRODUCTION_FOLDER,
    WALL_SECONDS,
    Experiment,
    ThesisComparison,
    compare_with_thesis,
    evaluate_experiment,
    list_experiment_files,
    load_experiment_results,
)
from wbcseg.evaluation.result_store import write_result
from wbcseg.evaluation.study_result import ExperimentResult
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE
from wbcseg.training.jobs.until_done import train_until_done

PUBLISHED_METRICS_NOTE = (
    "The thesis computed its Jaccard and Dice of cytoplasm and nucleus over all classes, in the middle and the lower\n"
    "third of the image; see help(wbcseg.evaluation.thesis). Dice without quotation marks is that of the class.\n"
)
TIME_LABELS = {CPU_SECONDS: "CPU time", WALL_SECONDS: "time"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "experiments",
        nargs="*",
        metavar="EXPERIMENT",
        help=f"experiments to run (all): {', '.join(EXPERIMENTS)}",
        default=[],
    )
    add_output_options(parser, report_folder=REPRODUCTION_FOLDER)
    add_scheduler_options(parser)
    parser.add_argument("--json", action="store_true", help="print the tables as JSON")


def run_command(options: argparse.Namespace) -> int:
    """Run the command; the exit code is 130 if a training was stopped."""
    unknown = [name for name in options.experiments if name not in EXPERIMENTS]
    if unknown:
        raise RunError(f"Unknown experiment {unknown[0]!r}. Choose among: {', '.join(EXPERIMENTS)}.")
    selected = options.experiments or list(EXPERIMENTS)
    if options.report:
        existing = load_experiment_results(list_experiment_files(options.report))
        results = {name: result for name, result in existing.items() if name in selected}
    else:
        results, out = {}, get_output_folder(options, REPRODUCTION_FOLDER)
        missing = [EXPERIMENTS[name] for name in selected if not (out and (out / f"{name}.json").exists())]
        if not train_scheduled([(_name_run(experiment), experiment.config) for experiment in missing], options):
            return STOPPED_EXIT_CODE
        for name in selected:
            result = _run_experiment(EXPERIMENTS[name], out)
            if result is None:
                return STOPPED_EXIT_CODE
            results[name] = result
    if options.json:
        print(
            json.dumps(
                {
                    name: [vars(line) for line in compare_with_thesis(EXPERIMENTS[name], experiment_result)]
                    for name, experiment_result in results.items()
                },
                indent=1,
            )
        )
    elif not results:
        print("There are no results yet. To train: wbcseg reproduce")
    else:
        print("\n\n".join(_format_table(EXPERIMENTS[name], result) for name, result in results.items()))
        print(f"\n{PUBLISHED_METRICS_NOTE}")
    return 0


def _run_experiment(experiment: Experiment, out: Path | None) -> ExperimentResult | None:
    """Train an experiment and return its result, ``None`` if it was stopped; where there is a result, return that."""
    target = out and out / f"{experiment.name}.json"
    if target and target.exists():
        print(f"{experiment.name}: there is already a result ({target}).", flush=True)
        return load_experiment_results([target])[experiment.name]
    run = train_until_done(_name_run(experiment), experiment.config)
    if run is None:
        return None
    result = evaluate_experiment(experiment, run, open_dataset(experiment.config.dataset, download=True))
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_result(target, result.to_dict())
    return result


def _name_run(experiment: Experiment) -> str:
    return f"reproduce-{experiment.name}"


def _format_table(experiment: Experiment, result: ExperimentResult) -> str:
    environment = result.environment
    copy_count = sum(image.copy_in_training for image in result.images)
    header = [
        f"{experiment.title}{', without flipped copies (annex)' if experiment.kind == 'annex' else ''}",
        f"{len(result.history)} epochs on {environment.processor}, {environment.cores} cores, "
        f"{environment.precision}; {copy_count} of {len(result.images)} test images have a copy in training",
        f"{'':32} {'thesis':>18} {'here, last epoch':>18} {'best epoch':>11}",
    ]
    return "\n".join([*header, *_format_rows(compare_with_thesis(experiment, result))])


def _format_rows(table: Iterable[ThesisComparison]) -> Iterable[str]:
    for line in table:
        if line.metric in TIME_LABELS:
            published, reproduced = (
                "" if value is None else format_duration(value) for value in (line.thesis, line.final)
            )
            yield f"  {TIME_LABELS[line.metric]:30} {published:>18} {reproduced:>18}"
            continue
        published, reproduced = (
            _format_score(line.thesis, line.thesis_error),
            _format_score(line.final, line.final_error),
        )
        yield f"  {line.metric:30} {published:>18} {reproduced:>18} {_format_score(line.best):>11}"


def _format_score(value: float | None, standard_error: float | None = None) -> str:
    return "" if value is None else f"{value:.4f}" + ("" if standard_error is None else f" ± {standard_error:.4f}")
