"""Say which data sets are on this computer, or fetch one."""

from __future__ import annotations

import argparse
import sys

from wbcseg.datasets import list_datasets, open_dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--fetch", metavar="NAME", choices=("zheng-1", "zheng-2", "zheng"), help="zheng-1, zheng-2 or zheng (both)"
    )


def run_command(options: argparse.Namespace) -> int:
    """Carry out the command."""
    if options.fetch:
        dataset = open_dataset(options.fetch, download=True, progress=show_progress)
        print(f"{dataset.title}: {len(dataset)} pictures. {dataset.acknowledgement}")
        return 0
    for status in list_datasets():
        count = f"{status.count} pictures" if status.count is not None else ""
        state = "ready" if status.ready else "missing"
        print(f"{status.name:12} {status.title:40} {state:8} {count:14} {status.location}")
        if not status.ready and status.advice:
            print(f"{'':12} {status.advice}")
    return 0


def show_progress(done: int, total: int, name: str) -> None:
    """Show how far a download has come, on one line of the terminal."""
    end = "\n" if done >= total else ""
    if sys.stderr.isatty():
        print(f"\r\x1b[KFetching {done} of {total}  {name}", end=end, file=sys.stderr, flush=True)
    elif done % 100 == 0 or done >= total:
        print(f"Fetching {done} of {total}", file=sys.stderr, flush=True)
