"""What was found in pictures: cells, and the pictures that they are in, those without any included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from wbcseg.features import CellFeatures
from wbcseg.labels import Labels

Pixels = tuple[NDArray[np.uint8], Labels]


@dataclass(frozen=True, eq=False)
class CellResult:
    """One cell that a model found, or a crop in which it found none.

    Attributes:
        image_name: What the picture's file is called.
        load: Returns the crop, ``uint8[H, W, 3]``, and its class ids, ``uint8[H, W]``; only when they are needed,
            because thousands of pictures do not fit into memory. See :func:`build_in_memory_loader` for those that are there anyway.
        model: Name of the model.
        features: Its figures, ``None`` where no cell was found.
        image_size: Height and width of the picture that the crop is of.
        offset: Column and row of the crop in its field of view, where it was cut out of one.
        cell_index: Which cell of the field it is, from 1; 0 for a picture that is a crop itself.
        status: Whether to trust it, in two or three words; empty where that was not judged.
        reasons: Why, in plain sentences.
        dice: Dice by region against an expert's mask, where there is one.
        seen_in_training: Whether the model was trained on the picture and its mask, so that the Dice is better than on others.
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
    """A picture that was brought, and what came of it; also a file that could not be used.

    Attributes:
        name: What the file is called.
        size: Height and width, or ``None`` where it could not be read.
        cells: Its cells, one model after the other. A crop has one finding a model, a field of view any number.
        models: Names of the models that looked at it, also of those that found nothing.
        problem: Why it was not used, in a plain sentence; else empty.
        note: What else is to be said, such as why the expert's mask was not used.
        mask_rejected: Whether an expert's mask came along that could not be used.
        field_renderers: Of a field of view, by the model's name: returns the whole of it with its cells in numbered boxes, shrunk
            to the size of a page, ``uint8[h, w, 3]``.
    """

    name: str
    size: tuple[int, int] | None
    cells: tuple[CellResult, ...] = ()
    models: tuple[str, ...] = ()
    problem: str = ""
    note: str = ""
    mask_rejected: bool = False
    field_renderers: Mapping[str, Callable[[], NDArray[np.uint8]]] = field(default_factory=dict, repr=False)

    def iter_by_model(self) -> Iterator[tuple[str, tuple[CellResult, ...]]]:
        """Yield every model that looked at the picture, with what it found."""
        for model in self.models:
            yield model, tuple(cell for cell in self.cells if cell.model == model)


Results = Sequence[CellResult | ImageReport]
"""What is taken away: pictures, or cells alone where nothing else is known of their pictures."""


def build_in_memory_loader(image: NDArray[np.uint8], labels: Labels) -> Callable[[], Pixels]:
    """Return a loader of pixels that are in memory."""
    return lambda: (image, labels)


def group_by_image(results: Results) -> list[ImageReport]:
    """Return pictures; cells that are given alone are put together to those that they are of.

    Cells belong to one picture if its name is the same, unless a model begins anew with them.

    Args:
        results: Pictures, or the cells of each of them.
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
