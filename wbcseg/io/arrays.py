"""Named arrays in safetensors files, a format that cannot carry code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from wbcseg.errors import RunError

Arrays = dict[str, NDArray[Any]]
"""Arrays by name."""


def read_arrays(path: Path) -> tuple[Arrays, dict[str, str]]:
    """Read every array of a safetensors file, and its metadata.

    Raises:
        RunError: If it is missing, cut off or no such file.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise RunError(f"File {path.name} cannot be read ({error}).") from None


def write_arrays(arrays: Arrays, path: Path, metadata: dict[str, str]) -> None:
    """Write arrays and metadata as a safetensors file, in place.

    Raises:
        OSError: If the disk is full or the file cannot be written.
    """
    # safetensors writes the memory as it lies, whatever the strides.
    contiguous = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    try:
        save_file(contiguous, path, metadata=metadata)
    except SafetensorError as error:
        # It reports a full disk as an error of its own.
        raise OSError(f"{path.name.strip('.').partition('.')[0]} was not written: {error}") from None
