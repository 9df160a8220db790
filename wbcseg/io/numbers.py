"""Numbers in JSON, which has no NaN: an undefined value is stored as ``null``."""

from __future__ import annotations

import math


def round_or_none(value: float, decimals: int = 5) -> float | None:
    """Return a rounded number, or ``None`` if it is NaN."""
    return None if math.isnan(value) else round(float(value), decimals)


def nan_if_none(value: float | None) -> float:
    """Return a stored number, NaN if it is ``None``."""
    return math.nan if value is None else float(value)
