"""Pictures, folders and zips of the terminal as a list of pictures to look at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from wbcseg.datasets.sources import MAX_ZIP_BYTES, FolderSource
from wbcseg.datasets.uploads import InputImage, Upload, pair_uploads
from wbcseg.errors import ImageError
from wbcseg.io import MAX_BYTES

_NESTED_ZIP_MESSAGE = "Zips within a folder are not opened. Unpack it, or name it by itself."


def collect_inputs(paths: Sequence[Path], output_folders: Iterable[Path] = ()) -> list[InputImage]:
    """Return the pictures at paths with their masks, as :func:`wbcseg.pipeline.items_of` pairs them.

    Folders are walked with their sub-folders. No picture is read yet; zips are read, and stay in memory.

    Args:
        paths: Pictures, folders and zips. Where they are of several folders, names begin with their folder's.
        output_folders: Folders that results are written into. Those within a folder of pictures are none of its pictures.

    Raises:
        DatasetError: If a folder has too many files.
    """
    absolute_paths = [_make_absolute(path) for path in paths]
    tops = [path if path.is_dir() else path.parent for path in absolute_paths]
    excluded_folders = [_make_absolute(folder) for folder in output_folders]
    multiple_folders = len(set(tops)) > 1
    uploads: dict[Path, Upload] = {}
    problems: list[InputImage] = []

    def add_upload(path: Path, name: str, top: Path, load: Callable[[], bytes]) -> None:
        uploads.setdefault(path, Upload(_qualify_name(name, top, multiple_folders), load, str(path)))

    for path, top in zip(absolute_paths, tops, strict=True):
        if path != top:
            # Whoever names a hidden file means it.
            add_upload(path, path.name.lstrip(".") or path.name, top, partial(_read_file, path))
            continue
        source = FolderSource(path)
        problems += (InputImage(path.name, "", bytes, problem=message) for message in source.problems)
        inside = [folder for folder in excluded_folders if path in folder.parents]

        def is_included(name: str, path: Path = path, inside: Sequence[Path] = inside) -> bool:
            return not any(folder in (path / name).parents for folder in inside)

        for name in filter(is_included, source.names):
            add_upload(path / name, name, top, partial(source.read, name))
        nested_zips = [name for name in filter(is_included, source.zip_names) if path / name not in absolute_paths]
        problems += (
            InputImage(_qualify_name(name, top, multiple_folders), "", bytes, problem=_NESTED_ZIP_MESSAGE)
            for name in nested_zips
        )
    return [*pair_uploads(list(uploads.values())), *problems]


def _qualify_name(name: str, top: Path, multiple_folders: bool) -> str:
    """Return what a file is called: where there are several folders, with that of its own."""
    return f"{top.name.lstrip('.') or 'folder'}/{name}" if multiple_folders else name


def _make_absolute(path: Path) -> Path:
    # Links are not followed: a picture is called what its link is.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _read_file(path: Path) -> bytes:
    max_bytes = MAX_ZIP_BYTES if path.suffix.lower() == ".zip" else MAX_BYTES
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise ImageError(f"The file must have at most {max_bytes:,} bytes. Received: {size:,}")
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"The file cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ImageError(f"The file name cannot be used: {error}") from None
