"""The types of cells that the type model tells apart."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

TypeName = Literal[
    "neutrophil",
    "eosinophil",
    "basophil",
    "lymphocyte",
    "monocyte",
    "immature granulocyte",
    "erythroblast",
    "not a white cell",
]

TYPE_NAMES: Final[tuple[TypeName, ...]] = (
    "neutrophil",
    "eosinophil",
    "basophil",
    "lymphocyte",
    "monocyte",
    "immature granulocyte",
    "erythroblast",
    "not a white cell",
)
"""The types, in the order of :attr:`wbcseg.celltypes.TypeResult.probabilities`."""

NOT_A_WHITE_CELL: Final = "not a white cell"
"""Platelets, red cells, stain deposits and anything else that was segmented by mistake."""

SUBTYPES: Final[tuple[tuple[str, TypeName], ...]] = (
    ("segmented neutrophil", "neutrophil"),
    ("band neutrophil", "neutrophil"),
    ("eosinophil", "eosinophil"),
    ("basophil", "basophil"),
    ("lymphocyte", "lymphocyte"),
    ("monocyte", "monocyte"),
    ("metamyelocyte", "immature granulocyte"),
    ("myelocyte", "immature granulocyte"),
    ("promyelocyte", "immature granulocyte"),
    ("erythroblast", "erythroblast"),
    ("not a white cell", "not a white cell"),
)
"""Every output of the network, in order, and the type that it is part of."""

SUBTYPE_NAMES: Final = tuple(name for name, _ in SUBTYPES)

SUBTYPE_TO_TYPE: Final[NDArray[np.intp]] = np.array([TYPE_NAMES.index(parent) for _, parent in SUBTYPES])
"""Index of the type of every subtype, ``int[11]``."""


def list_possible_subtypes(cell_type: str, subtype: str | None = None) -> NDArray[np.bool_]:
    """Return which subtypes a cell may be, ``bool[11]``: one, or all of a type if its subtype is not known.

    Args:
        cell_type: One of :data:`TYPE_NAMES`.
        subtype: One of :data:`SUBTYPE_NAMES`, or ``None`` if it is not known.

    Raises:
        ValueError: If there is no such type.
    """
    if cell_type not in TYPE_NAMES:
        raise ValueError(f"Argument `cell_type` must be one of {', '.join(TYPE_NAMES)}. Received: {cell_type!r}")
    if subtype in SUBTYPE_NAMES:
        return np.array([name == subtype for name in SUBTYPE_NAMES])
    return np.asarray(np.equal(SUBTYPE_TO_TYPE, TYPE_NAMES.index(cell_type)), np.bool_)


def sum_subtypes(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the probabilities of types, ``float64[…, 8]``, from those of subtypes, ``float[…, 11]``."""
    membership = SUBTYPE_TO_TYPE[:, None] == np.arange(len(TYPE_NAMES))
    return np.asarray(np.asarray(probabilities, np.float64) @ membership, np.float64)
