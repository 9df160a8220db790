"""The figures of one cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.features.lobes import count_lobes
from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS, Labels

NAN: Final = math.nan
BoolArray = NDArray[np.bool_]
ImageEdges = tuple[bool, bool, bool, bool]
"""Of the top, bottom, left and right side."""


@dataclass(frozen=True)
class FeatureSpec:
    """What a figure is.

    Attributes:
        name: In tables for machines, such as ``nucleus_area``.
        title: In tables for people.
        description: How it is defined, in a sentence or two.
        power: 2 for areas, 1 for lengths, 0 for what has no unit: figures in pixels become µm² or µm by the scale.
        decimals: Digits behind the point when it is shown in pixels.
    """

    name: str
    title: str
    description: str
    power: int = 0
    decimals: int = 3


_SHAPE_FEATURES: Final = (
    ("perimeter", "perimeter", "Length of the outline, by Crofton's formula in four directions.", 1, 1),
    (
        "circularity",
        "circularity",
        "4π times the area over the square of the perimeter: 1 for a circle, less for all else. On small shapes it can "
        "come out slightly above 1.",
        0,
        3,
    ),
    ("solidity", "solidity", "Area over that of the convex hull: 1 without dents, less with lobes.", 0, 3),
    (
        "eccentricity",
        "eccentricity",
        "Of the ellipse with the same second moments: 0 for a circle, towards 1 for a line.",
        0,
        3,
    ),
)

FEATURES: Final[dict[str, FeatureSpec]] = {
    spec.name: spec
    for spec in (
        FeatureSpec("nucleus_area", "Nucleus area", "Pixels of the nucleus.", 2, 0),
        FeatureSpec("cytoplasm_area", "Cytoplasm area", "Pixels of the cytoplasm.", 2, 0),
        FeatureSpec("cell_area", "Cell area", "Pixels of nucleus and cytoplasm together.", 2, 0),
        FeatureSpec(
            "nucleus_to_cell", "N:C, nucleus / cell", "Area of the nucleus over that of the whole cell, 0 to 1."
        ),
        FeatureSpec(
            "nucleus_to_cytoplasm",
            "N:C, nucleus / cytoplasm",
            "Area of the nucleus over that of the cytoplasm, 0 and up; not defined without cytoplasm.",
        ),
        *(
            FeatureSpec(f"{region}_{name}", f"{region.capitalize()} {title}", description, power, decimals)
            for region in ("cell", "nucleus")
            for name, title, description, power, decimals in _SHAPE_FEATURES
        ),
        FeatureSpec(
            "nucleus_lobes",
            "Lobes of the nucleus",
            "Peaks of the distance to the nucleus's outline that stand out from the saddles between them, each with at "
            "least a twentieth of the nucleus around it.",
            decimals=0,
        ),
        *(
            FeatureSpec(
                f"{region}_{channel}",
                f"{region.capitalize()} {channel}",
                f"Mean {channel} of the {region}'s pixels in the picture as it is stored, 0 to 255.",
                decimals=1,
            )
            for region in ("nucleus", "cytoplasm")
            for channel in ("red", "green", "blue")
        ),
        FeatureSpec(
            "touches_edge", "Touches the border", "1 if the cell is cut by the picture's border, else 0.", 0, 0
        ),
    )
}
"""All figures of a cell, in order."""


@dataclass(frozen=True)
class CellFeatures:
    """The figures of one cell, by the names of :data:`FEATURES`, in pixels; NaN where one is not defined."""

    values: dict[str, float]

    def to_units(self, pixel_size: float | None) -> dict[str, float]:
        """Return the figures with lengths and areas in µm and µm².

        Args:
            pixel_size: Side of a pixel in µm, or ``None`` for pixels.

        Raises:
            ValueError: If it is not positive.
        """
        if pixel_size is None:
            return dict(self.values)
        if not pixel_size > 0 or not math.isfinite(pixel_size):
            raise ValueError(f"The side of a pixel must be a positive number of µm. Received: {pixel_size}")
        return {name: value * pixel_size ** FEATURES[name].power for name, value in self.values.items()}


def extract_features(
    image: NDArray[np.uint8], labels: Labels, *, image_edges: ImageEdges = (True, True, True, True)
) -> CellFeatures | None:
    """Measure the cell in a mask.

    Everything that is not background is taken for one cell; see :func:`wbcseg.inference.postprocess.keep_main_cell` for masks with
    more.

    Args:
        image: ``uint8[H, W, 3]``, RGB.
        labels: ``uint8[H, W]`` of class ids.
        image_edges: Which sides are the picture's own border; all of them but in a crop out of a field of view.

    Returns:
        Its figures, or ``None`` where there is no cell.

    Raises:
        ValueError: If picture and mask differ in size.
    """
    if image.shape[:2] != labels.shape:
        raise ValueError(
            f"Picture and mask must have the same size. Received: {image.shape[1]}×{image.shape[0]} and "
            f"{labels.shape[1]}×{labels.shape[0]}"
        )
    cell, nucleus, cytoplasm = labels != BACKGROUND.id, labels == NUCLEUS.id, labels == CYTOPLASM.id
    if not cell.any():
        return None
    nucleus_area, cytoplasm_area, cell_area = (float(np.count_nonzero(region)) for region in (nucleus, cytoplasm, cell))
    edges = (cell[0], cell[-1], cell[:, 0], cell[:, -1])
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
        "touches_edge": float(
            any(is_image_edge and edge.any() for is_image_edge, edge in zip(image_edges, edges, strict=True))
        ),
    }
    return CellFeatures(values)


def _measure_shape(region: str, region_mask: BoolArray) -> dict[str, float]:
    # Loaded here, because those who only list models should not wait for it.
    from skimage.measure import perimeter_crofton, regionprops

    if not region_mask.any():
        return {f"{region}_{name}": NAN for name, *_ in _SHAPE_FEATURES}
    # Padded, so that an outline along the picture's border counts as one.
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
