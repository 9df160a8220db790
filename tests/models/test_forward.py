"""The forward pass in NumPy equals that of the Keras networks."""

from __future__ import annotations

import numpy as np
import pytest

from wbcseg.errors import WeightsError
from wbcseg.models import ARCHITECTURES
from wbcseg.models.forward import forward
from wbcseg.models.graph import list_layers
from wbcseg.models.weights import read_weights
from wbcseg.paths import get_weights_folder


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_layer_gives_what_it_gives_in_keras(name: str) -> None:
    keras = pytest.importorskip("keras")
    from wbcseg.models import build_model

    rng = np.random.default_rng(5)
    keras.utils.set_random_seed(5)
    network = build_model(name, base_filters=4)
    # Of such sizes that values neither vanish nor explode on their way.
    arrays = [np.asarray(w) * rng.uniform(0.8, 1.2, w.shape) + rng.uniform(0.0, 0.05, w.shape) for w in network.weights]
    network.set_weights(arrays)
    picture = rng.random((48, 48, 3)).astype(np.float32)
    expected = keras.Model(network.input, [layer.output for layer in network.layers])(picture[None])
    weights = {f"{number:03}": array.astype(np.float32) for number, array in enumerate(arrays)}
    found = list(forward(name, weights, picture))
    assert [layer for layer, _ in found] == list(list_layers(name))
    for (layer, ours), theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.float32
        theirs = theirs.numpy()[0]
        # The softmax enlarges differences of scores, which are large here.
        close = 1e-3 if layer.name == "probabilities" else 1e-5
        np.testing.assert_allclose(ours, theirs, atol=close * float(np.abs(theirs).max()), err_msg=layer.name)


@pytest.mark.parametrize("wanted", ARCHITECTURES)
@pytest.mark.parametrize("given", ["unet-general", "segnet-general", "deconvnet-general"])
def test_weights_of_any_other_network_are_refused(wanted: str, given: str) -> None:
    arrays = read_weights(get_weights_folder() / given / "weights.safetensors").arrays
    picture = np.zeros((48, 48, 3), np.float32)
    if given.startswith(wanted):
        *_, (_, chances) = forward(wanted, arrays, picture)
        assert chances.shape == (48, 48, 3)
        with pytest.raises(WeightsError, match=f"more weights than network {wanted} has"):
            list(forward(wanted, {**arrays, "one more": picture}, picture))
        return
    with pytest.raises(WeightsError, match=wanted):
        list(forward(wanted, arrays, picture))


def test_weights_of_another_network_and_too_few_are_refused() -> None:
    picture = np.zeros((24, 24, 3), np.float32)
    with pytest.raises(WeightsError, match="do not fit layer conv2d of network unet"):
        list(forward("unet", {}, picture))
    with pytest.raises(WeightsError, match="do not fit layer conv2d of network segnet"):
        list(forward("segnet", {"000": np.zeros((3, 3, 4, 4), np.float32), "001": np.zeros(4, np.float32)}, picture))
