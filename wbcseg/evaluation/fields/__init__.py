"""How well the cell detector finds the white cells of fields of view, and nothing else.

Tests: fields of Raabin-WBC with boxes, fields of LISC with counts, held-out fields of red cells from Chula RBC-12, and
fields composed of cells that the detector did not learn from, whose instances are known to the pixel.
"""

from wbcseg.evaluation.fields.evaluate import (
    evaluate_chula,
    evaluate_composed,
    evaluate_instances,
    evaluate_lisc,
    evaluate_raabin,
    evaluate_touching,
)
from wbcseg.evaluation.fields.result import (
    FIELDS_FOLDER,
    FieldScore,
    FieldsResult,
    TouchingScore,
    load_fields_result,
    summarise_fields,
)

__all__ = [
    "FIELDS_FOLDER",
    "FieldScore",
    "FieldsResult",
    "TouchingScore",
    "evaluate_chula",
    "evaluate_composed",
    "evaluate_instances",
    "evaluate_lisc",
    "evaluate_raabin",
    "evaluate_touching",
    "load_fields_result",
    "summarise_fields",
]
