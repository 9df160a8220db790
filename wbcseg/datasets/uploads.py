"""What a reader brings: files and zips, turned into a list of pictures to look at, with their masks.

Nothing is decoded here, and the bytes of a picture are read when its turn comes. Whatever is wrong with a file is said
of that file alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from wbcseg.datasets.pairing import IMAGE_SUFFIXES, get_natural_sort_key, is_ignored, pair_files, parse_name
from wbcseg.datasets.sources import MAX_FILES, ZipSource
from wbcseg.errors import ImageError, WbcsegError
from wbcseg.io import format_display_name
from wbcseg.io.images import read_file_header

LoadFn = Callable[[], bytes]

ZIP_MAGIC: Final = b"PK\x03\x04"
"""How zips begin."""

TIFF_SUFFIXES: Final = (".tif", ".tiff")
MAX_HEADERS_READ: Final = 200
"""TIFF files that are asked for their number of pages."""


@dataclass(frozen=True, eq=False)
class Upload:
    """A file that a reader brought.

    Attributes:
        name: What it is called, with forward slashes where a folder was brought.
        load: Returns its bytes.
        key: Names the content: the same for the same upload, another one for every other.
    """

    name: str
    load: LoadFn = field(repr=False)
    key: str


@dataclass(frozen=True, eq=False)
class InputImage:
    """A picture to look at, or a file that is none.

    Attributes:
        name: Unique among the items.
        key: Names the content, mask included.
        load: Returns the bytes of the picture; raises a :class:`wbcseg.errors.WbcsegError` where they cannot be read.
        mask_name: What the expert's mask is called; empty where there is none.
        load_mask: Returns the bytes of the mask.
        problem: What is known to be wrong before the picture is opened; it is then not opened.
        notices: Plain sentences for the reader.
    """

    name: str
    key: str
    load: LoadFn = field(repr=False)
    mask_name: str = ""
    load_mask: LoadFn | None = field(default=None, repr=False)
    problem: str = ""
    notices: tuple[str, ...] = ()

    def load_into_memory(self) -> InputImage:
        """Return the same with its bytes read, for when the place that they come from may be gone.

        Raises:
            WbcsegError: If they cannot be read.
        """
        data, mask = self.load(), self.load_mask() if self.load_mask is not None else None
        return replace(self, load=lambda: data, load_mask=None if mask is None else partial(bytes, mask))


@dataclass(frozen=True)
class _File:
    """A file by the name that it is paired by; copies of a name lie in folders of their own."""

    name: str
    copy_number: int
    upload: Upload


def pair_uploads(uploads: Sequence[Upload]) -> list[InputImage]:
    """Turn what a reader brought into a list of pictures to look at.

    Zips are opened in memory. Pictures and masks are paired by :data:`wbcseg.datasets.PAIRING_RULE`; a zip counts as
    a folder of its name. Files of the same name are told apart by a number: ``a.png`` and ``a (2).png``.

    Args:
        uploads: In the order in which they came.

    Returns:
        In natural order of their names (``cell2`` before ``cell10``); what cannot be used comes last.
    """
    problems: list[InputImage] = []
    loose = list(_unpack(uploads, problems))
    if len(loose) > MAX_FILES:
        sentence = f"{len(loose):,} files are more than the {MAX_FILES:,} that are read at once. Bring them in parts."
        return [InputImage("Too many files", "", _load_nothing, problem=sentence)]
    files: dict[str, _File] = {}
    seen: Counter[str] = Counter()
    for upload in loose:
        folded = upload.name.casefold()
        seen[folded] += 1
        copy = seen[folded]
        # A folder for every further copy: the first picture goes with the first mask, and so on.
        files[upload.name if copy == 1 else f"({copy})/{upload.name}"] = _File(upload.name, copy, upload)
    return _assign_unique_names([*_pair_files(files), *problems])


def count_max_pages(items: Sequence[InputImage]) -> int:
    """Return the number of pages of the TIFF that has most, from the headers alone; at least 1."""
    most = 1
    tiffs = [item for item in items if not item.problem and PurePosixPath(item.name).suffix.lower() in TIFF_SUFFIXES]
    for item in tiffs[:MAX_HEADERS_READ]:
        try:
            most = max(most, read_file_header(item.load(), name=item.name).page_count)
        except WbcsegError:
            # It is said when the picture's turn comes.
            continue
    return most


def resolve_page(data: bytes, name: str, page: int) -> int:
    """Return which page of a file is meant: the one that was asked for where it is a TIFF with several, else the first.

    Raises:
        ImageError: If it is no picture, or has several pages but not that one.
    """
    header = read_file_header(data, name=name)
    if header.format != "TIFF" or header.page_count == 1:
        return 0
    if page >= header.page_count:
        raise ImageError(
            f"Picture {format_display_name(name)} cannot be used. Page {page + 1} was asked for, but the file has {header.page_count}."
        )
    return page


def _unpack(uploads: Sequence[Upload], problems: list[InputImage]) -> Iterator[Upload]:
    """Yield the files, those in zips included; note what is wrong with zips."""
    for upload in uploads:
        name = "/".join(part for part in upload.name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
        # What is no text in UTF-8, as names on Linux may be, cannot be written anywhere.
        name = name.encode("utf-8", "replace").decode() or "picture"
        is_picture = PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES
        if is_picture and is_ignored(name):
            continue  # Left by macOS, or hidden.
        if is_picture:
            yield Upload(name, upload.load, upload.key)  # It is read when its turn comes.
            continue
        try:
            data = upload.load()
            if not name.lower().endswith(".zip") and not data.startswith(ZIP_MAGIC):
                yield Upload(name, upload.load, upload.key)
                continue
            source = ZipSource(data, name)
        except WbcsegError as problem:
            problems.append(InputImage(name, upload.key, _load_nothing, problem=str(problem)))
            continue
        for number, sentence in enumerate(source.problems):
            problems.append(InputImage(name, f"{upload.key}/problem {number}", _load_nothing, problem=sentence))
        if not source.names and not source.problems:
            empty = f"The zip {format_display_name(name)} holds no pictures: no PNG, JPEG, BMP or TIFF."
            problems.append(InputImage(name, upload.key, _load_nothing, problem=empty))
        folder = f"{name.removesuffix('.zip')}/" if len(uploads) > 1 else ""
        for inner in source.names:
            yield Upload(f"{folder}{inner}", _build_zip_loader(source, inner), f"{upload.key}/{inner}")


def _pair_files(files: dict[str, _File]) -> list[InputImage]:
    pairs, _ = pair_files(files, require_masks=False)
    # Of two pictures of one name and one mask, nobody knows which one it belongs to.
    paired: dict[tuple[str, ...], set[bool]] = {}
    for pair in pairs:
        paired.setdefault(_get_pairing_key(files[pair.image]), set()).add(pair.mask is not None)
    found: list[tuple[_File, InputImage]] = []
    masks: list[_File] = []
    for pair in pairs:
        picture, mask = files[pair.image], files[pair.mask] if pair.mask else None
        if mask is not None and len(paired[_get_pairing_key(picture)]) > 1:
            masks.append(mask)
            mask = None
        found.append((picture, _build_input(picture, mask)))
    used = {name for pair in pairs for name in (pair.image, pair.mask)}
    for name in sorted(set(files) - used):
        file = files[name]
        if not is_ignored(name) and parse_name(file.name)[1]:
            masks.append(file)
        else:
            # No picture's ending: the content decides. Or several pictures of one name, such as a.jpg and a.tif.
            found.append((file, _build_input(file, None)))
    found, masks = _assign_loose_masks(found, masks)
    found.sort(key=lambda one: (get_natural_sort_key(_get_pairing_key(one[0])), one[0].copy_number))
    pictures = Counter(_get_pairing_key(file) for file, _ in found)
    return [
        *(item for _, item in found),
        *(
            replace(_build_input(mask, None), problem=_format_unused_mask(mask, pictures[_get_pairing_key(mask)]))
            for mask in masks
        ),
    ]


def _assign_loose_masks(
    found: Sequence[tuple[_File, InputImage]], masks: Sequence[_File]
) -> tuple[list[tuple[_File, InputImage]], list[_File]]:
    """Give a mask that lies in no folder to the picture of its name in one, if there is but one of each.

    So it is where a zip or a folder is brought first and a mask by itself later.

    Args:
        found: The pictures.
        masks: Those that have no picture yet.

    Returns:
        The pictures, and the masks that still have none.
    """
    homeless = Counter(_get_pairing_key(mask) for mask in masks)
    bare: dict[str, list[int]] = {}
    for place, (picture, item) in enumerate(found):
        if not item.mask_name:
            bare.setdefault(_get_pairing_key(picture)[-1], []).append(place)
    found, rest = list(found), []
    for mask in masks:
        key = _get_pairing_key(mask)
        places = bare.get(key[0], []) if len(key) == homeless[key] == 1 else []
        if len(places) == 1:
            picture, _ = found[places[0]]
            found[places[0]] = (picture, _build_input(picture, mask))
        else:
            rest.append(mask)
    return found, rest


def _format_unused_mask(mask: _File, pictures: int) -> str:
    if not pictures:
        return f"Mask {format_display_name(mask.name)} is not used: there is no picture of its name."
    return (
        f"Mask {format_display_name(mask.name)} is not used: there are {pictures} pictures of its name, and nothing says which one "
        "it belongs to."
    )


def _build_input(picture: _File, mask: _File | None) -> InputImage:
    upload = picture.upload
    if mask is None:
        return InputImage(picture.name, upload.key, upload.load)
    return InputImage(picture.name, f"{upload.key} {mask.upload.key}", upload.load, mask.name, mask.upload.load)


def _assign_unique_names(items: Sequence[InputImage]) -> list[InputImage]:
    """Give every item a name of its own, without a folder that all of them lie in."""
    tops = {item.name.partition("/")[0] if "/" in item.name else "" for item in items}
    common = f"{tops.pop()}/" if len(tops) == 1 else ""
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    named = []
    for item in items:
        name = item.name.removeprefix(common) if common != "/" else item.name
        path = PurePosixPath(name)
        unique = name
        while unique.casefold() in taken:
            numbers[name.casefold()] += 1
            unique = str(path.with_name(f"{path.stem} ({numbers[name.casefold()] + 1}){path.suffix}"))
        taken.add(unique.casefold())
        named.append(replace(item, name=unique))
    return named


def _get_pairing_key(file: _File) -> tuple[str, ...]:
    """Return what the names of a picture and its mask have in common."""
    return tuple(part.casefold() for part in parse_name(file.name)[0])


def _build_zip_loader(source: ZipSource, name: str) -> LoadFn:
    return lambda: source.read(name)


def _load_nothing() -> bytes:
    return b""
