"""Trained weights in a safetensors file, which cannot contain code, with the name of their network.

Kernels are stored in 8 bits, with a scale for every output channel in an array of its own, ``….scale``; everything else
in float16 or float32. That is half the size of float16. The exported model beside the weights holds the same 8 bits, so
after :func:`share_kernels` the weights only say where in that file each kernel begins.

No other format is read: a ``.keras`` file can contain code, and an ``.h5`` file can refer to other files.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError, safe_open

from wbcseg.errors import ErrorCode, WeightsError
from wbcseg.io.arrays import Arrays, write_arrays
from wbcseg.io.atomic import atomic_write
from wbcseg.labels import CLASS_NAMES
from wbcseg.models.card import MODEL_FILE

MAX_FILE_BYTES: Final = 2_000_000_000
_FLOAT16: Final = np.finfo(np.float16)
_SCALE_SUFFIX: Final = ".scale"
_MAX_INT8: Final = 127
"""Largest absolute value of a kernel in 8 bits."""
_TRANSPOSED: Final = "transpose"
"""In the name of a kernel whose output channels are on the last axis but one."""
_KERNELS_KEY: Final = "kernels"
_MODEL_KEY: Final = "model_sha256"


@dataclass(frozen=True)
class Weights:
    """Trained weights.

    Attributes:
        arrays: ``float32`` by name, in the order of the network.
        architecture: The network.
        base_filters: Filters of its first stage.
        classes: Names of its output channels.
    """

    arrays: Arrays
    architecture: str
    base_filters: int
    classes: tuple[str, ...] = CLASS_NAMES


def write_weights(path: Path, weights: Weights) -> None:
    """Write weights atomically: kernels in 8 bits, the rest in float16 (or float32 where float16 would lose digits).

    Args:
        path: The file.
        weights: The weights. No name may end with ``.scale``.
    """
    _write(path, weights, _store(weights), {})


def share_kernels(path: Path, model: bytes) -> None:
    """Leave the kernels out of a file of weights that the exported model in the same folder holds in the same 8 bits.

    Args:
        path: The file of weights.
        model: The exported model, as it is in ``model.tflite`` beside it.

    Raises:
        WeightsError: If the weights cannot be read.
    """
    weights = read_weights(path)
    stored = _store(weights)
    kernels = {name: array for name, array in stored.items() if array.dtype == np.int8}
    positions = {name: model.find(_order_as_in_model(name, kernel).tobytes()) for name, kernel in kernels.items()}
    shared = {name: [position, *kernels[name].shape] for name, position in positions.items() if position >= 0}
    if shared:
        metadata = {_KERNELS_KEY: json.dumps(shared), _MODEL_KEY: hashlib.sha256(model).hexdigest()}
        _write(path, weights, {name: array for name, array in stored.items() if name not in shared}, metadata)


def read_weights(path: Path) -> Weights:
    """Read weights, and the kernels that are in the exported model beside them.

    Raises:
        WeightsError: If the file has another format, is damaged, or contains values other than finite numbers, or if
            the exported model that holds its kernels is missing or another one.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise WeightsError(
            f"Weight file {path.name} could not be read: {error.strerror or error}", code=ErrorCode.UNREADABLE
        ) from None
    foreign_format = _detect_foreign_format(start)
    if foreign_format or size > MAX_FILE_BYTES:
        reason = f"it is {foreign_format}" if foreign_format else f"it has {size:,} bytes, more than {MAX_FILE_BYTES:,}"
        raise WeightsError(
            f"Weight file {path.name} is not accepted: {reason}. Only a weights.safetensors written by wbcseg is.",
            code=ErrorCode.UNSUPPORTED_FORMAT if foreign_format else ErrorCode.TOO_LARGE,
        )
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        arrays |= _read_shared_kernels(path, metadata)
        arrays = dict(sorted(arrays.items()))
        weights = Weights(
            {name: _dequantise(name, arrays) for name in arrays if not name.endswith(_SCALE_SUFFIX)},
            metadata["architecture"],
            int(metadata["base_filters"]),
            tuple(metadata["classes"].split(",")),
        )
    except (OSError, SafetensorError, ValueError, OverflowError, MemoryError) as error:
        raise WeightsError(
            f"Weight file {path.name} is damaged: {error}. Copy it again.", code=ErrorCode.DAMAGED
        ) from None
    except (KeyError, TypeError) as error:
        raise WeightsError(
            f"Weight file {path.name} does not name its network ({error}).", code=ErrorCode.DAMAGED
        ) from None
    quantised_names = {name.removesuffix(_SCALE_SUFFIX) for name in arrays if name.endswith(_SCALE_SUFFIX)}
    invalid_name = next(
        (n for n, a in arrays.items() if not (a.dtype == np.int8 and n in quantised_names) and not _is_finite(a)),
        next((n for n, a in weights.arrays.items() if not _is_finite(a)), None),
    )
    if invalid_name:
        raise WeightsError(
            f"Weight file {path.name} contains values that are not finite numbers, in {invalid_name}.",
            code=ErrorCode.INVALID_VALUE,
        )
    return weights


def check_weights(
    weights: Weights, architecture: str, base_filters: int, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Check that weights belong to a network.

    Args:
        weights: The weights.
        architecture: The network.
        base_filters: Filters of its first stage.
        shapes: Shape of every weight of the network, by name.

    Raises:
        WeightsError: If network, base filters, classes or shapes differ; the message names both.
    """
    check_network(weights, architecture, base_filters)
    expected_label = _format_network(architecture, base_filters, CLASS_NAMES)
    actual_shapes = {name: tuple(array.shape) for name, array in weights.arrays.items()}
    if actual_shapes == dict(shapes):
        return
    for name in sorted(set(shapes) | set(actual_shapes)):
        if shapes.get(name) != actual_shapes.get(name):
            raise WeightsError(
                f"These weights do not fit {expected_label}: {name} must have shape {shapes.get(name, 'none')}. "
                f"Received: {actual_shapes.get(name, 'none')}",
                code=ErrorCode.INCOMPATIBLE,
            )


def check_network(weights: Weights, architecture: str, base_filters: int) -> None:
    """Check that the metadata of weights name a network.

    Raises:
        WeightsError: If network, base filters, classes or shapes differ; the message names both.
    """
    expected_label = _format_network(architecture, base_filters, CLASS_NAMES)
    actual_label = _format_network(weights.architecture, weights.base_filters, weights.classes)
    if expected_label != actual_label:
        raise WeightsError(
            f"These weights belong to {actual_label}, not to {expected_label}.", code=ErrorCode.INCOMPATIBLE
        )


def _format_network(architecture: str, base_filters: int, classes: tuple[str, ...]) -> str:
    return f"{architecture} with {base_filters} base filters and {len(classes)} classes ({', '.join(classes)})"


def _store(weights: Weights) -> Arrays:
    """Return the arrays as they are stored."""
    stored: Arrays = {}
    for name, array in weights.arrays.items():
        is_kernel = array.ndim > 1 and np.isfinite(array).all()
        stored |= _quantise(name, array) if is_kernel else {name: _convert_to_float16(array)}
    return stored


def _write(path: Path, weights: Weights, arrays: Arrays, extra_metadata: Mapping[str, str]) -> None:
    metadata = {
        "architecture": weights.architecture,
        "base_filters": str(weights.base_filters),
        "classes": ",".join(weights.classes),
        **extra_metadata,
    }
    with atomic_write(path) as temporary:
        write_arrays(arrays, temporary, metadata)


def _read_shared_kernels(path: Path, metadata: Mapping[str, str]) -> Arrays:
    """Return the kernels in 8 bits that the exported model holds."""
    shared = json.loads(metadata.get(_KERNELS_KEY, "{}"))
    if not shared:
        return {}
    model_path = path.with_name(MODEL_FILE)
    try:
        model = model_path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"Weight file {path.name} needs {model_path.name} beside it: {error.strerror or error}",
            code=ErrorCode.UNREADABLE,
            hint="Copy both files.",
        ) from None
    if hashlib.sha256(model).hexdigest() != metadata.get(_MODEL_KEY):
        raise WeightsError(
            f"Weight file {path.name} belongs to another {model_path.name} than the one beside it.",
            code=ErrorCode.INCOMPATIBLE,
            hint="Copy both files from the same folder.",
        )
    try:
        return {name: _find_kernel(name, model, *place) for name, place in shared.items()}
    except (AttributeError, IndexError, TypeError) as error:
        raise ValueError(f"it does not say where its kernels are ({error})") from None


def _find_kernel(name: str, model: bytes, position: int, *shape: int) -> Any:
    others = list(shape)
    channels = others.pop(_get_output_axis(name))
    kernel = np.frombuffer(model, np.int8, math.prod(shape), position).reshape(channels, *others)
    return np.moveaxis(kernel, 0, _get_output_axis(name))


def _order_as_in_model(name: str, kernel: Any) -> Any:
    """Return a kernel with its output channels first, as LiteRT stores it."""
    return np.moveaxis(kernel, _get_output_axis(name), 0)


def _get_output_axis(name: str) -> int:
    return -2 if _TRANSPOSED in name else -1


def _quantise(name: str, kernel: Any) -> Arrays:
    """Return a kernel in 8 bits with a scale for every output channel, in a shape that multiplies it."""
    axis = _get_output_axis(name) % kernel.ndim
    others = tuple(other for other in range(kernel.ndim) if other != axis)
    peaks = np.abs(kernel).max(axis=others, initial=0.0, keepdims=True).astype(np.float32)
    peaks = peaks.reshape(peaks.shape[axis:])
    scale = np.where(peaks > 0, peaks / np.float32(_MAX_INT8), np.float32(1.0)).astype(np.float32)
    return {name: np.rint(kernel / scale).astype(np.int8), name + _SCALE_SUFFIX: scale}


def _dequantise(name: str, arrays: Mapping[str, Any]) -> Any:
    """Return a stored array in float32, a kernel multiplied by its scale."""
    array, scale = arrays[name].astype(np.float32), arrays.get(name + _SCALE_SUFFIX)
    if scale is None:
        return array
    if scale.shape not in (array.shape[-1:], (*array.shape[-2:-1], 1)):
        raise ValueError(f"the scale of {name} has another shape")
    return array * scale.astype(np.float32)


def _is_finite(array: Any) -> bool:
    return array.dtype.kind == "f" and bool(np.isfinite(array).all())


def _convert_to_float16(array: Any) -> Any:
    largest = float(np.abs(array).max(initial=0.0))
    smallest = float(np.abs(array[array != 0]).min(initial=np.inf))
    # Variances of dead channels are below the smallest normal float16 and would lose digits.
    needs_float32 = largest >= float(_FLOAT16.max) or (array.ndim == 1 and smallest < float(_FLOAT16.tiny))
    return array.astype(np.float32 if needs_float32 else np.float16)


def _detect_foreign_format(start: bytes) -> str | None:
    # The file begins with the length of its header, whose bytes may look like those of another format.
    if start[8:9] == b"{":
        return None
    if start.startswith(b"PK"):
        return "a zip archive, such as a .keras file, which can contain code"
    if start.startswith(b"\x89HDF"):
        return "an HDF5 file, which can refer to other files"
    if start.startswith(b"\x80"):
        return "a pickle, which can contain code"
    return "not a safetensors file"
