"""Records of results: measurements, cells, and the images that they are in, including those without any."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import Problem
from wbcseg.labels import Labels

Pixels = tuple[NDArray[np.uint8], Labels]
"""An image, ``uint8[H, W, 3]``, and its class ids, ``uint8[H, W]``."""

CellOrigin = Literal["model", "person"]
"""Whether a model detected a cell, or a person added or changed it."""

ImageEdges = tuple[bool, bool, bool, bool]
"""Top, bottom, left, right: which sides of a crop are edges of the image, or which edges of the image cut a cell."""

UNSURE: Final = "unsure"
"""In place of a cell's type: the type model saw too little evidence, or a person could not tell."""

NO_EDGES: Final[ImageEdges] = (False, False, False, False)
ALL_EDGES: Final[ImageEdges] = (True, True, True, True)


def find_cut_edges(cell_mask: NDArray[np.bool_], image_edges: ImageEdges = ALL_EDGES) -> ImageEdges:
    """Return which edges of the image cut a cell: those along which it has pixels.

    Args:
        cell_mask: ``bool[H, W]``: the pixels of the cell in an image or a crop.
        image_edges: Which sides are edges of the image; all of them, except in a crop from a field of view.
    """
    top, bottom, left, right = image_edges
    return (
        bool(top and cell_mask[0].any()),
        bool(bottom and cell_mask[-1].any()),
        bool(left and cell_mask[:, 0].any()),
        bool(right and cell_mask[:, -1].any()),
    )


@dataclass(frozen=True)
class FeatureSpec:
    """A measurement of a cell.

    Attributes:
        name: Name in files, such as ``nucleus_area``.
        title: Name for people.
        description: Its definition, in one or two sentences.
        power: 2 for areas, 1 for lengths, 0 without unit: what the pixel size is raised to.
        decimals: Decimals shown when it is in pixels.
    """

    name: str
    title: str
    description: str
    power: int = 0
    decimals: int = 3


SHAPE_FEATURES: Final = (
    ("perimeter", "perimeter", "Length of the outline, by Crofton's formula in four directions.", 1, 1),
    (
        "circularity",
        "circularity",
        "4π × area ÷ perimeter²: 1 for a circle, less for other shapes. It can slightly exceed 1 for small shapes.",
        0,
        3,
    ),
    ("solidity", "solidity", "Area ÷ convex-hull area: 1 for a convex shape, less with indentations.", 0, 3),
    (
        "eccentricity",
        "eccentricity",
        "Eccentricity of the ellipse with the same second moments: 0 for a circle, towards 1 for a line.",
        0,
        3,
    ),
)
"""Measured of the cell and of its nucleus: name, title, description, power, decimals."""

FEATURES: Final[dict[str, FeatureSpec]] = {
    spec.name: spec
    for spec in (
        FeatureSpec("nucleus_area", "Nucleus area", "Area of the nucleus.", 2, 0),
        FeatureSpec("cytoplasm_area", "Cytoplasm area", "Area of the cytoplasm.", 2, 0),
        FeatureSpec("cell_area", "Cell area", "Area of nucleus and cytoplasm together.", 2, 0),
        FeatureSpec("nucleus_to_cell", "Nuclear fraction (nucleus/cell)", "Nucleus area ÷ cell area, 0 to 1."),
        FeatureSpec(
            "nucleus_to_cytoplasm",
            "N:C ratio (nucleus/cytoplasm)",
            "Nucleus area ÷ cytoplasm area, 0 and up; not defined without cytoplasm.",
        ),
        *(
            FeatureSpec(f"{region}_{name}", f"{region.capitalize()} {title}", description, power, decimals)
            for region in ("cell", "nucleus")
            for name, title, description, power, decimals in SHAPE_FEATURES
        ),
        FeatureSpec(
            "nucleus_lobes",
            "Nuclear lobe count",
            "Number of peaks of the distance to the nuclear boundary that stand out from the saddles between them, "
            "each with at least 5% of the nucleus.",
            decimals=0,
        ),
        *(
            FeatureSpec(
                f"{region}_{channel}",
                f"{region.capitalize()} {channel}",
                f"Mean {channel} value of the {region}'s pixels in the image file, 0 to 255.",
                decimals=1,
            )
            for region in ("nucleus", "cytoplasm")
            for channel in ("red", "green", "blue")
        ),
        FeatureSpec("touches_edge", "Touches image edge", "1 if the cell touches the image edge, else 0.", 0, 0),
    )
}
"""All measurements of a cell, in order."""


@dataclass(frozen=True)
class CellFeatures:
    """The measurements of one cell in pixels, by the names of :data:`FEATURES`; NaN if one is not defined."""

    values: dict[str, float]

    def to_units(self, pixel_size: float | None) -> dict[str, float]:
        """Return the measurements with lengths in µm and areas in µm².

        Args:
            pixel_size: Pixel size in µm, or ``None`` to keep pixels.

        Raises:
            ValueError: If it is not positive and finite.
        """
        if pixel_size is None:
            return dict(self.values)
        if not pixel_size > 0 or not math.isfinite(pixel_size):
            raise ValueError(f"Argument `pixel_size` must be a positive number of µm. Received: {pixel_size}")
        return {name: value * pixel_size ** FEATURES[name].power for name, value in self.values.items()}


@dataclass(frozen=True, eq=False)
class CellResult:
    """A cell that a model found, or a crop in which it found none.

    Attributes:
        image_name: Name of the image file.
        load: Returns the crop and its class ids. They are loaded only when needed, because thousands of images do not
            fit into memory; see :func:`build_in_memory_loader` for those that do.
        model: Name of the model.
        features: Its measurements; ``None`` if no cell was found.
        image_size: Height and width of the image that the crop is from.
        offset: Column and row of the crop in its field of view; ``None`` if the image is a crop itself.
        cell_index: Number of the cell in its field of view, from 1 and without gaps, also after corrections; 0 if the
            image is a crop itself.
        id: Its id in :attr:`wbcseg.inference.Segmentation.instances`, from 1; corrections do not change it.
        score: How certain it is that this is a white cell, 0 to 1.
        status: Quality status, one of :data:`wbcseg.quality.STATUSES`; empty if quality was not assessed.
        reasons: Reasons for the status, as short sentences.
        dice: Dice by region against an expert mask, if there is one.
        seen_in_training: Whether the model was trained on this image and mask, so that the Dice is optimistic.
        cut_edges: Which edges of the image cut the cell: it has pixels in the first or last row or column.
        origin: Whether the model detected it, or a person added or changed it.
        centroid: Mean x and y of its pixels in the field of view; ``None`` if the image is a crop itself.
        in_region: Whether its centroid is in the region that a person drew to count in; ``None`` without a region.
        predicted_type: Its type by the type model, such as ``neutrophil``, or :data:`UNSURE`; empty without a type
            model.
        type_probabilities: The type model's probability of each type; empty without a type model.
        subtype: Its subtype by the type model if it is clear, such as ``band neutrophil``; else empty.
        type_evidence: The type model's probabilities of subtypes before any prior; empty without a type model. With
            them, types can be given anew under another prior, without looking at the cell again.
        assigned_type: The type that a person gave it; empty if nobody did.
    """

    image_name: str
    load: Callable[[], Pixels] = field(repr=False)
    model: str
    features: CellFeatures | None
    image_size: tuple[int, int]
    offset: tuple[int, int] | None = None
    cell_index: int = 0
    id: int = 1
    score: float = 1.0
    status: str = ""
    reasons: tuple[str, ...] = ()
    dice: Mapping[str, float] = field(default_factory=dict)
    seen_in_training: bool = False
    cut_edges: ImageEdges = NO_EDGES
    origin: CellOrigin = "model"
    centroid: tuple[float, float] | None = None
    in_region: bool | None = None
    predicted_type: str = ""
    type_probabilities: Mapping[str, float] = field(default_factory=dict)
    subtype: str = ""
    type_evidence: tuple[float, ...] = field(default=(), repr=False)
    assigned_type: str = ""

    @property
    def type(self) -> str:
        """Its type: the one that a person gave it, else the type model's; empty if there is neither."""
        return self.assigned_type or self.predicted_type

    @property
    def is_refiled(self) -> bool:
        """Whether a person gave it another type than the type model."""
        return bool(self.predicted_type) and self.assigned_type not in ("", self.predicted_type)


@dataclass(frozen=True, eq=False)
class ImageReport:
    """The results of one image, or why the file could not be used.

    Attributes:
        name: Name of the file.
        size: Height and width; ``None`` if it could not be read.
        cells: Its cells, model by model. A crop has one per model, a field of view any number.
        models: Names of the models that segmented it, including those that found nothing.
        problem: Why it was not used; else ``None``.
        note: Anything else to report, such as why the expert mask was not used.
        mask_rejected: Whether it came with an expert mask that could not be used.
        field_renderers: For a field of view, by model: returns the whole field with outlines and numbers of its cells,
            reduced to page size, ``uint8[h, w, 3]``.
    """

    name: str
    size: tuple[int, int] | None
    cells: tuple[CellResult, ...] = ()
    models: tuple[str, ...] = ()
    problem: Problem | None = None
    note: str = ""
    mask_rejected: bool = False
    field_renderers: Mapping[str, Callable[[], NDArray[np.uint8]]] = field(default_factory=dict, repr=False)

    def iter_by_model(self) -> Iterator[tuple[str, tuple[CellResult, ...]]]:
        """Yield each model that segmented the image, with its cells."""
        for model in self.models:
            yield model, self.get_cells(model)

    def get_cells(self, model: str) -> tuple[CellResult, ...]:
        """Return the cells that a model found."""
        return tuple(cell for cell in self.cells if cell.model == model)


Results = Sequence[CellResult | ImageReport]
"""What can be exported: images, or cells alone if nothing else is known of their images."""


def build_in_memory_loader(image: NDArray[np.uint8], labels: Labels) -> Callable[[], Pixels]:
    """Return a loader of pixels that are in memory."""
    return lambda: (image, labels)


def group_by_image(results: Results) -> list[ImageReport]:
    """Return results by image, with cells that stand alone grouped by the image that they are from.

    Cells are from one image if its name is the same, unless a model's numbering starts again.

    Args:
        results: Images, or the cells of each of them.
    """
    reports: list[ImageReport] = []
    index_by_name: dict[str, int] = {}
    for result in results:
        if isinstance(result, ImageReport):
            reports.append(result)
            continue
        index = index_by_name.get(result.image_name)
        if index is None or (result.cell_index <= 1 and result.model in reports[index].models):
            index_by_name[result.image_name] = len(reports)
            reports.append(ImageReport(result.image_name, result.image_size, (result,), (result.model,)))
        else:
            report = reports[index]
            models = tuple(dict.fromkeys((*report.models, result.model)))
            reports[index] = replace(report, cells=(*report.cells, result), models=models)
    return reports
