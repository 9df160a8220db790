"""Measure one cell."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.features.lobes import count_lobes
from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS, Labels
from wbcseg.results import ALL_EDGES, SHAPE_FEATURES, CellFeatures, ImageEdges, find_cut_edges

NAN: Final = math.nan
BoolArray = NDArray[np.bool_]


def extract_features(
    image: NDArray[np.uint8], labels: Labels, *, image_edges: ImageEdges = ALL_EDGES
) -> CellFeatures | None:
    """Measure the cell in a mask.

    Everything that is not background counts as one cell; for masks with more, see
    :func:`wbcseg.inference.postprocess.keep_main_cell`.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        labels: ``uint8[H, W]`` of class ids.
        image_edges: Which sides are edges of the image; all of them, except in a crop from a field of view.

    Returns:
        Its measurements, or ``None`` if there is no cell.

    Raises:
        ValueError: If image and mask differ in size.
    """
    if image.shape[:2] != labels.shape:
        raise ValueError(
            f"Image and mask must have the same size. Received: {image.shape[1]}×{image.shape[0]} and "
            f"{labels.shape[1]}×{labels.shape[0]}"
        )
    cell, nucleus, cytoplasm = labels != BACKGROUND.id, labels == NUCLEUS.id, labels == CYTOPLASM.id
    if not cell.any():
        return None
    nucleus_area, cytoplasm_area, cell_area = (float(np.count_nonzero(region)) for region in (nucleus, cytoplasm, cell))
    values = {
        "nucleus_area": nucleus_area,
        "cytoplasm_area": cytoplasm_area,
        "cell_area": cell_area,
        "nucleus_to_cell": nucleus_area / cell_area,
        "nucleus_to_cytoplasm": nucleus_area / cytoplasm_area if cytoplasm_area else NAN,
        **_measure_shape("cell", cell),
        **_measure_shape("nucleus", nucleus),
        "nucleus_lobes": float(count_lobes(nucleus)),
        **_measure_colour("nucleus", image, nucleus),
        **_measure_colour("cytoplasm", image, cytoplasm),
        "touches_edge": float(any(find_cut_edges(cell, image_edges))),
    }
    return CellFeatures(values)


def _measure_shape(region: str, region_mask: BoolArray) -> dict[str, float]:
    # Imported here, so that listing models does not wait for it.
    from skimage.measure import perimeter_crofton, regionprops

    if not region_mask.any():
        return {f"{region}_{name}": NAN for name, *_ in SHAPE_FEATURES}
    # Padded, so that an outline along the image edge counts.
    padded = np.pad(region_mask, 1)
    (props,) = regionprops(padded.astype(np.uint8))
    perimeter = float(perimeter_crofton(padded, directions=4))
    return {
        f"{region}_perimeter": perimeter,
        f"{region}_circularity": 4 * math.pi * float(props.area) / perimeter**2 if perimeter else NAN,
        f"{region}_solidity": float(props.solidity) if props.area > 2 else 1.0,
        f"{region}_eccentricity": float(props.eccentricity),
    }


def _measure_colour(region: str, image: NDArray[np.uint8], region_mask: BoolArray) -> dict[str, float]:
    mean = image[region_mask].mean(axis=0) if region_mask.any() else (NAN, NAN, NAN)
    return {f"{region}_{name}": float(value) for name, value in zip(("red", "green", "blue"), mean, strict=True)}
