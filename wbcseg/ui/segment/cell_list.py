"""The cells of an image as a list beside the viewer, with the type of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wbcseg.inference import ModelEntry
from wbcseg.quality import STATUS_LABELS
from wbcseg.results import UNSURE, CellResult
from wbcseg.ui.cell_types import get_type_model
from wbcseg.ui.components.cell_table import DICE_TITLES, DISPLAYED_FEATURES, EDGE_FEATURE, TABLE_FEATURES
from wbcseg.ui.formatting import format_feature, format_feature_label, format_score
from wbcseg.ui.segment.view import PredictView
from wbcseg.ui.viewer.list_props import CellListProps, ListedCell, ListedType, ModelCells
from wbcseg.ui.viewer.type_props import TYPE_CHOICES, get_type_index

SHOWN_TYPES: Final = 3
"""How many of the likeliest types are shown."""

SUMMARY_FEATURE: Final = "nucleus_to_cell"
"""The measurement that the list shows; the details have all."""

LISTED_FEATURES: Final = (*DISPLAYED_FEATURES, EDGE_FEATURE)


def build_cell_list(
    view: PredictView,
    scored_cells: Mapping[str, tuple[CellResult, ...]],
    entries: Mapping[str, ModelEntry],
    pixel_size: float | None,
) -> CellListProps:
    """Return the cells that each model found.

    Args:
        view: The models' results.
        scored_cells: The cells by model, with their Dice if there is an expert mask.
        entries: The models by name.
        pixel_size: Pixel size in µm, or ``None``.
    """
    regions = [region for region in DICE_TITLES if any(cell.dice for cells in scored_cells.values() for cell in cells)]
    labels = [format_feature_label(name, pixel_size) for name in LISTED_FEATURES]
    type_model = get_type_model()
    min_confidence = None if type_model is None else type_model.card.calibration.min_confidence
    models = [
        ModelCells(
            name,
            entries[name].title,
            tuple(_list_cell(cell, regions, pixel_size, min_confidence) for cell in cells if cell.features is not None),
        )
        for name, cells in scored_cells.items()
    ]
    return CellListProps(
        view.digest,
        view.props.image_id,
        TABLE_FEATURES[SUMMARY_FEATURE],
        (*labels, *(DICE_TITLES[region] for region in regions)),
        tuple(models),
        TYPE_CHOICES,
        is_crop=not view.is_field_of_view,
    )


def describe_type(cell: CellResult, min_confidence: float | None) -> ListedType | None:
    """Return what is known of a cell's type; ``None`` without a type model and a type by a person.

    Args:
        cell: The cell.
        min_confidence: From which probability on the type model gives a type; ``None`` without one.
    """
    if not cell.type:
        return None
    ranked = sorted(cell.type_probabilities.items(), key=lambda item: -item[1])[:SHOWN_TYPES]
    title = cell.type.capitalize()
    note = ""
    if cell.assigned_type and cell.predicted_type:
        note = f"Type model: {cell.predicted_type}."
    elif cell.predicted_type == UNSURE and min_confidence is not None and ranked:
        note = (
            f"Unsure, because the likeliest type has {100 * ranked[0][1]:.0f} %; from {100 * min_confidence:.0f} % on, "
            "a type is given."
        )
    elif cell.subtype and not cell.assigned_type:
        title += f" ({cell.subtype})"
    return ListedType(
        get_type_index(cell.type),
        title,
        bool(cell.assigned_type),
        tuple((get_type_index(name), round(float(probability), 3)) for name, probability in ranked),
        note,
    )


def _list_cell(
    cell: CellResult, regions: list[str], pixel_size: float | None, min_confidence: float | None
) -> ListedCell:
    (left, top), (height, width) = cell.offset or (0, 0), cell.load()[1].shape
    notes = ("Added or changed by hand.",) if cell.origin == "person" else ()
    values = [format_feature(name, cell.features, pixel_size) for name in LISTED_FEATURES]
    return ListedCell(
        id=cell.id,
        number=cell.cell_index,
        status=cell.status,
        status_label=STATUS_LABELS.get(cell.status, ""),
        reasons=(*cell.reasons, *notes),
        bbox=(left, top, width, height),
        summary=format_feature(SUMMARY_FEATURE, cell.features, pixel_size),
        values=(*values, *(format_score(cell.dice[region]) for region in regions)),
        type=describe_type(cell, min_confidence),
    )
