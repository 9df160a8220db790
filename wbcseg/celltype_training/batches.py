"""Batches of cells for the training, drawn so that rare types count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltype_training.library import CellLibrary
from wbcseg.celltypes.measure import SHAPE_FEATURES

Batch = tuple[NDArray[Any], ...]
"""Crops, labels, backgrounds, standardised measurements, possible subtypes, attributes."""

BALANCE: Final = 0.5
"""0 draws every cell equally often, 1 every type."""


@dataclass(frozen=True, eq=False)
class FeatureScale:
    """Makes measurements comparable: mean 0 and standard deviation 1 over the cells that are learned from.

    Attributes:
        mean: ``float32[F]``.
        deviation: ``float32[F]``.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def fit(cls, features: NDArray[np.float32]) -> FeatureScale:
        """Return the scale of measurements, ``float32[N, len(TYPE_FEATURES)]``."""
        own = features[:, : len(SHAPE_FEATURES)].astype(np.float64)
        return cls(own.mean(axis=0).astype(np.float32), np.maximum(own.std(axis=0), 1e-3).astype(np.float32))

    def apply(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the standardised measurements that the network is told."""
        scaled = (features[..., : len(SHAPE_FEATURES)] - self.mean) / self.deviation
        return np.asarray(np.clip(scaled, -MAX_DEVIATION, MAX_DEVIATION), np.float32)


MAX_DEVIATION: Final = 3.0


def compute_draw_weights(library: CellLibrary, indices: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how often each cell is drawn, relative to all: rare types, in every data set, more often."""
    groups = [(library.cells[index].source, library.cells[index].cell_type) for index in indices]
    counts = Counter(groups)
    weights = np.array([counts[group] ** -BALANCE for group in groups])
    return np.asarray(weights / weights.sum(), np.float64)


def iterate_batches(
    library: CellLibrary, indices: NDArray[np.intp], scale: FeatureScale, batch_size: int, seed: int
) -> Iterator[Batch]:
    """Yield batches without end."""
    rng = np.random.default_rng(seed)
    weights = compute_draw_weights(library, indices)
    features = scale.apply(np.asarray(library.features))
    while True:
        chosen = np.sort(rng.choice(indices, batch_size, p=weights))
        yield (
            library.crops[chosen],
            library.labels[chosen],
            library.backgrounds[chosen],
            features[chosen],
            library.possible[chosen],
            library.attributes[chosen],
        )
