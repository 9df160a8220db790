"""Turn uploaded files and zips into a list of images with their masks.

An image's bytes are read only when it is processed; files that are called like masks are looked into before they are
paired, because a photograph may be called ``x.labels.png``. A problem with a file affects only that file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from wbcseg.datasets.pairing import (
    IMAGE_SUFFIXES,
    fold_key,
    get_natural_sort_key,
    get_own_key,
    is_ignored,
    pair_files,
    parse_name,
)
from wbcseg.datasets.photographs import find_photographs, list_notices
from wbcseg.datasets.sources import MAX_FILES, ZipSource
from wbcseg.errors import ErrorCode, ImageError, Problem, WbcsegError
from wbcseg.io import MaskCorrection, PageChoice, format_display_name, read_size

LoadFn = Callable[[], bytes]

ZIP_MAGIC: Final = b"PK\x03\x04"
"""First bytes of a zip."""


@dataclass(frozen=True, eq=False)
class Upload:
    """An uploaded file.

    Attributes:
        name: File name, with forward slashes if a folder was uploaded.
        load: Returns its bytes.
        key: Identifies the content: equal for the same upload, different for any other.
    """

    name: str
    load: LoadFn = field(repr=False)
    key: str


@dataclass(frozen=True, eq=False)
class InputImage:
    """An image to be processed, or a file that cannot be.

    Attributes:
        name: Unique name.
        key: Identifies the content, mask included.
        load: Returns the bytes of the image; raises a :class:`wbcseg.errors.WbcsegError` if they cannot be read.
        mask_name: Name of the expert mask; empty if there is none.
        load_mask: Returns the bytes of the mask.
        problem: A problem found before the image is opened; it is then not opened.
        notices: Sentences for the user.
        page: The page that someone chose for this file, or ``None``.
        mask_correction: What someone said about its mask, or ``None``; see :mod:`wbcseg.io.mask_meaning`.
    """

    name: str
    key: str
    load: LoadFn = field(repr=False)
    mask_name: str = ""
    load_mask: LoadFn | None = field(default=None, repr=False)
    problem: Problem | None = None
    notices: tuple[str, ...] = ()
    page: PageChoice = None
    mask_correction: MaskCorrection | None = None

    def load_into_memory(self) -> InputImage:
        """Return the image with its bytes in memory, in case its source disappears.

        Raises:
            WbcsegError: If they cannot be read.
        """
        data, mask = self.load(), self.load_mask() if self.load_mask is not None else None
        return replace(self, load=lambda: data, load_mask=None if mask is None else partial(bytes, mask))


@dataclass(frozen=True)
class _File:
    """A file with the name used for pairing; files with the same name get folders of their own."""

    name: str
    copy_number: int
    upload: Upload
    is_photograph: bool = False
    """Whether it is known to be an image, whatever it is called."""


def pair_uploads(uploads: Sequence[Upload]) -> list[InputImage]:
    """Turn uploads into a list of images with their masks.

    Zips are opened in memory. Images and masks are paired by :data:`wbcseg.datasets.PAIRING_RULE`; a zip counts as
    a folder of its name. Files with the same name are numbered: ``a.png`` and ``a (2).png``.

    Args:
        uploads: In the order of the upload.

    Returns:
        Images in natural order of their names (``cell2`` before ``cell10``), then files that cannot be used.
    """
    problems: list[InputImage] = []
    unpacked = list(_unpack(uploads, problems))
    if len(unpacked) > MAX_FILES:
        message = f"{len(unpacked):,} files were uploaded; the limit is {MAX_FILES:,}."
        problem = Problem(message, reason=message, code=ErrorCode.TOO_LARGE, hint="Upload them in parts.")
        return [InputImage("Too many files", "", _load_nothing, problem=problem)]
    photographs = find_photographs((upload.name, upload) for upload in unpacked)
    files: dict[str, _File] = {}
    name_counts: Counter[str] = Counter()
    for upload in unpacked:
        folded_name = upload.name.casefold()
        name_counts[folded_name] += 1
        copy_number = name_counts[folded_name]
        # A folder for every further copy: the first image goes with the first mask, and so on.
        files[upload.name if copy_number == 1 else f"({copy_number})/{upload.name}"] = _File(
            upload.name, copy_number, upload, upload in photographs
        )
    return _assign_unique_names([*_pair_files(files), *problems])


def drop_foreign_bytes(upload: Upload) -> Upload:
    """Return an upload without its bytes if it is neither an image nor a zip: reading it raises the reason.

    Args:
        upload: The upload.

    Returns:
        The same upload if it may be used.
    """
    try:
        data = upload.load()
        if not upload.name.lower().endswith(".zip") and not data.startswith(ZIP_MAGIC):
            read_size(data, name=upload.name)
    except ImageError as error:
        if error.code == ErrorCode.UNSUPPORTED_FORMAT:
            return replace(upload, load=partial(_raise, error))
    return upload


def _raise(error: WbcsegError) -> bytes:
    raise error


def _unpack(uploads: Sequence[Upload], problems: list[InputImage]) -> Iterator[Upload]:
    """Yield the files, including those in zips; add problems with zips to ``problems``."""
    for upload in uploads:
        name = "/".join(part for part in upload.name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
        # A name that is not valid UTF-8, as is possible on Linux, cannot be written anywhere.
        name = name.encode("utf-8", "replace").decode() or "image"
        is_image = PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES
        if is_image and is_ignored(name):
            continue  # Hidden, or created by macOS.
        if is_image:
            yield Upload(name, upload.load, upload.key)  # Read when it is processed.
            continue
        try:
            data = upload.load()
            if not name.lower().endswith(".zip") and not data.startswith(ZIP_MAGIC):
                yield Upload(name, upload.load, upload.key)
                continue
            source = ZipSource(data, name)
        except WbcsegError as error:
            problems.append(InputImage(name, upload.key, _load_nothing, problem=error.to_problem()))
            continue
        for index, problem in enumerate((*source.problems, *source.unused)):
            problems.append(
                InputImage(problem.file or name, f"{upload.key}/problem {index}", _load_nothing, problem=problem)
            )
        if not source.names and not source.problems and not source.unused:
            no_images = Problem(
                f"Zip {format_display_name(name)} holds no images.",
                name,
                "The zip holds no images.",
                ErrorCode.NO_IMAGES,
            )
            problems.append(InputImage(name, upload.key, _load_nothing, problem=no_images))
        folder = f"{name.removesuffix('.zip')}/" if len(uploads) > 1 else ""
        for inner_name in source.names:
            yield Upload(f"{folder}{inner_name}", _build_zip_loader(source, inner_name), f"{upload.key}/{inner_name}")


def _pair_files(files: dict[str, _File]) -> list[InputImage]:
    pairs, _ = pair_files(
        files, require_masks=False, photographs={name for name, file in files.items() if file.is_photograph}
    )
    # With two images of one name and one mask, it is unknown which one the mask belongs to.
    mask_presence: dict[tuple[str, ...], set[bool]] = {}
    for pair in pairs:
        mask_presence.setdefault(_get_pairing_key(files[pair.image]), set()).add(pair.mask is not None)
    inputs: list[tuple[_File, InputImage]] = []
    unused_masks: list[_File] = []
    for pair in pairs:
        image_file, mask_file = files[pair.image], files[pair.mask] if pair.mask else None
        if mask_file is not None and len(mask_presence[_get_pairing_key(image_file)]) > 1:
            unused_masks.append(mask_file)
            mask_file = None
        inputs.append((image_file, _build_input(image_file, mask_file)))
    used_names = {name for pair in pairs for name in (pair.image, pair.mask)}
    for name in sorted(set(files) - used_names):
        file = files[name]
        if not is_ignored(name) and parse_name(file.name)[1] and not file.is_photograph:
            unused_masks.append(file)
        else:
            # No image extension: the content decides. Or several images of one name, such as a.jpg and a.tif.
            inputs.append((file, _build_input(file, None)))
    inputs = [(f, replace(i, notices=list_notices(f.name, files)) if f.is_photograph else i) for f, i in inputs]
    inputs, unused_masks = _assign_loose_masks(inputs, unused_masks)
    inputs.sort(key=lambda entry: (get_natural_sort_key(_get_pairing_key(entry[0])), entry[0].copy_number))
    image_counts = Counter(_get_pairing_key(file) for file, _ in inputs)
    return [
        *(input_image for _, input_image in inputs),
        *(
            replace(
                _build_input(mask_file, None),
                problem=_describe_unused_mask(mask_file, image_counts[_get_pairing_key(mask_file)]),
            )
            for mask_file in unused_masks
        ),
    ]


def _assign_loose_masks(
    inputs: Sequence[tuple[_File, InputImage]], unused_masks: Sequence[_File]
) -> tuple[list[tuple[_File, InputImage]], list[_File]]:
    """Assign a mask outside any folder to the image of its name in a folder, if there is only one of each.

    This happens if a zip or folder is uploaded first and a mask on its own later.

    Args:
        inputs: The images.
        unused_masks: Masks without an image.

    Returns:
        The images, and the masks that still have none.
    """
    mask_counts = Counter(_get_pairing_key(mask_file) for mask_file in unused_masks)
    unmasked_by_name: dict[str, list[int]] = {}
    for index, (image_file, input_image) in enumerate(inputs):
        if not input_image.mask_name:
            unmasked_by_name.setdefault(_get_pairing_key(image_file)[-1], []).append(index)
    inputs, remaining = list(inputs), []
    for mask_file in unused_masks:
        key = _get_pairing_key(mask_file)
        candidates = unmasked_by_name.get(key[0], []) if len(key) == mask_counts[key] == 1 else []
        if len(candidates) == 1:
            image_file, _ = inputs[candidates[0]]
            inputs[candidates[0]] = (image_file, _build_input(image_file, mask_file))
        else:
            remaining.append(mask_file)
    return inputs, remaining


def _describe_unused_mask(mask_file: _File, n_images: int) -> Problem:
    name = format_display_name(mask_file.name)
    if not n_images:
        return Problem(
            f"Mask {name} was not used: no image has its name.",
            mask_file.name,
            "It is a mask, and no image has its name.",
            ErrorCode.MASK_WITHOUT_IMAGE,
        )
    return Problem(
        f"Mask {name} was not used: {n_images} images have its name.",
        mask_file.name,
        f"It is a mask, and {n_images} images have its name.",
        ErrorCode.AMBIGUOUS_MASK,
    )


def _build_input(image_file: _File, mask_file: _File | None) -> InputImage:
    upload = image_file.upload
    if mask_file is None:
        return InputImage(image_file.name, upload.key, upload.load)
    return InputImage(
        image_file.name, f"{upload.key} {mask_file.upload.key}", upload.load, mask_file.name, mask_file.upload.load
    )


def _assign_unique_names(input_images: Sequence[InputImage]) -> list[InputImage]:
    """Give every image a unique name, without a folder that all of them share."""
    top_folders = {
        input_image.name.partition("/")[0] if "/" in input_image.name else "" for input_image in input_images
    }
    common_folder = f"{top_folders.pop()}/" if len(top_folders) == 1 else ""
    used_names: set[str] = set()
    copy_numbers: Counter[str] = Counter()
    result = []
    for input_image in input_images:
        name = input_image.name.removeprefix(common_folder) if common_folder != "/" else input_image.name
        path = PurePosixPath(name)
        unique_name = name
        while unique_name.casefold() in used_names:
            copy_numbers[name.casefold()] += 1
            unique_name = str(path.with_name(f"{path.stem} ({copy_numbers[name.casefold()] + 1}){path.suffix}"))
        used_names.add(unique_name.casefold())
        result.append(replace(input_image, name=unique_name))
    return result


def _get_pairing_key(file: _File) -> tuple[str, ...]:
    """Return the part of the name that an image and its mask share."""
    key, has_name_of_mask = parse_name(file.name)
    return fold_key(get_own_key(file.name) if has_name_of_mask and file.is_photograph else key)


def _build_zip_loader(source: ZipSource, name: str) -> LoadFn:
    return lambda: source.read(name)


def _load_nothing() -> bytes:
    return b""
