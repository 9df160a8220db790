"""The command line, ``wbcseg COMMAND``: one module per command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from wbcseg import __version__
from wbcseg.cli import (
    agreement,
    app,
    architectures,
    bench,
    cross_site,
    cross_validate,
    datasets,
    evaluate,
    finder,
    models,
    reproduce,
    robustness,
    runs,
    segment,
    train,
)
from wbcseg.errors import WbcsegError

COMMANDS = (
    *(app, segment, models, train, runs, datasets, architectures),
    *(evaluate, finder, cross_validate, cross_site, robustness, agreement, reproduce, bench),
)


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


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    root_parser = argparse.ArgumentParser(
        prog="wbcseg",
        description="Segment white blood cells in blood-smear images. For research and teaching, not for diagnosis.",
    )
    root_parser.add_argument("--version", action="version", version=f"wbcseg {__version__}")
    commands = root_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        description = (module.__doc__ or "").strip().replace("``", "")
        command = commands.add_parser(name, help=description.splitlines()[0], description=description)
        module.add_arguments(command)
        command.set_defaults(run_command=module.run_command)
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
