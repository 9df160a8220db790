"""Reference ranges of a differential count, with their source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Range = tuple[float, float]
"""Lowest and highest percentage."""

ADULT_RANGES: Final[Mapping[str, Range]] = {
    "neutrophil": (40.0, 60.0),
    "lymphocyte": (20.0, 40.0),
    "monocyte": (2.0, 8.0),
    "eosinophil": (1.0, 4.0),
    "basophil": (0.5, 1.0),
}
"""Ranges of adults in percent of all white cells. The source lists band neutrophils apart, with 0 to 3 %."""

REFERENCE_SOURCE: Final = "MedlinePlus (US National Library of Medicine), “Blood differential test”"
REFERENCE_URL: Final = "https://medlineplus.gov/ency/article/003657.htm"
