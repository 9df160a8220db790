"""The data set ``pbc``: one normal or immature blood cell in the middle of each image, among red cells and platelets.

Images: Acevedo et al., *A dataset of microscopic peripheral blood cell images for development of automatic recognition
systems*, Data in Brief 30:105474, 2020, doi:10.17632/snkd93bnjr.1. Boxes and attributes were drawn by others, see
:data:`ACKNOWLEDGEMENT`. The folder ``pbc`` holds ``images``, ``cells.csv`` and, optionally, ``attributes.csv``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np

from wbcseg.datasets.fields.base import (
    BOX_COLUMNS,
    IMAGES_FOLDER,
    FieldInfo,
    FieldSet,
    find_field_folder,
    parse_box,
    read_table,
)
from wbcseg.datasets.sample import MarkedCell

NAME: Final = "pbc"
TITLE: Final = "Peripheral blood cells, Barcelona (pbc)"
CELLS_FILE: Final = "cells.csv"
PLATELET: Final = "platelet"
"""Type of the images that show a platelet and no white cell."""

SOURCE: Final = "github.com/medmabcf/White-Blood-Cell-Detection-Dataset"
ACKNOWLEDGEMENT: Final = (
    "Cells of pbc: Acevedo, Merino, Alférez, Molina, Boldú and Rodellar 2020, Data in Brief 30:105474, "
    "doi:10.17632/snkd93bnjr.1, CC BY 4.0. Boxes: github.com/medmabcf/White-Blood-Cell-Detection-Dataset, CC BY 4.0. "
    "Attributes: WBCAtt, Tsutsui, Pang and Wen 2023, github.com/apple2373/wbcatt, MIT."
)


def choose_by_type(fields: Iterable[FieldInfo], max_per_type: int) -> list[FieldInfo]:
    """Return images that show a white cell, at most so many of each type, evenly spread over those of the type."""
    by_type: dict[str, list[FieldInfo]] = defaultdict(list)
    for field in fields:
        if field.cells:
            by_type[field.note].append(field)
    return [
        own[round(index)]
        for own in by_type.values()
        for index in np.linspace(0, len(own) - 1, min(max_per_type, len(own)))
    ]


def open_pbc() -> FieldSet:
    """Open the images that are on this computer.

    Raises:
        DatasetError: If there are none, or a table is not as expected.
    """
    folder = find_field_folder(NAME, SOURCE, marker=CELLS_FILE)
    attributes_path = folder / "attributes.csv"
    attributes = (
        {row.pop("file"): row for row in read_table(attributes_path, ("file",))} if attributes_path.exists() else {}
    )
    fields = []
    for row in read_table(folder / CELLS_FILE, ("file", "type", "subtype", *BOX_COLUMNS)):
        name = row["file"]
        cells: tuple[MarkedCell, ...] = ()
        if row["type"] != PLATELET:
            box = parse_box(row, f"{NAME}/{CELLS_FILE}")
            cells = (MarkedCell(box, row["type"], row["subtype"] or None, attributes.get(name, {})),)
        fields.append(FieldInfo(name, folder / IMAGES_FOLDER / name, cells, len(cells), row["type"]))
    return FieldSet(NAME, TITLE, tuple(fields), ACKNOWLEDGEMENT)
