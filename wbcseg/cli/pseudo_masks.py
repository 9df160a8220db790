"""Draw masks on the images of pbc, which has boxes and types, and keep the reliable ones.

The folder is a data set for `wbcseg train --extra-dataset FOLDER`. Masks are kept where they agree with the box that a
person drew, the known shape of the type, a second model and themselves under flips and rotations.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from wbcseg.inference import Catalog
from wbcseg.self_training import draw_pseudo_masks
from wbcseg.self_training.pseudo_masks import REPORT_FILE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the new data set")
    parser.add_argument("--model", default="unet-general", help="model that draws (unet-general)")
    parser.add_argument("--second", default="segnet-general", help="model to compare with (segnet-general)")
    parser.add_argument(
        "--max-per-type", type=int, default=250, metavar="N", help="maximum number of cells of each type (250)"
    )


def run_command(options: argparse.Namespace) -> int:
    """Run the command."""
    catalog = Catalog()
    report = draw_pseudo_masks(
        options.folder,
        catalog.load(options.model),
        catalog.load(options.second),
        max_per_type=options.max_per_type,
        on_progress=_print_progress,
    )
    (options.folder / REPORT_FILE).write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    for cell_type, drawn in report.drawn.items():
        print(f"{cell_type:22} {report.kept.get(cell_type, 0):5} of {drawn:5} kept")
    for check, count in sorted(report.failed.items(), key=lambda row: -row[1]):
        print(f"failed {check:22} {count:5}")
    print(f"Kept {100 * report.kept_share:.0f} %: {options.folder}")
    return 0


def _print_progress(done: int, total: int) -> None:
    if done % 100 == 0 or done == total:
        print(f"{done} of {total} cells", flush=True)
