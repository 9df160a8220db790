"""The data set ``raabin-fields``: fields of view from Qazvin and Tehran with the boxes of their white cells.

For testing only. Kouzehkanan et al., *A large dataset of white blood cells containing cell locations and types, along
with segmented nuclei and cytoplasm*, Scientific Reports 12:1123, 2022. The folder ``raabin-fields`` holds ``images``
(575×575) and ``boxes.csv``.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from wbcseg.datasets.fields.base import (
    BOX_COLUMNS,
    FieldInfo,
    FieldSet,
    find_field_folder,
    parse_box,
    read_table,
)
from wbcseg.datasets.sample import MarkedCell

NAME: Final = "raabin-fields"
SOURCE: Final = "github.com/lugan113/TXL-PBC_Dataset"
ACKNOWLEDGEMENT: Final = f"Fields: Raabin-WBC, Kouzehkanan et al. 2022, Sci Rep 12:1123, as in {SOURCE}, MIT."


def open_raabin_fields() -> FieldSet:
    """Open the images that are on this computer.

    Raises:
        DatasetError: If there are none, or the table of boxes is not as expected.
    """
    folder = find_field_folder(NAME, SOURCE)
    cells: dict[str, list[MarkedCell]] = defaultdict(list)
    for row in read_table(folder / "boxes.csv", ("file", *BOX_COLUMNS)):
        cells[row["file"]].append(MarkedCell(parse_box(row, f"{NAME}/boxes.csv")))
    paths = sorted(path for path in (folder / "images").glob("*.jpg") if not path.name.startswith("."))
    return FieldSet(
        NAME,
        "Fields of Raabin-WBC",
        tuple(FieldInfo(path.name, path, tuple(cells[path.name]), len(cells[path.name])) for path in paths),
        ACKNOWLEDGEMENT,
    )
