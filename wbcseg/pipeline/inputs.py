"""Turn the images, folders and zips on the command line into a list of input images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from wbcseg.datasets.sources import MAX_ZIP_BYTES, FolderSource
from wbcseg.datasets.uploads import InputImage, Upload, pair_uploads
from wbcseg.errors import ErrorCode, ImageError, Problem
from wbcseg.io import MAX_BYTES

_NESTED_ZIP = Problem(
    "Zips within a folder are not opened.",
    reason="It is a zip within a folder, which is not opened.",
    code=ErrorCode.NESTED_ZIP,
    hint="Unpack it, or pass it on its own.",
)


def collect_inputs(paths: Sequence[Path], output_folders: Iterable[Path] = ()) -> list[InputImage]:
    """Return the images at paths with their masks, paired as in :func:`wbcseg.datasets.uploads.pair_uploads`.

    Folders are searched with their sub-folders. Images are not read yet; zips are, and stay in memory.

    Args:
        paths: Images, folders and zips. If they lie in several folders, names begin with the folder.
        output_folders: Folders for results, which are skipped when they lie within a folder of images.

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
            # A hidden file that is named explicitly is meant.
            add_upload(path, path.name.lstrip(".") or path.name, top, partial(_read_file, path))
            continue
        source = FolderSource(path)
        problems += (InputImage(path.name, "", bytes, problem=problem) for problem in source.problems)
        inside = [folder for folder in excluded_folders if path in folder.parents]

        def is_included(name: str, path: Path = path, inside: Sequence[Path] = inside) -> bool:
            return not any(folder in (path / name).parents for folder in inside)

        for name in filter(is_included, source.names):
            add_upload(path / name, name, top, partial(source.read, name))
        problems += (
            InputImage(_qualify_name(problem.file, top, multiple_folders), "", bytes, problem=problem)
            for problem in source.unused
            if problem.file and is_included(problem.file)
        )
        nested_zips = [name for name in filter(is_included, source.zip_names) if path / name not in absolute_paths]
        problems += (
            InputImage(_qualify_name(name, top, multiple_folders), "", bytes, problem=_NESTED_ZIP)
            for name in nested_zips
        )
    return [*pair_uploads(list(uploads.values())), *problems]


def _qualify_name(name: str, top: Path, multiple_folders: bool) -> str:
    """Return a file's name, with its folder if there are several folders."""
    return f"{top.name.lstrip('.') or 'folder'}/{name}" if multiple_folders else name


def _make_absolute(path: Path) -> Path:
    # Links are not resolved: an image has the name of its link.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _read_file(path: Path) -> bytes:
    max_bytes = MAX_ZIP_BYTES if path.suffix.lower() == ".zip" else MAX_BYTES
    try:
        size = path.stat().st_size
        if size > max_bytes:
            reason = f"The file has {size:,} bytes; the limit is {max_bytes:,}."
            raise ImageError(reason, file=path.name, reason=reason, code=ErrorCode.TOO_LARGE)
        return path.read_bytes()
    except OSError as error:
        message = f"Reading the file failed: {error.strerror or error}."
        reason = f"Reading the file failed: {error.strerror}." if error.strerror else "Reading the file failed."
        raise ImageError(message, file=path.name, reason=reason, code=ErrorCode.UNREADABLE) from None
    except ValueError as error:
        raise ImageError(
            f"The file name is not valid: {error}.",
            file=path.name,
            reason="The file name is not valid.",
            code=ErrorCode.UNREADABLE,
        ) from None
