"""Restore trainable weights from an exported network. Imports TensorFlow.

Exported networks hold 8-bit kernels into which the batch normalisation is folded. A training needs the normalisation
back: without it, the first step would normalise feature maps that are not meant to be, and forget what was learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from wbcseg.detector_training.networks import build_network
from wbcseg.detector_training.options import NetworkName, TrainingOptions
from wbcseg.errors import WeightsError
from wbcseg.interpreters import open_interpreter
from wbcseg.io.arrays import Arrays
from wbcseg.models.blocks import FusedBatchNormalization
from wbcseg.training.trainer import list_weight_names

KERNEL_NORM: Final = float(np.sqrt(2))
"""Norm of the restored kernels of each filter: that of He's initial values, for which the learning rate was chosen."""

MIN_NORM: Final = 1e-3
BATCH: Final = 25

Kernel = NDArray[np.float32]
Bias = NDArray[np.float32]


def restore_weights(
    network: NetworkName, content: bytes, options: TrainingOptions, images: NDArray[np.float32]
) -> Arrays:
    """Return the weights of an exported network, by name, such that it can be trained further.

    Args:
        network: Which network.
        content: The LiteRT file.
        options: Settings of the training.
        images: Images as in training, ``float32[N, H, W, 3]``, whose statistics the normalisation gets.

    Raises:
        WeightsError: If the file holds another network.
    """
    keras.config.set_dtype_policy("float32")
    model = build_network(network, options)
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    read = _read_convolutions(content)
    if [tuple(layer.kernel.shape) for layer in layers] != [kernel.shape for kernel, _ in read]:
        raise WeightsError(
            f"The exported network is not a {network} network of this version.",
            hint=f"A verifier needs the side of its crops, --crop-side. Received: {options.crop_side}",
        )
    norms = {layer.name.replace("_norm", "_conv"): layer for layer in model.layers if _is_norm(layer)}
    biases = {layer.name: bias for layer, (_, bias) in zip(layers, read, strict=True)}
    for layer, (kernel, bias) in zip(layers, read, strict=True):
        layer.kernel.assign(kernel)
        if layer.name not in norms:
            layer.bias.assign(bias)
            continue
        # For now it only adds the bias.
        norm = norms[layer.name]
        norm.gamma.assign(np.full(len(bias), np.sqrt(1 + norm.epsilon)))
        norm.beta.assign(bias)
        norm.moving_mean.assign(np.zeros(len(bias)))
        norm.moving_variance.assign(np.ones(len(bias)))
    for name, (mean, variance) in _measure_outputs(model, list(norms), images).items():
        kernel_variable, norm = model.get_layer(name).kernel, norms[name]
        kernel = kernel_variable.numpy().astype(np.float64)
        factor = KERNEL_NORM / np.maximum(np.sqrt((kernel**2).sum(axis=(0, 1, 2))), MIN_NORM)
        kernel_variable.assign(kernel * factor)
        norm.moving_mean.assign(mean * factor)
        norm.moving_variance.assign(variance * factor**2)
        norm.gamma.assign(np.sqrt(variance * factor**2 + norm.epsilon) / factor)
        norm.beta.assign(mean + biases[name])
    return {name: weight.numpy() for name, weight in zip(list_weight_names(model), model.weights, strict=True)}


def _is_norm(layer: Any) -> bool:
    return isinstance(layer, FusedBatchNormalization)


def _read_convolutions(content: bytes) -> list[tuple[Kernel, Bias]]:
    """Return kernels ``[h, w, in, out]`` and biases of a LiteRT file, in the order in which they are computed.

    LiteRT may compute the two outputs in either order: the logit, which has one channel, comes first.
    """
    interpreter = open_interpreter(content)
    interpreter.allocate_tensors()
    details = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}

    def read(index: int) -> NDArray[np.float32]:
        scales = details[index]["quantization_parameters"]["scales"]
        values = interpreter.get_tensor(index).astype(np.float32)
        return np.asarray(values * scales.reshape(-1, *[1] * (values.ndim - 1)), np.float32)

    operations = [op for op in interpreter._get_ops_details() if op["op_name"] == "CONV_2D"]
    read_all = [(read(int(op["inputs"][1])).transpose(1, 2, 3, 0), read(int(op["inputs"][2]))) for op in operations]
    return read_all[:-2] + sorted(read_all[-2:], key=lambda layer: len(layer[1]))


def _measure_outputs(
    model: keras.Model, names: Sequence[str], images: NDArray[np.float32]
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return mean and variance of each channel that convolutions return."""
    probe = keras.Model(model.input, [model.get_layer(name).output for name in names])
    moments: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
    for batch in np.array_split(images, -(-len(images) // BATCH)):
        for name, output in zip(names, probe(batch, training=False), strict=True):
            values = output.numpy().astype(np.float64).reshape(-1, output.shape[-1])
            counts = np.full(values.shape[1], len(values))
            moments[name].append(np.stack([values.sum(axis=0), (values**2).sum(axis=0), counts]))
    result = {}
    for name, parts in moments.items():
        total, squares, count = np.sum(parts, axis=0)
        mean = total / count
        result[name] = mean, np.maximum(squares / count - mean**2, 0)
    return result
