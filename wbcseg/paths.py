"""Every folder that the package reads or writes.

Environment variables come first, so that a host, a test or a cluster worker can redirect each folder:
``WBCSEG_WEIGHTS`` (shipped models), ``WBCSEG_RUNS`` (training runs), ``WBCSEG_CACHE`` (downloads) and ``WBCSEG_DATA``
(a copy of the Zheng data sets, or a folder that holds it; other published data sets are folders beside it).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import platformdirs

PACKAGE: Final = Path(__file__).resolve().parent
"""The folder of the package itself."""

IMPORT_ROOT: Final = PACKAGE.parent
"""The folder that ``import wbcseg`` finds the package in: a checkout, or ``site-packages``."""

DETECTOR_FOLDER: Final = "cell-detector"
"""Name of the cell detector's folder among the models."""

TYPES_FOLDER: Final = "cell-types"
"""Name of the type model's folder among the models."""

SPECIAL_FOLDERS: Final = (DETECTOR_FOLDER, TYPES_FOLDER)
"""Folders among the models that are no segmentation models."""

RESULTS: Final = PACKAGE / "evaluation" / "results"
"""The committed result files of the studies."""


VISITORS_FOLDER: Final = "visitors"
"""Folder in that of the runs which holds a folder for each visitor of a public server."""

_get_visitor: Callable[[], str | None] = lambda: None  # noqa: E731


def set_visitor_source(get_visitor: Callable[[], str | None]) -> None:
    """Say how to find out for whom this process works right now.

    Args:
        get_visitor: Returns the name of the visitor's folder, or ``None`` if runs are not kept by visitor.
    """
    global _get_visitor
    _get_visitor = get_visitor


def _find_shipped(name: str) -> Path:
    """Return what stands beside the package in a checkout, and inside it when installed from a wheel."""
    installed = PACKAGE / name
    return installed if installed.exists() else IMPORT_ROOT / name


def get_app_script() -> Path:
    """Return the script that ``streamlit run`` starts."""
    return _find_shipped("app.py")


def get_pages_folder() -> Path:
    """Return the folder of the app's pages."""
    return _find_shipped("pages")


def get_weights_folder() -> Path:
    """Return the folder of the shipped models: ``WBCSEG_WEIGHTS`` if set, else the one that came with the package."""
    chosen = os.environ.get("WBCSEG_WEIGHTS")
    return Path(chosen) if chosen else _find_shipped("weights")


def get_example_runs_folder() -> Path:
    """Return the folder of the finished runs that come with the package."""
    return PACKAGE / "training" / "runs" / "examples"


def get_detector_folder() -> Path:
    """Return the folder of the cell detector: beside the shipped models, or the one that came with the package."""
    return _get_special_folder(DETECTOR_FOLDER)


def get_types_folder() -> Path:
    """Return the folder of the type model: beside the shipped models, or the one that came with the package."""
    return _get_special_folder(TYPES_FOLDER)


def _get_special_folder(name: str) -> Path:
    folder = get_weights_folder() / name
    return folder if folder.exists() else _find_shipped("weights") / name


def get_runs_folder() -> Path:
    """Return the folder of the training runs: ``WBCSEG_RUNS`` if set, else in the user's data folder.

    For a visitor of a public server it is a folder of their own inside it.
    """
    visitor = _get_visitor()
    root = _get_chosen_runs_folder()
    return root if visitor is None else root / VISITORS_FOLDER / visitor


def get_runs_root() -> Path:
    """Return the folder of the runs of all visitors; elsewhere the same as :func:`get_runs_folder`.

    A training process of a visitor is told it by ``WBCSEG_RUNS_ROOT``.
    """
    chosen = os.environ.get("WBCSEG_RUNS_ROOT")
    return Path(chosen).absolute() if chosen else _get_chosen_runs_folder()


def _get_chosen_runs_folder() -> Path:
    chosen = os.environ.get("WBCSEG_RUNS")
    folder = Path(chosen) if chosen else Path(platformdirs.user_data_dir("wbcseg", appauthor=False)) / "runs"
    return folder.absolute()


def get_cache_folder() -> Path:
    """Return the folder for downloads: ``WBCSEG_CACHE`` if set, else the system's cache folder."""
    chosen = os.environ.get("WBCSEG_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("wbcseg"))


def get_data_folder() -> Path | None:
    """Return the user's copy of the published data sets: ``WBCSEG_DATA``, or None if it is not set."""
    chosen = os.environ.get("WBCSEG_DATA")
    return Path(chosen).expanduser() if chosen else None
