"""Which images of a data set show the same cell, found once on a computer and remembered in its cache folder.

To find them, all images are read and compared, which takes seconds. What is remembered are ids, never pixels, so that
the sizes of folds are known before a training reads its images.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.base import Dataset
from wbcseg.datasets.sample import Sample
from wbcseg.io.atomic import write_json
from wbcseg.io.foreign import ForeignFileError, read_json_object
from wbcseg.paths import get_cache_folder
from wbcseg.splitting.stratify import assign_folds

CACHE_FOLDER: Final = "cell-groups"

RARE_TYPE: Final = "rare"
"""Stands for all cell types with fewer cells than folds."""


@dataclass(frozen=True)
class CellGroups:
    """Which images show the same cell, and of which type it is.

    Attributes:
        ids: Ids of the images with a mask, in the order of the data set.
        groups: Number of the cell that each image shows.
        cell_types: Type of that cell, for each image.
    """

    ids: tuple[str, ...]
    groups: tuple[int, ...]
    cell_types: tuple[str, ...]

    def count_cells(self) -> int:
        """Return the number of different cells."""
        return len(set(self.groups))

    def list_groups(self) -> list[tuple[str, ...]]:
        """Return the ids of the images of each cell, in the order of the images."""
        groups: dict[int, list[str]] = {}
        for sample_id, group in zip(self.ids, self.groups, strict=True):
            groups.setdefault(group, []).append(sample_id)
        return [tuple(members) for members in groups.values()]

    def assign_folds(self, folds: int, seed: int) -> NDArray[np.int64]:
        """Return the fold of each image; cells stay together and types are balanced.

        Args:
            folds: Number of folds, from 2 to the number of cells.
            seed: Random seed of the shuffle.
        """
        type_by_group = dict(zip(self.groups, self.cell_types, strict=True))
        # A cell type with fewer cells than folds cannot be balanced.
        type_counts = Counter(type_by_group.values())
        names = {name: name if count >= folds else RARE_TYPE for name, count in type_counts.items()}
        if sum(names[name] == RARE_TYPE for name in type_by_group.values()) < folds:
            most_common = type_counts.most_common(1)[0][0]
            names = {name: most_common if kept == RARE_TYPE else kept for name, kept in names.items()}
        return assign_folds([names[name] for name in self.cell_types], self.groups, folds=folds, seed=seed)


def find_cell_groups(samples: Sequence[Sample]) -> CellGroups:
    """Compare samples with each other, and return which show the same cell.

    Args:
        samples: Samples with a mask.
    """
    # It imports SciPy, which an estimate need not wait for.
    from wbcseg.splitting.duplicates import group_by_cell

    number_by_id = {member: number for number, group in enumerate(group_by_cell(samples)) for member in group}
    type_by_group = _find_group_types(samples, number_by_id)
    groups = tuple(number_by_id[sample.id] for sample in samples)
    return CellGroups(tuple(sample.id for sample in samples), groups, tuple(type_by_group[group] for group in groups))


def store_cell_groups(dataset: Dataset, groups: CellGroups) -> None:
    """Remember the cells of a data set. A cache that cannot be written is no error."""
    path = _get_path(dataset)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"groups": groups.groups, "cell_types": groups.cell_types})


def load_cell_groups(dataset: Dataset) -> CellGroups | None:
    """Return what :func:`store_cell_groups` remembered for a data set with these images, or ``None``."""
    try:
        values = read_json_object(_get_path(dataset))
        groups, cell_types = tuple(map(int, values["groups"])), tuple(map(str, values["cell_types"]))
    except (OSError, ForeignFileError, KeyError, TypeError, ValueError):
        return None
    ids = _list_masked_ids(dataset)
    return CellGroups(ids, groups, cell_types) if len(ids) == len(groups) == len(cell_types) else None


def _get_path(dataset: Dataset) -> Path:
    described = [(info.id, info.size) for info in dataset.sample_infos if info.has_mask]
    digest = hashlib.sha256(json.dumps([dataset.name, described]).encode()).hexdigest()
    return get_cache_folder() / CACHE_FOLDER / f"{digest[:32]}.json"


def _list_masked_ids(dataset: Dataset) -> tuple[str, ...]:
    return tuple(info.id for info in dataset.sample_infos if info.has_mask)


def _find_group_types(samples: Sequence[Sample], group_index: Mapping[str, int]) -> dict[int, str]:
    """Return the most common cell type of every group."""
    votes: dict[int, Counter[str]] = {}
    for sample in samples:
        votes.setdefault(group_index[sample.id], Counter())[sample.cell_type or "unknown"] += 1
    return {group: group_votes.most_common(1)[0][0] for group, group_votes in votes.items()}
