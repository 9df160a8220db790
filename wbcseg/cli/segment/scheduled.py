"""The command ``segment`` with ``--scheduler``: on the processes or machines of a Dask scheduler."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

from wbcseg.cli.formatting import format_duration, parse_page
from wbcseg.errors import ConfigError
from wbcseg.export.csv import ROW_STATUS_LABELS
from wbcseg.inference import Catalog

UNAVAILABLE: Final = {
    "masks": "--masks",
    "measurements": "--measurements",
    "xlsx": "--xlsx",
    "decimal_comma": "--decimal-comma",
    "report": "--report",
    "formats": "--formats",
}
"""Options that only a run without a scheduler has."""

SECONDS_BETWEEN_LINES: Final = 10.0


def run_scheduled(options: argparse.Namespace) -> int:
    """Run the command; the exit code is 1 if an image could not be used.

    Raises:
        ConfigError: If an option is not available with a scheduler.
    """
    # Imported here, because everything else works without Dask.
    from wbcseg.scale.cluster import connect

    given = [flag for name, flag in UNAVAILABLE.items() if getattr(options, name)]
    if given:
        raise ConfigError(f"With --scheduler, there is no {', '.join(given)}: the tables are Parquet files.")
    if options.chunk_size < 1:
        raise ConfigError(f"--chunk-size must be at least 1. Received: {options.chunk_size}")
    names = options.model or [entry.name for entry in (Catalog().default_model,) if entry]
    if len(names) != 1:
        raise ConfigError(f"With --scheduler, --model takes one model. Received: {len(names)}")
    with connect(options.scheduler, workers=options.workers) as client:
        return _segment(options, names[0], client)


def _segment(options: argparse.Namespace, model: str, client: Any) -> int:
    from wbcseg.scale import ScaleOptions, segment_at_scale
    from wbcseg.scale.cluster import LOCAL

    chosen = {name: getattr(options, name) for name in ("tta", "types", "prior", "pixel_size", "edge_rule")}
    scale_options = ScaleOptions(
        model, page=parse_page(options.page), label_images=not options.no_label_images, **chosen
    )
    if options.scheduler != LOCAL and client.dashboard_link:
        print(f"Dashboard: {client.dashboard_link}", flush=True)
    summary = segment_at_scale(
        [_make_address(path) for path in options.paths],
        _make_address(options.out),
        scale_options,
        client,
        chunk_size=options.chunk_size,
        on_progress=_Reporter(),
    )
    print(
        f"{summary.images:,} images with {summary.cells:,} cells in {options.out}; {summary.reused:,} were there "
        f"before. {format_duration(summary.seconds)}"
    )
    counts = [f"{count:,} {ROW_STATUS_LABELS.get(name, name).lower()}" for name, count in summary.statuses.items()]
    counts += [f"{count:,} {name}" for name, count in summary.types.items()]
    print("; ".join(counts))
    if summary.skipped:
        print(f"{summary.skipped:,} other files were skipped: no images, or masks without an image.", file=sys.stderr)
    if summary.problems:
        print(f"{summary.problems:,} images could not be used: see the table problems.", file=sys.stderr)
    return 1 if summary.problems else 0


def _make_address(location: Path | str) -> str:
    return location if isinstance(location, str) else str(location.absolute())


class _Reporter:
    """Prints a line of progress now and then."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, progress: Any) -> None:
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES and progress.done < progress.total:
            return
        self._last = now
        speed = progress.images_per_second
        left = format_duration((progress.total - progress.done) / speed) if speed else "unknown time"
        print(
            f"{progress.done:,} of {progress.total:,} images, {speed:.1f} a second, "
            f"{len(progress.workers)} workers, {left} left",
            flush=True,
        )
