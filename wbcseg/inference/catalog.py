"""The models that can be used: those that are shipped and those that were trained here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from wbcseg.errors import ModelError
from wbcseg.inference.predictor import Segmenter
from wbcseg.io.atomic import compute_sha256
from wbcseg.models.card import CARD_FILE, FileRecord, ModelCard
from wbcseg.paths import get_runs_folder, get_weights_folder

SHIPPED_ORDER: Final = ("unet", "segnet", "deconvnet")

SYNTHETIC: Final = "synthetic"
"""Data set of drawn pictures."""

MAX_DEFAULT_MODELS: Final = 3
"""Models to begin with where none was shipped."""


@dataclass(frozen=True)
class ModelEntry:
    """A model of the catalog.

    Attributes:
        name: Its folder's name, which is unique in the catalog.
        folder: Its folder.
        card: Its card, or ``None`` where it cannot be used.
        problem: Why it cannot be used, in a plain sentence, or ``None``.
        shipped: Whether it came with the program; the others were trained here.
    """

    name: str
    folder: Path
    card: ModelCard | None
    problem: str | None
    shipped: bool

    @property
    def title(self) -> str:
        """What the page calls it."""
        if self.card is None:
            return self.name
        return self.card.title if self.shipped else f"{self.card.title} · {self.name}"

    @property
    def key(self) -> tuple[str, str]:
        """Name and checksum, the cache key: another model of the same name has another key."""
        return self.name, self.card.files["model"].sha256 if self.card else ""


class Catalog:
    """The models that are there now: the shipped ones first, then finished runs, newest first.

    A model that cannot be used is listed with its problem; the others still serve. A run with the name of a shipped
    model is listed as ``run-NAME``.

    Args:
        shipped: Folder of the shipped models, by default :func:`weights_folder`.
        runs: Folder of the runs, by default :func:`wbcseg.training.runs.folder.get_runs_folder`.
    """

    def __init__(self, shipped: Path | None = None, runs: Path | None = None) -> None:
        shipped_entries = sorted(
            _list_entries(shipped or get_weights_folder(), shipped=True), key=_get_shipped_sort_key
        )
        shipped_names = {entry.name for entry in shipped_entries}
        trained = sorted(_list_entries(runs or get_runs_folder(), shipped=False), key=_get_run_sort_key, reverse=True)
        self.entries = (
            *shipped_entries,
            *(dataclasses.replace(e, name=f"run-{e.name}") if e.name in shipped_names else e for e in trained),
        )

    @property
    def usable(self) -> tuple[ModelEntry, ...]:
        """The models that can be used."""
        return tuple(entry for entry in self.entries if entry.card is not None)

    @property
    def default_model(self) -> ModelEntry | None:
        """The model for a picture of unknown origin: the first one of :meth:`suited`."""
        return next(iter(self.select_defaults_for(None)), None)

    def select_defaults_for(self, dataset: str | None) -> tuple[ModelEntry, ...]:
        """Return the models to begin with: of each network the widest shipped one, or else those trained last.

        Args:
            dataset: What the picture is of, or ``None`` where that is not known. Models that were trained for this data
                set alone come before those for any laboratory; drawn pictures are like those of all of them. For
                anything else there are the models for any laboratory alone.
        """
        shipped = [(entry, entry.card) for entry in self.usable if entry.shipped and entry.card]
        specific = [entry for entry, card in shipped if not card.two_stage and dataset in (card.dataset, SYNTHETIC)]
        general = [entry for entry, card in shipped if card.two_stage]
        best_by_architecture: dict[str, ModelEntry] = {}
        for entry in [*specific, *general] or [entry for entry, _ in shipped]:
            # The widest of a network comes first.
            best_by_architecture.setdefault(_get_architecture(entry), entry)
        return tuple(sorted(best_by_architecture.values(), key=_rank_architecture)) or self.usable[:MAX_DEFAULT_MODELS]

    def get(self, name: str) -> ModelEntry:
        """Return a model's entry.

        Raises:
            ModelError: If there is no such model.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        names = ", ".join(entry.name for entry in self.entries) or "none"
        raise ModelError(f"There is no model {name!r}. Models here: {names}.")

    def load(self, name: str) -> Segmenter:
        """Load a model.

        Raises:
            ModelError: If there is no such model, or it cannot be used.
            ChecksumError: If its file is not the one that its card describes.
        """
        entry = self.get(name)
        return Segmenter(entry.folder, entry.card, name=entry.name)


def _list_entries(folder: Path, *, shipped: bool) -> list[ModelEntry]:
    try:
        folders = [path.parent for path in folder.glob(f"*/{CARD_FILE}")]
    except OSError:
        return []
    return [_load_entry(path, shipped=shipped) for path in folders]


def _load_entry(folder: Path, *, shipped: bool) -> ModelEntry:
    try:
        stat = (folder / CARD_FILE).stat()
        card = _load_card(folder, stat.st_mtime_ns, stat.st_size)
        for record in card.files.values():
            _check_file(folder, record)
    except (ModelError, OSError) as error:
        return ModelEntry(folder.name, folder, None, str(error), shipped)
    return ModelEntry(folder.name, folder, card, None, shipped)


@lru_cache(maxsize=256)
def _load_card(folder: Path, _changed: int, _size: int) -> ModelCard:
    return ModelCard.read(folder)


def _check_file(folder: Path, record: FileRecord) -> None:
    path = folder / record.name
    try:
        stat = path.stat()
    except OSError as error:
        raise ModelError(
            f"File {record.name} of model {folder.name} cannot be read: {error.strerror}. "
            "Copy the model's folder again from where it came from."
        ) from None
    if _compute_sha256(path, stat.st_mtime_ns, stat.st_size) != record.sha256:
        record.check(path.read_bytes(), folder)


@lru_cache(maxsize=256)
def _compute_sha256(path: Path, _changed: int, _size: int) -> str:
    return compute_sha256(path)


def _get_architecture(entry: ModelEntry) -> str:
    return entry.card.architecture if entry.card else entry.name.partition("-")[0]


def _rank_architecture(entry: ModelEntry) -> int:
    """Return the place of a model's network among the networks."""
    return (
        SHIPPED_ORDER.index(_get_architecture(entry))
        if _get_architecture(entry) in SHIPPED_ORDER
        else len(SHIPPED_ORDER)
    )


def _get_shipped_sort_key(entry: ModelEntry) -> tuple[bool, int, int, str]:
    return (
        bool(entry.card and entry.card.two_stage),
        _rank_architecture(entry),
        -entry.card.base_filters if entry.card else 0,
        entry.name,
    )


def _get_run_sort_key(entry: ModelEntry) -> tuple[str, str]:
    return entry.card.created if entry.card else "", entry.name
