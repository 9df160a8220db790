"""Measure a cell for its type: shape, colour relative to the background, and granularity, at one scale."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltypes.crops import TypeCrop
from wbcseg.features import extract_features
from wbcseg.labels import CYTOPLASM, NUCLEUS
from wbcseg.results import NO_EDGES

SHAPE_FEATURES: Final = (
    "nucleus_to_cell",
    "cell_circularity",
    "cell_solidity",
    "cell_eccentricity",
    "nucleus_circularity",
    "nucleus_solidity",
    "nucleus_eccentricity",
    "nucleus_lobes",
    "nucleus_pieces",
    "nucleus_offset",
)
"""What the network is told beside the pixels: nothing in it depends on stain or light."""

COLOUR_FEATURES: Final = tuple(
    f"{region}_{kind}_{channel}"
    for region in ("nucleus", "cytoplasm")
    for kind in ("density", "detail", "spread")
    for channel in ("red", "green", "blue")
)
"""Mean optical density, its fine detail (granules, chromatin) and its spread, by region and colour channel."""

TYPE_FEATURES: Final = (*SHAPE_FEATURES, *COLOUR_FEATURES)
"""Names of the measurements, in order."""

DETAIL_SIGMA: Final = 1.5
"""Standard deviation in pixels of the blur that is subtracted to see fine detail."""

MAX_LOBES: Final = 6
"""Counts beyond it say no more about the type."""


def measure_type_features(crop: TypeCrop) -> NDArray[np.float32]:
    """Return the measurements of a cell, ``float32[len(TYPE_FEATURES)]``, all finite.

    Args:
        crop: The cell at the network's scale.
    """
    from scipy import ndimage

    measured = extract_features(crop.pixels, crop.labels, image_edges=NO_EDGES)
    values = dict(measured.values) if measured else {}
    nucleus, cell = crop.labels == NUCLEUS.id, crop.labels > 0
    values["nucleus_lobes"] = min(values.get("nucleus_lobes", 0.0), MAX_LOBES)
    values["nucleus_pieces"] = float(min(ndimage.label(nucleus)[1], MAX_LOBES))
    values["nucleus_offset"] = _measure_offset(nucleus, cell)
    density = np.log10(crop.background / np.maximum(crop.pixels.astype(np.float32), 4.0))
    detail = density - ndimage.gaussian_filter(density, (DETAIL_SIGMA, DETAIL_SIGMA, 0.0))
    for region, mask in (("nucleus", nucleus), ("cytoplasm", crop.labels == CYTOPLASM.id)):
        has_pixels = bool(mask.any())
        for index, channel in enumerate(("red", "green", "blue")):
            own = density[..., index][mask] if has_pixels else np.zeros(1, np.float32)
            values[f"{region}_density_{channel}"] = float(own.mean())
            values[f"{region}_spread_{channel}"] = float(own.std())
            values[f"{region}_detail_{channel}"] = float(detail[..., index][mask].std()) if has_pixels else 0.0
    return np.nan_to_num(np.array([values.get(name, 0.0) for name in TYPE_FEATURES], np.float32), posinf=0, neginf=0)


def _measure_offset(nucleus: NDArray[np.bool_], cell: NDArray[np.bool_]) -> float:
    """Return the distance of the nucleus' centre from the cell's, relative to the cell's radius."""
    if not nucleus.any():
        return 0.0
    centres = [np.array(np.nonzero(mask)).mean(axis=1) for mask in (nucleus, cell)]
    return float(np.hypot(*(centres[0] - centres[1])) / np.sqrt(cell.sum() / np.pi))
