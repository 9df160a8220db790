"""Records of what was found: cells, and the images that they are in, including those without any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import Problem
from wbcseg.features import CellFeatures
from wbcseg.labels import Labels

Pixels = tuple[NDArray[np.uint8], Labels]
"""An image, ``uint8[H, W, 3]``, and its class ids, ``uint8[H, W]``."""


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
        cell_index: Number of the cell in its field of view, from 1; 0 if the image is a crop itself.
        status: Quality status, one of :data:`wbcseg.quality.STATUSES`; empty if quality was not assessed.
        reasons: Reasons for the status, as short sentences.
        dice: Dice by region against an expert mask, if there is one.
        seen_in_training: Whether the model was trained on this image and mask, so that the Dice is optimistic.
    """

    image_name: str
    load: Callable[[], Pixels] = field(repr=False)
    model: str
    features: CellFeatures | None
    image_size: tuple[int, int]
    offset: tuple[int, int] | None = None
    cell_index: int = 0
    status: str = ""
    reasons: tuple[str, ...] = ()
    dice: Mapping[str, float] = field(default_factory=dict)
    seen_in_training: bool = False


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
        field_renderers: For a field of view, by model: returns the whole field with its cells in numbered boxes,
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
            yield model, tuple(cell for cell in self.cells if cell.model == model)


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
