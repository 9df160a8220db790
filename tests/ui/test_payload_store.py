"""Images of the viewer are kept in memory for their visitor, and answered by an address that nobody else knows."""

from __future__ import annotations

import gc
import io
from pathlib import Path

import numpy as np
import pytest
from asgi import Answer, send_request
from PIL import Image
from starlette.applications import Starlette

from wbcseg.ui.server import payloads, routes, scripts
from wbcseg.ui.server.payloads import MAX_PAYLOADS, MAX_TILED_IMAGES, TILE_SIDE, PayloadStore, get_store, shrink_by
from wbcseg.ui.viewer import tiles


class Client:
    def __init__(self, app: Starlette) -> None:
        self.app = app

    def get(self, path: str) -> Answer:
        return send_request(self.app, path)


@pytest.fixture
def client() -> Client:
    return Client(Starlette(routes=list(routes.create_routes("/cells"))))


def read_png(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_payload_is_answered_and_stored_nowhere_else(client: Client) -> None:
    store = PayloadStore()
    path = store.add("abc", b"WBP1 content")
    answer = client.get(f"/cells/{path}")
    assert answer.content == b"WBP1 content"
    assert answer.headers["cache-control"] == "no-store"
    assert client.get(f"/cells/{path}x").status_code == 404


def test_only_who_knows_the_token_gets_a_payload(client: Client) -> None:
    store, other = PayloadStore(), PayloadStore()
    path = store.add("abc", b"WBP1")
    assert len(store.token) >= 24
    assert client.get(f"/cells/{path.replace(store.token, other.token)}").status_code == 404
    assert client.get(f"/cells/{path.replace(store.token, 'guess')}").status_code == 404


def test_payloads_are_gone_with_their_visitor(client: Client) -> None:
    store = PayloadStore()
    path = store.add("abc", b"WBP1")
    token = store.token
    del store
    gc.collect()
    assert get_store(token) is None
    assert client.get(f"/cells/{path}").status_code == 404


def test_payloads_not_used_for_longest_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    store = PayloadStore()
    for number in range(MAX_PAYLOADS + 1):
        store.add(str(number), b"WBP1")
        store.add("first", b"WBP1")
    assert store.get("first") is not None
    assert store.get("0") is None
    monkeypatch.setattr(payloads, "MAX_BYTES", 10)
    store.add("large", bytes(20))
    assert store.get("large") is not None
    assert store.get("first") is None


def test_tiles_are_pixels_of_the_image(client: Client) -> None:
    image = np.random.default_rng(1).integers(0, 256, (1100, 2100, 3), np.uint8)
    store = PayloadStore()
    path = store.add("abc", b"WBP1", image)
    tile = client.get(f"/cells/{path}/0/4/2")
    assert tile.headers["content-type"] == "image/png"
    assert np.array_equal(read_png(tile.content), image[2 * TILE_SIDE :, 4 * TILE_SIDE :])
    half = read_png(client.get(f"/cells/{path}/1/0/0").content)
    assert half.shape == (512, 512, 3)
    assert half[0, 0, 0] == pytest.approx(image[:2, :2, 0].mean(), abs=1)
    assert read_png(client.get(f"/cells/{path}/1/2/1").content).shape == (38, 26, 3)


@pytest.mark.parametrize("place", ["0/5/0", "0/0/3", "17/0/0", "0/-1/0", "0/0/99999999999999"])
def test_there_are_no_tiles_beside_the_image(client: Client, place: str) -> None:
    store = PayloadStore()
    path = store.add("abc", b"WBP1", np.zeros((1100, 2100, 3), np.uint8))
    assert client.get(f"/cells/{path}/{place}").status_code == 404


def test_few_large_images_are_held() -> None:
    store = PayloadStore()
    for number in range(MAX_TILED_IMAGES + 1):
        store.add(str(number), b"WBP1", np.zeros((8, 8, 3), np.uint8))
    assert store.encode_tile("0", 0, 0, 0) is None
    assert store.encode_tile(str(MAX_TILED_IMAGES), 0, 0, 0) is not None


def test_a_script_has_an_address_that_changes_with_its_content(client: Client) -> None:
    loader = scripts.serve("viewer", "export default () => 1")
    assert loader != scripts.serve("viewer", "export default () => 2")
    path = loader.partition("../../")[2].partition('"')[0]
    answer = client.get(f"/cells/{path}")
    assert answer.text == "export default () => 1"
    assert "immutable" in answer.headers["cache-control"]
    assert client.get(f"/cells/{path}x").status_code == 404


def test_a_large_image_is_sent_shrunk() -> None:
    image = np.zeros((4000, 6000, 3), np.uint8)
    assert tiles.is_large(image)
    assert not tiles.is_large(image[:1000, :1000])
    assert tiles.describe(image) == {"width": 6000, "height": 4000, "side": 512, "levels": 2}
    overview = read_png(tiles.encode_overview(image))
    assert overview.shape == (1334, 2000, 3)
    assert shrink_by(image[:5, :5], 1).shape == (5, 5, 3)


def test_messages_are_never_replaced_by_references() -> None:
    settings = Path(__file__).parents[2] / ".streamlit" / "config.toml"
    assert "minCachedMessageSize = 1e12" in settings.read_text(encoding="utf-8")
