"""From pictures to findings: what a reader brings, its cells, measured, and judged."""

from wbcseg.analysis.batch import Batch, Progress
from wbcseg.analysis.cells import dice_in_field, findings_of, with_disputes
from wbcseg.analysis.examining import examined, field_drawer
from wbcseg.analysis.incoming import Item, Upload, items_of, most_pages
from wbcseg.analysis.marking import marked, marked_field
from wbcseg.analysis.outcome import Examiner, Outcome, Recent, look, open_item, outcome_of_field

__all__ = [
    "Batch",
    "Examiner",
    "Item",
    "Outcome",
    "Progress",
    "Recent",
    "Upload",
    "dice_in_field",
    "examined",
    "field_drawer",
    "findings_of",
    "items_of",
    "look",
    "marked",
    "marked_field",
    "most_pages",
    "open_item",
    "outcome_of_field",
    "with_disputes",
]
