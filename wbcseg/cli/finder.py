"""Train, evaluate and export the cell detector, which finds the white cells of fields of view.

``train`` composes fields of published cells and trains the detector network, then the verifier; Ctrl-C stops, the same
command resumes. ``evaluate`` tests a detector on fields of other laboratories and on composed ones. ``export`` writes
the networks of a training folder and their card.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from wbcseg.cli.formatting import format_duration
from wbcseg.cli.studies.options import add_output_options, get_output_folder
from wbcseg.detector_training.composing import REALISTIC_SEVERITY
from wbcseg.detector_training.library import Library, get_library_folder, is_built
from wbcseg.detector_training.options import CROP_SIDES, DEFAULT_OPTIONS, NETWORKS
from wbcseg.detector_training.train import Report, export_detector, finish_folder, train_network
from wbcseg.errors import ConfigError
from wbcseg.evaluation import fields
from wbcseg.evaluation.fields import FIELDS_FOLDER, FieldScore, FieldsResult
from wbcseg.inference import Catalog
from wbcseg.inference.detection import CellDetector
from wbcseg.paths import get_detector_folder
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE, print_to_stderr
from wbcseg.training.tf_env import import_tensorflow

TESTS = ("raabin", "lisc", "chula", "composed", "touching", "instances")
SEGMENTATION_MODEL = "unet-general"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions, each with its options."""
    subparsers = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    train = subparsers.add_parser("train", help="train both networks, or resume")
    train.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the training; it becomes a cell detector")
    train.add_argument("--network", choices=NETWORKS, help="train this network only (both, detector first)")
    train.add_argument("--steps", type=int, metavar="N", help="training steps (detector 6000, verifier 16000)")
    train.add_argument(
        "--batch-size", type=int, metavar="N", help="fields or crops per step (detector 24, verifier 96)"
    )
    train.add_argument("--learning-rate", type=float, metavar="RATE", help="highest learning rate (0.002)")
    train.add_argument("--precision", choices=("float32", "bfloat16"), help="number format (float32)")
    train.add_argument("--crop-side", type=int, choices=CROP_SIDES, help="side of the verifier's crops in pixels (64)")
    train.add_argument("--seed", type=int, metavar="N", help="seed of weights and composed fields (1)")
    train.add_argument("--start-from", type=Path, metavar="PATH", help="start from this training folder or weight file")
    train.add_argument("--composers", type=int, default=2, metavar="N", help="processes that compose fields (2)")
    train.add_argument("--threads", type=int, metavar="N", help="processor threads of the training (all)")
    _add_library_option(train)
    train.set_defaults(run_action=_run_train)
    evaluate = subparsers.add_parser("evaluate", help="test a detector on fields of view")
    evaluate.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="the detector (the shipped one)")
    evaluate.add_argument("--tests", nargs="+", choices=TESTS, default=list(TESTS), help="tests (all)")
    evaluate.add_argument("--fields", type=int, default=300, metavar="N", help="composed fields (300)")
    evaluate.add_argument(
        "--clusters", type=int, default=40, metavar="N", help="clusters of each kind and overlap (40)"
    )
    evaluate.add_argument(
        "--severity",
        type=float,
        default=REALISTIC_SEVERITY,
        metavar="S",
        help=f"how extreme composed fields are, 0 to 1 ({REALISTIC_SEVERITY})",
    )
    evaluate.add_argument("--model", default=SEGMENTATION_MODEL, metavar="NAME", help="model of the instances test")
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    _add_library_option(evaluate)
    add_output_options(evaluate, "the result, with --update-package also on the shipped detector's card,")
    evaluate.set_defaults(run_action=_run_evaluate)
    export = subparsers.add_parser("export", help="export the networks of a training folder, with a card")
    export.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the training")
    export.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write to (the same)")
    _add_library_option(export)
    export.set_defaults(run_action=_run_export)


def run_command(options: argparse.Namespace) -> int:
    """Run the command; the exit code is 130 if a training was stopped."""
    exit_code: int = options.run_action(options)
    return exit_code


def _add_library_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-images",
        type=int,
        metavar="N",
        help="use at most this many images of each data set, to try things out (all)",
    )


def _prepare_library(options: argparse.Namespace) -> Path:
    """Return the folder of the library, which is built if it is missing."""
    folder = get_library_folder()
    if options.max_images is not None:
        if options.max_images < 20:
            raise ConfigError(f"Option --max-images must be at least 20. Received: {options.max_images}")
        folder = folder.with_name(f"{folder.name}-{options.max_images}")
    if not is_built(folder):
        # Imports SciPy and a model: only where it is needed.
        from wbcseg.detector_training.library.build import build_library

        print_to_stderr(f"Building the library of cells in {folder} …")
        build_library(folder, max_images=options.max_images, on_progress=print_to_stderr)
    return folder


def _run_train(options: argparse.Namespace) -> int:
    if options.composers < 0:
        raise ConfigError(f"Option --composers must be at least 0. Received: {options.composers}")
    names = ("steps", "batch_size", "learning_rate", "precision", "crop_side", "seed")
    chosen = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    settings = {network: replace(DEFAULT_OPTIONS[network], **chosen) for network in NETWORKS}
    library = _prepare_library(options)
    import_tensorflow(options.threads)
    with _listen_for_stop() as should_stop:
        for network in (options.network,) if options.network else NETWORKS:
            finished = train_network(
                network,
                options.folder,
                library,
                settings[network],
                composers=options.composers,
                start_from=options.start_from,
                should_stop=should_stop,
                on_report=_print_report,
            )
            if not finished:
                print("Stopped. The same command resumes.")
                return STOPPED_EXIT_CODE
    if all((options.folder / f"{network}.tflite").exists() for network in NETWORKS):
        finish_folder(options.folder)
        print(f"Finished: {options.folder} is a cell detector.")
    return 0


def _run_export(options: argparse.Namespace) -> int:
    library = _prepare_library(options)
    import_tensorflow()
    out = options.out or options.folder
    export_detector(options.folder, library, out)
    print(f"Exported to {out}")
    return 0


def _run_evaluate(options: argparse.Namespace) -> int:
    folder = options.folder or get_detector_folder()
    is_shipped = folder.resolve() == get_detector_folder().resolve()
    if options.update_package and not (is_shipped and set(options.tests) == set(TESTS)):
        raise ConfigError("Option --update-package needs the shipped detector and all tests.")
    detector = CellDetector(folder)
    result = _evaluate(detector, options, can_segment=is_shipped)
    out = get_output_folder(options, FIELDS_FOLDER)
    if options.json:
        print(json.dumps(fields.summarise_fields(result), indent=1))
    else:
        _print_result(result)
    if out:
        print_to_stderr(f"Written to {result.write(out)}")
    if options.update_package:
        replace(detector.card, test_metrics=fields.summarise_fields(result)).write(folder)
    return 0


def _evaluate(detector: CellDetector, options: argparse.Namespace, *, can_segment: bool) -> FieldsResult:
    tests = set(options.tests)
    library = None
    if tests & {"composed", "touching", "instances"}:
        library = Library.load("held_out", _prepare_library(options))
    scores: list[FieldScore] = []
    for name, evaluate in (
        ("raabin", fields.evaluate_raabin),
        ("lisc", fields.evaluate_lisc),
        ("chula", fields.evaluate_chula),
    ):
        if name in tests:
            scores.append(evaluate(detector))
    touching: tuple[fields.TouchingScore, ...] = ()
    instances = None
    if library is not None:
        if "composed" in tests:
            scores.append(fields.evaluate_composed(detector, library, options.fields, options.severity))
        if "touching" in tests:
            touching = fields.evaluate_touching(detector, library, options.clusters, options.severity)
        if "instances" in tests and can_segment:
            segmenter = Catalog().load(options.model)
            instances = fields.evaluate_instances(
                segmenter.name,
                lambda image: segmenter.predict(image).instances,
                library,
                options.fields,
                options.severity,
            )
    hashes = {role: record.sha256 for role, record in detector.card.files.items()}
    return FieldsResult(hashes["detector"], hashes["verifier"], options.severity, tuple(scores), touching, instances)


def _print_result(result: FieldsResult) -> None:
    for score in result.scores:
        false_rate = f"{score.false_per_20_fields:.2f} in 20 fields"
        print(
            f"{score.name:14} {score.fields:4} fields, {score.cells:4} white cells: {score.detected} "
            f"detected, {score.false} false ({false_rate}), none in {score.missed_fields} fields; "
            f"recall {_format_share(score.recall)}, precision {_format_share(score.precision)}"
        )
    for cluster in result.touching:
        print(
            f"touching       {cluster.cells} cells, overlap {cluster.overlap:4.0%}: all detected in "
            f"{cluster.complete} of {cluster.clusters}, {cluster.false} false"
        )
    if result.instances:
        dice = result.instances.mean_dice
        print(
            f"instances      {result.instances.model}: {result.instances.matched} of {result.instances.cells} cells, "
            f"mean Dice {'undefined' if dice is None else f'{dice:.4f}'}"
        )


def _format_share(share: float | None) -> str:
    return "undefined" if share is None else f"{share:.4f}"


def _print_report(report: Report) -> None:
    losses = ", ".join(f"{name} {value:.4f}" for name, value in report.losses.items())
    remaining = format_duration((report.steps - report.step) * report.seconds_per_step)
    print(
        f"{report.network}: step {report.step} of {report.steps}, {losses}; {1000 * report.seconds_per_step:.0f} ms a "
        f"step, {report.waiting:.0%} of it waiting; {remaining} left",
        file=sys.stderr,
        flush=True,
    )


@contextmanager
def _listen_for_stop() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed; a second Ctrl-C ends the program at once."""
    stop_requested = threading.Event()

    def handle_signal(_number: int, _frame: Any) -> None:
        if stop_requested.is_set():
            raise KeyboardInterrupt
        stop_requested.set()
        print_to_stderr("\nStopping after this step.")

    previous = {number: signal.signal(number, handle_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop_requested.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
