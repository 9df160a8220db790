"""Measure fields of view: time of one thread, beside the rule that the cell detector replaced, and memory.

The old rule is in ``benchmarks/`` of the repository, which an installed package does not have; the detector is then
measured alone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from wbcseg.datasets.fields import load_detector_split, open_chula, open_lisc_fields, open_pbc
from wbcseg.inference import Segmenter
from wbcseg.paths import IMPORT_ROOT
from wbcseg.training.jobs.process import get_peak_memory
from wbcseg.training.tf_env import get_processor_name

FIELD_SIZE: Final = (720, 576)
LARGE_SIZE: Final = (4000, 3000)
LARGE_GRID: Final = (8, 5)
"""Columns and rows of images of one cell each that make up the large field."""

RULE_PATH: Final = IMPORT_ROOT / "benchmarks" / "threshold_rule.py"


@dataclass(frozen=True)
class FieldTiming:
    """Processor time for one field.

    Attributes:
        name: What the field shows.
        cells: Number of its white cells.
        detected: Number of cells that were segmented.
        seconds: Least seconds of processor time, over the rounds.
        rule_detected: The same for the old rule; ``None`` without it.
        rule_seconds: Least seconds of the old rule.
        ratio: Median of the ratios of the two in each round.
    """

    name: str
    cells: int
    detected: int
    seconds: float
    rule_detected: int | None = None
    rule_seconds: float | None = None
    ratio: float | None = None


@dataclass(frozen=True)
class FieldBenchmark:
    """Times and memory.

    Attributes:
        model: Name of the segmentation model.
        timings: One for each field.
        memory_growth_mb: Peak memory of this process over that before the large field, in MB.
    """

    model: str
    timings: tuple[FieldTiming, ...]
    memory_growth_mb: float

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, with the processor."""
        return {
            "processor": get_processor_name(),
            "model": self.model,
            "timings": [vars(timing) for timing in self.timings],
            "memory_growth_mb": self.memory_growth_mb,
        }


def load_threshold_rule(path: Path = RULE_PATH) -> ModuleType | None:
    """Return the module of the old rule, or ``None`` if the package is not used from its repository."""
    spec = importlib.util.spec_from_file_location("wbcseg_threshold_rule", path) if path.exists() else None
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compose_bench_fields() -> list[tuple[str, int, NDArray[np.uint8]]]:
    """Return name, number of cells and image of three fields: without a cell, with two, and large with forty.

    Raises:
        DatasetError: If ``chula-rbc-12``, ``lisc-fields`` or ``pbc`` are not on this computer.
    """
    split = load_detector_split()
    empty = next(info for info in open_chula().select(split.chula_held_out) if not info.cell_count)
    two = next(info for info in open_lisc_fields() if info.cell_count == 2)
    single = [info for info in open_pbc().select(split.pbc_held_out) if info.cell_count]
    columns, rows = LARGE_GRID
    width, height = LARGE_SIZE[0] // columns, LARGE_SIZE[1] // rows
    large = np.zeros((LARGE_SIZE[1], LARGE_SIZE[0], 3), np.uint8)
    step = len(single) // (columns * rows)
    for index, info in enumerate(single[: columns * rows * step : step]):
        row, column = divmod(index, columns)
        large[row * height : (row + 1) * height, column * width : (column + 1) * width] = _resize(
            info.read(), (width, height)
        )
    return [
        ("720×576 without a cell", 0, _resize(empty.read(), FIELD_SIZE)),
        ("720×576 with two cells", 2, _resize(two.read(), FIELD_SIZE)),
        ("4000×3000 with 40 cells", columns * rows, large),
    ]


def measure_fields(
    segmenter: Segmenter, rule: ModuleType | None, *, n_rounds: int, on_field: Callable[[str], None] = lambda _: None
) -> FieldBenchmark:
    """Segment each field in rounds, with the old rule in turn, on one processor.

    Args:
        segmenter: The segmentation model, with one thread.
        rule: The old rule, see :func:`load_threshold_rule`.
        n_rounds: Number of rounds; both are run once before.
        on_field: Called with the name of each field.
    """
    timings = []
    memory_growth = 0.0
    with _use_one_processor():
        for name, cell_count, image in compose_bench_fields():
            on_field(name)
            if image.shape[1] == LARGE_SIZE[0]:
                memory_growth = _measure_memory_growth(partial(segmenter.predict, image))
            timings.append(_measure_field(segmenter, rule, name, cell_count, image, n_rounds))
    return FieldBenchmark(segmenter.name, tuple(timings), memory_growth)


def _measure_field(
    segmenter: Segmenter, rule: ModuleType | None, name: str, cell_count: int, image: NDArray[np.uint8], n_rounds: int
) -> FieldTiming:
    detected = len(segmenter.predict(image).cells)
    if rule is None:
        seconds = [_time(lambda: segmenter.predict(image)) for _ in range(n_rounds)]
        return FieldTiming(name, cell_count, detected, min(seconds))
    predict_crop = partial(segmenter._predict_crop, tta=False)
    rule_detected = len(rule.segment_field_of_view(image, predict_crop))
    rounds = [
        (
            _time(lambda: segmenter.predict(image)),
            _time(lambda: rule.segment_field_of_view(image, predict_crop)),
        )
        for _ in range(n_rounds)
    ]
    own, old = (min(values) for values in zip(*rounds, strict=True))
    ratio = statistics.median(new / before for new, before in rounds)
    return FieldTiming(name, cell_count, detected, own, rule_detected, old, ratio)


def _measure_memory_growth(run: Callable[[], object]) -> float:
    before = psutil.Process().memory_info().rss
    for _ in range(3):
        run()
    return max(get_peak_memory() - before, 0) / 1e6


def _time(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


@contextlib.contextmanager
def _use_one_processor() -> Iterator[None]:
    """Keep this process on one processor, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
