"""List the models that can be used: the shipped ones and those trained on this computer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from wbcseg.errors import ErrorCode, ModelError, Problem
from wbcseg.inference.predictor import Segmenter
from wbcseg.io.atomic import compute_sha256
from wbcseg.models import ARCHITECTURES
from wbcseg.models.card import CARD_FILE, FileRecord, ModelCard
from wbcseg.paths import DETECTOR_FOLDER, get_runs_folder, get_weights_folder

SYNTHETIC: Final = "synthetic"
"""Name of the data set of synthetic images."""

MAX_DEFAULT_MODELS: Final = 3
"""Number of default models if none is shipped."""


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be used.

    Attributes:
        name: Name of its folder, unique in the catalog.
        folder: Its folder.
        card: Its card.
        shipped: Whether it came with the package; the others were trained on this computer.
    """

    name: str
    folder: Path
    card: ModelCard
    shipped: bool

    @property
    def title(self) -> str:
        """Title for people."""
        return self.card.title if self.shipped else f"{self.card.title} · {self.name}"

    @property
    def key(self) -> tuple[str, str]:
        """Name and checksum, the cache key: another model with the same name has another key."""
        return self.name, self.card.files["model"].sha256


@dataclass(frozen=True)
class BrokenModel:
    """A model folder that cannot be used.

    Attributes:
        name: Name of the folder, unique in the catalog.
        folder: The folder.
        problem: Why it cannot be used.
        shipped: Whether it came with the package.
    """

    name: str
    folder: Path
    problem: Problem
    shipped: bool

    @property
    def title(self) -> str:
        """Title for people."""
        return self.name


class Catalog:
    """The models on disk: the shipped ones first, then finished runs, newest first.

    A run with the name of another model is listed as ``run-NAME``, so that names are unique.

    Args:
        shipped: Folder of the shipped models, by default :func:`wbcseg.paths.get_weights_folder`.
        runs: Folder of the runs, by default :func:`wbcseg.paths.get_runs_folder`.

    Attributes:
        entries: All models, including those that cannot be used.
    """

    entries: tuple[ModelEntry | BrokenModel, ...]

    def __init__(self, shipped: Path | None = None, runs: Path | None = None) -> None:
        shipped_entries = sorted(
            _list_entries(shipped or get_weights_folder(), shipped=True), key=_get_shipped_sort_key
        )
        trained = sorted(_list_entries(runs or get_runs_folder(), shipped=False), key=_get_run_sort_key, reverse=True)
        self.entries = (*shipped_entries, *_rename_duplicates(shipped_entries, trained))

    @property
    def usable(self) -> tuple[ModelEntry, ...]:
        """The models that can be used."""
        return tuple(entry for entry in self.entries if isinstance(entry, ModelEntry))

    @property
    def broken(self) -> tuple[BrokenModel, ...]:
        """The models that cannot be used."""
        return tuple(entry for entry in self.entries if isinstance(entry, BrokenModel))

    @property
    def default_model(self) -> ModelEntry | None:
        """The model for images of unknown origin: the first of :meth:`select_defaults_for`."""
        return next(iter(self.select_defaults_for(None)), None)

    def select_defaults_for(self, dataset: str | None) -> tuple[ModelEntry, ...]:
        """Return the default models: the widest shipped one of each network, or else those trained last.

        Args:
            dataset: Name of the data set that the image is from; ``None`` if not known. For it and for synthetic
                images, models trained on this data set alone come before the general (multi-site) ones; for all other
                images, only general models are used.
        """
        shipped = [entry for entry in self.usable if entry.shipped]
        specific = [e for e in shipped if not e.card.two_stage and dataset in (e.card.dataset, SYNTHETIC)]
        general = [entry for entry in shipped if entry.card.two_stage]
        best_by_architecture: dict[str, ModelEntry] = {}
        for entry in [*specific, *general] or shipped:
            # The widest of each network comes first.
            best_by_architecture.setdefault(_get_architecture(entry), entry)
        return tuple(sorted(best_by_architecture.values(), key=_rank_architecture)) or self.usable[:MAX_DEFAULT_MODELS]

    def find(self, name: str) -> ModelEntry | BrokenModel:
        """Return the entry of a model, whether it can be used or not.

        Raises:
            ModelError: If there is no such model.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        names = ", ".join(entry.name for entry in self.entries) or "none"
        raise ModelError(f"There is no model {name!r}.", code=ErrorCode.NOT_FOUND, hint=f"Available models: {names}.")

    def get(self, name: str) -> ModelEntry:
        """Return the entry of a model that can be used.

        Raises:
            ModelError: If there is no such model, or it cannot be used.
        """
        entry = self.find(name)
        if isinstance(entry, BrokenModel):
            raise ModelError.from_problem(entry.problem)
        return entry

    def load(self, name: str) -> Segmenter:
        """Load a model.

        Raises:
            ModelError: If there is no such model, or it cannot be used.
        """
        entry = self.get(name)
        return Segmenter(entry.folder, entry.card, name=entry.name)


def _list_entries(folder: Path, *, shipped: bool) -> list[ModelEntry | BrokenModel]:
    try:
        # The cell detector is no segmentation model.
        folders = [path.parent for path in folder.glob(f"*/{CARD_FILE}") if path.parent.name != DETECTOR_FOLDER]
    except OSError:
        return []
    return [_load_entry(path, shipped=shipped) for path in folders]


def _rename_duplicates(
    shipped: Sequence[ModelEntry | BrokenModel], trained: Sequence[ModelEntry | BrokenModel]
) -> Iterator[ModelEntry | BrokenModel]:
    """Yield the trained models under names that no other model has."""
    shipped_names = {entry.name for entry in shipped}
    used_names = shipped_names | {entry.name for entry in trained}
    for entry in trained:
        name = entry.name
        if name in shipped_names:
            while name in used_names:
                name = f"run-{name}"
            used_names.add(name)
        yield entry if name == entry.name else dataclasses.replace(entry, name=name)


def _load_entry(folder: Path, *, shipped: bool) -> ModelEntry | BrokenModel:
    try:
        stat = (folder / CARD_FILE).stat()
        card = _load_card(folder, stat.st_mtime_ns, stat.st_size)
        for record in card.files.values():
            _check_file(folder, record)
    except ModelError as error:
        return BrokenModel(folder.name, folder, error.to_problem(), shipped)
    except OSError as error:
        problem = Problem(
            f"The card of model {folder.name} could not be read: {error.strerror}.",
            CARD_FILE,
            code=ErrorCode.UNREADABLE,
        )
        return BrokenModel(folder.name, folder, problem, shipped)
    return ModelEntry(folder.name, folder, card, shipped)


@lru_cache(maxsize=256)
def _load_card(folder: Path, _changed: int, _size: int) -> ModelCard:
    return ModelCard.read(folder)


def _check_file(folder: Path, record: FileRecord) -> None:
    path = folder / record.name
    try:
        stat = path.stat()
    except OSError as error:
        raise ModelError(
            f"File {record.name} of model {folder.name} could not be read: {error.strerror}.",
            file=record.name,
            code=ErrorCode.UNREADABLE,
            hint="Copy the model folder again from its source.",
        ) from None
    if _compute_sha256(path, stat.st_mtime_ns, stat.st_size) != record.sha256:
        record.check(path.read_bytes(), folder)


@lru_cache(maxsize=256)
def _compute_sha256(path: Path, _changed: int, _size: int) -> str:
    return compute_sha256(path)


def _get_architecture(entry: ModelEntry | BrokenModel) -> str:
    return entry.card.architecture if isinstance(entry, ModelEntry) else entry.name.partition("-")[0]


def _rank_architecture(entry: ModelEntry | BrokenModel) -> int:
    """Return the position of a model's network in the registry; unknown networks come last."""
    names = list(ARCHITECTURES)
    architecture = _get_architecture(entry)
    return names.index(architecture) if architecture in names else len(names)


def _get_shipped_sort_key(entry: ModelEntry | BrokenModel) -> tuple[bool, int, int, str]:
    card = entry.card if isinstance(entry, ModelEntry) else None
    base_filters = card.base_filters if card else 0
    return bool(card and card.two_stage), _rank_architecture(entry), -base_filters, entry.name


def _get_run_sort_key(entry: ModelEntry | BrokenModel) -> tuple[str, str]:
    return entry.card.created if isinstance(entry, ModelEntry) else "", entry.name
