"""Result files on the pages: versions as cache keys, and a note where a result does not exist yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from wbcseg.ui import cache

FileVersion = tuple[Path, int]
"""A file and its modification time: the key of what is cached of the file."""
FileVersions = tuple[FileVersion, ...]


def get_file_version(path: Path) -> FileVersion:
    """Return a file with its modification time."""
    return path, path.stat().st_mtime_ns


def get_file_versions(paths: Sequence[Path]) -> FileVersions:
    """Return files with their modification times."""
    return tuple(map(get_file_version, paths))


def show_not_computed(*commands: str) -> None:
    """Show that there is no result yet, and the commands that compute it."""
    st.info("There are no results yet. They are computed with:", icon=":material/science:")
    st.code("\n".join(commands), language=None, wrap_lines=True)


def get_model_title(name: str) -> str:
    """Return the title of a model, or its name if it is no longer there."""
    return next((entry.title for entry in cache.load_catalog().usable if entry.name == name), name)
