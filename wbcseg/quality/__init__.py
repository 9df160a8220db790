"""Whether a result can be trusted: what it looks like in numbers, and who judges by them."""

from wbcseg.quality.model import (
    CHECK,
    FINE,
    MEANINGS,
    MOST_REASONS,
    STATUSES,
    UNLIKE,
    Judge,
    Sides,
    Verdict,
    counted,
    judge_of,
)

__all__ = [
    "CHECK",
    "FINE",
    "MEANINGS",
    "MOST_REASONS",
    "STATUSES",
    "UNLIKE",
    "Judge",
    "Sides",
    "Verdict",
    "counted",
    "judge_of",
]
