"""Which pictures train a network and which test it, written down so that it can be checked."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from wbcseg.datasets.base import compute_manifest_digest
from wbcseg.datasets.sample import Sample
from wbcseg.errors import LeakError, SplitError
from wbcseg.splitting.duplicates import group_by_cell
from wbcseg.splitting.thesis import FLIPPED_COPY_SUFFIX, ThesisDataset, get_original_id, is_flipped_copy

DEFAULT_SEED: Final = 2

SplitKind = Literal["thesis", "leak-free", "leaky"]


@dataclass(frozen=True)
class Split:
    """A split of a data set.

    Attributes:
        kind: ``leak-free`` promises that no photographed cell is on both sides; ``published`` does not; in ``add_leaking_copies``
            they are on purpose.
        dataset: Name of the data set.
        train: Ids that train; twins end in ``+twin``.
        test: Ids that test.
        groups: Ids (of originals) that show the same cell; cells with one picture are left out.
        manifest: SHA-256 of the content of every original picture in the split, by id.
        fold: Which of the folds tests, from 0.
        folds: How many folds there are.
        seed: Seed of the folds.
    """

    kind: SplitKind
    dataset: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] = ()
    manifest: Mapping[str, str] = field(default_factory=dict, repr=False)
    fold: int | None = None
    folds: int | None = None
    seed: int = DEFAULT_SEED

    def to_dict(self) -> dict[str, Any]:
        """Return the split as JSON values."""
        return {
            "kind": self.kind,
            "dataset": self.dataset,
            "fold": self.fold,
            "folds": self.folds,
            "seed": self.seed,
            "manifest_digest": compute_manifest_digest(dict(self.manifest)),
            "train": list(self.train),
            "test": list(self.test),
            "groups": [list(group) for group in self.groups],
            "manifest": dict(self.manifest),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Split:
        """Read what :meth:`to_dict` wrote.

        Raises:
            SplitError: If a value is missing or the manifest is not the one that its digest says.
        """
        try:
            split = cls(
                kind=values["kind"],
                dataset=values["dataset"],
                train=tuple(values["train"]),
                test=tuple(values["test"]),
                groups=tuple(tuple(group) for group in values["groups"]),
                manifest=dict(values["manifest"]),
                fold=values["fold"],
                folds=values["folds"],
                seed=values["seed"],
            )
            digest = values["manifest_digest"]
        except (KeyError, TypeError) as error:
            raise SplitError(f"The stored split is not complete: {error}. Train the model again.") from None
        if compute_manifest_digest(dict(split.manifest)) != digest:
            raise SplitError("The stored split's list of pictures was changed by hand. Train the model again.")
        return split

    def find_leaking_pairs(self) -> list[tuple[str, str]]:
        """Return the pairs (id in training, id in test) that show the same cell, twins and near-duplicates alike."""
        cell_ids = {member: group[0] for group in self.groups for member in group}
        train_ids: dict[str, list[str]] = {}
        for sample_id in self.train:
            original = get_original_id(sample_id)
            train_ids.setdefault(cell_ids.get(original, original), []).append(sample_id)
        pairs = []
        for sample_id in self.test:
            original = get_original_id(sample_id)
            pairs += [(train_id, sample_id) for train_id in train_ids.get(cell_ids.get(original, original), [])]
        return pairs

    def drop(self, count: int) -> Split:
        """Return the split with ``count`` pictures fewer to train, chosen by its seed.

        Raises:
            SplitError: If no picture would be left.
        """
        if not 0 <= count < len(self.train):
            raise SplitError(f"Of {len(self.train)} training pictures {count} cannot be left out.")
        order = np.random.default_rng(self.seed).permutation(len(self.train))
        dropped = set(order[:count].tolist())
        return dataclasses.replace(
            self, train=tuple(sample_id for index, sample_id in enumerate(self.train) if index not in dropped)
        )

    def add_flipped_copies(self) -> Split:
        """Return the split with a flipped copy of every training picture behind them."""
        return dataclasses.replace(
            self, train=(*self.train, *(sample_id + FLIPPED_COPY_SUFFIX for sample_id in self.train))
        )

    def add_leaking_copies(self) -> Split:
        """Return the split with flipped copies in training, of which some are copies of the test pictures.

        They take the place of other copies, chosen by the seed: beside :meth:`with_copies`, as many pictures train and
        the same ones are tested, so that nothing but the leak tells the two apart.

        Raises:
            SplitError: If there are more pictures to test than to train.
        """
        if len(self.test) > len(self.train):
            raise SplitError(
                "A leaking split needs at least as many training pictures as test pictures. "
                f"Received: {len(self.train)} and {len(self.test)}"
            )
        order = np.random.default_rng(self.seed).permutation(len(self.train))
        dropped = set(order[: len(self.test)].tolist())
        copied = [*(sample_id for index, sample_id in enumerate(self.train) if index not in dropped), *self.test]
        return dataclasses.replace(
            self, kind="leaky", train=(*self.train, *(sample_id + FLIPPED_COPY_SUFFIX for sample_id in copied))
        )

    def check(self) -> None:
        """Check what the split claims.

        Raises:
            LeakError: If it claims to be leak-free and a cell, or a twin of it, is on both sides.
            SplitError: If a side is empty or names a picture twice, or a leak-free test side holds made copies.
        """
        for name, sample_ids in (("training", self.train), ("test", self.test)):
            if not sample_ids:
                raise SplitError(f"The {name} side of the split is empty. Use more pictures or fewer folds.")
            duplicates = [sample_id for sample_id, count in Counter(sample_ids).items() if count > 1]
            if duplicates:
                raise SplitError(
                    f"The {name} side of the split names {duplicates[0]} {Counter(sample_ids)[duplicates[0]]} times."
                )
        if self.kind != "leak-free":
            return
        across = self.find_leaking_pairs()
        if across:
            train_id, test_id = across[0]
            raise LeakError(
                f"This split claims to be leak-free, but {len(across)} pairs of pictures of the same cell are on both "
                f"sides, such as {train_id} (training) and {test_id} (test). Keep all pictures of a cell on one side."
            )
        copies = [sample_id for sample_id in self.test if is_flipped_copy(sample_id)]
        if copies:
            raise SplitError(
                f"The test side of a leak-free split holds a made copy, {copies[0]}. Augment training only."
            )


def build_thesis_split(thesis_dataset: ThesisDataset, dataset_name: str, samples: Iterable[Sample]) -> Split:
    """Write down the split of the published preparation.

    Args:
        thesis_dataset: What :func:`wbcseg.splitting.thesis.build_thesis_dataset` made.
        dataset_name: Name of the data set.
        samples: The samples that it was made from.
    """
    used_ids = {get_original_id(sample_id) for sample_id in thesis_dataset.ids}
    used_samples = [sample for sample in samples if sample.id in used_ids]
    return Split(
        kind="thesis",
        dataset=dataset_name,
        train=thesis_dataset.get_ids(thesis_dataset.train),
        test=thesis_dataset.get_ids(thesis_dataset.test),
        groups=_select_shared_cells(group_by_cell(used_samples)),
        manifest={sample.id: sample.compute_digest() for sample in used_samples},
    )


def build_leak_free_folds(
    dataset_name: str, samples: Sequence[Sample], *, folds: int = 5, seed: int = DEFAULT_SEED
) -> list[Split]:
    """Split a data set into folds: cells stay whole, cell types are spread evenly.

    Args:
        dataset_name: Name of the data set.
        samples: Its samples with a mask; others are ignored.
        folds: How many folds, from 2 up.
        seed: Seed of the shuffle.

    Returns:
        One checked split a fold; every sample is in exactly one test side.

    Raises:
        SplitError: If there are fewer cells than folds.
    """
    # Costs seconds to import, which only those who make a split should wait for.
    from sklearn.model_selection import StratifiedGroupKFold

    usable = [sample for sample in samples if sample.mask is not None]
    groups = group_by_cell(usable)
    if folds < 2 or len(groups) < folds:
        raise SplitError(
            f"Argument `folds` must be from 2 to the number of different cells, {len(groups)} in {dataset_name}. "
            f"Received: {folds}"
        )
    group_index = {member: index for index, group in enumerate(groups) for member in group}
    group_types = _find_group_types(usable, group_index)
    ids = np.array([sample.id for sample in usable])
    group_numbers = np.array([group_index[index] for index in ids])
    cell_types = np.array([group_types[group_number] for group_number in group_numbers])
    manifest = {sample.id: sample.compute_digest() for sample in usable}

    # A cell type with fewer cells than folds cannot be spread; scikit-learn warns about the smallest one only.
    type_counts = Counter(group_types.values())
    cell_types = np.array([cell_type if type_counts[cell_type] >= folds else "rare" for cell_type in cell_types])
    if (
        len(
            {
                group_number
                for group_number, cell_type in zip(group_numbers, cell_types, strict=True)
                if cell_type == "rare"
            }
        )
        < folds
    ):
        most_common = type_counts.most_common(1)[0][0]
        cell_types = np.array([most_common if cell_type == "rare" else cell_type for cell_type in cell_types])
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    splits = []
    for fold, (train, test) in enumerate(splitter.split(ids, cell_types, group_numbers)):
        split = Split(
            kind="leak-free",
            dataset=dataset_name,
            train=tuple(map(str, ids[train])),
            test=tuple(map(str, ids[test])),
            groups=_select_shared_cells(groups),
            manifest=manifest,
            fold=fold,
            folds=folds,
            seed=seed,
        )
        split.check()
        splits.append(split)
    return splits


def _select_shared_cells(groups: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    return tuple(group for group in groups if len(group) > 1)


def _find_group_types(samples: Sequence[Sample], group_index: Mapping[str, int]) -> dict[int, str]:
    """Return the commonest cell type of every group."""
    votes: dict[int, Counter[str]] = {}
    for sample in samples:
        votes.setdefault(group_index[sample.id], Counter())[sample.cell_type or "unknown"] += 1
    return {group: group_votes.most_common(1)[0][0] for group, group_votes in votes.items()}
