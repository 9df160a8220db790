"""The layers of a network, computed from its built model and stored, so that reading them needs no TensorFlow.

``networks.json`` beside this module holds those of the networks in :mod:`wbcseg.models.networks`
(``wbcseg architectures --update-package`` writes it). Any other registered network is built once in a child process
and its layers are kept in the cache folder.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from wbcseg.errors import ModelError
from wbcseg.io.atomic import write_json
from wbcseg.paths import IMPORT_ROOT, get_cache_folder

STRUCTURE_FILE: Final = Path(__file__).with_name("networks.json")
_CACHE_VERSION: Final = 1

INPUT: Final = "input"
CONVOLUTION: Final = "convolution"
DEPTHWISE_CONVOLUTION: Final = "depthwise convolution"
TRANSPOSED_CONVOLUTION: Final = "transposed convolution"
DENSE: Final = "dense"
POOLING: Final = "pooling"
UPSAMPLING: Final = "upsampling"
CONCAT: Final = "concatenation"
ADDITION: Final = "addition"
NORMALISATION: Final = "normalisation"
ACTIVATION: Final = "activation"
DROPOUT: Final = "dropout"
UNPOOLING: Final = "unpooling"
BILINEAR_UPSAMPLING: Final = "bilinear upsampling"
IMAGE_AVERAGE: Final = "average of the image"
CHANNEL_PADDING: Final = "padding with channels of zeros"
PATCHES: Final = "patches"
VERTICAL_SWEEP: Final = "recurrent, down and up"
HORIZONTAL_SWEEP: Final = "recurrent, left and right"
PRELU: Final = "PReLU"
OTHER: Final = "other"
"""A layer that this program does not know; it is counted, but not computed in NumPy."""

Polynomial = tuple[int, int, int]
"""Coefficients of the square of the base filters, of the base filters, and a constant."""


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Attributes:
        name: Name in the Keras model.
        kind: One of the constants above.
        inputs: Names of the layers whose outputs it takes.
        channels: Channels of its output: ``channels[0]`` times the base filters, plus ``channels[1]``.
        downsampling: Its output has the image's side divided by this.
        kernel_size: Side of its kernel in pixels, or its height if it is not square; 1 if it has none.
        kernel_width: Width of its kernel if it is not square, otherwise 0.
        stride: Step of its kernel in pixels.
        dilation: Spacing of its kernel's taps in pixels.
        factor: By how much it enlarges (upsampling, transposed convolution, and a convolution that upsamples first) or
            reduces (pooling) its input; 1 otherwise.
        relu: Whether it ends in a ReLU.
        parameters: Parameters, trainable or not.
        trainable: Parameters that gradients change.
        multiply_adds: Multiply-adds for a square of the network's ``size_multiple`` pixels.
    """

    name: str
    kind: str
    inputs: tuple[str, ...] = ()
    channels: tuple[int, int] = (0, 0)
    downsampling: int = 1
    kernel_size: int = 1
    kernel_width: int = 0
    stride: int = 1
    dilation: int = 1
    factor: int = 1
    relu: bool = False
    parameters: Polynomial = (0, 0, 0)
    trainable: Polynomial = (0, 0, 0)
    multiply_adds: Polynomial = (0, 0, 0)

    def count_filters(self, base_filters: int) -> int:
        """Return the number of its output channels."""
        return self.channels[0] * base_filters + self.channels[1]

    def to_dict(self) -> dict[str, Any]:
        """Return the layer as JSON values, without fields at their default."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Layer:
        """Return the layer of :meth:`to_dict`."""
        fields_by_name: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**fields_by_name)


@dataclass(frozen=True)
class NetworkStructure:
    """The layers of a network for any number of base filters.

    Attributes:
        size_multiple: Height and width of its input are multiples of this.
        layers: In the order in which they are computed.
    """

    size_multiple: int
    layers: tuple[Layer, ...]

    @cached_property
    def by_name(self) -> dict[str, Layer]:
        """The layers by their name."""
        return {layer.name: layer for layer in self.layers}

    def count_parameters(self, base_filters: int) -> int:
        """Return the number of parameters, trainable or not."""
        return sum(evaluate_polynomial(layer.parameters, base_filters) for layer in self.layers)

    def count_trainable_parameters(self, base_filters: int) -> int:
        """Return the number of parameters that gradients change."""
        return sum(evaluate_polynomial(layer.trainable, base_filters) for layer in self.layers)

    def count_layer_multiply_adds(self, layer: Layer, base_filters: int, input_size: int) -> int:
        """Return a layer's multiply-adds for one image."""
        return evaluate_polynomial(layer.multiply_adds, base_filters) * (input_size // self.size_multiple) ** 2

    def count_multiply_adds(self, base_filters: int, input_size: int) -> int:
        """Return the multiply-adds for one image."""
        return sum(self.count_layer_multiply_adds(layer, base_filters, input_size) for layer in self.layers)

    def count_activations(self, base_filters: int, input_size: int) -> int:
        """Return the number of values in all layers' outputs for one image."""
        return sum(
            layer.count_filters(base_filters) * (input_size // layer.downsampling) ** 2
            for layer in self.layers
            if layer.kind != INPUT
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the structure as JSON values."""
        return {"size_multiple": self.size_multiple, "layers": [layer.to_dict() for layer in self.layers]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetworkStructure:
        """Return the structure of :meth:`to_dict`."""
        return cls(values["size_multiple"], tuple(map(Layer.from_dict, values["layers"])))


def evaluate_polynomial(coefficients: Polynomial, base_filters: int) -> int:
    """Return a polynomial's value at a number of base filters."""
    quadratic, linear, constant = coefficients
    return quadratic * base_filters**2 + linear * base_filters + constant


@lru_cache
def load_structure(name: str, source: Path) -> NetworkStructure:
    """Return a network's structure.

    Args:
        name: The network.
        source: Python file that registers it.

    Raises:
        ModelError: If it is not a network of this package and cannot be built.
    """
    stored = _load_package_structures().get(name)
    return stored or _load_or_compute_structure(name, source)


@lru_cache
def _load_package_structures() -> dict[str, NetworkStructure]:
    values = json.loads(STRUCTURE_FILE.read_text(encoding="utf-8"))
    return {name: NetworkStructure.from_dict(network) for name, network in values.items()}


def write_package_structures(structures: Mapping[str, NetworkStructure]) -> None:
    """Write ``networks.json``, one layer a line."""
    networks = []
    for name, structure in structures.items():
        layers = ",\n".join(f"   {json.dumps(layer.to_dict())}" for layer in structure.layers)
        networks.append(f' "{name}": {{"size_multiple": {structure.size_multiple}, "layers": [\n{layers}\n ]}}')
    STRUCTURE_FILE.write_text("{\n" + ",\n".join(networks) + "\n}\n", encoding="utf-8")
    _load_package_structures.cache_clear()
    load_structure.cache_clear()


def _load_or_compute_structure(name: str, source: Path) -> NetworkStructure:
    digest = hashlib.sha256(f"{_CACHE_VERSION}:{name}:".encode() + source.read_bytes()).hexdigest()
    cached_file = get_cache_folder() / "networks" / f"{name}-{digest[:16]}.json"
    try:
        return NetworkStructure.from_dict(json.loads(cached_file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        structure = _compute_in_subprocess(name, source)
    cached_file.parent.mkdir(parents=True, exist_ok=True)
    write_json(cached_file, structure.to_dict())
    return structure


def _compute_in_subprocess(name: str, source: Path) -> NetworkStructure:
    command = [sys.executable, "-m", "wbcseg.models.describe", name, str(source)]
    process = subprocess.run(command, cwd=IMPORT_ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if process.returncode:
        reason = (process.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"Network {name} could not be built: {reason}")
    return NetworkStructure.from_dict(json.loads(process.stdout))
