"""The data set ``chula-rbc-12``: fields of red cells in thalassaemia, with hardly a white cell among them.

Naruenatthanaset et al., *Red Blood Cell Segmentation with Overlapping Cell Separation and Classification on Imbalanced
Dataset*, 2021, arXiv:2012.01321. The folder ``chula-rbc-12`` holds the images (640×480).
"""

from __future__ import annotations

from typing import Final

from wbcseg.datasets.fields.base import FieldInfo, FieldSet, find_field_folder

NAME: Final = "chula-rbc-12"
SOURCE: Final = "github.com/Chula-PIC-Lab/Chula-RBC-12-Dataset"
ACKNOWLEDGEMENT: Final = f"Red cells: Chula RBC-12, Naruenatthanaset et al. 2021, {SOURCE}, MIT."

CELL_COUNTS: Final = {"120.jpg": 1, "731.jpg": 1}
"""White cells of the fields that show some after all, counted by eye among 123 of 738 fields."""


def open_chula() -> FieldSet:
    """Open the images that are on this computer. Their white cells, if any, are counted and not marked.

    Raises:
        DatasetError: If there are none.
    """
    folder = find_field_folder(NAME, SOURCE)
    paths = sorted(path for path in folder.glob("*.jpg") if not path.name.startswith("."))
    return FieldSet(
        NAME,
        "Red cells in thalassaemia, Bangkok (Chula RBC-12)",
        tuple(FieldInfo(path.name, path, None, CELL_COUNTS.get(path.name, 0)) for path in paths),
        ACKNOWLEDGEMENT,
    )
