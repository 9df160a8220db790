"""What a browser keeps besides files: corrections, pixel size and a few choices.

What it sends back is checked like any input.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import streamlit as st

from wbcseg.counting import EDGE_RULES
from wbcseg.errors import EditError
from wbcseg.pipeline.edit_values import parse_edits, parse_points
from wbcseg.ui.components.pixel_size import (
    MAX_PIXEL_SIZE,
    MIN_PIXEL_SIZE,
    UPLOAD_PIXEL_SIZE,
    restore_pixel_size,
)
from wbcseg.ui.corrections import MAX_IMAGES, CorrectionKey, Corrections, get_all_corrections, restore_corrections
from wbcseg.ui.counting import EDGE_RULE_KEY
from wbcseg.ui.state import get_saved_choices, save_choices

CHOICES: Final[Mapping[str, type]] = {"batch_model": str, "batch_second": str, "batch_tta": bool, EDGE_RULE_KEY: str}
"""Saved choices that are kept, with the type of their value."""

MAX_TEXT: Final = 200
"""Characters of a name or of a choice."""

_DIGEST: Final = re.compile(r"[0-9a-f]{16,64}")


@dataclass(frozen=True)
class KeptState:
    """What was kept, after it was checked.

    Attributes:
        corrections: Corrections by image and model.
        choices: Values by the key of the choice.
        pixel_size: Pixel size of the uploads in µm, or ``None``.
        rejected_count: Corrections that could not be read.
    """

    corrections: Mapping[CorrectionKey, Corrections]
    choices: Mapping[str, Any]
    pixel_size: float | None = None
    rejected_count: int = 0

    @property
    def correction_count(self) -> int:
        """How many results are corrected; a drawn mask is counted as an edited mask instead."""
        return sum(not corrections.is_drawn_mask for corrections in self.corrections.values())


def collect_state() -> dict[str, Any]:
    """Return what to keep, as JSON values."""
    saved = get_saved_choices()
    return {
        "corrections": [
            [
                list(key),
                {
                    "edits": [asdict(edit) for edit in corrections.edits],
                    "region": corrections.region,
                    "as_field": corrections.as_field,
                },
            ]
            for key, corrections in get_all_corrections().items()
            if corrections.edits or corrections.region or corrections.as_field
        ],
        "choices": {key: saved[key] for key in CHOICES if key in saved},
        "pixel_size": saved.get(UPLOAD_PIXEL_SIZE),
    }


def parse_state(value: object) -> KeptState:
    """Read what a browser sends back; what cannot be used is left out."""
    if not isinstance(value, Mapping):
        return KeptState({}, {})
    items, choices = value.get("corrections"), value.get("choices")
    parsed: dict[CorrectionKey, Corrections] = {}
    rejected_count = 0
    for item in items[:MAX_IMAGES] if isinstance(items, list) else []:
        try:
            key, corrections = _parse_item(item)
            parsed[key] = corrections
        except (EditError, ValueError, TypeError, AttributeError):
            rejected_count += 1
    return KeptState(
        parsed,
        _parse_choices(choices if isinstance(choices, Mapping) else {}),
        _parse_pixel_size(value.get("pixel_size")),
        rejected_count,
    )


def _parse_item(item: Any) -> tuple[CorrectionKey, Corrections]:
    (digest, (model, checksum), tta), fields = item
    texts = (digest, model, checksum)
    if not all(isinstance(text, str) and len(text) <= MAX_TEXT for text in texts) or not _DIGEST.fullmatch(digest):
        raise ValueError("It must begin with the digest of an image and a model.")
    if not isinstance(tta, bool) or not isinstance(fields, Mapping):
        raise ValueError("It must have a mapping.")
    region = fields.get("region")
    return (digest, (model, checksum), tta), Corrections(
        parse_edits(fields.get("edits")),
        parse_points(region, at_least=3) if region else None,
        as_field=fields.get("as_field") is True,
    )


def _parse_choices(choices: Mapping[Any, Any]) -> dict[str, Any]:
    parsed = {key: choices[key] for key, kind in CHOICES.items() if isinstance(choices.get(key), kind)}
    if parsed.get(EDGE_RULE_KEY) not in EDGE_RULES:
        parsed.pop(EDGE_RULE_KEY, None)
    return {key: choice for key, choice in parsed.items() if not isinstance(choice, str) or len(choice) <= MAX_TEXT}


def _parse_pixel_size(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if MIN_PIXEL_SIZE <= value <= MAX_PIXEL_SIZE else None


def restore_state(state: KeptState) -> None:
    """Put what was kept into this visit; corrections that were made since have priority."""
    present = get_all_corrections()
    for key, corrections in state.corrections.items():
        if key not in present:
            restore_corrections(key, corrections)
    if state.pixel_size is not None:
        restore_pixel_size(state.pixel_size)
    save_choices(**state.choices)
    for choice in state.choices:
        # A widget that is there already takes the choice with its next run.
        st.session_state.pop(choice, None)
