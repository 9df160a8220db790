"""Repeat the thesis' experiments and put the published figures beside what comes out here.

At full width this takes hours. It can be stopped (Ctrl-C) and goes on where it was when it is called again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wbcseg.cli.train import duration
from wbcseg.cli.train_process import bring_to_end
from wbcseg.datasets import open_dataset
from wbcseg.errors import RunError
from wbcseg.evaluation.reproduction import (
    EXPERIMENTS,
    FOLDER,
    PROCESSOR_SECONDS,
    SECONDS,
    Experiment,
    Line,
    lines,
    read_results,
    result_files,
    result_of,
)
from wbcseg.evaluation.result_store import write_result
from wbcseg.training.jobs.stop_signal import STOPPED

AS_PUBLISHED = (
    "What is published as Jaccard and Dice of cytoplasm and nucleus is of the middle and of the lower third of the\n"
    "picture with all classes together (help(wbcseg.evaluation.thesis) tells how that is known). Dice is of the classes."
)
TIMES = {PROCESSOR_SECONDS: "processor time", SECONDS: "time"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "experiments", nargs="*", metavar="EXPERIMENT", help=f"which (all): {', '.join(EXPERIMENTS)}", default=[]
    )
    parser.add_argument("--report", action="store_true", help="train nothing: print the tables from the results")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER", help="folder of the results")
    parser.add_argument("--json", action="store_true", help="print the tables as JSON")


def act(options: argparse.Namespace) -> int:
    """Carry out the command; the exit code is 130 where a training was stopped before its end."""
    unknown = [name for name in options.experiments if name not in EXPERIMENTS]
    if unknown:
        raise RunError(f"There is no experiment {unknown[0]!r}. There are: {', '.join(EXPERIMENTS)}.")
    chosen = options.experiments or list(EXPERIMENTS)
    if not options.report:
        for name in chosen:
            if not _carry_out(EXPERIMENTS[name], options.out):
                return STOPPED
    results = {name: result for name, result in read_results(result_files(options.out)).items() if name in chosen}
    if options.json:
        print(
            json.dumps(
                {name: [vars(line) for line in lines(EXPERIMENTS[name], one)] for name, one in results.items()},
                indent=1,
            )
        )
    elif not results:
        print("There is no result yet. Train: python -m wbcseg reproduce")
    else:
        print("\n\n".join(_table(EXPERIMENTS[name], result) for name, result in results.items()))
        print(f"\n{AS_PUBLISHED}")
    return 0


def _carry_out(experiment: Experiment, out: Path) -> bool:
    """Train an experiment to its end, unless its result is there; write its result. Return whether it ended."""
    target = out / f"{experiment.name}.json"
    if target.exists():
        print(f"{experiment.name}: there is a result already ({target.name}).", flush=True)
        return True
    run = bring_to_end(f"reproduce-{experiment.name}", experiment.config)
    if run is None:
        return False
    out.mkdir(parents=True, exist_ok=True)
    write_result(target, result_of(experiment, run, open_dataset(experiment.config.dataset, fetch=True)))
    return True


def _table(experiment: Experiment, result: dict[str, Any]) -> str:
    where = result["environment"]
    copies = sum(row["copy_in_training"] for row in result["pictures"])
    head = [
        f"{experiment.title}{', without flipped copies (annex)' if experiment.part == 'annex' else ''}",
        f"{len(result['history'])} epochs on {where['processor']}, {where['cores']} cores, {where['precision']}; "
        f"{copies} of {len(result['pictures'])} test pictures have a copy in training",
        f"{'':32} {'published':>18} {'here, last':>18} {'best epoch':>11}",
    ]
    return "\n".join([*head, *_rows(lines(experiment, result))])


def _rows(table: Iterable[Line]) -> Iterable[str]:
    for line in table:
        if line.figure in TIMES:
            published, here = ("" if value is None else duration(value) for value in (line.published, line.last))
            yield f"  {TIMES[line.figure]:30} {published:>18} {here:>18}"
            continue
        published, here = _shown(line.published, line.published_error), _shown(line.last, line.error)
        yield f"  {line.figure:30} {published:>18} {here:>18} {_shown(line.best):>11}"


def _shown(value: float | None, error: float | None = None) -> str:
    return "" if value is None else f"{value:.4f}" + ("" if error is None else f" ± {error:.4f}")
