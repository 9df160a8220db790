"""What a segmented cell is: neutrophil, lymphocyte …, with calibrated probabilities.

A small network sees the cell at one scale with its outline and some measurements. No TensorFlow.
"""

from wbcseg.celltypes.model import TypeEvidence, TypeModel, TypeResult, has_type_model, load_type_model
from wbcseg.celltypes.names import NOT_A_WHITE_CELL, SUBTYPE_NAMES, TYPE_NAMES, TypeName
from wbcseg.celltypes.probabilities import PRIOR_LABELS, PRIORS, PriorName
from wbcseg.results import UNSURE

__all__ = [
    "NOT_A_WHITE_CELL",
    "PRIORS",
    "PRIOR_LABELS",
    "SUBTYPE_NAMES",
    "TYPE_NAMES",
    "UNSURE",
    "PriorName",
    "TypeEvidence",
    "TypeModel",
    "TypeName",
    "TypeResult",
    "has_type_model",
    "load_type_model",
]
