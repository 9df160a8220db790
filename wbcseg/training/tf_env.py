"""Set up and import TensorFlow, and describe the machine."""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from wbcseg.native_output import hide_native_output

PACKAGES: Final = ("tensorflow", "keras", "numpy", "pillow", "scipy", "scikit-learn", "safetensors")

OPTIONAL_PACKAGES: Final = ("pandas", "sklearn")
"""Packages that Keras imports if they are installed, for parts that wbcseg does not use. They take a second."""


def configure_tensorflow(threads: int | None = None) -> None:
    """Set the environment variables that TensorFlow reads when it is imported.

    Args:
        threads: Number of processor threads; all by default.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow enables oneDNN by default only for processors with AVX-512 VNNI or AMX, but with AVX2 alone a training
    # step is faster with it, too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if threads:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
        os.environ["TF_NUM_INTEROP_THREADS"] = "1"


def import_tensorflow(threads: int | None = None) -> None:
    """Import TensorFlow without its start-up messages; only for processes that train.

    Args:
        threads: Number of processor threads; all by default.

    Raises:
        ImportError: If TensorFlow cannot be imported; its messages are then shown.
    """
    configure_tensorflow(threads)
    with hide_native_output(only_chatter=False), _hide_packages(OPTIONAL_PACKAGES), _skip_collections():
        # Listing the devices prints that there is no GPU.
        importlib.import_module("tensorflow").config.list_physical_devices()
        importlib.import_module("keras")


@contextmanager
def _hide_packages(names: tuple[str, ...]) -> Iterator[None]:
    """Make imports of packages fail within the block, unless they are imported already."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # ``None`` means: not installed
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextmanager
def _skip_collections() -> Iterator[None]:
    """Collect no garbage within the block, and leave what it imports out of later collections.

    TensorFlow has so many objects that searching them takes a quarter of the time of its import.
    """
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if is_enabled:
            gc.enable()


def get_processor_flags() -> frozenset[str]:
    """Return the processor features as named by Linux; empty on other systems."""
    return frozenset(_read_cpuinfo("flags", "Features").split())


def get_processor_name() -> str:
    """Return the name of the processor, if the system has it."""
    return _read_cpuinfo("model name") or platform.processor() or platform.machine()


def count_threads() -> int:
    """Return how many threads TensorFlow computes with in this process."""
    with contextlib.suppress(ValueError):
        return int(os.environ.get("TF_NUM_INTRAOP_THREADS", "")) or os.cpu_count() or 1
    return os.cpu_count() or 1


@lru_cache(maxsize=4)
def _read_cpuinfo(*names: str) -> str:
    """Return the first value with one of these names in ``/proc/cpuinfo``; empty on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(names)), "")


def describe_environment(precision: str) -> dict[str, Any]:
    """Return package versions and the machine, without names of people or places.

    Args:
        precision: Precision of the training.
    """
    flags = get_processor_flags()
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": get_processor_name(),
        "cores": os.cpu_count(),
        "features": sorted(flags & {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16"}),
        "precision": precision,
        "packages": {name: get_package_version(name) for name in PACKAGES},
    }


@lru_cache(maxsize=16)
def get_package_version(package: str) -> str | None:
    """Return the version of an installed package; ``None`` if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
