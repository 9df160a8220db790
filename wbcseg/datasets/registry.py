"""The data sets by name, and how a data set registers itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeVar

from wbcseg.datasets.base import Dataset
from wbcseg.datasets.download import ProgressCallback
from wbcseg.errors import DatasetError
from wbcseg.registry import DEFAULT_ORDER, Registry


class DatasetOpener(Protocol):
    """Opens a data set.

    Raises a :class:`wbcseg.errors.DatasetError` if it is not on this computer and not to be downloaded.
    """

    def __call__(self, *, download: bool, progress: ProgressCallback | None) -> Dataset: ...  # noqa: D102


OpenerT = TypeVar("OpenerT", bound=DatasetOpener)

DatasetKind = Literal["masks", "types", "examples"]
"""Images with masks, to train and score models with; images with types and boxes of cells, for the cell detector and
the model of cell types; or examples without masks, to try models with."""


@dataclass(frozen=True)
class DatasetAvailability:
    """Where a data set is on this computer.

    Attributes:
        location: Where it is read from, in words.
        count: Number of its samples, or ``None`` if not known yet.
    """

    location: str
    count: int | None


@dataclass(frozen=True)
class DatasetStatus:
    """Whether a data set can be opened at once.

    Attributes:
        name: For :func:`wbcseg.datasets.open_dataset`.
        title: Full title.
        ready: Whether it can be opened without a download.
        location: Where it is read from, in words; empty if it is not ready.
        count: Number of its samples, or ``None`` if not known yet.
        advice: How to make it ready; empty if it is.
    """

    name: str
    title: str
    ready: bool
    location: str
    count: int | None
    advice: str


@dataclass(frozen=True)
class DatasetSpec:
    """A data set that has a name.

    Attributes:
        name: Short name, in settings, ids and on the command line.
        title: Full title.
        short_title: Title in lists.
        description: What its images show, in a sentence.
        source: Address or description of where it comes from.
        opener: Opens it.
        kind: Whether its images have masks. Examples are offered wherever an image is chosen, but not for training.
        get_availability: Returns where it is on this computer without decoding an image, or ``None`` if it must be
            downloaded; raises a :class:`wbcseg.errors.DatasetError` if something is wrong. By default, it is opened.
        acknowledgement: How users of the data must acknowledge it.
        advice: How to obtain it.
        parts: Names of the data sets that it combines; such a data set is not listed beside its parts.
        can_download: Whether the program can download it.
        sample_count: Number of samples of the complete data set, if known.
        order: Position in lists.
    """

    name: str
    title: str
    short_title: str
    description: str
    source: str
    opener: DatasetOpener = field(repr=False)
    kind: DatasetKind = "masks"
    get_availability: Callable[[], DatasetAvailability | None] | None = field(default=None, repr=False)
    acknowledgement: str = ""
    advice: str = ""
    parts: tuple[str, ...] = ()
    can_download: bool = False
    sample_count: int | None = None
    order: int = DEFAULT_ORDER

    def get_status(self) -> DatasetStatus:
        """Return whether it can be opened. Nothing is downloaded."""
        try:
            if self.get_availability is not None:
                availability = self.get_availability()
            else:
                dataset = self.opener(download=False, progress=None)
                availability = DatasetAvailability(dataset.origin, len(dataset))
        except DatasetError as error:
            return DatasetStatus(self.name, self.title, False, "", None, str(error))
        if availability is None:
            return DatasetStatus(self.name, self.title, False, "", None, self.advice)
        return DatasetStatus(self.name, self.title, True, availability.location, availability.count, "")


DATASETS: Final[Registry[DatasetSpec]] = Registry("data set", "wbcseg.datasets.named")
"""Every data set that has a name, by its name. :func:`wbcseg.datasets.open_dataset` also opens folders and zips."""


def register_dataset(
    *,
    name: str,
    title: str,
    description: str,
    source: str,
    short_title: str = "",
    kind: DatasetKind = "masks",
    get_availability: Callable[[], DatasetAvailability | None] | None = None,
    acknowledgement: str = "",
    advice: str = "",
    parts: tuple[str, ...] = (),
    can_download: bool = False,
    sample_count: int | None = None,
    order: int = DEFAULT_ORDER,
) -> Callable[[OpenerT], OpenerT]:
    """Register the decorated opener as a data set; arguments as in :class:`DatasetSpec`."""

    def decorate(opener: OpenerT) -> OpenerT:
        DATASETS.add(
            DatasetSpec(
                name=name,
                title=title,
                short_title=short_title or title,
                description=description,
                source=source,
                opener=opener,
                kind=kind,
                get_availability=get_availability,
                acknowledgement=acknowledgement,
                advice=advice,
                parts=parts,
                can_download=can_download,
                sample_count=sample_count,
                order=order,
            )
        )
        return opener

    return decorate
