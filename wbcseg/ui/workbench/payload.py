"""What the workbench's component gets: the cells, which change seldom, and their types, which change often."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wbcseg.counting import is_counted
from wbcseg.differential import ASSIGNABLE_TYPES, TYPE_COLOURS
from wbcseg.features import FEATURES
from wbcseg.io import format_display_name
from wbcseg.quality import STATUS_LABELS, STATUSES
from wbcseg.ui.components.cell_table import TABLE_FEATURES
from wbcseg.ui.viewer.payload import encode_payload
from wbcseg.ui.viewer.type_props import get_type_index
from wbcseg.ui.workbench.cells import WorkbenchCell
from wbcseg.ui.workbench.sprites import SpriteAtlas

SHOWN_FEATURES: Final = tuple(name for name in FEATURES if name != "touches_edge")
"""Measurements in the workbench."""

SIGNIFICANT_DIGITS: Final = 5


def encode_cells(
    cells: Sequence[WorkbenchCell],
    places: Sequence[tuple[int, int]],
    *,
    source: str,
    pixel_size: float | None = None,
    edge_rule: str,
) -> tuple[str, bytes]:
    """Return digest and payload of the list of cells: everything but the types that a person gave.

    Args:
        cells: The cells.
        places: Sheet and slot of each one's tile; the sheets are numbered from 0.
        source: Identifies the batch or session, so that the browser can tell when another one begins.
        pixel_size: Pixel size in µm, or ``None``.
        edge_rule: Which of the cells cut by the image edge count.
    """
    names = list(dict.fromkeys(cell.result.name for cell in cells))
    image_indices = {name: index for index, name in enumerate(names)}
    values = [cell.cell.features.to_units(pixel_size) if cell.cell.features else {} for cell in cells]
    columns = {
        "key": [cell.key for cell in cells],
        "image": [image_indices[cell.result.name] for cell in cells],
        "number": [cell.cell.cell_index for cell in cells],
        "predicted": [get_type_index(cell.cell.predicted_type) for cell in cells],
        "probabilities": [_list_probabilities(cell.cell.type_probabilities) for cell in cells],
        "status": [STATUSES.index(cell.cell.status) if cell.cell.status in STATUSES else -1 for cell in cells],
        "reasons": [list(cell.cell.reasons) for cell in cells],
        "corrected": [int(cell.cell.origin == "person") for cell in cells],
        "counted": [int(is_counted(cell.cell, edge_rule)) for cell in cells],
        "square": [round(cell.tile.square, 1) if cell.tile else 1.0 for cell in cells],
        "sheet": [sheet for sheet, _ in places],
        "slot": [slot for _, slot in places],
        "values": [[_round(each.get(name, math.nan)) for each in values] for name in SHOWN_FEATURES],
    }
    content = {
        "source": source,
        "images": [format_display_name(name) for name in names],
        "types": [
            {"name": name, "title": name.capitalize(), "colour": TYPE_COLOURS[name]} for name in ASSIGNABLE_TYPES
        ],
        "statuses": [{"name": status, "label": STATUS_LABELS[status]} for status in STATUSES],
        "features": [_describe_feature(name, pixel_size) for name in SHOWN_FEATURES],
        "default_columns": [SHOWN_FEATURES.index(name) for name in TABLE_FEATURES],
        "columns": columns,
    }
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]
    return digest, encode_payload({"digest": digest, **content}, {})


def build_props(
    cells: Sequence[WorkbenchCell],
    digest: str,
    sheet_digests: Sequence[str],
    *,
    operations: Mapping[str, Any],
    selection: Mapping[str, Any],
    large: Mapping[str, str] | None,
    reports_selection: bool,
    can_open: bool,
    is_open: bool = False,
) -> dict[str, Any]:
    """Return what the component shows of cells that were sent.

    Args:
        cells: The cells, as in the payload.
        digest: Digest of the list of cells.
        sheet_digests: Digests of the sheets, by their number.
        operations: What of the browser's operations was done, and how many can be undone and redone.
        selection: Keys of the cells that were selected elsewhere, and the version of that selection.
        large: Key of the cell that was sent large, and digest of its image.
        reports_selection: Whether the browser is to say which cells are selected.
        can_open: Whether the mask of a cell can be corrected.
        is_open: Whether an image is open in the viewer.
    """
    return {
        "digest": digest,
        "sheets": list(sheet_digests),
        "types": [get_type_index(cell.cell.type) for cell in cells],
        "assigned": [int(bool(cell.cell.assigned_type)) for cell in cells],
        "operations": dict(operations),
        "selection": dict(selection),
        "large": dict(large) if large else None,
        "reports_selection": reports_selection,
        "can_open": can_open,
        "is_open": is_open,
    }


def encode_sheets(atlas: SpriteAtlas, places: Sequence[tuple[int, int]]) -> dict[int, tuple[str, bytes]]:
    """Return digest and payload of every sheet that tiles are on, by the sheet's number."""
    return {sheet: atlas.encode(sheet) for sheet in sorted({sheet for sheet, _ in places})}


def _list_probabilities(probabilities: Mapping[str, float]) -> list[float] | None:
    if not probabilities:
        return None
    return [round(float(probabilities.get(name, 0.0)), 3) for name in ASSIGNABLE_TYPES]


def _describe_feature(name: str, pixel_size: float | None) -> dict[str, Any]:
    spec = FEATURES[name]
    unit = {0: "", 1: "px" if pixel_size is None else "µm", 2: "px²" if pixel_size is None else "µm²"}[spec.power]
    title = TABLE_FEATURES.get(name, spec.title)
    decimals = spec.decimals if pixel_size is None or not spec.power else 1
    return {"name": name, "label": f"{title} ({unit})" if unit else title, "decimals": decimals}


def _round(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.{SIGNIFICANT_DIGITS}g}")
