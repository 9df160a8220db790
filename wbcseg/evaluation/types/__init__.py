"""How well the type model tells cells apart that it did not learn from, at home and in other laboratories."""

from wbcseg.evaluation.types.evaluate import WHOLE_IMAGES, evaluate_types, select_test_cells
from wbcseg.evaluation.types.examine import ExaminedCells, examine_library, examine_lisc, examine_pbc_images
from wbcseg.evaluation.types.result import (
    TYPES_FOLDER,
    TypeScore,
    TypesResult,
    load_types_result,
    score_types,
)

__all__ = [
    "TYPES_FOLDER",
    "WHOLE_IMAGES",
    "ExaminedCells",
    "TypeScore",
    "TypesResult",
    "evaluate_types",
    "examine_library",
    "examine_lisc",
    "examine_pbc_images",
    "load_types_result",
    "score_types",
    "select_test_cells",
]
