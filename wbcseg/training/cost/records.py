"""Measured costs of trainings, from a few steps each (:mod:`wbcseg.training.cost.probe_worker`).

``costs.json`` in the runs folder has those of this machine; ``reference.json`` in this package has those of another
machine, for estimates before anything was measured.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from wbcseg.io.atomic import write_json
from wbcseg.training.config import TrainingConfig
from wbcseg.training.precision import resolve_precision
from wbcseg.training.tf_env import get_processor_name

COSTS_FILE: Final = "costs.json"
MAX_RECORDS: Final = 200


@dataclass(frozen=True)
class CostRecord:
    """Cost of a few training steps.

    Attributes:
        architecture: The network.
        base_filters: Filters of its first stage.
        input_size: Side of its input in pixels.
        batch_size: Images per step.
        precision: ``float32`` or ``bfloat16``.
        optimizer: ``adam`` or ``adamw``.
        uses_ema: Whether a running average of the weights was kept.
        parameters: Number of parameters of the network.
        train_seconds_per_image: Seconds per image of a training step, including the preparation of the batch: median.
        test_seconds_per_image: Seconds per image of a validation step.
        trace_seconds: Additional seconds of the first training and validation steps.
        start_seconds: Seconds from the start of Python until the network was built.
        base_bytes: Memory before the network was built.
        peak_bytes: Peak memory during these steps.
        processor: Name of the processor.
        cores: Number of cores of the system.
        created: When, in seconds since 1970.
        finish_seconds: Seconds of the last checkpoint and the export; 0 if not measured.
        finish_bytes: Additional memory of these.
        uses_critic: Whether a critic took part.
    """

    architecture: str
    base_filters: int
    input_size: int
    batch_size: int
    precision: str
    optimizer: str
    uses_ema: bool
    parameters: int
    train_seconds_per_image: float
    test_seconds_per_image: float
    trace_seconds: float
    start_seconds: float
    base_bytes: int
    peak_bytes: int
    processor: str
    cores: int
    created: float
    finish_seconds: float = 0.0
    finish_bytes: int = 0
    uses_critic: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What was measured: of two records with the same key, the newer counts."""
        return tuple(getattr(self, name) for name in _KEY_FIELDS)

    @property
    def is_local(self) -> bool:
        """Whether it was measured on this machine, or one like it."""
        return (self.processor, self.cores) == get_hardware()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> CostRecord | None:
        """Read what :meth:`to_dict` wrote; ``None`` if a value is missing or invalid."""
        if not isinstance(values, Mapping):
            return None
        completed = {"finish_seconds": 0.0, "finish_bytes": 0, "uses_critic": False, **values}
        parsed: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            value = completed.get(field.name)
            if field.type == "float" and type(value) is int:
                value = float(value)
            if type(value).__name__ != field.type or (isinstance(value, float) and not math.isfinite(value)):
                return None
            if isinstance(value, (int, float)) and (value < 0 or (value == 0 and field.name in _POSITIVE_FIELDS)):
                return None
            parsed[field.name] = value
        return cls(**parsed)


_KEY_FIELDS: Final = (
    "architecture",
    "base_filters",
    "input_size",
    "batch_size",
    "precision",
    "optimizer",
    "uses_ema",
    "uses_critic",
    "processor",
    "cores",
)
_POSITIVE_FIELDS: Final = (
    "base_filters",
    "input_size",
    "batch_size",
    "parameters",
    "train_seconds_per_image",
    "test_seconds_per_image",
    "base_bytes",
    "peak_bytes",
)


def get_hardware() -> tuple[str, int]:
    """Return the name of the processor and the number of cores."""
    return get_processor_name(), os.cpu_count() or 1


def build_cost_key(config: TrainingConfig) -> tuple[object, ...]:
    """Return the :attr:`CostRecord.key` of a measurement of these settings on this machine."""
    settings = (
        config.architecture,
        config.base_filters,
        config.input_size,
        config.batch_size,
        resolve_precision(config),
        config.optimizer,
    )
    return (*settings, config.uses_ema, config.uses_critic, *get_hardware())


def load_cost_records(folder: Path) -> list[CostRecord]:
    """Return the records in a runs folder, oldest first; damaged ones are excluded."""
    return _read_records(folder / COSTS_FILE)


def store_cost_record(folder: Path, record: CostRecord) -> None:
    """Store a record; it replaces an older one with the same key.

    Raises:
        OSError: If the folder cannot be written.
    """
    other_records = [r for r in load_cost_records(folder) if r.key != record.key][-(MAX_RECORDS - 1) :]
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / COSTS_FILE, {"records": [r.to_dict() for r in (*other_records, record)]})


@lru_cache(maxsize=1)
def load_reference_records() -> tuple[CostRecord, ...]:
    """Return the records that come with the package."""
    return tuple(_read_records(Path(__file__).with_name("reference.json")))


def _read_records(path: Path) -> list[CostRecord]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))["records"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    parsed = [CostRecord.from_dict(value) for value in values] if isinstance(values, list) else []
    return [record for record in parsed if record is not None]


def get_timestamp() -> float:
    """Return the time, in whole seconds since 1970."""
    return float(round(time.time()))
