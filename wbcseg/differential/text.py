"""What a differential count leaves out, in words."""

from __future__ import annotations

import math

from wbcseg.differential.counts import Differential


def describe_rest(differential: Differential, *, decimal_comma: bool = False) -> str:
    """Return what a differential count leaves out, and what a person changed, as sentences.

    Args:
        differential: The count.
        decimal_comma: Whether numbers have a decimal comma.
    """
    total = differential.total
    parts = [f"100 % are {_count(total, 'white cell')} with a type" if total else "No white cell has a type"]
    if differential.unsure:
        parts.append(f"{differential.unsure} unsure")
    if differential.untyped:
        parts.append(f"{differential.untyped} without a type")
    if differential.erythroblasts:
        per_100 = differential.erythroblasts_per_100
        ratio = "" if math.isnan(per_100) else f" ({per_100:.1f} per 100 white cells)"
        parts.append(_count(differential.erythroblasts, "erythroblast") + ratio)
    if differential.not_white_cells:
        parts.append(f"{differential.not_white_cells} not a white cell")
    if differential.not_counted:
        parts.append(f"{differential.not_counted} not counted by the edge rule")
    text = "; ".join(parts)
    text = f"{text.replace('.', ',') if decimal_comma else text}."
    if differential.reviewed:
        text += f" A person filed {_count(differential.reviewed, 'cell')}"
        text += f", {differential.refiled} of them under another type than the model." if differential.refiled else "."
    return text


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}".replace(",", "\N{NARROW NO-BREAK SPACE}")
