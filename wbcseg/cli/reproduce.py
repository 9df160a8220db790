"""Repeat the thesis' experiments and put the published figures beside what comes out here.

At full width this takes hours. It can be stopped (Ctrl-C) and goes on where it was when it is called again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wbcseg.cli.train import format_duration
from wbcseg.cli.train_process import train_until_done
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
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE

PUBLISHED_METRICS_NOTE = (
    "What is published as Jaccard and Dice of cytoplasm and nucleus is of the middle and of the lower third of the\n"
    "picture with all classes together (help(wbcseg.evaluation.thesis) tells how that is known). Dice is of the classes."
)
TIME_LABELS = {CPU_SECONDS: "processor time", WALL_SECONDS: "time"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "experiments", nargs="*", metavar="EXPERIMENT", help=f"which (all): {', '.join(EXPERIMENTS)}", default=[]
    )
    parser.add_argument("--report", action="store_true", help="train nothing: print the tables from the results")
    parser.add_argument("--out", type=Path, default=REPRODUCTION_FOLDER, metavar="FOLDER", help="folder of the results")
    parser.add_argument("--json", action="store_true", help="print the tables as JSON")


def run_command(options: argparse.Namespace) -> int:
    """Carry out the command; the exit code is 130 where a training was stopped before its end."""
    unknown = [name for name in options.experiments if name not in EXPERIMENTS]
    if unknown:
        raise RunError(f"There is no experiment {unknown[0]!r}. There are: {', '.join(EXPERIMENTS)}.")
    selected = options.experiments or list(EXPERIMENTS)
    if not options.report:
        for name in selected:
            if not _run_experiment(EXPERIMENTS[name], options.out):
                return STOPPED_EXIT_CODE
    results = {
        name: result
        for name, result in load_experiment_results(list_experiment_files(options.out)).items()
        if name in selected
    }
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
        print("There is no result yet. Train: python -m wbcseg reproduce")
    else:
        print("\n\n".join(_format_table(EXPERIMENTS[name], result) for name, result in results.items()))
        print(f"\n{PUBLISHED_METRICS_NOTE}")
    return 0


def _run_experiment(experiment: Experiment, out: Path) -> bool:
    """Train an experiment to its end, unless its result is there; write its result. Return whether it ended."""
    target = out / f"{experiment.name}.json"
    if target.exists():
        print(f"{experiment.name}: there is a result already ({target.name}).", flush=True)
        return True
    run = train_until_done(f"reproduce-{experiment.name}", experiment.config)
    if run is None:
        return False
    out.mkdir(parents=True, exist_ok=True)
    write_result(target, evaluate_experiment(experiment, run, open_dataset(experiment.config.dataset, download=True)))
    return True


def _format_table(experiment: Experiment, result: dict[str, Any]) -> str:
    environment = result["environment"]
    copy_count = sum(row["copy_in_training"] for row in result["images"])
    header = [
        f"{experiment.title}{', without flipped copies (annex)' if experiment.kind == 'annex' else ''}",
        f"{len(result['history'])} epochs on {environment['processor']}, {environment['cores']} cores, {environment['precision']}; "
        f"{copy_count} of {len(result['images'])} test pictures have a copy in training",
        f"{'':32} {'published':>18} {'here, last':>18} {'best epoch':>11}",
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
