"""Measure how fast this program is on this computer.

``train`` times training steps of this program and of Keras' own layers, loop and settings, batch by batch in turns.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from wbcseg.architectures import ARCHITECTURES
from wbcseg.errors import ConfigError
from wbcseg.files import write_json
from wbcseg.training import TrainingConfig
from wbcseg.training.benchmark import Comparison, benchmark_config, compare, report

NAMES = {
    "program": "this program",
    "untuned": "without its engine settings",
    "keras": "Keras as it comes",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be measured, each with its options."""
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    train = kinds.add_parser("train", help="time an epoch of training beside Keras' own layers and float32")
    train.add_argument("--architecture", choices=tuple(ARCHITECTURES), default="unet", help="network (unet)")
    train.add_argument("--widths", type=int, nargs="+", default=[16, 64], metavar="WIDTH", help="widths (16 64)")
    train.add_argument("--batches", type=int, default=8, metavar="N", help="batches a side and round (8)")
    train.add_argument("--rounds", type=int, default=5, metavar="R", help="rounds; figures are medians of them (5)")
    train.add_argument("--parts", action="store_true", help="also this program's layers without its engine settings")
    train.add_argument("--json", action="store_true", help="print the results as JSON")
    train.add_argument("--out", type=Path, metavar="FILE", help="write the results as JSON to this file")
    train.set_defaults(measure=_train)


def act(options: argparse.Namespace) -> int:
    """Carry out the command."""
    code: int = options.measure(options)
    return code


def _train(options: argparse.Namespace) -> int:
    for name in ("batches", "rounds"):
        if getattr(options, name) < 1:
            raise ConfigError(f"Option --{name} must be at least 1. Received: {getattr(options, name)}")
    if options.out and not options.out.parent.is_dir():
        raise ConfigError(f"Option --out must name a file in a folder that exists. Received: {options.out}")
    configs = [benchmark_config(options.architecture, width) for width in options.widths]
    comparisons = [_compare(config, options) for config in configs]
    results = report(comparisons)
    if options.out:
        write_json(options.out, results)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        _print(results)
    return 0


def _compare(config: TrainingConfig, options: argparse.Namespace) -> Comparison:
    def show(done: int) -> None:
        text = f"{config.architecture} width {config.width}: round {done} of {options.rounds}"
        print(text, file=sys.stderr, flush=True)

    return compare(config, batches=options.batches, rounds=options.rounds, parts=options.parts, on_round=show)


def _print(results: dict[str, Any]) -> None:
    where = results["environment"]
    print(f"{where['processor']}, {where['cores']} cores, {', '.join(where['features']) or 'no special features'}")
    print(f"Seconds for an epoch of {results['pictures_per_epoch']} pictures, {results['batch_size']} at a time:")
    for row in results["results"]:
        print(f"{row['architecture']} width {row['width']}")
        for side, seconds in row["seconds_per_epoch"].items():
            line = f"  {NAMES[side]:28} {seconds:8.2f} s  {row['precision'][side]:8}"
            if side in row["ratio"]:
                ratio = row["ratio"][side]
                line += f"  {ratio['median']:.2f} times as fast ({ratio['least']:.2f} to {ratio['greatest']:.2f})"
            print(line.rstrip())
