"""From pictures to findings: what a reader brings, its cells, measured, and judged."""

from wbcseg.analysis.batch import Batch, Progress
from wbcseg.analysis.cells import findings_of, with_disputes
from wbcseg.analysis.incoming import Item, Upload, items_of, most_pages
from wbcseg.analysis.outcome import Outcome, marked, marked_field, open_item, outcome_of_field

__all__ = [
    "Batch",
    "Item",
    "Outcome",
    "Progress",
    "Upload",
    "findings_of",
    "items_of",
    "marked",
    "marked_field",
    "most_pages",
    "open_item",
    "outcome_of_field",
    "with_disputes",
]
