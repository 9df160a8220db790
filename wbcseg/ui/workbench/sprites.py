"""Sheets of tiles: many cells in one image, so that thousands of them need few messages and few decoded images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np

from wbcseg.io.encode import decode_preview, encode_jpeg
from wbcseg.pipeline.tiles import COORDINATE_SCALE, TILE_SIDE, Tile
from wbcseg.ui.viewer.payload import encode_payload

COLUMNS: Final = 12
"""Tiles in a row of a sheet."""

SHEET_TILES: Final = COLUMNS * COLUMNS
"""Tiles of a sheet."""


class SpriteAtlas:
    """Sheets to which tiles are added. A tile stays where it is, so only the last sheet changes."""

    def __init__(self) -> None:
        self._places: dict[Tile, int] = {}
        self._sheets: list[list[Tile]] = []
        self._payloads: dict[int, tuple[int, str, bytes]] = {}

    def place(self, tiles: Iterable[Tile]) -> list[tuple[int, int]]:
        """Return sheet and slot of tiles; new ones are added.

        Args:
            tiles: The tiles.
        """
        places = []
        for tile in tiles:
            index = self._places.get(tile)
            if index is None:
                index = self._places[tile] = len(self._places)
                if index % SHEET_TILES == 0:
                    self._sheets.append([])
                self._sheets[-1].append(tile)
            places.append(divmod(index, SHEET_TILES))
        return places

    def encode(self, sheet: int) -> tuple[str, bytes]:
        """Return digest and payload of a sheet.

        Args:
            sheet: Its number, from 0.
        """
        tiles = self._sheets[sheet]
        known = self._payloads.get(sheet)
        if known is None or known[0] != len(tiles):
            known = self._payloads[sheet] = (len(tiles), *_encode_sheet(tiles))
        return known[1], known[2]


def _encode_sheet(tiles: list[Tile]) -> tuple[str, bytes]:
    rows = -(-len(tiles) // COLUMNS)
    pixels = np.full((rows * TILE_SIDE, COLUMNS * TILE_SIDE, 3), 255, np.uint8)
    outlines, rings = bytearray(), []
    digest = hashlib.sha256()
    for index, tile in enumerate(tiles):
        row, column = divmod(index, COLUMNS)
        top, left = row * TILE_SIDE, column * TILE_SIDE
        pixels[top : top + TILE_SIDE, left : left + TILE_SIDE] = decode_preview(tile.jpeg)
        rings.append([len(outlines), *(len(ring) for ring in (tile.outline, *tile.nuclei))])
        for ring in (tile.outline, *tile.nuclei):
            outlines += bytes(coordinate for point in ring for coordinate in point)
        digest.update(tile.jpeg)
    digest.update(outlines)
    name = digest.hexdigest()[:24]
    header = {"digest": name, "columns": COLUMNS, "extent": COORDINATE_SCALE * TILE_SIDE, "rings": rings}
    return name, encode_payload(header, {"image": encode_jpeg(pixels), "outlines": bytes(outlines)})
