"""A data set: an ordered list of samples that are read on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from wbcseg.datasets.sample import MarkedCell, Sample
from wbcseg.errors import DatasetError, ErrorCode, Problem
from wbcseg.io.mask_meaning import MaskCorrection, correct_labels
from wbcseg.labels import CellType


@dataclass(frozen=True)
class SampleInfo:
    """Description of a sample that has not been read yet.

    Attributes:
        id: The sample's id.
        cell_type: Its cell type, or ``None``.
        size: Height and width in pixels, read from the file's header.
        read: Reads the sample; raises a :class:`wbcseg.errors.WbcsegError` that names the file if it cannot.
        has_mask: Whether it has an expert mask.
        cells: Cells that people marked with boxes, if the data set has boxes.
    """

    id: str
    cell_type: CellType | None
    size: tuple[int, int]
    read: Callable[[], Sample] = field(repr=False)
    has_mask: bool = True
    cells: tuple[MarkedCell, ...] = ()


class Dataset:
    """An ordered list of samples that are read on demand.

    Args:
        name: Short name, the first part of every id: ``zheng-1``.
        title: Full title.
        sample_infos: Its samples, in order.
        origin: Where the files are or how the images are made, in words.
        acknowledgement: How users of the data must acknowledge it; may be empty.
        problems: Files that were skipped, and why.
    """

    def __init__(
        self,
        name: str,
        title: str,
        sample_infos: Sequence[SampleInfo],
        *,
        origin: str = "",
        acknowledgement: str = "",
        problems: Sequence[Problem] = (),
    ) -> None:
        self.name = name
        self.title = title
        self.sample_infos = tuple(sample_infos)
        self.origin = origin
        self.acknowledgement = acknowledgement
        self.problems = tuple(problems)
        self._by_id = {info.id: info for info in self.sample_infos}
        if len(self._by_id) != len(self.sample_infos):
            duplicate = next(
                later.id
                for i, later in enumerate(self.sample_infos)
                if later.id in {earlier.id for earlier in self.sample_infos[:i]}
            )
            raise DatasetError(
                f"Data set {name} lists the sample {duplicate} twice. Ids must be unique.", code=ErrorCode.DUPLICATE
            )

    def __len__(self) -> int:
        return len(self.sample_infos)

    def __iter__(self) -> Iterator[Sample]:
        for info in self.sample_infos:
            yield info.read()

    def __contains__(self, sample_id: object) -> bool:
        return sample_id in self._by_id

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids in order."""
        return tuple(info.id for info in self.sample_infos)

    def get_info(self, sample_id: str) -> SampleInfo:
        """Return the description of a sample without reading it.

        Raises:
            DatasetError: If the data set has no such sample.
        """
        try:
            return self._by_id[sample_id]
        except KeyError:
            raise DatasetError(
                f"Data set {self.name} has no sample {sample_id!r}; it has {len(self)} samples"
                + (f", from {self.ids[0]} to {self.ids[-1]}." if self.sample_infos else "."),
                code=ErrorCode.NOT_FOUND,
            ) from None

    def read(self, sample_id: str) -> Sample:
        """Read one sample.

        Raises:
            DatasetError: If the data set has no such sample.
            WbcsegError: If its files cannot be read.
        """
        return self.get_info(sample_id).read()

    def compute_manifest(self) -> dict[str, str]:
        """Return the SHA-256 of every sample's content, by id (:meth:`Sample.compute_digest`)."""
        return {sample.id: sample.compute_digest() for sample in self}


def concatenate(name: str, title: str, datasets: Sequence[Dataset]) -> Dataset:
    """Return one data set with the samples of several."""
    return Dataset(
        name,
        title,
        [info for dataset in datasets for info in dataset.sample_infos],
        origin=" and ".join(dict.fromkeys(dataset.origin for dataset in datasets)),
        acknowledgement=" ".join(dataset.acknowledgement for dataset in datasets if dataset.acknowledgement),
        problems=[problem for dataset in datasets for problem in dataset.problems],
    )


def anonymise(dataset: Dataset) -> Dataset:
    """Return the data set with numbers instead of file names, so that results contain no names of a user's files.

    Ids become ``<name>/0001`` and so on, in the data set's order, and its problems are dropped, since they name files.
    """

    def anonymise_info(info: SampleInfo, number: int) -> SampleInfo:
        sample_id = f"{dataset.name}/{number:04}"
        return replace(info, id=sample_id, read=lambda: replace(info.read(), id=sample_id))

    return Dataset(
        dataset.name,
        dataset.title,
        [anonymise_info(info, number) for number, info in enumerate(dataset.sample_infos, start=1)],
        origin="uploaded images",
        acknowledgement=dataset.acknowledgement,
    )


def correct_masks(dataset: Dataset, correction: MaskCorrection | None) -> Dataset:
    """Return the data set with corrected masks; see :func:`wbcseg.io.mask_meaning.correct_labels`."""
    if correction in (None, "as_is"):
        return dataset

    def read_corrected(read: Callable[[], Sample]) -> Sample:
        sample = read()
        return sample if sample.mask is None else replace(sample, mask=correct_labels(sample.mask, correction))

    infos = [replace(info, read=partial(read_corrected, info.read)) for info in dataset.sample_infos]
    return Dataset(
        dataset.name,
        dataset.title,
        infos,
        origin=dataset.origin,
        acknowledgement=dataset.acknowledgement,
        problems=dataset.problems,
    )


def compute_manifest_digest(manifest: dict[str, str]) -> str:
    """Return one SHA-256 for a whole manifest, whatever its order."""
    lines = "".join(f"{digest}  {sample_id}\n" for sample_id, digest in sorted(manifest.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
