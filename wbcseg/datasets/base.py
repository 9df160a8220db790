"""A data set: an ordered list of entries, read one by one when asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError
from wbcseg.labels import CellType


@dataclass(frozen=True)
class SampleInfo:
    """What is known of a sample before it is read.

    Attributes:
        id: The sample's id.
        cell_type: Its cell type, or ``None``.
        size: Height and width in pixels, read from the file's header.
        read: Reads the sample; raises a :class:`wbcseg.errors.WbcsegError` that names the file where it can't.
        has_mask: Whether an expert mask comes with it.
    """

    id: str
    cell_type: CellType | None
    size: tuple[int, int]
    read: Callable[[], Sample] = field(repr=False)
    has_mask: bool = True


class Dataset:
    """An ordered list of samples that are read when asked for.

    Args:
        name: Short name, the first part of every id: ``zheng-1``.
        title: What the page calls it.
        sample_infos: In the order of the data set.
        origin: Where the files are or how the pictures are made, in words.
        acknowledgement: What whoever uses the data has to say, or an empty text.
        problems: Plain sentences on files that were left out, each naming its file.
    """

    def __init__(
        self,
        name: str,
        title: str,
        sample_infos: Sequence[SampleInfo],
        *,
        origin: str = "",
        acknowledgement: str = "",
        problems: Sequence[str] = (),
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
            raise DatasetError(f"Data set {name} names the sample {duplicate} twice. Ids must be unique.")

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
        """Return what is known of a sample without reading it.

        Raises:
            DatasetError: If the data set has no such sample.
        """
        try:
            return self._by_id[sample_id]
        except KeyError:
            raise DatasetError(
                f"Data set {self.name} has no sample {sample_id!r}; it has {len(self)} samples"
                + (f", from {self.ids[0]} to {self.ids[-1]}." if self.sample_infos else ".")
            ) from None

    def read(self, sample_id: str) -> Sample:
        """Read one sample.

        Raises:
            DatasetError: If the data set has no such sample.
            WbcsegError: If its files cannot be read.
        """
        return self.get_info(sample_id).read()

    def compute_manifest(self) -> dict[str, str]:
        """Return the SHA-256 of every sample's content, by id (:meth:`Sample.digest`)."""
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
    """Return the same data set with numbers for names, so that what is written of it holds no name of a user's file.

    Ids become ``<name>/0001`` and so on, in the data set's order, and notes on files that were left out are dropped.
    """

    def anonymise_info(info: SampleInfo, number: int) -> SampleInfo:
        sample_id = f"{dataset.name}/{number:04}"
        return replace(info, id=sample_id, read=lambda: replace(info.read(), id=sample_id))

    return Dataset(
        dataset.name,
        dataset.title,
        [anonymise_info(info, number) for number, info in enumerate(dataset.sample_infos, start=1)],
        origin="pictures that a user brought",
        acknowledgement=dataset.acknowledgement,
    )


def compute_manifest_digest(manifest: dict[str, str]) -> str:
    """Return one SHA-256 for a whole manifest, whatever its order."""
    lines = "".join(f"{digest}  {sample_id}\n" for sample_id, digest in sorted(manifest.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
