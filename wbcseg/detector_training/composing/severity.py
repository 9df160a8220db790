"""How extreme composed fields are: from a well-run laboratory (0) to anything that may reach us (1)."""

from __future__ import annotations


def scale(severity: float, mild: float, full: float) -> float:
    """Return a value between ``mild`` at severity 0 and ``full`` at severity 1."""
    return severity * full + (1.0 - severity) * mild
