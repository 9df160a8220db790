"""Measure how fast this program is on this computer.

``train`` times training steps of this program and of Keras' own layers, loop and settings, batch by batch in turns;
``predict`` segments many crops beside Keras' ``Model.predict`` of the published U-Net, and watches the memory.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from wbcseg.benchmarking.inference import measure_throughput
from wbcseg.benchmarking.training import BenchmarkResult, build_benchmark_config, build_report, run_benchmark
from wbcseg.errors import ConfigError
from wbcseg.inference import Catalog
from wbcseg.io.atomic import write_json
from wbcseg.models import ARCHITECTURES
from wbcseg.training import TrainingConfig

VARIANT_LABELS = {
    "program": "this program",
    "untuned": "without its engine settings",
    "keras": "Keras as it comes",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be measured, each with its options."""
    subparsers = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    train = subparsers.add_parser("train", help="time an epoch of training beside Keras' own layers and float32")
    train.add_argument("--architecture", choices=tuple(ARCHITECTURES), default="unet", help="network (unet)")
    train.add_argument("--base-filters", type=int, nargs="+", default=[16, 64], metavar="WIDTH", help="widths (16 64)")
    train.add_argument("--batches", type=int, default=8, metavar="N", help="batches a side and round (8)")
    train.add_argument("--rounds", type=int, default=5, metavar="R", help="rounds; figures are medians of them (5)")
    train.add_argument("--parts", action="store_true", help="also this program's layers without its engine settings")
    train.add_argument("--json", action="store_true", help="print the results as JSON")
    train.add_argument("--out", type=Path, metavar="FILE", help="write the results as JSON to this file")
    train.set_defaults(measure=_run_train_benchmark)
    predict = subparsers.add_parser("predict", help="segment crops beside Keras' prediction of the published U-Net")
    predict.add_argument("--model", default="unet-16", metavar="NAME", help="a model (unet-16)")
    predict.add_argument("--crops", type=int, default=1000, metavar="N", help="crops to segment (1000)")
    predict.add_argument("--rounds", type=int, default=5, metavar="R", help="rounds; figures are medians of them (5)")
    predict.add_argument("--out", type=Path, metavar="FILE", help="write the results as JSON to this file")
    predict.set_defaults(measure=_run_predict_benchmark)


def run_command(options: argparse.Namespace) -> int:
    """Carry out the command."""
    exit_code: int = options.measure(options)
    return exit_code


def _run_train_benchmark(options: argparse.Namespace) -> int:
    for name in ("batches", "rounds"):
        if getattr(options, name) < 1:
            raise ConfigError(f"Option --{name} must be at least 1. Received: {getattr(options, name)}")
    if options.out and not options.out.parent.is_dir():
        raise ConfigError(f"Option --out must name a file in a folder that exists. Received: {options.out}")
    configs = [build_benchmark_config(options.architecture, base_filters) for base_filters in options.base_filters]
    benchmarks = [_run_with_progress(config, options) for config in configs]
    results = build_report(benchmarks)
    if options.out:
        write_json(options.out, results)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        _print_results(results)
    return 0


def _run_predict_benchmark(options: argparse.Namespace) -> int:
    for name in ("crops", "rounds"):
        if getattr(options, name) < 1:
            raise ConfigError(f"Option --{name} must be at least 1. Received: {getattr(options, name)}")

    def show_progress(round_number: int) -> None:
        print(f"round {round_number} of {options.rounds}", file=sys.stderr, flush=True)

    throughput = measure_throughput(
        Catalog().load(options.model), options.crops, n_rounds=options.rounds, on_round=show_progress
    )
    if options.out:
        write_json(options.out, throughput.to_dict())
    print(
        f"{options.model}: {1000 * throughput.wbcseg_seconds:.1f} ms a crop, {1 / throughput.wbcseg_seconds:.0f} crops a second"
    )
    print(
        f"Published U-Net in Keras, 32 at once: {1000 * throughput.keras_batch_seconds:.1f} ms; one by one: {1000 * throughput.keras_single_seconds:.1f} ms"
    )
    print(
        f"{throughput.keras_batch_seconds / throughput.wbcseg_seconds:.1f} and {throughput.keras_single_seconds / throughput.wbcseg_seconds:.1f} times as fast"
    )
    print(
        f"Memory after the first round {throughput.memory_mb[0]:.0f} MB, after the last {throughput.memory_mb[-1]:.0f} MB"
    )
    return 0


def _run_with_progress(config: TrainingConfig, options: argparse.Namespace) -> BenchmarkResult:
    def show_progress(round_number: int) -> None:
        text = f"{config.architecture} width {config.base_filters}: round {round_number} of {options.rounds}"
        print(text, file=sys.stderr, flush=True)

    return run_benchmark(
        config, batches=options.batches, rounds=options.rounds, include_untuned=options.parts, on_round=show_progress
    )


def _print_results(results: dict[str, Any]) -> None:
    environment = results["environment"]
    print(
        f"{environment['processor']}, {environment['cores']} cores, {', '.join(environment['features']) or 'no special features'}"
    )
    print(f"Seconds for an epoch of {results['images_per_epoch']} pictures, {results['batch_size']} at a time:")
    for row in results["results"]:
        print(f"{row['architecture']} width {row['base_filters']}")
        for variant, seconds in row["seconds_per_epoch"].items():
            line = f"  {VARIANT_LABELS[variant]:28} {seconds:8.2f} s  {row['precision'][variant]:8}"
            if variant in row["speedup"]:
                speedup = row["speedup"][variant]
                line += f"  {speedup['median']:.2f} times as fast ({speedup['least']:.2f} to {speedup['greatest']:.2f})"
            print(line.rstrip())
