"""Pair images with masks by their names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from wbcseg.errors import ErrorCode, Problem
from wbcseg.io import format_display_name

PAIRING_RULE: Final = (
    "An image and its mask have the same name, apart from the extension and the letter case. The mask is the one in a "
    "folder named masks, labels, annotations, segmentations, gt or ground_truth (the images are next to that folder or "
    "in one named images), or whose name ends in _mask, _label, _seg, _gt or _instances or begins with mask_, or that "
    "keeps the image's extension (cell.jpg.png), or that is the .png beside a .bmp, .jpg or .tif. Masks are PNG, BMP, "
    "TIFF or lossless WebP in grey (0 background, 128 cytoplasm, 255 nucleus) or with the class ids 0, 1 and 2. An "
    "uploaded photograph is an image, whatever its name."
)
"""The rule in words, for pages and error messages."""

IMAGE_SUFFIXES: Final = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".heic", ".heif", ".hif")
)
"""Extensions of images. A file with another one is judged by its content where it is named or uploaded on its own."""

_DOCUMENTS: Final = (
    "txt md csv tsv xls xlsx ods doc docx pdf html htm json geojson xml yml yaml ini log py m mat db lnk url zip "
    "sha256 md5"
)
SILENT_SUFFIXES: Final = frozenset(f".{suffix}" for suffix in re.findall(r"\w+", _DOCUMENTS))
"""Extensions of files that people keep beside images: not images, and not worth a row of their own."""

_SILENT_NAMES: Final = frozenset(("readme", "license", "licence", "copying", "thumbs.db", "makefile", "authors"))
_IMAGE_FOLDERS: Final = frozenset(("image", "images", "img", "imgs", "picture", "pictures"))
_MASK_FOLDERS: Final = frozenset(
    (
        "mask",
        "masks",
        "label",
        "labels",
        "annotation",
        "seg",
        "segs",
        "segmentation",
        "segmentations",
        "annotations",
        "gt",
        "ground_truth",
        "groundtruth",
        "ground-truth",
    )
)
_MASK_WORDS: Final = (
    "(?:cp_)?masks?|labels?|gt|seg|segmentations?|annotations?|instances|ground_?truth",
    "masks?|labels?|seg|gt",
)
_MASK_NAME_PATTERN: Final = re.compile(
    # cell_mask, cell.mask, cell (mask), cell_cp_masks (Cellpose), cellMask; mask_cell.
    rf"(?<=.)[ ._-]+(?i:{_MASK_WORDS[0]})$|(?<=.) ?\((?i:{_MASK_WORDS[0]})\)$|(?<=[a-z0-9])Masks?$"
    rf"|^(?i:{_MASK_WORDS[1]})[ ._-](?=.)"
)


@dataclass(frozen=True)
class Pair:
    """An image and its mask.

    Attributes:
        key: Folders and stem that both share.
        image: Name of the image.
        mask: Name of the mask, or ``None``.
    """

    key: tuple[str, ...]
    image: str
    mask: str | None


@dataclass
class _FileGroup:
    images: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)


def is_ignored(name: str) -> bool:
    """Return whether a file is ignored: hidden, created by macOS, or with another extension than an image's."""
    parts = name.split("/")
    return (
        any(part.startswith(".") or part == "__MACOSX" for part in parts if part not in (".", ".."))
        or PurePosixPath(parts[-1]).suffix.lower() not in IMAGE_SUFFIXES
    )


def is_unexpected(name: str) -> bool:
    """Return whether a file may be an image under another name: it is ignored, but neither hidden nor a usual document.

    Such a file gets a row with a reason, so that nothing is left out without a word.
    """
    parts = name.split("/")
    path = PurePosixPath(parts[-1])
    return (
        not any(part.startswith(".") or part == "__MACOSX" for part in parts if part not in (".", ".."))
        and path.suffix.lower() not in IMAGE_SUFFIXES | SILENT_SUFFIXES
        and path.name.lower() not in _SILENT_NAMES
        and path.stem.lower() not in _SILENT_NAMES
    )


def pair_files(
    names: Iterable[str], *, require_masks: bool = True, photographs: Container[str] = ()
) -> tuple[list[Pair], list[Problem]]:
    """Pair files by their names; see :data:`PAIRING_RULE`.

    Args:
        names: Relative names with forward slashes; see :func:`is_ignored` for those that are skipped.
        require_masks: Whether an image without a mask is a problem; otherwise it is a pair without a mask.
        photographs: Names of files that are images by their content, whatever they are called.

    Returns:
        The pairs in natural order (``cell2`` before ``cell10``), and the problems of files that were skipped.
    """
    groups: dict[tuple[str, ...], _FileGroup] = {}
    for name in sorted(names):
        # A file without an extension may be an image: its content decides.
        if is_ignored(name) and (PurePosixPath(name).suffix or not is_unexpected(name)):
            continue
        key, is_mask = parse_name(name)
        if is_mask and name in photographs:
            key, is_mask = get_own_key(name), False
        group = groups.setdefault(fold_key(key), _FileGroup())
        (group.masks if is_mask else group.images).append(name)
    pairs: list[Pair] = []
    problems: list[Problem] = []
    for group in groups.values():
        if not group.images and all(_has_two_suffixes(name) for name in group.masks):
            # No image of that name: it is an image itself.
            group.images, group.masks = group.masks, []
    for folded_key in sorted(groups, key=get_natural_sort_key):
        group = groups[folded_key]
        _split_zheng_layout(group, photographs)
        if len(group.images) > 1 or len(group.masks) > 1:
            duplicates = group.images if len(group.images) > 1 else group.masks
            noun = "images" if duplicates is group.images else "masks"
            listed = ", ".join(format_display_name(name) for name in duplicates)
            reason = f"There are {len(duplicates)} {noun} with the same name; they were skipped."
            problems.append(Problem(f"{listed}: {reason}", duplicates[0], reason, ErrorCode.DUPLICATE))
        elif not group.images:
            problems.append(_describe_skipped(group.masks[0], "The mask has no image", ErrorCode.MASK_WITHOUT_IMAGE))
        elif not group.masks and require_masks:
            problems.append(_describe_skipped(group.images[0], "The image has no mask", ErrorCode.IMAGE_WITHOUT_MASK))
        else:
            image = group.images[0]
            key, is_mask = parse_name(image)
            key = get_own_key(image) if is_mask and image in photographs else key
            pairs.append(Pair(key, image, group.masks[0] if group.masks else None))
    return pairs, problems


def _has_two_suffixes(name: str) -> bool:
    """Return whether a file is named after another, with its extension, such as ``cell.jpg.png``."""
    return PurePosixPath(PurePosixPath(name).stem).suffix.lower() in IMAGE_SUFFIXES


def fold_key(key: Iterable[str]) -> tuple[str, ...]:
    """Return a key whatever the letter case and the Unicode form (NFC, NFD): file systems and zips differ in both."""
    return tuple(unicodedata.normalize("NFC", unicodedata.normalize("NFC", part).casefold()) for part in key)


def _describe_skipped(name: str, reason: str, code: ErrorCode) -> Problem:
    message = f"{format_display_name(name)}: {reason[0].lower()}{reason[1:]}; it was skipped."
    return Problem(message, name, f"{reason}; it was skipped.", code)


def parse_name(name: str) -> tuple[tuple[str, ...], bool]:
    """Return the part of a name that an image and its mask share, and whether it is the name of a mask.

    Args:
        name: Relative, with forward slashes.

    Returns:
        The folders and the stem without the mark of a mask, and whether there is such a mark.
    """
    # A name of dots and slashes only, as a zip may hold, is a file of that name.
    *folders, file_name = [part for part in name.split("/") if part not in ("", ".", "..")] or [name]
    stem = PurePosixPath(file_name).stem
    # cell.jpg.png is the mask of cell.jpg.
    has_two_suffixes = _has_two_suffixes(file_name)
    stem = PurePosixPath(stem).stem if has_two_suffixes else stem
    is_mask = False
    for index in reversed(range(len(folders))):
        folder = folders[index].lower()
        if folder in _MASK_FOLDERS or folder in _IMAGE_FOLDERS:
            is_mask = folder in _MASK_FOLDERS
            del folders[index]
            break
    bare_stem = _MASK_NAME_PATTERN.sub("", stem)
    return (*folders, bare_stem), is_mask or bare_stem != stem or has_two_suffixes


def get_own_key(name: str) -> tuple[str, ...]:
    """Return the folders and the stem of an image that is called like a mask, with whatever it is called."""
    path = PurePosixPath(name)
    return (*(part for part in path.parts[:-1] if part not in ("/", "..")), path.stem)


def _split_zheng_layout(group: _FileGroup, photographs: Container[str]) -> None:
    """Treat a PNG next to an image of another format as its mask, as in the Zheng data sets."""
    pngs = [name for name in group.images if name.lower().endswith(".png") and name not in photographs]
    if not group.masks and len(pngs) == 1 and len(group.images) == 2:
        group.masks = pngs
        group.images = [name for name in group.images if name not in pngs]


def get_natural_sort_key(key: tuple[str, ...]) -> list[list[tuple[int, str]]]:
    """Return the sort key of natural order, in which ``cell2`` comes before ``cell10``."""

    def split_digits(text: str) -> list[tuple[int, str]]:
        chunks = re.findall(r"[0-9]+|[^0-9]+", text)
        return [(int(chunk), "") if chunk[0] in "0123456789" and len(chunk) < 18 else (-1, chunk) for chunk in chunks]

    return [split_digits(text) for text in key]
