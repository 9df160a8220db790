"""The data that a page gives to the list of cells beside the viewer; the JavaScript reads it by these names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from wbcseg.ui.viewer.type_props import TypeChoice


@dataclass(frozen=True)
class ListedType:
    """What is known of a cell's type.

    Attributes:
        index: Place of its type among the choices; -1 without one.
        title: Its type for people, with the subtype if it is clear.
        is_assigned: Whether a person gave it.
        likeliest: The likeliest types by the type model: place among the choices, and probability, 0 to 1.
        note: What else to know, such as why it is unsure; may be empty.
    """

    index: int
    title: str
    is_assigned: bool
    likeliest: tuple[tuple[int, float], ...]
    note: str


@dataclass(frozen=True)
class ListedCell:
    """A cell in the list beside the viewer.

    Attributes:
        id: See :class:`CellProps`.
        number: See :class:`CellProps`.
        status: See :class:`CellProps`.
        status_label: See :class:`CellProps`.
        reasons: Why it has this status, and how it came about.
        bbox: Left, top, width and height of the cell's crop.
        summary: The measurement that the list shows.
        values: All measurements, in the order of the labels.
        type: Its type, or ``None`` without a type model and a type by a person.
    """

    id: int
    number: int
    status: str
    status_label: str
    reasons: tuple[str, ...]
    bbox: tuple[int, int, int, int]
    summary: str
    values: tuple[str, ...]
    type: ListedType | None = None


@dataclass(frozen=True)
class ModelCells:
    """The cells that a model found.

    Attributes:
        key: Key of the model's panel in the viewer.
        title: The model's title.
        cells: Its cells.
    """

    key: str
    title: str
    cells: tuple[ListedCell, ...]


@dataclass(frozen=True)
class CellListProps:
    """The cells of a field of view, for the list beside the viewer.

    Attributes:
        digest: Digest of the payload that holds the image.
        image_id: Sample id of the image.
        summary_title: Title of the measurement that the list shows.
        labels: Titles of all measurements.
        models: The cells of each model.
        types: The types that a person can give, in the order of the keys 1 to 9.
        is_crop: Whether the image is a crop: its one cell is shown without a list, and only its type.
    """

    digest: str
    image_id: str
    summary_title: str
    labels: tuple[str, ...]
    models: tuple[ModelCells, ...]
    types: tuple[TypeChoice, ...] = ()
    is_crop: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the props as JSON values."""
        return asdict(self)
