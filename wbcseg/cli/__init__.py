"""The command line, ``wbcseg COMMAND``: one module per command, imported when the command is used."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from wbcseg import __version__
from wbcseg.errors import WbcsegError

COMMANDS = {
    "app": "Start the web app in the browser. Needs the extra app (Streamlit and Plotly).",
    "segment": "Segment images and write masks, overlays, measurements, outlines and a report.",
    "models": "List the models, or show the details of some.",
    "train": "Train a network and export the model. Ctrl-C stops the run; --resume continues it.",
    "adapt": "Adapt a model to your own images: fine-tune a copy on a few corrected crops, and see if it helps.",
    "runs": "List, show, stop, resume and delete training runs.",
    "datasets": "List the named data sets, or download one.",
    "architectures": "List the networks with their parameters, multiply-adds and output shapes.",
    "evaluate": "Evaluate models on their held-out images and compare the scores with their cards.",
    "finder": "Train, evaluate and export the cell detector, which finds the white cells of fields of view.",
    "types": "Train, evaluate and export the model of cell types.",
    "pseudo-masks": "Draw masks on the images of pbc, which has boxes and types, and keep the reliable ones.",
    "cross-validate": "Cross-validate networks: each image is tested by a network that never saw its cell.",
    "compare": "Train and test all networks and methods by one protocol: the same folds, size and number of epochs.",
    "cross-site": "Train networks on the images of one laboratory and test them on those of the other.",
    "robustness": "Test models on altered images: other light, focus or stain, and cells with hardly any cytoplasm.",
    "quality": "Fit the quality check of general models, and test it on laboratories that it was not fitted to.",
    "agreement": "Compare the cell measurements of models with those of expert masks, on held-out images.",
    "reproduce": "Reproduce the thesis' experiments and print the published values next to the reproduced ones.",
    "bench": "Measure the speed of training and segmentation on this computer.",
}
"""The commands with their line of ``wbcseg --help``, which starts the docstring of the command's module, too."""


OLD_NAMES = {
    "predict": "segment",
    "data": "datasets",
    "--balance": "--class-balance",
    "--canvas": "--input-size",
    "--careful": "--tta",
    "--fetch": "--download",
    "--keep": "--checkpoint",
    "--laboratories": "--cross-site",
    "--leaking": "--leaky",
    "--left-out": "--unused-fraction",
    "--measure": "--measurements",
    "--micrometres": "--pixel-size",
    "--pictures": "--images",
    "--quirks": "--thesis-bugs",
    "--share": "--cell-fraction",
    "--sharp-epochs": "--clean-epochs",
    "--side": "--input-size",
    "--twins": "--flipped-copies",
    "--weight-average": "--ema-decay",
    "--width": "--base-filters",
    "--widths": "--base-filters",
}
"""Names of version 0.1 that version 0.2 still takes. Remove them in 0.3."""


OLD_EVALUATE_OPTIONS = {
    "--cv": ("cross-validate", "--folds"),
    "--splits": ("cross-validate", "--splits"),
    "--cross-site": ("cross-site", ""),
    "--robustness": ("robustness", ""),
    "--agreement": ("agreement", ""),
    "--report": ("cross-validate", "--report"),
}
"""Options of ``evaluate`` in version 0.1 that are commands now, with the option that is left of them."""


OLD_VALUES = {
    "--augmentation": {"laboratories": "strong"},
    "--palette": {"safe": "colorblind"},
    "--preset": {"published": "thesis"},
    "--split": {"published": "thesis", "leaking": "leaky"},
}
"""Values of options in version 0.1, by option."""


def translate_old_names(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the names of version 0.1 replaced by today's."""
    first, rest = list(arguments[:1]), arguments[1:]
    command = [OLD_NAMES.get(name, name) for name in first]
    options = [argument.partition("=") for argument in _translate_old_values(rest)]
    renamed = [(_translate_old_option(name), sep, value) for name, sep, value in options]
    if command == ["evaluate"]:
        moved = [name for name, _, _ in renamed if name in OLD_EVALUATE_OPTIONS]
        if moved:
            command = [OLD_EVALUATE_OPTIONS[moved[0]][0]]
            renamed = [(OLD_EVALUATE_OPTIONS.get(name, ("", name))[1], sep, value) for name, sep, value in renamed]
    return command + [name + sep + value for name, sep, value in renamed if name + sep + value]


def _translate_old_option(name: str) -> str:
    if name.startswith("--no-"):
        return _translate_old_option(f"--{name.removeprefix('--no-')}").replace("--", "--no-", 1)
    return OLD_NAMES.get(name, name) if name.startswith("--") else name


def _translate_old_values(arguments: Sequence[str]) -> list[str]:
    translated: list[str] = []
    for argument in arguments:
        name, sep, value = argument.partition("=")
        previous = translated[-1] if translated else ""
        if sep:
            translated.append(name + sep + OLD_VALUES.get(name, {}).get(value, value))
        else:
            translated.append(OLD_VALUES.get(previous, {}).get(argument, argument))
    return translated


class CommandParser(argparse.ArgumentParser):
    """Parser of one command, which imports the command's module when there is something to parse; or of its parts."""

    command: str | None = None

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Add the command's arguments, then parse."""
        # A command's own subcommands are parsers of this class, too.
        if self.command and self.get_default("run_command") is None:
            module = importlib.import_module(f"wbcseg.cli.{self.command.replace('-', '_')}")
            self.description = (module.__doc__ or "").strip().replace("``", "")
            module.add_arguments(self)
            self.set_defaults(run_command=module.run_command)
        return super().parse_known_args(args, namespace)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    root_parser = argparse.ArgumentParser(
        prog="wbcseg",
        description="Segment white blood cells in blood-smear images. For research and teaching, not for diagnosis.",
    )
    root_parser.add_argument("--version", action="version", version=f"wbcseg {__version__}")
    commands = root_parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=CommandParser)
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary).command = name
    return root_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The words after ``wbcseg``; by default those of the process.

    Returns:
        The exit code: 0 on success, 1 if something failed, 2 if the command line is invalid, 130 if it was interrupted.
    """
    # A character that the terminal cannot show must not end the command.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = build_parser().parse_args(translate_old_names(sys.argv[1:] if arguments is None else arguments))
    try:
        exit_code: int = options.run_command(options)
        return exit_code
    except WbcsegError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
