"""Who uses this server, and what a visitor may do: ``WBCSEG_MODE``.

``personal`` (the default)
    One person on their own computer.
``shared``
    A laboratory: everyone sees all training runs.
``public``
    Anyone. Visitors see the shipped models and examples, and their own training runs only, which have quotas.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Final, Literal, cast, get_args

HostingMode = Literal["personal", "shared", "public"]

MODE_VARIABLE: Final = "WBCSEG_MODE"
MODES: Final = get_args(HostingMode)
_MB: Final = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What a server allows.

    Attributes:
        visit_bytes: Bytes of uploads that a visit may hold in memory.
        upload_bytes: Bytes of uploads of all visits.
        queued_runs: Number of training runs that may wait.
        runs_per_visitor: Number of training runs that a visitor may keep; ``None`` for no limit.
        run_bytes: Bytes of a visitor's runs; ``None`` for no limit.
        total_run_bytes: Bytes of the runs of all visitors; ``None`` for no limit.
        training_minutes: Minutes that a training may take; ``None`` for no limit.
        training_memory: Bytes of memory that must be free for a training to be offered.
    """

    visit_bytes: int
    upload_bytes: int
    queued_runs: int = 10
    runs_per_visitor: int | None = None
    run_bytes: int | None = None
    total_run_bytes: int | None = None
    training_minutes: int | None = None
    training_memory: int = 0


_LIMITS: Final[dict[str, Limits]] = {
    "personal": Limits(240 * _MB, 240 * _MB),
    "shared": Limits(150 * _MB, 240 * _MB),
    "public": Limits(
        100 * _MB,
        240 * _MB,
        queued_runs=3,
        runs_per_visitor=3,
        run_bytes=200 * _MB,
        total_run_bytes=5000 * _MB,
        training_minutes=20,
        # Free hosts have one to three gigabytes, which the app shares.
        training_memory=3000 * _MB,
    ),
}
_VARIABLES: Final = {
    "WBCSEG_VISIT_MB": ("visit_bytes", _MB),
    "WBCSEG_UPLOADS_MB": ("upload_bytes", _MB),
    "WBCSEG_QUEUE": ("queued_runs", 1),
    "WBCSEG_VISITOR_RUNS": ("runs_per_visitor", 1),
    "WBCSEG_VISITOR_RUNS_MB": ("run_bytes", _MB),
    "WBCSEG_RUNS_MB": ("total_run_bytes", _MB),
    "WBCSEG_TRAINING_MINUTES": ("training_minutes", 1),
    "WBCSEG_TRAINING_MEMORY_MB": ("training_memory", _MB),
}
"""Environment variables that change a limit, with the unit of their value."""


def get_mode() -> HostingMode:
    """Return who uses this server.

    Raises:
        ValueError: If ``WBCSEG_MODE`` is something else: a server that was meant to be public must not open as another.
    """
    mode = os.environ.get(MODE_VARIABLE, "").strip().lower() or "personal"
    if mode not in MODES:
        raise ValueError(f"{MODE_VARIABLE} must be one of {', '.join(MODES)}. Received: {mode[:40]!r}")
    return cast("HostingMode", mode)


def is_public() -> bool:
    """Return whether anyone may visit, so that visitors must not see each other."""
    return get_mode() == "public"


def get_limits() -> Limits:
    """Return what this server allows.

    Raises:
        ValueError: If an environment variable is not valid.
    """
    limits = _LIMITS[get_mode()]
    for variable, (field, unit) in _VARIABLES.items():
        text = os.environ.get(variable, "").strip()
        if text:
            if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
                raise ValueError(f"{variable} must be a whole number from 1. Received: {text[:40]!r}")
            limits = replace(limits, **{field: int(text) * unit})
    return limits
