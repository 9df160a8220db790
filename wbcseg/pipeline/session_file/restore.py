"""Restore the results of a session file: without its images, as far as records go; with them, from the beginning."""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import cache, partial
from typing import NoReturn

import numpy as np

from wbcseg.datasets.uploads import InputImage, Upload
from wbcseg.errors import ErrorCode, ImageError, Problem, WbcsegError
from wbcseg.features import FEATURES, CellFeatures
from wbcseg.io import open_image
from wbcseg.io.encode import encode_jpeg
from wbcseg.io.mask_meaning import as_correction
from wbcseg.pipeline.edit_values import parse_edits
from wbcseg.pipeline.edits import Edit
from wbcseg.pipeline.image_result import ImageResult
from wbcseg.pipeline.session_file.read import SessionArchive
from wbcseg.pipeline.session_file.records import Session, SessionCell, SessionImage
from wbcseg.pipeline.tiles import TILE_SIDE, Ring, Tile, cut_square
from wbcseg.results import CellResult


def read_edits(image: SessionImage) -> tuple[Edit, ...]:
    """Return the corrections of an image.

    Raises:
        EditError: If they are not valid.
    """
    return parse_edits([_to_lists(asdict(edit)) for edit in image.edits])


def build_results(session: Session, archive: SessionArchive) -> list[ImageResult]:
    """Return the results of a session without reading its images: cells have no pixels, but tiles where it has them.

    Args:
        session: The session.
        archive: Its files.

    Raises:
        WbcsegError: If a correction or a tile is not valid.
    """
    return [_build_result(image, archive) for image in session.images]


def list_inputs(session: Session, archive: SessionArchive) -> tuple[list[Upload], list[InputImage]]:
    """Return the images and masks of a session as uploads, and as inputs; both are empty if it has none.

    Args:
        session: The session.
        archive: Its files.
    """
    uploads, inputs = [], []
    for number, image in enumerate(session.images):
        if not image.file:
            continue
        # What is read depends on the session: another one may have other bytes under the same names.
        key = f"session {archive.digest} {number}"
        uploads.append(Upload(image.name, partial(archive.read_image, image.file), key))
        load_mask = partial(archive.read_image, image.mask_file) if image.mask_file else None
        if load_mask is not None:
            uploads.append(Upload(image.mask_name, load_mask, f"{key} mask"))
        inputs.append(
            InputImage(
                image.name,
                key,
                partial(archive.read_image, image.file),
                mask_name=image.mask_name if load_mask else "",
                load_mask=load_mask,
                page="rgb" if image.page == "rgb" else int(image.page) if image.page else None,
                mask_correction=as_correction(image.mask_correction) if image.mask_correction else None,
            )
        )
    return uploads, inputs


def _build_result(image: SessionImage, archive: SessionArchive) -> ImageResult:
    problem = None
    if image.problem:
        problem = Problem(f"{image.name}: {image.problem}", image.name, image.problem)
    size = (image.size[0], image.size[1]) if image.size else None
    tiles = tuple(_build_tile(cell, archive) for cell in image.cells)
    return ImageResult(
        InputImage(image.name, f"session {image.digest} {image.name}", partial(_reject_pixels, image.name)),
        size,
        image.is_field_of_view,
        tuple(_build_cell(image, cell, size) for cell in image.cells) if size else (),
        problem=problem,
        notices=image.notices,
        model=image.model,
        digest=image.digest,
        edits=read_edits(image),
        tiles=tiles,
    )


def _build_cell(image: SessionImage, cell: SessionCell, size: tuple[int, int]) -> CellResult:
    top, bottom, left, right = cell.cut_edges
    return CellResult(
        image.name,
        partial(_reject_pixels, image.name),
        image.model,
        CellFeatures({name: cell.features.get(name, math.nan) for name in FEATURES}),
        size,
        offset=(cell.offset[0], cell.offset[1]) if cell.offset else None,
        cell_index=cell.index,
        id=cell.id,
        score=cell.score,
        status=cell.status,
        reasons=cell.reasons,
        dice=cell.dice,
        cut_edges=(top, bottom, left, right),
        origin="person" if cell.origin == "person" else "model",
        centroid=(cell.centroid[0], cell.centroid[1]) if cell.centroid else None,
        in_region=cell.in_region,
        predicted_type=cell.predicted_type,
        subtype=cell.subtype,
        type_evidence=cell.type_evidence,
        type_probabilities=cell.type_probabilities,
        assigned_type=cell.assigned_type,
    )


def _build_tile(cell: SessionCell, archive: SessionArchive) -> Tile:
    """Return the tile of a cell; grey if the session has no image of it, or it cannot be read."""
    outline, nuclei = _unflatten(cell.outline), tuple(map(_unflatten, cell.nuclei))
    jpeg = _make_grey_tile()
    if cell.tile:
        try:
            # Decoded by the one module that untrusted images pass, and encoded again.
            pixels = open_image(archive.read_tile(cell.tile), name=cell.tile).pixels
            middle = (pixels.shape[1] / 2, pixels.shape[0] / 2)
            jpeg = encode_jpeg(cut_square(pixels, middle, float(min(pixels.shape[:2])), TILE_SIDE))
        except WbcsegError:
            jpeg = _make_grey_tile()
    return Tile(jpeg, cell.square or 1.0, outline, nuclei)


@cache
def _make_grey_tile() -> bytes:
    return encode_jpeg(np.full((TILE_SIDE, TILE_SIDE, 3), 150, np.uint8))


def _unflatten(values: tuple[int, ...]) -> Ring:
    return tuple(zip(values[::2], values[1::2], strict=True))


def _to_lists(values: dict[str, object]) -> dict[str, object]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _reject_pixels(name: str) -> NoReturn:
    raise ImageError(
        f"Image {name} is not part of the session file.",
        file=name,
        reason="The image is not part of the session file.",
        code=ErrorCode.NOT_FOUND,
        hint="Save the session with its images, or upload them again.",
    )
