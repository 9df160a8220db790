"""What was found in a few words, and why files were not used, without their names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

from wbcseg.labels import CYTOPLASM, NUCLEUS
from wbcseg.metrics import CELL
from wbcseg.quality import format_counts
from wbcseg.results import CellResult, ImageReport

FOREGROUND_REGIONS: Final = (NUCLEUS.name, CYTOPLASM.name, CELL)
"""Regions whose Dice is told; that of the background is in the table of figures."""

SEE_TABLE: Final = "It could not be used; the table of figures says why."

_ANONYMOUS_PROBLEMS: Final = tuple(
    (re.compile(pattern, re.DOTALL), replacement)
    for pattern, replacement in (
        (r"(?:Picture|Mask) .* cannot be used\. (.+)", r"\1"),
        (r"Mask .* is not used: (there is no picture of its name)\.", r"An expert's mask: \1."),
        (r"Mask .* is not used: there are \d+ pictures of its name.*", "An expert's mask: several pictures fit it."),
        (r"The file (cannot be read: [^/\\]*)", r"It \1"),
        (r"There was not enough memory for .*\. Crop or shrink it\.", "There was not enough memory for it."),
        (r"(?:The zip|The file) .* (is damaged\. Pack it again from the original\.)", r"It \1"),
        (r"The (?:zip|file) .* (is no zip, or is damaged\. Pack it again\.)", r"It \1"),
        (r"The zip .* (holds no pictures: no PNG, JPEG, BMP or TIFF\.)", r"A zip: it \1"),
        (r"The file .* in the zip .* is encrypted\. .*", "A zip: it is encrypted. Pack it without encryption."),
        (
            r".* is a zip in the zip .*; it is left out\. .*",
            "It is a zip within a zip. Unpack it, or bring it by itself.",
        ),
        (r"Zips within a folder are not opened\. .*", "A zip within a folder: it was not opened."),
        (r".* is in the zip twice; the first is used\.", "It is in a zip twice; the first is used."),
        (r"(A picture must have at least \d+×\d+ pixels to be segmented\. Received: \d+×\d+)", r"\1"),
        (r"(This picture could not be segmented: the program met an error of its own\.)", r"\1"),
        (r"(It was not looked at: the work was cancelled before\.)", r"\1"),
    )
)
"""Sentences on files as they are made elsewhere, and what of them holds no name."""


def anonymise(problem: str) -> str:
    """Return why a file was not used, without any name: a name can be a patient's.

    Only sentences that are known are told; others are left to the table of figures.

    Args:
        problem: A plain sentence, which may quote names.
    """
    for pattern, replacement in _ANONYMOUS_PROBLEMS:
        match = pattern.fullmatch(problem)
        if match:
            return match.expand(replacement)
    return SEE_TABLE


def format_image_counts(reports: Sequence[ImageReport]) -> str:
    """Say how many pictures there are, such as “25; 3 of them without a white cell; 6 more files not used”."""
    readable = [report for report in reports if not report.problem]
    n_without_cells = sum(1 for report in readable if not any(cell.features for cell in report.cells))
    n_unreadable = len(reports) - len(readable)
    parts = [str(len(readable))]
    parts += [f"{n_without_cells} of them without a white cell"] if n_without_cells else []
    parts += [f"{n_unreadable} more file{'' if n_unreadable == 1 else 's'} not used"] if n_unreadable else []
    n_rejected_masks = sum(1 for report in readable if report.mask_rejected)
    parts += (
        [f"{n_rejected_masks} expert mask{'' if n_rejected_masks == 1 else 's'} not used"] if n_rejected_masks else []
    )
    return "; ".join(parts)


def format_status_counts(all_cells: Iterable[CellResult]) -> str:
    """Say how many cells there are, and of which status, such as “25 (20 look fine, 5 should be checked)”.

    Args:
        all_cells: Those of one model.
    """
    cells = [cell for cell in all_cells if cell.features is not None]
    counts_text = format_counts([cell.status for cell in cells])
    return f"{len(cells)} ({counts_text})" if counts_text else str(len(cells))


def format_mean_dice(all_cells: Iterable[CellResult]) -> str:
    """Say the mean Dice against the experts' masks, with of how many cells; empty where there is none.

    Args:
        all_cells: Those of one model. Where a Dice is not defined, it does not count.
    """
    cells = list(all_cells)
    dice_texts, n_scored = [], 0
    for region in FOREGROUND_REGIONS:
        values = [value for cell in cells if not math.isnan(value := cell.dice.get(region, math.nan))]
        if values:
            dice_texts.append(f"{region} {sum(values) / len(values):.3f}")
            n_scored = max(n_scored, len(values))
    n_seen_in_training = sum(1 for cell in cells if cell.dice and cell.seen_in_training)
    suffix = f", {n_seen_in_training} of them in the model's training, which flatters" if n_seen_in_training else ""
    if any(cell.dice and cell.offset is not None for cell in cells):
        suffix += "; an expert's cells that were not found do not count"
    return (
        f"{', '.join(dice_texts)} ({n_scored} cell{'' if n_scored == 1 else 's'} with a mask{suffix})"
        if dice_texts
        else ""
    )
