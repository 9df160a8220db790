"""Splits of a data set into training and test images, in a form that can be stored and checked."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from wbcseg.datasets.base import compute_manifest_digest
from wbcseg.datasets.sample import Sample
from wbcseg.errors import ErrorCode, LeakError, SplitError
from wbcseg.splitting.cell_groups import CellGroups, find_cell_groups
from wbcseg.splitting.duplicates import group_by_cell
from wbcseg.splitting.thesis import FLIPPED_COPY_SUFFIX, ThesisDataset, get_original_id, is_flipped_copy

DEFAULT_SEED: Final = 2

SplitKind = Literal["thesis", "leak-free", "leaky"]


@dataclass(frozen=True)
class Split:
    """A split of a data set.

    Attributes:
        kind: ``leak-free`` guarantees that no cell is on both sides; ``thesis`` does not; ``leaky`` has copies on
            both sides on purpose.
        dataset: Name of the data set.
        train: Ids of the training images; those of flipped copies end in ``+flipped``.
        test: Ids of the test images.
        groups: Ids (of originals) that show the same cell; cells with a single image are not listed.
        manifest: SHA-256 of the content of every original image in the split, by id.
        fold: Index of the test fold.
        folds: Number of folds.
        seed: Random seed of the folds.
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
        """Return the split of :meth:`to_dict`.

        Raises:
            SplitError: If a value is missing or the manifest does not match its digest.
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
            raise SplitError(
                f"The stored split is incomplete: {error}.", code=ErrorCode.DAMAGED, hint="Train the model again."
            ) from None
        if compute_manifest_digest(dict(split.manifest)) != digest:
            raise SplitError(
                "The stored split's list of images was edited.",
                code=ErrorCode.CHECKSUM_MISMATCH,
                hint="Train the model again.",
            )
        return split

    def find_leaking_pairs(self) -> list[tuple[str, str]]:
        """Return the pairs (training id, test id) that show the same cell, including copies and near-duplicates."""
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
        """Return the split with ``count`` fewer training images, chosen by its seed.

        Raises:
            SplitError: If no training image would be left.
        """
        if not 0 <= count < len(self.train):
            raise SplitError(
                f"Argument `count` must be from 0 to {len(self.train) - 1}, since one training image must be left. "
                f"Received: {count}",
                code=ErrorCode.INVALID_VALUE,
            )
        order = np.random.default_rng(self.seed).permutation(len(self.train))
        dropped = set(order[:count].tolist())
        return dataclasses.replace(
            self, train=tuple(sample_id for index, sample_id in enumerate(self.train) if index not in dropped)
        )

    def add_flipped_copies(self) -> Split:
        """Return the split with a flipped copy of every training image added."""
        return dataclasses.replace(
            self, train=(*self.train, *(sample_id + FLIPPED_COPY_SUFFIX for sample_id in self.train))
        )

    def add_leaking_copies(self) -> Split:
        """Return the split with flipped copies in training, some of them copies of the test images.

        They replace other copies, chosen by the seed: compared with :meth:`add_flipped_copies`, the number of training
        images and the test images are the same, so that the two differ only by the leakage.

        Raises:
            SplitError: If there are more test than training images.
        """
        if len(self.test) > len(self.train):
            raise SplitError(
                "A leaky split needs at least as many training images as test images. "
                f"Received: {len(self.train)} and {len(self.test)}",
                code=ErrorCode.TOO_SMALL,
            )
        order = np.random.default_rng(self.seed).permutation(len(self.train))
        dropped = set(order[: len(self.test)].tolist())
        copied = [*(sample_id for index, sample_id in enumerate(self.train) if index not in dropped), *self.test]
        return dataclasses.replace(
            self, kind="leaky", train=(*self.train, *(sample_id + FLIPPED_COPY_SUFFIX for sample_id in copied))
        )

    def check(self) -> None:
        """Check that the split is what its kind says.

        Raises:
            LeakError: If it is marked as leak-free and a cell, or a flipped copy of it, is on both sides.
            SplitError: If a side is empty or lists an image twice, or a leak-free test side contains flipped copies.
        """
        for name, sample_ids in (("training", self.train), ("test", self.test)):
            if not sample_ids:
                raise SplitError(
                    f"The {name} side of the split is empty.",
                    code=ErrorCode.EMPTY,
                    hint="Use more images or fewer folds.",
                )
            duplicates = [sample_id for sample_id, count in Counter(sample_ids).items() if count > 1]
            if duplicates:
                raise SplitError(
                    f"The {name} side of the split lists {duplicates[0]} {Counter(sample_ids)[duplicates[0]]} times.",
                    code=ErrorCode.DUPLICATE,
                )
        if self.kind != "leak-free":
            return
        across = self.find_leaking_pairs()
        if across:
            train_id, test_id = across[0]
            raise LeakError(
                f"This split is marked as leak-free, but {len(across)} pairs of images of the same cell are on both "
                f"sides, such as {train_id} (training) and {test_id} (test).",
                hint="Keep all images of a cell on one side.",
            )
        copies = [sample_id for sample_id in self.test if is_flipped_copy(sample_id)]
        if copies:
            raise SplitError(
                f"The test side of a leak-free split contains a flipped copy, {copies[0]}.",
                code=ErrorCode.DATA_LEAKAGE,
                hint="Augment only training images.",
            )


def build_thesis_split(thesis_dataset: ThesisDataset, dataset_name: str, samples: Iterable[Sample]) -> Split:
    """Return the split of the thesis' preparation.

    Args:
        thesis_dataset: The result of :func:`wbcseg.splitting.thesis.build_thesis_dataset`.
        dataset_name: Name of the data set.
        samples: The samples it was built from.
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
    dataset_name: str,
    samples: Sequence[Sample],
    *,
    folds: int = 5,
    seed: int = DEFAULT_SEED,
    cells: CellGroups | None = None,
) -> list[Split]:
    """Split a data set into folds that keep each cell together and balance cell types.

    Args:
        dataset_name: Name of the data set.
        samples: Its samples with a mask; others are ignored.
        folds: Number of folds, at least 2.
        seed: Random seed of the shuffle.
        cells: Which samples with a mask show the same cell, if that is known.

    Returns:
        One checked split per fold; every sample is in exactly one test side.

    Raises:
        SplitError: If there are fewer cells than folds.
    """
    usable = [sample for sample in samples if sample.mask is not None]
    cells = cells or find_cell_groups(usable)
    if folds < 2 or cells.count_cells() < folds:
        raise SplitError(
            f"Argument `folds` must be from 2 to the number of different cells, {cells.count_cells()} in "
            f"{dataset_name}. Received: {folds}",
            code=ErrorCode.INVALID_VALUE,
        )
    ids = np.array([sample.id for sample in usable])
    manifest = {sample.id: sample.compute_digest() for sample in usable}
    fold_by_sample = cells.assign_folds(folds, seed)
    splits = []
    for fold in range(folds):
        is_test = fold_by_sample == fold
        split = Split(
            kind="leak-free",
            dataset=dataset_name,
            train=tuple(map(str, ids[~is_test])),
            test=tuple(map(str, ids[is_test])),
            groups=_select_shared_cells(cells.list_groups()),
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
