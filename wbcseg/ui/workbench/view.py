"""The workbench on a page: the cells of many images, what follows from their types, and a field of view to correct."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from wbcseg.errors import EditError, WbcsegError
from wbcseg.pipeline import ImageResult
from wbcseg.pipeline.tiles import render_large_tile
from wbcseg.ui.corrections import CorrectionKey
from wbcseg.ui.counting import get_edge_rule
from wbcseg.ui.viewer.payload import encode_payload
from wbcseg.ui.workbench import COMPONENT_KEY, send_payload, show_workbench
from wbcseg.ui.workbench.cells import WorkbenchCell, collect_cells
from wbcseg.ui.workbench.differential_view import show_differential
from wbcseg.ui.workbench.operations import History, read_operations
from wbcseg.ui.workbench.payload import build_props, encode_cells, encode_sheets
from wbcseg.ui.workbench.sections import PLOTS, get_section, show_sections
from wbcseg.ui.workbench.sprites import SpriteAtlas
from wbcseg.ui.workbench.state import Selection, read_look

LARGE_SIDE: Final = 600
"""Side of a large tile in pixels."""

_STATE_KEY: Final = "workbench_state"


@dataclass(frozen=True, eq=False)
class WorkbenchSource:
    """Where the cells come from.

    Attributes:
        id: Identifies it, so that the browser can tell when another one begins.
        get_results: Returns the results, with all corrections of this session.
        get_key: Returns what the corrections of an image are kept under.
        pixel_size: Pixel size in µm, or ``None``.
        show_field: Shows an image in the viewer, where its masks can be corrected; ``None`` if there are no pixels.
        reading_context: Entered while images are read.
        show_table: Shows a table of the images and cells below; ``None`` without one.
    """

    id: str
    get_results: Callable[[], Sequence[ImageResult]]
    get_key: Callable[[ImageResult], CorrectionKey]
    pixel_size: float | None = None
    show_field: Callable[[ImageResult], None] | None = None
    reading_context: Callable[[], AbstractContextManager[None]] = nullcontext
    show_table: Callable[[], None] | None = None


@dataclass(eq=False)
class _State:
    """What the session knows of the workbench.

    Attributes:
        source_id: Id of the source.
        atlas: The sheets of tiles.
        history: What can be undone.
        selection: The cells that are selected, and the one that is shown large.
        targets: Image and id of each cell by its key, for the messages of the browser.
        digest: Digest of the list of cells that is shown.
        encoded: The last list of cells: what it was made of, its digest and its payload.
        large: The last large tile: key of the cell and its payload with digest.
        open_position: Place of the image that is open in the viewer, or ``None``.
        must_rerun: Whether the whole page has to run.
    """

    source_id: str
    atlas: SpriteAtlas = field(default_factory=SpriteAtlas)
    history: History = field(default_factory=History)
    selection: Selection = field(default_factory=Selection)
    targets: dict[str, tuple[CorrectionKey, int]] = field(default_factory=dict)
    digest: str = ""
    encoded: tuple[object, str, bytes] | None = None
    large: tuple[object, str, str, bytes] | None = None
    open_position: int | None = None
    must_rerun: bool = False


def show(source: WorkbenchSource) -> None:
    """Show the workbench. Call it at the top level of a page, because the viewer is part of it.

    Args:
        source: The cells.
    """
    state = _get_state(source.id)
    _show_cells(source)
    results = source.get_results()
    if state.open_position is None or source.show_field is None or state.open_position >= len(results):
        return
    result = results[state.open_position]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader("Correct the cells of the image")
        st.button("Close", icon=":material/close:", on_click=_close, args=(source.id,), key="workbench_close")
    with source.reading_context():
        source.show_field(result)


@st.fragment
def _show_cells(source: WorkbenchSource) -> None:
    state = _get_state(source.id)
    if state.must_rerun:
        state.must_rerun = False
        st.rerun(scope="app")
    results = list(source.get_results())
    cells = collect_cells(results)
    if cells:
        samples = show_differential(cells, results)
        with st.container(key="workbench_cells"):
            _show_gallery(source, state, cells)
        show_sections(cells, samples, state.selection, source.pixel_size)
    else:
        st.info("There are no cells to show yet.", icon=":material/search_off:")
    if source.show_table is not None:
        st.subheader("Images and cells", anchor=False)
        source.show_table()


def _show_gallery(source: WorkbenchSource, state: _State, cells: Sequence[WorkbenchCell]) -> None:
    """Show the cells as tiles or rows, with details."""
    state.targets = {cell.key: (source.get_key(cell.result), cell.cell.id) for cell in cells}
    places = _place_tiles(state.atlas, cells)
    sheets = encode_sheets(state.atlas, places)
    state.digest, payload = _encode_cells(state, source, cells, places)
    show_workbench(
        build_props(
            cells,
            state.digest,
            [sheets[number][0] if number in sheets else "" for number in range(max(sheets, default=-1) + 1)],
            operations=state.history.to_props(),
            selection=state.selection.to_props(),
            large=_send_large(state, source, cells),
            reports_selection=get_section() == PLOTS,
            can_open=source.show_field is not None,
            is_open=state.open_position is not None,
        ),
        on_operations=_on_operations,
        on_look=_on_look,
        on_open=_on_open,
    )
    with st.container(gap=None):
        send_payload(state.digest, payload)
        # Sheets of identical cells are identical, and no message is sent twice.
        for sheet_digest, sheet in dict(sheets.values()).items():
            send_payload(sheet_digest, sheet)


def _get_state(source_id: str) -> _State:
    state: _State | None = st.session_state.get(_STATE_KEY)
    if state is None or state.source_id != source_id:
        state = st.session_state[_STATE_KEY] = _State(source_id)
    return state


def _place_tiles(atlas: SpriteAtlas, cells: Sequence[WorkbenchCell]) -> list[tuple[int, int]]:
    """Return sheet and slot of each cell's tile; -1 without one."""
    places = iter(atlas.place(cell.tile for cell in cells if cell.tile))
    return [next(places) if cell.tile else (-1, -1) for cell in cells]


def _encode_cells(
    state: _State, source: WorkbenchSource, cells: Sequence[WorkbenchCell], places: Sequence[tuple[int, int]]
) -> tuple[str, bytes]:
    """Return the list of cells, encoded again only if it changed: a cell that is measured anew has another tile."""
    edge_rule = get_edge_rule()
    made_of = (source.pixel_size, edge_rule, [_list_shown(cell) for cell in cells])
    if state.encoded is None or state.encoded[0] != made_of:
        encoded = encode_cells(cells, places, source=source.id, pixel_size=source.pixel_size, edge_rule=edge_rule)
        state.encoded = (made_of, *encoded)
    return state.encoded[1], state.encoded[2]


def _list_shown(cell: WorkbenchCell) -> tuple[object, ...]:
    """Return what of a cell the list of cells is made of."""
    own = cell.cell
    return cell.key, cell.tile, own.features, own.type_probabilities, own.predicted_type, own.status, own.origin


def _send_large(state: _State, source: WorkbenchSource, cells: Sequence[WorkbenchCell]) -> dict[str, str] | None:
    """Send the active cell with more pixels. Return its key and the digest of its image; ``None`` without one."""
    cell = next((cell for cell in cells if cell.key == state.selection.focus), cells[0])
    if cell.result.load is None or cell.tile is None:
        return None
    if state.large is None or state.large[0] is not cell.tile:
        with contextlib.suppress(WbcsegError), source.reading_context():
            jpeg = render_large_tile(cell.result.load()[0], cell.cell, LARGE_SIDE)
            digest = hashlib.sha256(jpeg).hexdigest()[:24]
            state.large = (cell.tile, cell.key, digest, encode_payload({"digest": digest}, {"image": jpeg}))
    if state.large is None or state.large[1] != cell.key:
        return None
    _, key, digest, payload = state.large
    with st.container(gap=None):
        send_payload(digest, payload)
    return {"key": key, "digest": digest}


def _read(name: str) -> Any:
    return st.session_state[COMPONENT_KEY].get(name)


def _on_operations() -> None:
    state: _State = st.session_state[_STATE_KEY]
    # The browser may send anything.
    with contextlib.suppress(EditError):
        _, client, operations = read_operations(_read("operations"))
        state.history.perform(client, operations, state.targets)


def _on_look() -> None:
    state: _State = st.session_state[_STATE_KEY]
    with contextlib.suppress(EditError):
        digest, focus, keys = read_look(_read("look"))
        if digest == state.digest:
            state.selection.focus, state.selection.keys = focus, keys


def _on_open() -> None:
    state: _State = st.session_state[_STATE_KEY]
    value = _read("open")
    key = value.get("key") if isinstance(value, dict) else None
    if isinstance(key, str) and key in state.targets:
        state.open_position = int(key.partition(".")[0])
        state.must_rerun = True


def _close(source_id: str) -> None:
    _get_state(source_id).open_position = None
