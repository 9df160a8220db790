"""Write a session file."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from wbcseg import __version__
from wbcseg.io import make_safe_stem
from wbcseg.pipeline.edits import Point
from wbcseg.pipeline.image_result import ImageResult
from wbcseg.pipeline.session_file.records import (
    JSON_NAME,
    VERSION,
    Session,
    SessionCell,
    SessionEdit,
    SessionImage,
    SessionSettings,
)
from wbcseg.pipeline.tiles import Tile
from wbcseg.results import CellResult

SESSION_FILE: Final = "session.zip"
"""Name of a session file."""

Content = Literal["results", "tiles", "images"]
"""What it holds besides the results: nothing, small images of the cells, or also the images and masks."""


@dataclass(frozen=True)
class ImageState:
    """What a person did with an image besides the corrections that are in force in its result.

    Attributes:
        region: Corners of the region to count in, or ``None``.
        as_field: Whether a crop was made a field of view.
    """

    region: tuple[Point, ...] | None = None
    as_field: bool = False


def write_session(
    results: Sequence[ImageResult],
    settings: SessionSettings,
    *,
    get_state: Callable[[ImageResult], ImageState] = lambda _: ImageState(),
    content: Content = "tiles",
) -> bytes:
    """Return a session file.

    Args:
        results: The results, with the corrections in force.
        settings: The settings of the page.
        get_state: Returns what else a person did with an image.
        content: What it holds besides the results.

    Raises:
        WbcsegError: If an image is to be part of it and cannot be read any more.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        images = [
            _write_image(archive, number, result, get_state(result), content)
            for number, result in enumerate(results, start=1)
        ]
        session = Session(VERSION, __version__, settings, tuple(images))
        archive.writestr(JSON_NAME, json.dumps(asdict(session), allow_nan=False))
    return buffer.getvalue()


def _write_image(
    archive: zipfile.ZipFile, number: int, result: ImageResult, state: ImageState, content: Content
) -> SessionImage:
    tiles: Sequence[Tile | None] = result.tiles or [None] * len(result.cells)
    cells = []
    for cell, tile in zip(result.cells, tiles, strict=True):
        tile_name = ""
        if content != "results" and tile is not None:
            tile_name = f"tiles/{number:05}/{cell.id:05}.jpg"
            # Compressed already.
            archive.writestr(tile_name, tile.jpeg, zipfile.ZIP_STORED)
        if cell.features is not None:
            cells.append(_build_cell(cell, tile, tile_name))
    source, names = result.input_image, ["", ""]
    if content == "images" and source.problem is None:
        stem = f"images/{number:05}-{make_safe_stem(source.name, set())}"
        for index, (load, suffix) in enumerate(((source.load, ""), (source.load_mask, "_mask"))):
            if load is not None:
                names[index] = f"{stem}{suffix}"
                archive.writestr(names[index], load(), zipfile.ZIP_STORED)
    return SessionImage(
        name=result.name,
        digest=result.digest,
        size=tuple(result.size or ()),
        is_field_of_view=result.is_field_of_view,
        model=result.model,
        cells=tuple(cells),
        edits=tuple(SessionEdit(**vars(edit)) for edit in result.edits),
        region=state.region,
        as_field=state.as_field,
        notices=result.notices,
        problem=(result.problem.text_without_names or "It could not be read.") if result.problem else "",
        file=names[0],
        mask_name=source.mask_name or "",
        mask_file=names[1],
        page="" if result.page is None else str(result.page),
        mask_correction=source.mask_correction or "",
    )


def _build_cell(cell: CellResult, tile: Tile | None, tile_name: str) -> SessionCell:
    values = cell.features.values if cell.features else {}
    return SessionCell(
        id=cell.id,
        index=cell.cell_index,
        features={name: float(value) for name, value in values.items() if math.isfinite(value)},
        offset=tuple(cell.offset or ()),
        centroid=tuple(cell.centroid or ()),
        score=float(cell.score),
        status=cell.status,
        reasons=cell.reasons,
        dice={name: float(value) for name, value in cell.dice.items() if math.isfinite(value)},
        cut_edges=cell.cut_edges,
        origin=cell.origin,
        in_region=cell.in_region,
        predicted_type=cell.predicted_type,
        type_probabilities={name: float(value) for name, value in cell.type_probabilities.items()},
        subtype=cell.subtype,
        type_evidence=tuple(float(f"{value:.6g}") for value in cell.type_evidence),
        assigned_type=cell.assigned_type,
        square=float(tile.square) if tile else 0.0,
        outline=_flatten(tile.outline) if tile else (),
        nuclei=tuple(map(_flatten, tile.nuclei)) if tile else (),
        tile=tile_name,
    )


def _flatten(ring: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(coordinate for point in ring for coordinate in point)
