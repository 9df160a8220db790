"""Measure the speed of training and segmentation on this computer.

``train`` times training steps in float32 and bfloat16, and the same steps with Keras' own layers, loop and settings,
alternating between them. ``predict`` times the segmentation of many crops, compares it with Keras' ``Model.predict`` of
the thesis' U-Net, and reports memory. ``fields`` times fields of view with one thread, in turn with the rule
that detected cells before the cell detector, if the package is used from its repository.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from wbcseg.benchmarking.fields import load_threshold_rule, measure_fields
from wbcseg.benchmarking.inference import measure_throughput
from wbcseg.benchmarking.training import BenchmarkResult, build_benchmark_config, build_report, run_benchmark
from wbcseg.errors import ConfigError
from wbcseg.inference import Catalog, Segmenter
from wbcseg.io.atomic import write_json
from wbcseg.models import ARCHITECTURES
from wbcseg.training import TrainingConfig
from wbcseg.training.precision import build_precision_record, store_precision_record

VARIANT_LABELS = {
    "float32": "wbcseg, float32",
    "bfloat16": "wbcseg, bfloat16",
    "untuned": "wbcseg, float32, untuned",
    "keras": "Keras, float32",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmarks, each with its options."""
    subparsers = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    train = subparsers.add_parser("train", help="time training steps in float32, in bfloat16 and in Keras")
    train.add_argument("--architecture", choices=tuple(ARCHITECTURES), default="unet", help="network (unet)")
    train.add_argument(
        "--base-filters", type=int, nargs="+", default=[16, 64], metavar="N", help="base filters (16 64)"
    )
    train.add_argument("--batches", type=int, default=8, metavar="N", help="batches per variant and round (8)")
    train.add_argument("--rounds", type=int, default=5, metavar="R", help="rounds; results are medians over them (5)")
    train.add_argument("--parts", action="store_true", help="also time float32 with TensorFlow's default settings")
    train.add_argument("--json", action="store_true", help="print the results as JSON")
    train.add_argument("--out", type=Path, metavar="FILE", help="write the results as JSON to this file")
    train.set_defaults(measure=_run_train_benchmark)
    predict = subparsers.add_parser("predict", help="time segmentation, and the thesis' U-Net in Keras")
    predict.add_argument("--model", default="unet-16", metavar="NAME", help="model (unet-16)")
    predict.add_argument("--crops", type=int, default=1000, metavar="N", help="crops to segment (1000)")
    predict.add_argument("--rounds", type=int, default=5, metavar="R", help="rounds; results are medians over them (5)")
    predict.add_argument("--out", type=Path, metavar="FILE", help="write the results as JSON to this file")
    predict.set_defaults(measure=_run_predict_benchmark)
    fields = subparsers.add_parser("fields", help="time fields of view, beside the rule used before the cell detector")
    fields.add_argument("--model", default="unet-general", metavar="NAME", help="model (unet-general)")
    fields.add_argument("--rounds", type=int, default=7, metavar="R", help="rounds; ratios are medians over them (7)")
    fields.add_argument("--out", type=Path, metavar="FILE", help="write the results as JSON to this file")
    fields.set_defaults(measure=_run_fields_benchmark)


def run_command(options: argparse.Namespace) -> int:
    """Run the command."""
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
    for benchmark in benchmarks:
        # More steps than a training times: the better answer for trainings to come.
        with contextlib.suppress(OSError):
            store_precision_record(build_precision_record(benchmark.config, benchmark.step_seconds))
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
    own, batched, single = (
        1000 * seconds
        for seconds in (throughput.wbcseg_seconds, throughput.keras_batch_seconds, throughput.keras_single_seconds)
    )
    print(f"{options.model}: {own:.1f} ms per crop, {1000 / own:.0f} crops per second")
    print(f"The thesis' U-Net in Keras, in batches of 32: {batched:.1f} ms; one by one: {single:.1f} ms")
    print(f"{batched / own:.1f} and {single / own:.1f} times as fast")
    first_mb, last_mb = throughput.memory_mb[0], throughput.memory_mb[-1]
    print(f"Memory after the first round {first_mb:.0f} MB, after the last {last_mb:.0f} MB")
    return 0


def _run_fields_benchmark(options: argparse.Namespace) -> int:
    if options.rounds < 1:
        raise ConfigError(f"Option --rounds must be at least 1. Received: {options.rounds}")
    rule = load_threshold_rule()
    if rule is None:
        print("The old rule is only in the repository (benchmarks/): measuring without it.", file=sys.stderr)
    entry = Catalog().get(options.model)
    segmenter = Segmenter(entry.folder, entry.card, name=entry.name, threads=1)

    def show_progress(name: str) -> None:
        print(name, file=sys.stderr, flush=True)

    benchmark = measure_fields(segmenter, rule, n_rounds=options.rounds, on_field=show_progress)
    if options.out:
        write_json(options.out, benchmark.to_dict())
    print(f"Processor time of one thread, detection and segmentation with {options.model}:")
    for timing in benchmark.timings:
        line = f"  {timing.name:24} {1000 * timing.seconds:7.1f} ms, {timing.detected} cells"
        if timing.rule_seconds is not None:
            line += f"; old rule {1000 * timing.rule_seconds:7.1f} ms, {timing.rule_detected} cells"
            line += f"; ratio {timing.ratio:.2f}"
        print(line)
    print(f"Memory grows by {benchmark.memory_growth_mb:.0f} MB on the large field")
    return 0


def _run_with_progress(config: TrainingConfig, options: argparse.Namespace) -> BenchmarkResult:
    def show_progress(round_number: int) -> None:
        text = f"{config.architecture}, {config.base_filters} base filters: round {round_number} of {options.rounds}"
        print(text, file=sys.stderr, flush=True)

    return run_benchmark(
        config, batches=options.batches, rounds=options.rounds, include_untuned=options.parts, on_round=show_progress
    )


def _print_results(results: dict[str, Any]) -> None:
    environment = results["environment"]
    features = ", ".join(environment["features"]) or "no special features"
    print(f"{environment['processor']}, {environment['cores']} cores, {features}")
    print(f"Seconds per epoch of {results['images_per_epoch']} images, batch size {results['batch_size']}:")
    for row in results["results"]:
        print(f"{row['architecture']}, {row['base_filters']} base filters")
        for variant, seconds in row["seconds_per_epoch"].items():
            line = f"  {VARIANT_LABELS[variant]:26} {seconds:8.2f} s"
            if variant in row["speedup"]:
                speedup = row["speedup"][variant]
                line += f"  {speedup['median']:.2f} times as fast ({speedup['min']:.2f} to {speedup['max']:.2f})"
            if variant == row["auto_precision"]:
                line += "  <- auto"
            print(line)
