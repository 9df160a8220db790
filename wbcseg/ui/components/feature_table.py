"""The table of a cell's measurements, one column per mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wbcseg.features import CellFeatures
from wbcseg.ui.formatting import format_feature, format_feature_label, format_mean_colour

DISPLAYED_FEATURES: Final = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *("cell_perimeter", "nucleus_perimeter", "cell_circularity"),
    *("nucleus_solidity", "nucleus_eccentricity", "nucleus_lobes"),
)
"""The measurements in the table, besides mean colours and whether the cell touches the edge; downloads have all."""

EDGE_FEATURE: Final = "touches_edge"
COLOURED_PARTS: Final = ("nucleus", "cytoplasm")
"""Parts of a cell whose mean colour is measured."""


def build_feature_table(all_features: Sequence[CellFeatures | None], pixel_size: float | None) -> list[list[str]]:
    """Return the measurements of cells as table rows in Markdown: a title, and the value of each cell.

    Args:
        all_features: The measurements of each cell; ``None`` where no cell was found.
        pixel_size: Pixel size in µm, or ``None``.
    """

    def build_row(name: str) -> list[str]:
        values = [format_feature(name, features, pixel_size) for features in all_features]
        return [format_feature_label(name, pixel_size), *values]

    colour_rows = [
        [f"Mean {part} colour (RGB)", *(format_mean_colour(part, features) for features in all_features)]
        for part in COLOURED_PARTS
    ]
    return [*map(build_row, DISPLAYED_FEATURES), *colour_rows, build_row(EDGE_FEATURE)]
