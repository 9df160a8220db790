"""Choose the faster of float32 and bfloat16 by timing both. Does not import TensorFlow.

Processor flags do not tell which is faster: with ``avx512_bf16``, bfloat16 takes half the time on some processors and
1.7 times as long on others. So the process that trains times a few steps of each, and the answer is kept in
``precision.json`` in the cache folder, by processor, package versions, network and size of a step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from wbcseg.errors import ConfigError
from wbcseg.io.atomic import write_json
from wbcseg.models import get_spec
from wbcseg.paths import get_cache_folder
from wbcseg.training.config import TrainingConfig
from wbcseg.training.tf_env import count_threads, get_package_version, get_processor_name

PRECISIONS: Final = ("float32", "bfloat16")
PRECISION_FILE: Final = "precision.json"
MAX_RECORDS: Final = 200

MIN_SPEEDUP: Final = 1.05
"""bfloat16 is used only where it is faster by at least this factor: float32 is more accurate."""


@dataclass(frozen=True)
class PrecisionRecord:
    """How long a training step takes in each precision.

    Attributes:
        processor: Name of the processor.
        threads: Number of threads that TensorFlow computes with.
        tensorflow: Version of TensorFlow.
        keras: Version of Keras.
        architecture: The network.
        base_filters: Filters of its first stage.
        input_size: Side of the input in pixels.
        batch_size: Images per step.
        seconds: Seconds per step by precision; a precision that failed is missing.
        created: When, in seconds since 1970.
    """

    processor: str
    threads: int
    tensorflow: str
    keras: str
    architecture: str
    base_filters: int
    input_size: int
    batch_size: int
    seconds: Mapping[str, float]
    created: float

    @property
    def precision(self) -> str:
        """The precision to use."""
        return choose_precision(self.seconds)

    @property
    def machine_key(self) -> tuple[object, ...]:
        """Processor and package versions."""
        return self.processor, self.threads, self.tensorflow, self.keras

    @property
    def key(self) -> tuple[object, ...]:
        """What was timed, and where: of two records with the same key, the newer counts."""
        return *self.machine_key, self.architecture, self.base_filters, self.input_size, self.batch_size

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the network in one step, forward."""
        return get_spec(self.architecture).count_multiply_adds(self.base_filters, self.input_size) * self.batch_size

    @classmethod
    def from_dict(cls, values: object) -> PrecisionRecord | None:
        """Read what :func:`dataclasses.asdict` wrote; ``None`` if a value is missing or invalid."""
        if not isinstance(values, dict):
            return None
        for field in dataclasses.fields(cls):
            value = values.get(field.name)
            if field.type == "str" and not isinstance(value, str):
                return None
            if field.type == "int" and (type(value) is not int or value < 1):
                return None
            if field.type == "float" and not _is_positive(value):
                return None
        seconds = values.get("seconds")
        if not isinstance(seconds, dict) or "float32" not in seconds:
            return None
        if not set(seconds) <= set(PRECISIONS) or not all(map(_is_positive, seconds.values())):
            return None
        try:
            get_spec(values["architecture"])
            return cls(**values)
        except (ConfigError, TypeError):
            return None


def choose_precision(seconds: Mapping[str, float]) -> str:
    """Return the precision to use, given the seconds of a training step in each."""
    return "bfloat16" if seconds.get("bfloat16", math.inf) * MIN_SPEEDUP <= seconds["float32"] else "float32"


def measure_precision(config: TrainingConfig, time_step: Callable[[TrainingConfig], float]) -> str:
    """Return the precision of a training; with ``auto``, time both unless the answer is known.

    Args:
        config: The settings.
        time_step: Returns the seconds of a training step with settings whose precision is not ``auto``.
    """
    if config.precision != "auto":
        return config.precision
    known = find_precision_record(config)
    if known is None:
        seconds = {}
        for precision in PRECISIONS:
            try:
                seconds[precision] = time_step(config.replace(precision=precision))
            except Exception:
                # Some processors cannot compute in bfloat16 at all.
                if precision == "float32":
                    raise
        known = build_precision_record(config, seconds)
        # Without a record, the next training times both again.
        with contextlib.suppress(OSError):
            store_precision_record(known)
    return known.precision


def resolve_precision(config: TrainingConfig) -> str:
    """Return the precision that a training would use on this machine, as far as is known without timing it.

    With ``auto``, this is the answer for the same settings or else for the most similar ones that were timed, and
    ``float32`` where none were.
    """
    if config.precision != "auto":
        return config.precision
    target = build_precision_record(config, {})
    candidates = [record for record in load_precision_records() if record.machine_key == target.machine_key]
    if not candidates:
        return "float32"

    def compute_distance(record: PrecisionRecord) -> tuple[bool, bool, float]:
        return (
            record.key != target.key,
            record.architecture != target.architecture,
            abs(math.log(record.multiply_adds / target.multiply_adds)),
        )

    return min(reversed(candidates), key=compute_distance).precision


def find_precision_record(config: TrainingConfig) -> PrecisionRecord | None:
    """Return the timings of these very settings on this machine, or ``None``."""
    key = build_precision_record(config, {}).key
    return next((record for record in reversed(load_precision_records()) if record.key == key), None)


def build_precision_record(config: TrainingConfig, seconds: Mapping[str, float]) -> PrecisionRecord:
    """Return a record for these settings on this machine."""
    return PrecisionRecord(
        processor=get_processor_name(),
        threads=count_threads(),
        tensorflow=get_package_version("tensorflow") or "",
        keras=get_package_version("keras") or "",
        architecture=config.architecture,
        base_filters=config.base_filters,
        input_size=config.input_size,
        batch_size=config.batch_size,
        seconds=dict(seconds),
        created=float(round(time.time())),
    )


def load_precision_records() -> tuple[PrecisionRecord, ...]:
    """Return all records, oldest first; damaged ones are excluded."""
    path = get_cache_folder() / PRECISION_FILE
    try:
        status = path.stat()
    except OSError:
        return ()
    return _read_records(path, status.st_mtime_ns, status.st_size)


def store_precision_record(record: PrecisionRecord) -> None:
    """Store a record; it replaces an older one with the same key.

    Raises:
        OSError: If the cache folder cannot be written.
    """
    others = [other for other in load_precision_records() if other.key != record.key][-(MAX_RECORDS - 1) :]
    folder = get_cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PRECISION_FILE, {"records": [dataclasses.asdict(r) for r in (*others, record)]})


@lru_cache(maxsize=4)
def _read_records(path: Path, _mtime_ns: int, _size: int) -> tuple[PrecisionRecord, ...]:
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))["records"]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    records = [PrecisionRecord.from_dict(value) for value in values] if isinstance(values, list) else []
    return tuple(record for record in records if record is not None)


def _is_positive(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0
