"""Open a folder or zip of images, with or without masks, as a data set.

Masks are paired with images by :data:`wbcseg.datasets.pairing.PAIRING_RULE`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path, PurePath

from wbcseg.datasets.base import Dataset, SampleInfo
from wbcseg.datasets.pairing import PAIRING_RULE, Pair, pair_files
from wbcseg.datasets.registry import DATASETS
from wbcseg.datasets.sample import Sample
from wbcseg.datasets.sources import MAX_ZIP_BYTES, FolderSource, Source, ZipSource
from wbcseg.errors import DatasetError, ErrorCode, PairingError, WbcsegError
from wbcseg.io import MaskCorrection, open_image, open_pair
from wbcseg.io.decode import as_file_error
from wbcseg.io.filenames import make_safe_name
from wbcseg.io.images import read_file_header
from wbcseg.io.limits import RejectedFileError
from wbcseg.io.masks import check_mask_header
from wbcseg.io.pairs import resolve_mask_orientation


def open_folder(path: Path, *, require_masks: bool = True, correction: MaskCorrection | None = None) -> Dataset:
    """Open a folder, or a zip, which is read in memory without being unpacked.

    Headers are read, nothing is decoded. Files that cannot be used (an image without a mask, different sizes, not an
    image) are skipped and listed in :attr:`Dataset.problems`.

    Args:
        path: A folder, or a ``.zip`` file.
        require_masks: Whether an image without a mask is skipped as a problem. Otherwise its mask is ``None``.
        correction: What someone said about the masks; see :mod:`wbcseg.io.mask_meaning`.

    Returns:
        A data set with the folder's name and the ids ``<name>/<stem>``.

    Raises:
        PairingError: If no image can be used.
        DatasetError: If the folder or zip cannot be read.
    """
    if path.is_dir():
        return _open_source(FolderSource(path), path.resolve().name, require_masks, correction)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_ZIP_BYTES + 1)
    except OSError as error:
        raise DatasetError(
            f"{path} is neither a folder nor a zip that can be read: {error.strerror}.",
            file=str(path),
            reason=f"It is neither a folder nor a zip that can be read: {error.strerror}.",
            code=ErrorCode.UNREADABLE,
        ) from error
    return open_zip(data, path.name, require_masks=require_masks, correction=correction)


def open_zip(
    data: bytes, name: str, *, require_masks: bool = True, correction: MaskCorrection | None = None
) -> Dataset:
    """Open an uploaded zip; see :func:`open_folder`.

    Args:
        data: The whole zip.
        name: File name of the zip, after which the data set is named.
        require_masks: As in :func:`open_folder`.
        correction: As in :func:`open_folder`.

    Raises:
        PairingError: If no image can be used.
        DatasetError: If it is not a zip, is encrypted, or is larger than the limits when unpacked.
    """
    return _open_source(ZipSource(data, name), PurePath(name).stem, require_masks, correction)


def _open_source(source: Source, title: str, require_masks: bool, correction: MaskCorrection | None) -> Dataset:
    pairs, problems = pair_files(source.names, require_masks=require_masks)
    problems = [*source.problems, *problems]
    name = make_safe_name(title, set())
    # Ids of a user's images must differ from those of named data sets, by which models record their training images.
    if name.casefold() in DATASETS:
        name = f"{name}-folder"
    common_depth = _count_common_folders([pair.key[:-1] for pair in pairs])
    used_names: set[str] = set()
    infos: list[SampleInfo] = []
    for pair in pairs:
        try:
            size = _check_headers(source, pair)
        except WbcsegError as error:
            problems.append(error.to_problem())
            continue
        sample_id = f"{name}/{make_safe_name('_'.join(pair.key[common_depth:]), used_names)}"
        read = partial(_read_sample, source, pair, sample_id, correction)
        infos.append(SampleInfo(sample_id, None, size, read, has_mask=pair.mask is not None))
    if not infos:
        details = " ".join(map(str, problems[:5])) if problems else "It contains no images."
        raise PairingError(
            f"No image in {source.origin} can be used. {details}", code=ErrorCode.NO_IMAGES, hint=PAIRING_RULE
        )
    return Dataset(name, title, infos, origin=source.origin, problems=problems)


def _count_common_folders(folders: list[tuple[str, ...]]) -> int:
    """Return how many leading folders all images share."""
    if not folders:
        return 0
    first, last = min(folders), max(folders)
    is_same = [a == b for a, b in zip(first, last, strict=False)]
    return is_same.index(False) if False in is_same else len(is_same)


def _check_headers(source: Source, pair: Pair) -> tuple[int, int]:
    """Return the image's size; raise an error if it or its mask cannot be read, or if they do not match."""
    image_header = read_file_header(source.get_header_source(pair.image), name=pair.image)
    if pair.mask is not None:
        mask_header = read_file_header(source.get_header_source(pair.mask), name=pair.mask, kind="Mask")
        try:
            check_mask_header(mask_header)
        except RejectedFileError as reason:
            raise as_file_error("Mask", pair.mask, reason) from reason
        resolve_mask_orientation(image_header, mask_header, image_name=pair.image, mask_name=pair.mask)
    return image_header.upright_size


def _read_sample(source: Source, pair: Pair, sample_id: str, correction: MaskCorrection | None) -> Sample:
    source_text = f"{pair.image} in {source.origin}"
    if pair.mask is None:
        image = open_image(source.read(pair.image), name=pair.image)
        return Sample(sample_id, image.pixels, None, None, source_text)
    image, labels = open_pair(
        source.read(pair.image),
        source.read(pair.mask),
        image_name=pair.image,
        mask_name=pair.mask,
        correction=correction,
    )
    return Sample(sample_id, image.pixels, labels, None, source_text)
