"""List the named data sets, or download one."""

from __future__ import annotations

import argparse
import sys

from wbcseg.datasets import DATASETS, list_datasets, open_dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    names = [name for name, spec in DATASETS.items() if spec.can_download]
    parser.add_argument("--download", metavar="NAME", choices=names, help=f"download a data set: {', '.join(names)}")


def run_command(options: argparse.Namespace) -> int:
    """Run the command."""
    if options.download:
        dataset = open_dataset(options.download, download=True, progress=show_progress)
        print(f"{dataset.title}: {len(dataset)} images. {dataset.acknowledgement}")
        return 0
    for status in list_datasets():
        count = f"{status.count} images" if status.count is not None else ""
        state = "ready" if status.ready else "missing"
        print(f"{status.name:12} {status.title:40} {state:8} {count:14} {status.location}")
        if not status.ready and status.advice:
            print(f"{'':12} {status.advice}")
    return 0


def show_progress(done: int, total: int, name: str) -> None:
    """Show the progress of a download on one line of the terminal."""
    end = "\n" if done >= total else ""
    if sys.stderr.isatty():
        print(f"\r\x1b[KDownloading {done} of {total}  {name}", end=end, file=sys.stderr, flush=True)
    elif done % 100 == 0 or done >= total:
        print(f"Downloading {done} of {total}", file=sys.stderr, flush=True)
