"""Networks that give their memory back."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from wbcseg.inference import set_max_loaded
from wbcseg.inference.tflite import TFLiteModel
from wbcseg.paths import get_weights_folder

DATA = (get_weights_folder() / "unet-16" / "model.tflite").read_bytes()
PICTURE = np.random.default_rng(0).random((48, 48, 3), np.float32)


@pytest.fixture(autouse=True)
def without_a_limit() -> Iterator[None]:
    """Pages set one, for the whole process."""
    set_max_loaded(None)
    yield
    set_max_loaded(None)


def in_memory() -> int:
    gc.collect()
    return sum(isinstance(one, Interpreter) for one in gc.get_objects())


def test_those_used_longest_ago_are_closed_and_find_the_same_when_they_open_again() -> None:
    before = in_memory()
    networks = [TFLiteModel(DATA, name="one", threads=1) for _ in range(4)]
    expected = [network(PICTURE) for network in networks]
    assert in_memory() - before == 4
    set_max_loaded(2)
    networks[0](PICTURE)
    assert in_memory() <= 2
    for _ in range(2):
        for network, found in zip(networks, expected, strict=True):
            np.testing.assert_array_equal(network(PICTURE), found)
            assert in_memory() <= 2


def test_without_a_limit_all_stay_open() -> None:
    before = in_memory()
    networks = [TFLiteModel(DATA, name="one", threads=1) for _ in range(5)]
    for network in networks:
        network(PICTURE)
    assert in_memory() - before == len(networks)


def test_a_busy_network_is_not_closed() -> None:
    network = TFLiteModel(DATA, name="one", threads=1)
    with network._lock:
        assert not network.unload()
    assert network.unload()


def test_many_threads_take_turns_at_few_places() -> None:
    set_max_loaded(1)
    networks = [TFLiteModel(DATA, name="one", threads=1) for _ in range(3)]
    expected = networks[0](PICTURE)
    wrong = []

    def look(place: int) -> None:
        for turn in range(20):
            if not np.array_equal(networks[(place + turn) % 3](PICTURE), expected):
                wrong.append((place, turn))

    threads = [threading.Thread(target=look, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
