"""Train, evaluate and export the cell detector, which finds the white cells of fields of view.

``train`` composes fields of published cells and trains the detector network, then the verifier; Ctrl-C stops, the same
command resumes. ``evaluate`` tests a detector on fields of other laboratories and on composed ones. ``export`` writes
the networks of a training folder and their card.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from wbcseg.cli.studies.options import add_output_options, get_output_folder
from wbcseg.cli.studies.step_training import (
    add_common_options,
    add_max_images_option,
    collect_given,
    prepare_library,
    print_report,
)
from wbcseg.cli.studies.stopping import listen_for_stop
from wbcseg.detector_training.composing import REALISTIC_SEVERITY
from wbcseg.detector_training.library import Library, get_library_folder, is_built
from wbcseg.detector_training.options import CROP_SIDES, DEFAULT_OPTIONS, NETWORKS
from wbcseg.detector_training.train import export_detector, finish_folder, train_network
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
    train.add_argument("--crop-side", type=int, choices=CROP_SIDES, help="side of the verifier's crops in pixels (64)")
    train.add_argument(
        "--start-from", type=Path, metavar="PATH", help="training folder, detector or weight file to start from"
    )
    train.add_argument("--composers", type=int, default=2, metavar="N", help="processes that compose fields (2)")
    add_common_options(train)
    add_max_images_option(train)
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
    add_max_images_option(evaluate)
    add_output_options(evaluate, "the result, with --update-package also on the shipped detector's card,")
    evaluate.set_defaults(run_action=_run_evaluate)
    export = subparsers.add_parser("export", help="export the networks of a training folder, with a card")
    export.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the training")
    export.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write to (the same)")
    add_max_images_option(export)
    export.set_defaults(run_action=_run_export)


def run_command(options: argparse.Namespace) -> int:
    """Run the command; the exit code is 130 if a training was stopped."""
    exit_code: int = options.run_action(options)
    return exit_code


def _prepare_library(options: argparse.Namespace) -> Path:
    """Return the folder of the library, which is built if it is missing."""

    def build(folder: Path) -> None:
        # Imports SciPy and a model: only where it is needed.
        from wbcseg.detector_training.library.build import build_library

        build_library(folder, max_images=options.max_images, on_progress=print_to_stderr)

    return prepare_library(get_library_folder(), options.max_images, is_built, build)


def _run_train(options: argparse.Namespace) -> int:
    if options.composers < 0:
        raise ConfigError(f"Option --composers must be at least 0. Received: {options.composers}")
    names = ("steps", "batch_size", "learning_rate", "precision", "crop_side", "seed")
    settings = {network: replace(DEFAULT_OPTIONS[network], **collect_given(options, names)) for network in NETWORKS}
    library = _prepare_library(options)
    import_tensorflow(options.threads)
    with listen_for_stop() as should_stop:
        for network in (options.network,) if options.network else NETWORKS:
            finished = train_network(
                network,
                options.folder,
                library,
                settings[network],
                composers=options.composers,
                start_from=options.start_from,
                should_stop=should_stop,
                on_report=partial(print_report, network=network),
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
        print(json.dumps(asdict(fields.summarise_fields(result)), indent=1))
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
