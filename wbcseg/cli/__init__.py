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
    top = argparse.ArgumentParser(
        prog="python -m wbcseg",
        description="Segment white blood cells in blood-smear pictures. For research and teaching, not for diagnosis.",
    )
    top.add_argument("--version", action="version", version=f"wbcseg {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        text = (module.__doc__ or "").strip().replace("``", "")
        command = commands.add_parser(name, help=text.splitlines()[0], description=text)
        module.add_arguments(command)
        command.set_defaults(act=module.act)
    return top


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
        code: int = options.act(options)
        return code
    except WbcsegError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
