"""The forward pass in NumPy equals that of the Keras networks."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from wbcseg.errors import WeightsError
from wbcseg.models import ARCHITECTURES
from wbcseg.models.forward import forward
from wbcseg.models.graph import list_layers


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_layer_equals_that_of_keras(name: str) -> None:
    keras = pytest.importorskip("keras")
    from wbcseg.models import build_model

    rng = np.random.default_rng(5)
    keras.utils.set_random_seed(5)
    network = build_model(name, base_filters=4)
    # Scaled so that values neither vanish nor explode.
    arrays = [np.asarray(w) * rng.uniform(0.8, 1.2, w.shape) + rng.uniform(0.0, 0.05, w.shape) for w in network.weights]
    network.set_weights(arrays)
    image = rng.random((48, 48, 3)).astype(np.float32)
    expected = keras.Model(network.input, [layer.output for layer in network.layers])(image[None])
    weights = {f"{number:03}": array.astype(np.float32) for number, array in enumerate(arrays)}
    outputs = list(forward(name, weights, image))
    assert [layer for layer, _ in outputs] == list(list_layers(name))
    for (layer, ours), theirs in zip(outputs, expected, strict=True):
        assert ours.dtype == np.float32
        theirs = theirs.numpy()[0]
        # The softmax enlarges differences of scores, which are large here.
        close = 1e-3 if layer.name == "probabilities" else 1e-5
        np.testing.assert_allclose(ours, theirs, atol=close * float(np.abs(theirs).max()), err_msg=layer.name)


@cache
def list_weights(name: str) -> dict[str, np.ndarray]:
    """The arrays of a new network."""
    from wbcseg.models import build_model

    return {f"{n:03}": np.asarray(weight) for n, weight in enumerate(build_model(name, base_filters=4).weights)}


@pytest.mark.parametrize("wanted", ARCHITECTURES)
@pytest.mark.parametrize("given", ARCHITECTURES)
def test_weights_of_any_other_network_are_rejected(wanted: str, given: str) -> None:
    pytest.importorskip("keras")
    arrays, image = list_weights(given), np.zeros((24, 24, 3), np.float32)
    if given == wanted:
        *_, (_, probabilities) = forward(wanted, arrays, image)
        assert probabilities.shape == (24, 24, 3)
        with pytest.raises(WeightsError, match=f"more weights than network {wanted} has"):
            list(forward(wanted, {**arrays, "one more": image}, image))
        return
    with pytest.raises(WeightsError, match=wanted):
        list(forward(wanted, arrays, image))


def test_too_few_weights_or_other_shapes_are_rejected() -> None:
    image = np.zeros((24, 24, 3), np.float32)
    with pytest.raises(WeightsError, match="do not fit layer conv2d of network unet"):
        list(forward("unet", {}, image))
    with pytest.raises(WeightsError, match="do not fit layer conv2d of network segnet"):
        list(forward("segnet", {"000": np.zeros((3, 3, 4, 4), np.float32), "001": np.zeros(4, np.float32)}, image))
