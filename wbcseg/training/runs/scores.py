"""Which epoch of a run is the best, whose weights are kept, and when a training stops early."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from wbcseg.training.config import TrainingConfig


def compute_score(row: Mapping[str, float]) -> float:
    """Return the mean validation Dice of cytoplasm and nucleus, of those that are defined; else minus infinity."""
    defined = [row[name] for name in ("val_dice_cytoplasm", "val_dice_nucleus") if name in row]
    return sum(defined) / len(defined) if defined else -math.inf


def find_best_epoch(rows: Sequence[Mapping[str, float]]) -> int | None:
    """Return the epoch with the best score, from 1: the first of equal ones; ``None`` if no score is defined."""
    scores = [compute_score(row) for row in rows]
    best = max(scores, default=-math.inf)
    return scores.index(best) + 1 if best > -math.inf else None


def find_kept_epoch(rows: Sequence[Mapping[str, float]], config: TrainingConfig) -> int | None:
    """Return the epoch whose weights become the model, from 1; ``None`` before the first."""
    if config.checkpoint == "best":
        return find_best_epoch(rows)
    return len(rows) or None


def is_stalled(rows: Sequence[Mapping[str, float]], config: TrainingConfig) -> bool:
    """Return whether the score has not improved for as many epochs as the setting ``patience`` allows."""
    best = find_best_epoch(rows)
    return bool(config.patience) and best is not None and len(rows) - best >= config.patience


def describe_early_stop(rows: Sequence[Mapping[str, float]], config: TrainingConfig) -> str:
    """Return why a finished run has fewer epochs than planned, in a sentence; empty if it has not."""
    if len(rows) >= config.epochs:
        return ""
    epochs = "epoch" if config.patience == 1 else "epochs"
    return (
        f"Stopped early after epoch {len(rows)} of {config.epochs}: the validation Dice has not improved for "
        f"{config.patience} {epochs}, since epoch {find_best_epoch(rows)}."
    )
