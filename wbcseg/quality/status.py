"""Quality statuses: codes, labels and descriptions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

OK: Final = "ok"
REVIEW: Final = "review"
OUT_OF_RANGE: Final = "out_of_range"
STATUS_LABELS: Final = {OK: "No issues found", REVIEW: "Review", OUT_OF_RANGE: "Outside training range"}
"""What people read instead of the codes."""

STATUSES: Final = tuple(STATUS_LABELS)

STATUS_DESCRIPTIONS: Final = {
    OK: "The image and its segmentation resemble those that turned out well. The result can still be wrong.",
    REVIEW: "Check the result before you use it; the reasons are listed with it. It resembles results that turned out "
    "badly; or the image is blurred, noisy, small, without colour, or of unfamiliar staining or illumination; or the "
    "cell is cut off by the image edge, not alone or not found; or the models disagree.",
    OUT_OF_RANGE: "The image does not resemble the blood smears that the models were trained on: other staining or "
    "illumination, another kind of image, or not a smear. A model can be wrong and confident there.",
}
"""What each status means."""

STATUS_PHRASES: Final = {OK: "without issues", REVIEW: "to review", OUT_OF_RANGE: "outside training range"}
"""What follows a number of results."""


def format_counts(statuses: Sequence[str]) -> str:
    """Return how many results have each status, such as ``5 without issues, 1 to review``.

    Args:
        statuses: One for each result; empty ones do not count.
    """
    counts = Counter(statuses)
    return ", ".join(f"{counts[status]} {STATUS_PHRASES[status]}" for status in STATUSES if counts[status])
