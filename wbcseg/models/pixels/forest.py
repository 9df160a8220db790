"""A random forest as arrays: converted from scikit-learn, stored without pickle, and run by NumPy.

Reading a forest from a file runs none of its content, and a damaged one raises an error instead of reading memory that
is not its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

LEVELS: Final = 255
"""Class probabilities of leaves are stored in steps of 1/255."""

STEPS_PER_ROUND: Final = 4
"""Levels of a tree that all pixels descend before those that have reached a leaf are set aside."""


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees that share one list of inner nodes and one list of leaves.

    Attributes:
        roots: First inner node of each tree, ``int32[T]``.
        features: Feature that an inner node asks for, ``uint8[N]``.
        thresholds: Value up to which a pixel goes to the first child, ``float32[N]``.
        children: The two children of an inner node: the number of an inner node of the same tree, counted from its
            root, or ``-1 - l`` for the tree's leaf ``l``; ``int16[N, 2]``.
        first_leaves: First leaf of each tree, ``int32[T]``.
        leaves: Class probabilities of each leaf times 255, ``uint8[L, C]``.

    Raises:
        ValueError: If the arrays do not fit one another.
    """

    roots: NDArray[np.int32]
    features: NDArray[np.uint8]
    thresholds: NDArray[np.float32]
    children: NDArray[np.int16]
    first_leaves: NDArray[np.int32]
    leaves: NDArray[np.uint8]

    def __post_init__(self) -> None:
        for name, (dtype, dimensions) in _ARRAYS.items():
            array = getattr(self, name)
            if array.dtype != dtype or array.ndim != dimensions:
                raise ValueError(f"`{name}` must be {np.dtype(dtype)} with {dimensions} dimensions")
        n_nodes = len(self.features)
        if len(self.thresholds) != n_nodes or self.children.shape != (n_nodes, 2):
            raise ValueError("the inner nodes must have one feature, one threshold and two children each")
        if not len(self.roots) or len(self.roots) != len(self.first_leaves):
            raise ValueError("every tree must have a root and a first leaf")
        self._check_children()

    def _check_children(self) -> None:
        """Check that children come after their parents and exist, so that every path ends in a leaf."""
        sizes = np.diff([*self.roots, len(self.features)])
        n_leaves = np.diff([*self.first_leaves, len(self.leaves)])
        if self.roots[0] != 0 or self.first_leaves[0] != 0 or (sizes < 1).any() or (n_leaves < 1).any():
            raise ValueError("the trees must follow one another")
        position = np.arange(len(self.features)) - np.repeat(self.roots, sizes)
        is_inner = self.children >= 0
        is_later = (self.children > position[:, None]) & (self.children < np.repeat(sizes, sizes)[:, None])
        is_leaf = self.children >= -np.repeat(n_leaves, sizes)[:, None]
        if not np.where(is_inner, is_later, is_leaf).all():
            raise ValueError("a node must have children that follow it")

    @property
    def n_parameters(self) -> int:
        """Number of values: a feature and a threshold per inner node, and the probabilities of the leaves."""
        return 2 * len(self.features) + self.leaves.size

    @classmethod
    def from_trees(cls, trees: Sequence[Any]) -> Self:
        """Convert the trees of a fitted ``sklearn.ensemble.RandomForestClassifier``.

        Args:
            trees: Their ``tree_`` attributes.
        """
        parts = [_convert_tree(tree) for tree in trees]
        features, thresholds, children, leaves = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        starts = [np.cumsum([0, *(len(part[index]) for part in parts[:-1])], dtype=np.int32) for index in (0, 3)]
        return cls(starts[0], features, thresholds, children, starts[1], leaves)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the forest of :meth:`to_arrays`.

        Raises:
            ValueError: If an array is missing or does not fit the others.
        """
        if missing := sorted(set(_ARRAYS) - set(arrays)):
            raise ValueError(f"it has no {', '.join(missing)}")
        return cls(**{name: arrays[name] for name in _ARRAYS})

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def predict_probabilities(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the class probabilities, the mean over the trees.

        Args:
            values: Features, ``float32[n, F]``.

        Returns:
            ``float32[n, C]``.

        Raises:
            ValueError: If there are fewer features than the nodes ask for.
        """
        n_values, n_features = values.shape
        if self.features.max() >= n_features:
            raise ValueError(f"the forest needs {int(self.features.max()) + 1} features. Received: {n_features}")
        flat = np.ascontiguousarray(values).ravel()
        offsets = np.arange(n_values) * n_features
        total = np.zeros((n_values, self.leaves.shape[1]), np.int32)
        for tree in range(len(self.roots)):
            total += self._find_leaves(tree, flat, offsets)
        sums = total.astype(np.float32)
        probabilities: NDArray[np.float32] = sums / sums.sum(axis=1, keepdims=True)
        return probabilities

    def _find_leaves(self, tree: int, flat: NDArray[np.float32], offsets: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return the leaf of one tree for each pixel, ``uint8[n, C]``."""
        features, thresholds, children, leaves = self._get_tree(tree)
        result = np.empty(len(offsets), np.intp)
        pixels, nodes = np.arange(len(offsets)), np.zeros(len(offsets), np.intp)
        n_inner = len(features) - len(leaves)
        while len(pixels):
            own = offsets[pixels]
            for _ in range(STEPS_PER_ROUND):
                goes_second = flat.take(own + features.take(nodes)) > thresholds.take(nodes)
                nodes = children.take(2 * nodes + goes_second)
            is_leaf = nodes >= n_inner
            result[pixels[is_leaf]] = nodes[is_leaf]
            pixels, nodes = pixels[~is_leaf], nodes[~is_leaf]
        return leaves.take(result - n_inner, axis=0)

    def _get_tree(self, tree: int) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp], NDArray[np.uint8]]:
        """Return one tree with its leaves as further nodes, whose children are they themselves."""
        nodes = slice(self.roots[tree], _get_end(self.roots, tree, len(self.features)))
        own_leaves = slice(self.first_leaves[tree], _get_end(self.first_leaves, tree, len(self.leaves)))
        leaves, children = self.leaves[own_leaves], self.children[nodes].astype(np.intp)
        n_inner, n_leaves = len(children), len(leaves)
        children = np.where(children < 0, n_inner - 1 - children, children)
        leaf_nodes = np.repeat(np.arange(n_inner, n_inner + n_leaves)[:, None], 2, axis=1)
        features = np.concatenate([self.features[nodes].astype(np.intp), np.zeros(n_leaves, np.intp)])
        thresholds = np.concatenate([self.thresholds[nodes], np.zeros(n_leaves, np.float32)])
        return features, thresholds, np.concatenate([children, leaf_nodes]).ravel(), leaves


_ARRAYS: Final[dict[str, tuple[type, int]]] = {
    "roots": (np.int32, 1),
    "features": (np.uint8, 1),
    "thresholds": (np.float32, 1),
    "children": (np.int16, 2),
    "first_leaves": (np.int32, 1),
    "leaves": (np.uint8, 2),
}
"""Type and number of dimensions of each array."""


def _get_end(starts: NDArray[np.int32], index: int, total: int) -> int:
    return int(starts[index + 1]) if index + 1 < len(starts) else total


def _convert_tree(
    tree: Any,
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int16], NDArray[np.uint8]]:
    """Return features, thresholds and children of a tree's inner nodes, and the probabilities of its leaves."""
    is_inner = tree.children_left >= 0
    if not is_inner[0]:
        raise ValueError("a tree must have at least two leaves")
    numbers = np.where(is_inner, np.cumsum(is_inner) - 1, -np.cumsum(~is_inner))
    children = np.stack([numbers[tree.children_left[is_inner]], numbers[tree.children_right[is_inner]]], axis=1)
    shares = tree.value[~is_inner, 0]
    leaves = np.rint(LEVELS * shares / shares.sum(axis=1, keepdims=True)).astype(np.uint8)
    thresholds = _round_down(tree.threshold[is_inner])
    return tree.feature[is_inner].astype(np.uint8), thresholds, children.astype(np.int16), leaves


def _round_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the next smaller ``float32``, which divides ``float32`` values as the original does."""
    rounded = values.astype(np.float32)
    return np.where(rounded > values, np.nextafter(rounded, np.float32(-np.inf)), rounded)
