"""Entries of a comparison: stored results and one's own runs, in groups that may be compared.

An entry is known by its file or run, not by its network: two results of one network are two entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wbcseg.evaluation.cross_validation import LEAKY_SUFFIX
from wbcseg.evaluation.result_store import read_result
from wbcseg.evaluation.study_result import CrossValidationResult
from wbcseg.models import ARCHITECTURES
from wbcseg.models.looks import get_look, is_registered
from wbcseg.models.method_registry import METHODS
from wbcseg.splitting.splits import DEFAULT_SEED


@dataclass(frozen=True)
class Entry:
    """A result among those that it may be compared with.

    Attributes:
        key: The name of its file or, for one's own run, ``run:`` and the run's name. No two entries share it.
        title: Its title, which no other entry of its group has.
        result: The result.
        is_own: Whether it is one's own run.
    """

    key: str
    title: str
    result: CrossValidationResult = field(repr=False)
    is_own: bool = False

    @property
    def architecture(self) -> str:
        """Short name of its network or method."""
        return self.result.architecture

    @property
    def image_ids(self) -> frozenset[str]:
        """The images that it was tested on."""
        return frozenset(image.id for image in self.result.images)


@dataclass(frozen=True)
class Group:
    """Entries that were trained on the same data, split the same way.

    Attributes:
        name: Name of the study, or of the data and split of one's own runs.
        entries: The entries, in the usual order of networks.
        own: One's own runs that were tested on one of the study's folds, and may join the comparison.
        is_own: Whether all entries are one's own runs.
    """

    name: str
    entries: tuple[Entry, ...]
    own: tuple[Entry, ...] = ()
    is_own: bool = False

    @property
    def config(self) -> Mapping[str, Any]:
        """Settings of the first entry."""
        return self.entries[0].result.config

    def select(self, own_keys: Iterable[str]) -> tuple[Entry, ...]:
        """Return its entries with those of one's own runs that are chosen."""
        chosen = set(own_keys)
        return self.entries + tuple(entry for entry in self.own if entry.key in chosen)


def read_results(files: Sequence[Path]) -> dict[str, CrossValidationResult]:
    """Return the results in files by the files' names, without their ending."""
    return {path.stem: CrossValidationResult.from_dict(read_result(path)) for path in files}


def build_groups(
    results: Mapping[str, CrossValidationResult], runs: Mapping[str, CrossValidationResult] | None = None
) -> dict[str, Group]:
    """Return what may be compared, by name: the studies, then one's own runs by data and split.

    A study of leaky splits is not among them. A run joins a study if it was trained on the same data with one of the
    study's splits, and from random weights: then every image that it was tested on was unseen, as for the study.

    Args:
        results: Stored results by the names of their files.
        runs: Results of one's own runs by the names of the runs.
    """
    by_study: dict[str, dict[str, CrossValidationResult]] = {}
    for key, result in results.items():
        if not result.study.endswith(LEAKY_SUFFIX):
            by_study.setdefault(result.study, {})[key] = result
    own = [Entry(f"run:{name}", name, result, is_own=True) for name, result in sorted((runs or {}).items())]
    groups = {}
    for study in sorted(by_study):
        entries = title_entries(by_study[study])
        groups[study] = Group(study, entries, tuple(entry for entry in own if is_comparable(entry.result, entries)))
    by_split: dict[str, list[Entry]] = {}
    for entry in own:
        by_split.setdefault(describe_own_split(entry.result), []).append(entry)
    groups |= {name: Group(name, tuple(entries), is_own=True) for name, entries in by_split.items()}
    return groups


def title_entries(results: Mapping[str, CrossValidationResult]) -> tuple[Entry, ...]:
    """Return the results of a study as entries in the usual order of networks, each with a title of its own.

    The title is the network's. Where a network has several results, their own titles tell them apart, and where even
    these are the same, the names of their files.
    """
    ranks = {name: rank for rank, name in enumerate([*ARCHITECTURES, *METHODS])}
    ordered = sorted(results.items(), key=lambda item: (ranks.get(item[1].architecture, len(ranks)), item[0]))
    architectures = Counter(result.architecture for _, result in ordered)
    own_titles = Counter(result.title for _, result in ordered)
    entries = []
    for key, result in ordered:
        is_single = is_registered(result.architecture) and architectures[result.architecture] == 1
        title = get_look(result.architecture).title if is_single else result.title
        if own_titles[result.title] > 1 and title == result.title:
            title = f"{title} ({key.removeprefix(f'{result.study}-')})"
        entries.append(Entry(key, title, result))
    return tuple(entries)


def is_comparable(run: CrossValidationResult, entries: Sequence[Entry]) -> bool:
    """Return whether a run may be compared with the entries of a study on the images that the run was tested on.

    Args:
        run: The result of the run.
        entries: The entries of the study.
    """
    study = entries[0].result
    same_data = run.manifest_digest == study.manifest_digest and run.config["dataset"] == study.config["dataset"]
    if not same_data or is_leaky(run) or run.config.get("start_from") or run.config.get("extra_dataset"):
        return False
    tested = {image.id for image in run.images}
    folds: dict[int, set[str]] = {}
    for image in study.images:
        folds.setdefault(image.training, set()).add(image.id)
    return any(tested == fold for fold in folds.values())


def is_leaky(result: CrossValidationResult) -> bool:
    """Return whether images of tested cells are among the training images on purpose, as in the thesis' split."""
    config = result.config
    has_copies = bool(config["flipped_copies"] and config["thesis_bugs"])
    return config["split"] == "leaky" or (config["split"] == "thesis" and has_copies)


def describe_own_split(run: CrossValidationResult) -> str:
    """Return a name for the data and the split of a run; runs of the same name were tested on the same images."""
    config = run.config
    split = f"fold {config['fold'] + 1} of {config['folds']}" if config["split"] != "thesis" else "thesis' test images"
    parts = [str(config["dataset"]), split]
    if is_leaky(run):
        parts.append("leaky")
    if config["split_seed"] != DEFAULT_SEED:
        parts.append(f"split seed {config['split_seed']}")
    if config["unused_fraction"]:
        parts.append(f"{config['unused_fraction']:.0%} unused")
    parts += [f"{len(run.images)} images", run.manifest_digest[:6]]
    return ", ".join(parts)
