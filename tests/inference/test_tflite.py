"""Networks are unloaded to save memory."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from wbcseg.inference import set_max_loaded, unload_idle_networks
from wbcseg.inference.detection import load_cell_detector
from wbcseg.inference.tflite import TFLiteModel
from wbcseg.paths import get_weights_folder

DATA = (get_weights_folder() / "unet-16" / "model.tflite").read_bytes()
IMAGE = np.random.default_rng(0).random((48, 48, 3), np.float32)


@pytest.fixture(autouse=True)
def no_limit() -> Iterator[None]:
    """Remove the limit, which pages set for the whole process."""
    set_max_loaded(None)
    yield
    set_max_loaded(None)


def count_interpreters() -> int:
    """Count those of segmentation models; the cell detector keeps its own."""
    gc.collect()
    return sum(isinstance(item, TFLiteModel) and item._interpreter is not None for item in gc.get_objects())


def test_least_recently_used_networks_are_unloaded_and_reloaded_unchanged() -> None:
    before = count_interpreters()
    networks = [TFLiteModel(DATA, name="unet-16", threads=1) for _ in range(4)]
    expected = [network(IMAGE) for network in networks]
    assert count_interpreters() - before == 4
    set_max_loaded(2)
    networks[0](IMAGE)
    assert count_interpreters() <= 2
    for _ in range(2):
        for network, probabilities in zip(networks, expected, strict=True):
            np.testing.assert_array_equal(network(IMAGE), probabilities)
            assert count_interpreters() <= 2


def test_without_a_limit_all_stay_loaded() -> None:
    before = count_interpreters()
    networks = [TFLiteModel(DATA, name="unet-16", threads=1) for _ in range(5)]
    for network in networks:
        network(IMAGE)
    assert count_interpreters() - before == len(networks)


def test_busy_network_is_not_unloaded() -> None:
    network = TFLiteModel(DATA, name="unet-16", threads=1)
    with network._lock:
        assert not network.unload()
    assert network.unload()


def test_threads_share_a_limited_number_of_networks() -> None:
    set_max_loaded(1)
    networks = [TFLiteModel(DATA, name="unet-16", threads=1) for _ in range(3)]
    expected = networks[0](IMAGE)
    mismatches = []

    def predict_repeatedly(worker: int) -> None:
        for turn in range(20):
            if not np.array_equal(networks[(worker + turn) % 3](IMAGE), expected):
                mismatches.append((worker, turn))

    threads = [threading.Thread(target=predict_repeatedly, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not mismatches


def test_networks_that_nobody_uses_are_unloaded_and_compute_the_same_afterwards() -> None:
    network, detector = TFLiteModel(DATA, name="unet-16", threads=1), load_cell_detector()
    crop = (IMAGE * 255).astype(np.uint8)
    expected, candidates = network(IMAGE), detector.find_candidates(crop)
    assert not unload_idle_networks(60.0)
    assert count_interpreters() >= 1
    assert unload_idle_networks(0.0)
    assert count_interpreters() == 0
    assert not unload_idle_networks(0.0)
    np.testing.assert_array_equal(network(IMAGE), expected)
    np.testing.assert_array_equal(detector.find_candidates(crop).heats, candidates.heats)
