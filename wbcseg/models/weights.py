"""Trained weights in a file that cannot carry code: safetensors, named, with the network that they belong to.

Kernels are kept in 8 bits, with a scale for every channel of the last axis, which is an array of its own, ``….scale``;
everything else is in float16 or float32. That is half the size of float16.

No other format is read. A ``.keras`` file can hold code and an ``.h5`` file can point at other files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError, safe_open

from wbcseg.errors import WeightsError
from wbcseg.io.arrays import Arrays, write_arrays
from wbcseg.io.atomic import atomic_write
from wbcseg.labels import CLASS_NAMES

MAX_FILE_BYTES: Final = 2_000_000_000
_FLOAT16: Final = np.finfo(np.float16)
_SCALE_SUFFIX: Final = ".scale"
_MAX_INT8: Final = 127
"""Of a kernel's 8 bits, to either side of zero."""


@dataclass(frozen=True)
class Weights:
    """Trained weights.

    Attributes:
        arrays: ``float32``, in the network's order, by name.
        architecture: The network.
        base_filters: Filters of its first stage.
        classes: Names of its output channels.
    """

    arrays: Arrays
    architecture: str
    base_filters: int
    classes: tuple[str, ...] = CLASS_NAMES


def write_weights(path: Path, weights: Weights) -> None:
    """Write weights atomically: kernels in 8 bits, the rest in float16 where that keeps it (but for some variances).

    Args:
        path: The file.
        weights: What to write. A name that ends with ``.scale`` is not for them.
    """
    metadata = {
        "architecture": weights.architecture,
        "width": str(weights.base_filters),
        "classes": ",".join(weights.classes),
    }
    with atomic_write(path) as temporary:
        stored: dict[str, Any] = {}
        for name, array in weights.arrays.items():
            stored |= (
                _quantise(name, array)
                if array.ndim > 1 and np.isfinite(array).all()
                else {name: _convert_to_float16(array)}
            )
        write_arrays(stored, temporary, metadata)


def read_weights(path: Path) -> Weights:
    """Read weights.

    Raises:
        WeightsError: If the file is none of ours, is damaged, or holds anything but finite floating-point numbers.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise WeightsError(f"Weight file {path.name} cannot be read: {error.strerror or error}") from None
    foreign_format = _detect_foreign_format(start)
    if foreign_format or size > MAX_FILE_BYTES:
        reason = f"it is {foreign_format}" if foreign_format else f"it has {size:,} bytes, more than {MAX_FILE_BYTES:,}"
        raise WeightsError(
            f"Weight file {path.name} is not read: {reason}. Only the weights.safetensors of a model of this program are."
        )
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
        weights = Weights(
            {name: _dequantise(name, arrays) for name in arrays if not name.endswith(_SCALE_SUFFIX)},
            metadata["architecture"],
            int(metadata["width"]),
            tuple(metadata["classes"].split(",")),
        )
    except (OSError, SafetensorError, ValueError, OverflowError, MemoryError) as error:
        raise WeightsError(f"Weight file {path.name} is damaged: {error}. Copy it again.") from None
    except (KeyError, TypeError) as error:
        raise WeightsError(f"Weight file {path.name} does not say which network it belongs to ({error}).") from None
    quantised_names = {name.removesuffix(_SCALE_SUFFIX) for name in arrays if name.endswith(_SCALE_SUFFIX)}
    invalid_name = next(
        (n for n, a in arrays.items() if not (a.dtype == np.int8 and n in quantised_names) and not _is_finite(a)),
        next((n for n, a in weights.arrays.items() if not _is_finite(a)), None),
    )
    if invalid_name:
        raise WeightsError(f"Weight file {path.name} holds values that are no finite numbers, in {invalid_name}.")
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
        WeightsError: If they are of another network, width or number of classes, naming both.
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
                f"Received: {actual_shapes.get(name, 'none')}"
            )


def check_network(weights: Weights, architecture: str, base_filters: int) -> None:
    """Check that weights say that they belong to a network.

    Raises:
        WeightsError: If they are of another network, width or number of classes, naming both.
    """
    expected_label = _format_network(architecture, base_filters, CLASS_NAMES)
    actual_label = _format_network(weights.architecture, weights.base_filters, weights.classes)
    if expected_label != actual_label:
        raise WeightsError(f"These weights are of {actual_label}. The network is {expected_label}.")


def _format_network(architecture: str, base_filters: int, classes: tuple[str, ...]) -> str:
    return f"{architecture} of width {base_filters} with {len(classes)} classes ({', '.join(classes)})"


def _quantise(name: str, kernel: Any) -> Arrays:
    """Return a kernel in 8 bits with a scale for every channel of its last axis."""
    peaks = np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1)), initial=0.0).astype(np.float32)
    scale = np.where(peaks > 0, peaks / np.float32(_MAX_INT8), np.float32(1.0)).astype(np.float32)
    return {name: np.rint(kernel / scale).astype(np.int8), name + _SCALE_SUFFIX: scale}


def _dequantise(name: str, arrays: Mapping[str, Any]) -> Any:
    """Return an array of a file in float32, a kernel times its scale."""
    array, scale = arrays[name].astype(np.float32), arrays.get(name + _SCALE_SUFFIX)
    if scale is None:
        return array
    if scale.shape != array.shape[-1:]:
        raise ValueError(f"the scale of {name} does not fit it")
    return array * scale.astype(np.float32)


def _is_finite(array: Any) -> bool:
    return array.dtype.kind == "f" and bool(np.isfinite(array).all())


def _convert_to_float16(array: Any) -> Any:
    largest = float(np.abs(array).max(initial=0.0))
    smallest = float(np.abs(array[array != 0]).min(initial=np.inf))
    # Variances of dead channels lie below the least normal float16 and would lose their digits.
    needs_float32 = largest >= float(_FLOAT16.max) or (array.ndim == 1 and smallest < float(_FLOAT16.tiny))
    return array.astype(np.float32 if needs_float32 else np.float16)


def _detect_foreign_format(start: bytes) -> str | None:
    # The length of a header comes first, and can begin with any bytes at all: those of another kind, too.
    if start[8:9] == b"{":
        return None
    if start.startswith(b"PK"):
        return "a zip archive, such as a .keras file, which can hold code"
    if start.startswith(b"\x89HDF"):
        return "an HDF5 file, which can point at other files"
    if start.startswith(b"\x80"):
        return "a pickle, which can hold code"
    return "no safetensors file"
