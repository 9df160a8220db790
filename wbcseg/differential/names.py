"""The types that a differential count has."""

from __future__ import annotations

from typing import Final

from wbcseg.celltypes.names import NOT_A_WHITE_CELL, TYPE_NAMES
from wbcseg.results import UNSURE

ERYTHROBLAST: Final = "erythroblast"
"""Counted per 100 white cells."""

WHITE_CELL_TYPES: Final = tuple(name for name in TYPE_NAMES if name not in (ERYTHROBLAST, NOT_A_WHITE_CELL))
"""The types that make up the 100 % of a differential count, in the order of tables and files."""

ASSIGNABLE_TYPES: Final = (*TYPE_NAMES, UNSURE)
"""What a person can file a cell under."""

TYPE_COLOURS: Final = {
    "neutrophil": "#0072b2",
    "eosinophil": "#d55e00",
    "basophil": "#5b3a8e",
    "lymphocyte": "#009e73",
    "monocyte": "#e0a100",
    "immature granulocyte": "#56b4e9",
    "erythroblast": "#cc5a8d",
    "not a white cell": "#7a7a7a",
    "unsure": "#b8b4c4",
}
"""Colours of the types: after Okabe and Ito (2008), distinguishable with every common kind of colour blindness."""

TYPE_SHORT_NAMES: Final = {
    "neutrophil": "Neut",
    "eosinophil": "Eo",
    "basophil": "Baso",
    "lymphocyte": "Lymph",
    "monocyte": "Mono",
    "immature granulocyte": "IG",
    "erythroblast": "NRBC",
    "not a white cell": "Not WBC",
    "unsure": "?",
}
"""Short names of the types, as analysers print them, for where space is little."""

__all__ = [
    "ASSIGNABLE_TYPES",
    "ERYTHROBLAST",
    "NOT_A_WHITE_CELL",
    "TYPE_COLOURS",
    "TYPE_NAMES",
    "TYPE_SHORT_NAMES",
    "WHITE_CELL_TYPES",
]
