"""The data set ``lisc-fields``: fields of view with bluish red cells and stain deposits; their white cells are counted.

For testing only. Rezatofighi and Soltanian-Zadeh, *Automatic recognition of five types of white blood cells in
peripheral blood*, Computerized Medical Imaging and Graphics 35:333, 2011. The folder ``lisc-fields`` holds ``images``
(720×576) and ``types.csv``.
"""

from __future__ import annotations

from typing import Final

from wbcseg.datasets.fields.base import FieldInfo, FieldSet, find_field_folder, read_table
from wbcseg.errors import DatasetError, ErrorCode

NAME: Final = "lisc-fields"
SOURCE: Final = "github.com/Goblin80/Leukocyte-Classify"
ACKNOWLEDGEMENT: Final = (
    "Fields: LISC, Rezatofighi and Soltanian-Zadeh 2011, Comput Med Imaging Graph 35:333, published for comparative "
    "evaluation."
)


def open_lisc_fields() -> FieldSet:
    """Open the images that are on this computer.

    Raises:
        DatasetError: If there are none, or the table of types is not as expected.
    """
    folder = find_field_folder(NAME, SOURCE)
    fields = []
    for row in read_table(folder / "types.csv", ("file", "type", "white_cells")):
        if not row["white_cells"].isdigit():
            name, reason = f"{NAME}/types.csv", f"The number of white cells of {row['file']} must be a number."
            raise DatasetError(f"{name}: {reason}", file=name, reason=reason, code=ErrorCode.INVALID_VALUE)
        path = folder / "images" / row["file"]
        fields.append(FieldInfo(row["file"], path, None, int(row["white_cells"]), row["type"]))
    return FieldSet(NAME, "Fields of LISC", tuple(fields), ACKNOWLEDGEMENT)
