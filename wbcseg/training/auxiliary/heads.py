"""Deep supervision: inner layers of a network learn to segment, too (Lee et al., 2015). Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from wbcseg.labels import CLASSES


class AuxiliaryHeads:
    """A head, a 1×1 convolution and a softmax, on each of several layers of a network, or on none.

    Args:
        network: The network.
        layers: Names of layers with maps of the image's size.

    Attributes:
        variables: The weights of the heads, all of them trainable.
    """

    def __init__(self, network: keras.Model, layers: Sequence[str]) -> None:
        convolutions = [keras.layers.Conv2D(len(CLASSES), 1) for _ in layers]
        heads = [
            keras.layers.Activation("softmax", dtype="float32")(convolution(network.get_layer(name).output))
            for convolution, name in zip(convolutions, layers, strict=True)
        ]
        self._model = keras.Model(network.input, [network.output, *heads])
        self.variables: list[Any] = [weight for convolution in convolutions for weight in convolution.weights]

    def compute_outputs(self, images: Any) -> list[Any]:
        """Return the probabilities of the network and of every head in training, ``float32[N, S, S, 3]`` each."""
        outputs = self._model(images, training=True)
        # Keras returns a single output without its list.
        return outputs if isinstance(outputs, list) else [outputs]
