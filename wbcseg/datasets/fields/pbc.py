"""The data set ``pbc``: one normal or immature blood cell in the middle of each image, among red cells and platelets.

Images: Acevedo et al., *A dataset of microscopic peripheral blood cell images for development of automatic recognition
systems*, Data in Brief 30:105474, 2020, doi:10.17632/snkd93bnjr.1. Boxes and attributes were drawn by others, see
:data:`ACKNOWLEDGEMENT`. The folder ``pbc`` holds ``images``, ``cells.csv`` and, optionally, ``attributes.csv``.
"""

from __future__ import annotations

from typing import Final

from wbcseg.datasets.fields.base import (
    BOX_COLUMNS,
    FieldInfo,
    FieldSet,
    MarkedCell,
    find_field_folder,
    parse_box,
    read_table,
)

NAME: Final = "pbc"
PLATELET: Final = "platelet"
"""Type of the images that show a platelet and no white cell."""

SOURCE: Final = "github.com/medmabcf/White-Blood-Cell-Detection-Dataset"
ACKNOWLEDGEMENT: Final = (
    "Cells of pbc: Acevedo, Merino, Alférez, Molina, Boldú and Rodellar 2020, Data in Brief 30:105474, "
    "doi:10.17632/snkd93bnjr.1, CC BY 4.0. Boxes: github.com/medmabcf/White-Blood-Cell-Detection-Dataset, CC BY 4.0. "
    "Attributes: WBCAtt, Tsutsui, Pang and Wen 2023, github.com/apple2373/wbcatt, MIT."
)


def open_pbc() -> FieldSet:
    """Open the images that are on this computer.

    Raises:
        DatasetError: If there are none, or a table is not as expected.
    """
    folder = find_field_folder(NAME, SOURCE)
    attributes_path = folder / "attributes.csv"
    attributes = (
        {row.pop("file"): row for row in read_table(attributes_path, ("file",))} if attributes_path.exists() else {}
    )
    fields = []
    for row in read_table(folder / "cells.csv", ("file", "type", "subtype", *BOX_COLUMNS)):
        name = row["file"]
        cells: tuple[MarkedCell, ...] = ()
        if row["type"] != PLATELET:
            box = parse_box(row, f"{NAME}/cells.csv")
            cells = (MarkedCell(box, row["type"], row["subtype"] or None, attributes.get(name, {})),)
        fields.append(FieldInfo(name, folder / "images" / name, cells, len(cells), row["type"]))
    return FieldSet(NAME, "Peripheral blood cells, Barcelona (pbc)", tuple(fields), ACKNOWLEDGEMENT)
