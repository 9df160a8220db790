"""Segmentation of white blood cells in blood-smear images.

The Python API in short (see ``docs/api.md``)::

    result = wbcseg.segment("cell.png")
    result.labels, result.probabilities, result.cells
    result.save("results")

Importing :mod:`wbcseg` is cheap: what the names in ``__all__`` need is imported when they are first used.

Each layer of the package imports only from those below it::

    cli, ui
    api
    evaluation, benchmarking
    pipeline, export
    counting, features, inference, quality, visualization
    training
    models
    splitting
    datasets, transforms, metrics
    io, registry, results
    errors, labels, paths
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wbcseg.api import (
        Batch,
        Cell,
        Edit,
        Quality,
        Result,
        evaluate,
        list_models,
        load_model,
        segment,
        segment_many,
        start_batch,
        train,
    )
    from wbcseg.errors import WbcsegError

__version__ = "0.2.0"

__all__ = [
    "Batch",
    "Cell",
    "Edit",
    "Quality",
    "Result",
    "WbcsegError",
    "__version__",
    "evaluate",
    "list_models",
    "load_model",
    "segment",
    "segment_many",
    "start_batch",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a name of the API when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'wbcseg' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module("wbcseg.errors" if name == "WbcsegError" else "wbcseg.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the names of the API and of the package."""
    return sorted({*globals(), *__all__})
