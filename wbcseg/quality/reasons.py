"""Reasons for a quality status, and the features that each is based on."""

from __future__ import annotations

from typing import Final

STAIN_REASON: Final = "Unfamiliar staining or illumination."
BLURRED_REASON: Final = "Image blurred."
NOISY_REASON: Final = "Image noisy or unusually sharp."
CUT_OFF_REASON: Final = "Cell cut off by image edge."
SECOND_CELL_REASON: Final = "More than one white blood cell; only the most central one was measured."
OTHER_CELLS_REASON: Final = "Another structure resembles a cell."
NO_COLOUR_REASON: Final = "Image without colour; the models were trained on stained cells."
NO_CELL_REASON: Final = "No white blood cell found."
EMPTY_FIELD_REASON: Final = "No white cell found. Review the image: click an overlooked cell to add it."
SHARPNESS_REASON: Final = "Image blurred, or unusually sharp or noisy."

FEATURES_BY_REASON: Final = {
    "Cell boundary uncertain.": ("expected_dice_cell", "expected_dice_cytoplasm", "uncertainty_around"),
    "Cell boundary indistinct.": ("indistinct_boundary",),
    "Nucleus boundary uncertain.": ("expected_dice_nucleus", "uncertainty_inside"),
    "Atypical cell or nuclear shape (possible segmentation error).": (
        *(
            "cell_solidity",
            "cell_circularity",
            "nucleus_solidity",
            "nucleus_hole_fraction",
            "nucleus_exposure",
            "nucleus_fraction",
        ),
    ),
    "Cell unusually small or large in the image.": ("relative_cell_size",),
    OTHER_CELLS_REASON: ("largest_other_object", "other_foreground"),
    STAIN_REASON: (
        *(
            "nucleus_density_red",
            "nucleus_density_green",
            "nucleus_density_blue",
            "cytoplasm_density_red",
            "cytoplasm_density_green",
            "cytoplasm_density_blue",
        ),
        *("background_brightness", "background_saturation", "boundary_contrast"),
    ),
    "Unusual background.": ("background_variation", "edge_contact"),
    SHARPNESS_REASON: ("sharpness", "noise"),
}
