"""List the models that can be used: the shipped ones and those trained on this computer."""

from __future__ import annotations

import copy
import dataclasses
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from wbcseg.errors import ErrorCode, ModelError, Problem
from wbcseg.inference.model_trial import check_model_runs
from wbcseg.inference.predictor import Segmenter
from wbcseg.io.foreign import ForeignFileError, compute_plain_sha256, make_folder_name
from wbcseg.models import ARCHITECTURES
from wbcseg.models.card import WEIGHTS_FILE, ModelCard
from wbcseg.models.card_errors import CARD_FILE
from wbcseg.models.file_record import FileRecord
from wbcseg.paths import SPECIAL_FOLDERS, get_runs_folder, get_weights_folder

SYNTHETIC: Final = "synthetic"
"""Name of the data set of synthetic images."""

CRF_SUFFIX: Final = " + CRF"
"""Ends the titles of models whose results a conditional random field refines."""

MAX_DEFAULT_MODELS: Final = 3
"""Number of default models if none is shipped."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be used.

    Attributes:
        name: Name of its folder, printable and unique in the catalog.
        folder: Its folder.
        card: Its card.
        shipped: Whether it came with the package; the others were trained on this computer.
        uses_crf: Whether a conditional random field refines its results (:meth:`Catalog.with_crf`).
    """

    name: str
    folder: Path
    card: ModelCard
    shipped: bool
    uses_crf: bool = False

    @property
    def has_weights(self) -> bool:
        """Whether it has trainable weights, from which a training can start."""
        return (self.folder / WEIGHTS_FILE).is_file()

    @property
    def title(self) -> str:
        """Title for people."""
        suffix = CRF_SUFFIX if self.uses_crf else ""
        return f"{self.card.title}{suffix}" if self.shipped else f"{self.card.title}{suffix} · {self.name}"

    @property
    def key(self) -> tuple[str, str]:
        """Name and checksum, the cache key: another model with the same name, or refined, has another key."""
        return self.name, self.card.files["model"].sha256 + (CRF_SUFFIX if self.uses_crf else "")


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

    A visitor of a public server sees their own runs only. A run with the name of another model is listed as
    ``run-NAME``, so that names are unique.

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
        run_entries = _list_entries(runs or get_runs_folder(), shipped=False)
        trained = sorted(run_entries, key=_get_run_sort_key, reverse=True)
        self.entries = (*shipped_entries, *_rename_duplicates(shipped_entries, trained))

    def with_crf(self) -> Catalog:
        """Return the same models, each followed by a conditional random field (:meth:`Segmenter.with_crf`)."""
        catalog = copy.copy(self)
        catalog.entries = tuple(
            dataclasses.replace(entry, uses_crf=True) if isinstance(entry, ModelEntry) else entry
            for entry in self.entries
        )
        return catalog

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

        Methods without a network are never among the shipped default models.

        Args:
            dataset: Name of the data set that the image is from; ``None`` if not known. For it and for synthetic
                images, models trained on this data set alone come before the general (multi-site) ones; for all other
                images, only general models are used.
        """
        shipped = [entry for entry in self.usable if entry.shipped and not entry.card.is_method]
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
        """Load a model. One that did not come with the package is tried in another process before its first use.

        Raises:
            ModelError: If there is no such model, or it cannot be used.
        """
        entry = self.get(name)
        # What a method has learned is read and checked by this program itself.
        if not entry.shipped and not entry.card.is_method:
            check_model_runs(entry.folder, entry.card, name=entry.name)
        segmenter = Segmenter(entry.folder, entry.card, name=entry.name)
        return segmenter.with_crf() if entry.uses_crf else segmenter


def _list_entries(folder: Path, *, shipped: bool) -> list[ModelEntry | BrokenModel]:
    try:
        # The cell detector is no segmentation model.
        with os.scandir(folder) as entries:
            names = [
                entry.name for entry in entries if entry.name not in SPECIAL_FOLDERS and not entry.name.startswith(".")
            ]
        folders = [folder / name for name in names if os.path.lexists(folder / name / CARD_FILE)]
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
    name = make_folder_name(folder)
    try:
        if folder.is_symlink() and not shipped:
            raise ModelError(
                f"The folder of model {name} is a link, and links are not followed.", code=ErrorCode.UNREADABLE
            )
        stat = (folder / CARD_FILE).stat()
        card = _load_card(folder, stat.st_mtime_ns, stat.st_size)
        for role, record in card.files.items():
            # Models that come with the program have no trainable weights.
            if role == "model" or (folder / record.name).exists():
                _check_file(folder, record)
    except ModelError as error:
        return BrokenModel(name, folder, error.to_problem(), shipped)
    except OSError as error:
        problem = Problem(
            f"The card of model {name} could not be read: {error.strerror}.",
            CARD_FILE,
            code=ErrorCode.UNREADABLE,
        )
        return BrokenModel(name, folder, problem, shipped)
    except Exception as error:
        # Whatever is wrong with one folder must not hide the others.
        _log.error("A model folder could not be read: %s", type(error).__name__)
        problem = Problem(
            f"The folder of model {name} could not be read ({type(error).__name__}).", code=ErrorCode.DAMAGED
        )
        return BrokenModel(name, folder, problem, shipped)
    return ModelEntry(name, folder, card, shipped)


@lru_cache(maxsize=256)
def _load_card(folder: Path, _changed: int, _size: int) -> ModelCard:
    return ModelCard.read(folder)


def _check_file(folder: Path, record: FileRecord) -> None:
    path = folder / record.name
    try:
        stat = path.lstat()
        is_intact = _compute_sha256(path, stat.st_mtime_ns, stat.st_size) == record.sha256
    except (OSError, ForeignFileError):
        is_intact = False
    if not is_intact:
        # This says what is wrong.
        record.read(folder)


@lru_cache(maxsize=256)
def _compute_sha256(path: Path, _changed: int, _size: int) -> str:
    return compute_plain_sha256(path)


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
