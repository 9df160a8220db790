"""The terminal: ``python -m wbcseg COMMAND``. One module a command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from wbcseg import __version__
from wbcseg.cli import architectures, bench, datasets, evaluate, models, reproduce, runs, segment, train
from wbcseg.errors import WbcsegError

COMMANDS = (segment, models, evaluate, train, runs, reproduce, bench, datasets, architectures)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    root_parser = argparse.ArgumentParser(
        prog="python -m wbcseg",
        description="Segment white blood cells in blood-smear pictures. For research and teaching, not for diagnosis.",
    )
    root_parser.add_argument("--version", action="version", version=f"wbcseg {__version__}")
    commands = root_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        description = (module.__doc__ or "").strip().replace("``", "")
        command = commands.add_parser(name, help=description.splitlines()[0], description=description)
        module.add_arguments(command)
        command.set_defaults(act=module.act)
    return root_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command.

    Args:
        arguments: The words after ``python -m wbcseg``, by default those of the process.

    Returns:
        The exit code: 0 when all went well, 1 when something could not be done, 2 when the command makes no sense, 130
        when it was interrupted.
    """
    # A terminal that cannot show a character must not end a command.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = build_parser().parse_args(arguments)
    try:
        exit_code: int = options.act(options)
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
