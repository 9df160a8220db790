"""Which mask belongs to which picture, judged by names alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from wbcseg.io import format_display_name

PAIRING_RULE: Final = (
    "A picture and its mask have the same name, apart from the ending. The mask is the one that lies in a folder "
    "called masks, labels, annotations, gt or ground_truth (the pictures beside it or in a folder called images), or "
    "whose name ends in _mask, _label or _gt, or that is the .png beside a .bmp, .jpg or .tif. Masks are PNG, BMP or "
    "TIFF in grey (0 background, 128 cytoplasm, 255 nucleus) or with the class ids 0, 1 and 2. Other files are ignored."
)
"""The rule in plain words, for pages and error messages."""

IMAGE_SUFFIXES: Final = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"))
_IMAGE_FOLDERS: Final = frozenset(("image", "images", "img", "imgs", "picture", "pictures"))
_MASK_FOLDERS: Final = frozenset(
    (
        "mask",
        "masks",
        "label",
        "labels",
        "annotation",
        "annotations",
        "gt",
        "ground_truth",
        "groundtruth",
        "ground-truth",
    )
)
_MASK_NAME_PATTERN: Final = re.compile(r"(?<=.)[_-](mask|masks|label|labels|gt)$", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """A picture and its mask.

    Attributes:
        key: Folders and stem that both have in common.
        image: The picture's name as it was given.
        mask: The mask's name, or ``None``.
    """

    key: tuple[str, ...]
    image: str
    mask: str | None


@dataclass
class _FileGroup:
    images: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)


def is_ignored(name: str) -> bool:
    """Tell whether a file is none of the user's: hidden, left by macOS, or with an ending that no picture has."""
    parts = name.split("/")
    return (
        any(part.startswith(".") or part == "__MACOSX" for part in parts if part not in (".", ".."))
        or PurePosixPath(parts[-1]).suffix.lower() not in IMAGE_SUFFIXES
    )


def pair_files(names: Iterable[str], *, require_masks: bool = True) -> tuple[list[Pair], list[str]]:
    """Pair files by their names; :data:`PAIRING_RULE` says how.

    Args:
        names: Relative names with forward slashes. Those that :func:`is_ignored` names are skipped.
        require_masks: Whether a picture without a mask is a problem; otherwise it is a pair without a mask.

    Returns:
        The pairs in natural order (``cell2`` before ``cell10``), and a sentence for each file that was left out.
    """
    groups: dict[tuple[str, ...], _FileGroup] = {}
    for name in sorted(names):
        if is_ignored(name):
            continue
        key, is_mask = parse_name(name)
        group = groups.setdefault(tuple(part.casefold() for part in key), _FileGroup())
        (group.masks if is_mask else group.images).append(name)
    pairs: list[Pair] = []
    problems: list[str] = []
    for folded_key in sorted(groups, key=get_natural_sort_key):
        group = groups[folded_key]
        _split_zheng_layout(group)
        if len(group.images) > 1 or len(group.masks) > 1:
            duplicates = group.images if len(group.images) > 1 else group.masks
            noun = "pictures" if duplicates is group.images else "masks"
            listed = ", ".join(format_display_name(name) for name in duplicates)
            problems.append(f"{listed}: {len(duplicates)} {noun} for the same name; they are left out.")
        elif not group.images:
            problems.append(f"{format_display_name(group.masks[0])}: the mask has no picture; it is left out.")
        elif not group.masks and require_masks:
            problems.append(f"{format_display_name(group.images[0])}: the picture has no mask; it is left out.")
        else:
            image = group.images[0]
            pairs.append(Pair(parse_name(image)[0], image, group.masks[0] if group.masks else None))
    return pairs, problems


def parse_name(name: str) -> tuple[tuple[str, ...], bool]:
    """Return what a picture and its mask have in common, and whether a name is that of a mask.

    Args:
        name: Relative, with forward slashes.

    Returns:
        The folders and the stem without what marks a mask; and whether something does.
    """
    *folders, file_name = (part for part in name.split("/") if part not in ("", ".", ".."))
    stem = PurePosixPath(file_name).stem
    is_mask = False
    for index in reversed(range(len(folders))):
        folder = folders[index].lower()
        if folder in _MASK_FOLDERS or folder in _IMAGE_FOLDERS:
            is_mask = folder in _MASK_FOLDERS
            del folders[index]
            break
    bare_stem = _MASK_NAME_PATTERN.sub("", stem)
    return (*folders, bare_stem), is_mask or bare_stem != stem


def _split_zheng_layout(group: _FileGroup) -> None:
    """Take the PNG beside a picture of another format for its mask, as in the Zheng data sets."""
    pngs = [name for name in group.images if name.lower().endswith(".png")]
    if not group.masks and len(pngs) == 1 and len(group.images) == 2:
        group.masks = pngs
        group.images = [name for name in group.images if name not in pngs]


def get_natural_sort_key(key: tuple[str, ...]) -> list[list[tuple[int, str]]]:
    """Return what names are sorted by, so that ``cell2`` comes before ``cell10``."""

    def split_digits(text: str) -> list[tuple[int, str]]:
        chunks = re.findall(r"[0-9]+|[^0-9]+", text)
        return [(int(chunk), "") if chunk[0] in "0123456789" and len(chunk) < 18 else (-1, chunk) for chunk in chunks]

    return [split_digits(text) for text in key]
