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
    (re.compile(pattern, re.DOTALL), said)
    for pattern, said in (
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
    for pattern, said in _ANONYMOUS_PROBLEMS:
        match = pattern.fullmatch(problem)
        if match:
            return match.expand(said)
    return SEE_TABLE


def format_image_counts(pictures: Sequence[ImageReport]) -> str:
    """Say how many pictures there are, such as “25; 3 of them without a white cell; 6 more files not used”."""
    used = [picture for picture in pictures if not picture.problem]
    without = sum(1 for picture in used if not any(one.features for one in picture.cells))
    unused = len(pictures) - len(used)
    parts = [str(len(used))]
    parts += [f"{without} of them without a white cell"] if without else []
    parts += [f"{unused} more file{'' if unused == 1 else 's'} not used"] if unused else []
    masks = sum(1 for picture in used if picture.mask_rejected)
    parts += [f"{masks} expert mask{'' if masks == 1 else 's'} not used"] if masks else []
    return "; ".join(parts)


def format_status_counts(findings: Iterable[CellResult]) -> str:
    """Say how many cells there are, and of which status, such as “25 (20 look fine, 5 should be checked)”.

    Args:
        findings: Those of one model.
    """
    cells = [one for one in findings if one.features is not None]
    told = format_counts([one.status for one in cells])
    return f"{len(cells)} ({told})" if told else str(len(cells))


def format_mean_dice(findings: Iterable[CellResult]) -> str:
    """Say the mean Dice against the experts' masks, with of how many cells; empty where there is none.

    Args:
        findings: Those of one model. Where a Dice is not defined, it does not count.
    """
    every = list(findings)
    told, most = [], 0
    for region in FOREGROUND_REGIONS:
        values = [value for one in every if not math.isnan(value := one.dice.get(region, math.nan))]
        if values:
            told.append(f"{region} {sum(values) / len(values):.3f}")
            most = max(most, len(values))
    flattered = sum(1 for one in every if one.dice and one.seen_in_training)
    more = f", {flattered} of them in the model's training, which flatters" if flattered else ""
    if any(one.dice and one.offset is not None for one in every):
        more += "; an expert's cells that were not found do not count"
    return f"{', '.join(told)} ({most} cell{'' if most == 1 else 's'} with a mask{more})" if told else ""
