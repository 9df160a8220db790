"""From pictures to findings: what a reader brings, its cells, measured, and judged."""

from wbcseg.pipeline.analyze import Examiner, Outcome, Recent, look, open_item, outcome_of_field
from wbcseg.pipeline.batch import Batch, Progress
from wbcseg.pipeline.cells import dice_in_field, findings_of, with_disputes
from wbcseg.pipeline.merge import examined, field_drawer
from wbcseg.pipeline.thumbnails import marked, marked_field

__all__ = [
    "Batch",
    "Examiner",
    "Outcome",
    "Progress",
    "Recent",
    "dice_in_field",
    "examined",
    "field_drawer",
    "findings_of",
    "look",
    "marked",
    "marked_field",
    "open_item",
    "outcome_of_field",
    "with_disputes",
]
