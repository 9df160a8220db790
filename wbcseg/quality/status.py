"""Quality statuses: codes, labels and descriptions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

OK: Final = "ok"
UNFAMILIAR: Final = "unfamiliar"
REVIEW: Final = "review"
OUT_OF_RANGE: Final = "out_of_range"
STATUS_LABELS: Final = {
    OK: "No issues found",
    UNFAMILIAR: "Unfamiliar, consistent",
    REVIEW: "Review",
    OUT_OF_RANGE: "Outside training range",
}
"""What people read instead of the codes."""

STATUSES: Final = tuple(STATUS_LABELS)

STATUS_DESCRIPTIONS: Final = {
    OK: "The image and its segmentation resemble those that turned out well. The result can still be wrong.",
    UNFAMILIAR: "Staining, illumination or sharpness are unlike those of the training images, but the segmentation "
    "shows no sign of an error. A hint, not an alarm: look at a few results of the laboratory before you trust all.",
    REVIEW: "Check the result before you use it; the reasons are listed with it. It resembles results that turned out "
    "badly; or the image is small or without colour; or the cell is cut off by the image edge, not alone or not found; "
    "or the models disagree.",
    OUT_OF_RANGE: "The image does not resemble the blood smears that the models were trained on, and the segmentation "
    "shows signs of an error: another kind of image, or not a smear. A model can be wrong and confident there.",
}
"""What each status means."""

STATUS_PHRASES: Final = {
    OK: "without issues",
    UNFAMILIAR: "unfamiliar but consistent",
    REVIEW: "to review",
    OUT_OF_RANGE: "outside training range",
}
"""What follows a number of results."""


def format_counts(statuses: Sequence[str]) -> str:
    """Return how many results have each status, such as ``5 without issues, 1 to review``.

    Args:
        statuses: One for each result; empty ones do not count.
    """
    counts = Counter(statuses)
    return ", ".join(f"{counts[status]} {STATUS_PHRASES[status]}" for status in STATUSES if counts[status])
