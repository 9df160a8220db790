"""Read a session file. It may come from anywhere: sizes, names and every value are checked, and nothing is unpacked."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Final, NoReturn

from wbcseg.celltypes import SUBTYPE_NAMES
from wbcseg.counting import EDGE_RULES
from wbcseg.differential import ASSIGNABLE_TYPES, TYPE_NAMES
from wbcseg.errors import DatasetError, EditError, ErrorCode, WbcsegError
from wbcseg.features import FEATURES
from wbcseg.io import CORRECTION_LABELS, MAX_BYTES, MAX_PAGES, format_display_name
from wbcseg.io.records import read_record
from wbcseg.metrics import REGIONS
from wbcseg.pipeline.edit_values import MAX_POINTS
from wbcseg.pipeline.session_file.records import JSON_NAME, VERSION, Session, SessionCell, SessionImage
from wbcseg.pipeline.tiles import COORDINATE_SCALE, TILE_SIDE
from wbcseg.quality import STATUSES

MAX_FILE_BYTES: Final = 2_000_000_000
"""Largest session file."""

MAX_JSON_BYTES: Final = 200_000_000
"""Largest JSON in it, unpacked."""

MAX_ENTRIES: Final = 300_000
MAX_IMAGES: Final = 20_000
MAX_CELLS: Final = 200_000
MAX_TEXT: Final = 1_000
MAX_TILE_BYTES: Final = 200_000

_ENTRY_SIGNATURE: Final = b"PK\x01\x02"
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class SessionArchive:
    """The files of a session.

    Args:
        data: The whole session file.
        name: Its name, for messages.

    Raises:
        DatasetError: If it is no zip, or too large; code ``too_large``, ``damaged`` or ``encrypted``.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._name = name
        self.digest = hashlib.sha256(data).hexdigest()[:24]
        if len(data) > MAX_FILE_BYTES or data.count(_ENTRY_SIGNATURE) > MAX_ENTRIES:
            self.reject("It is too large.", ErrorCode.TOO_LARGE)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self._entries = {entry.filename: entry for entry in self._zip.infolist()}
        # The reader raises errors of many kinds, not only BadZipFile.
        except Exception:
            self.reject("It is not a session file, or is damaged.", ErrorCode.DAMAGED)

    def reject(self, reason: str, code: ErrorCode) -> NoReturn:
        """Raise the error for a file that cannot be used.

        Raises:
            DatasetError: Always.
        """
        shown = format_display_name(self._name)
        hint = "Save the session again, or choose another file."
        raise DatasetError(
            f"Session {shown} could not be opened. {reason}", file=self._name, reason=reason, code=code, hint=hint
        ) from None

    def read(self, name: str, limit: int) -> bytes:
        """Return the bytes of a file in it.

        Args:
            name: Its name.
            limit: Largest number of bytes.

        Raises:
            DatasetError: If there is no such file, or it is too large or damaged.
        """
        entry = self._entries.get(name)
        if entry is None:
            self.reject(f"It has no {format_display_name(name)}.", ErrorCode.NOT_FOUND)
        if entry.flag_bits & 0x1:
            self.reject("It is encrypted.", ErrorCode.ENCRYPTED)
        if entry.compress_type not in _METHODS:
            self.reject("Its compression method is not supported.", ErrorCode.UNSUPPORTED_ENCODING)
        try:
            with self._zip.open(entry) as file:
                data = file.read(limit + 1)
        except Exception:
            self.reject("It is damaged.", ErrorCode.DAMAGED)
        if len(data) > limit:
            self.reject("A file in it is too large.", ErrorCode.TOO_LARGE)
        return data

    def read_image(self, name: str) -> bytes:
        """Return the bytes of an image or mask in it."""
        return self.read(name, MAX_BYTES)

    def read_tile(self, name: str) -> bytes:
        """Return the bytes of a tile in it."""
        return self.read(name, MAX_TILE_BYTES)


def read_session(data: bytes, name: str) -> tuple[Session, SessionArchive]:
    """Read a session file.

    Args:
        data: The whole file.
        name: Its name, for messages.

    Returns:
        The session, and its files.

    Raises:
        DatasetError: If it cannot be used; see :class:`SessionArchive`, or code ``invalid_value`` for wrong values.
    """
    archive = SessionArchive(data, name)
    try:
        values = json.loads(archive.read(JSON_NAME, MAX_JSON_BYTES))
        version = values.get("version") if isinstance(values, dict) else None
        if version != VERSION:
            archive.reject(f"Its version is {str(version)[:20]}; {VERSION} can be read.", ErrorCode.INCOMPATIBLE)
        session = read_record(Session, values, "session")
        check_session(session)
    except WbcsegError as error:
        if isinstance(error, EditError):
            archive.reject(str(error), ErrorCode.INVALID_VALUE)
        raise
    # A number of thousands of digits is a ValueError, too; deeply nested lists exhaust the stack.
    except (ValueError, RecursionError, OverflowError) as error:
        archive.reject(f"Its values are not valid: {str(error)[:200]}", ErrorCode.INVALID_VALUE)
    return session, archive


def check_session(session: Session) -> None:
    """Check what the types of the values do not say.

    Args:
        session: The session.

    Raises:
        ValueError: If a value is out of range, or there are too many.
    """
    if len(session.images) > MAX_IMAGES or sum(len(image.cells) for image in session.images) > MAX_CELLS:
        raise ValueError(f"a session can have up to {MAX_IMAGES} images and {MAX_CELLS} cells")
    _require(session.settings.edge_rule in EDGE_RULES, "edge_rule")
    pixel_size = session.settings.pixel_size
    _require(pixel_size is None or 1e-3 <= pixel_size <= 100, "pixel_size")
    _require(all(len(text) <= MAX_TEXT for pair in session.settings.samples.items() for text in pair), "samples")
    for image in session.images:
        _check_image(image)


def _check_image(image: SessionImage) -> None:
    texts = (image.name, image.digest, image.model, image.problem, image.file, image.mask_name, image.mask_file)
    _require(bool(image.name) and all(len(text) <= MAX_TEXT for text in (*texts, *image.notices)), "image")
    _require(image.page in ("", "rgb") or (image.page.isdecimal() and int(image.page[:6]) < MAX_PAGES), "page")
    _require(image.mask_correction in ("", *CORRECTION_LABELS), "mask_correction")
    _require(len(image.size) in (0, 2) and all(0 < side < 10**6 for side in image.size), "size")
    _require(image.region is None or 3 <= len(image.region) <= MAX_POINTS, "region")
    _require(all(len(point) == 2 for point in image.region or ()), "region")
    ids = [cell.id for cell in image.cells]
    _require(len(set(ids)) == len(ids), "ids")
    _require(bool(image.size) or not image.cells, "cells")
    for cell in image.cells:
        _check_cell(cell)


def _check_cell(cell: SessionCell) -> None:
    _require(0 < cell.id < 2**16 and 0 <= cell.index < 2**16, "id")
    _require(len(cell.offset) in (0, 2) and len(cell.centroid) in (0, 2) and len(cell.cut_edges) == 4, "place")
    _require(set(cell.features) <= set(FEATURES) and set(cell.dice) <= set(REGIONS), "features")
    _require(cell.status in ("", *STATUSES) and cell.origin in ("model", "person"), "status")
    _require({cell.predicted_type, cell.assigned_type} <= {"", *ASSIGNABLE_TYPES}, "type")
    _require(cell.subtype in ("", *SUBTYPE_NAMES), "subtype")
    _require(len(cell.type_evidence) in (0, len(SUBTYPE_NAMES)), "type_evidence")
    _require(all(0 <= value <= 1 for value in cell.type_evidence), "type_evidence")
    probabilities = cell.type_probabilities
    _require(set(probabilities) <= set(TYPE_NAMES), "type_probabilities")
    _require(all(0 <= value <= 1 for value in (*probabilities.values(), cell.score)), "type_probabilities")
    _require(len(cell.reasons) <= 20 and all(len(text) <= MAX_TEXT for text in (*cell.reasons, cell.tile)), "reasons")
    rings = (cell.outline, *cell.nuclei)
    _require(len(rings) <= 50 and all(len(ring) % 2 == 0 and len(ring) <= 400 for ring in rings), "outline")
    _require(all(0 <= value <= COORDINATE_SCALE * TILE_SIDE for ring in rings for value in ring), "outline")
    _require(0 <= cell.square < 10**6, "square")


def _require(is_valid: bool, name: str) -> None:
    if not is_valid:
        raise ValueError(f"{name} is out of range")
