"""Find images that show the same cell.

A data set can contain a cell twice: as identical files, shifted by some pixels, with another focus, flipped or rotated.
Such images must never be on both sides of a split. Two images belong together if their fine detail coincides after the
best shift, in any of the eight orientations of the square.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, sparse
from scipy.sparse import csgraph

from wbcseg.datasets.sample import Sample

MAX_REDUCED_SIDE: Final = 64
"""Images are reduced by a whole factor until their longer side is at most this many pixels."""

DETAIL_SIGMA: Final = 1.5
"""Standard deviation (reduced pixels) of the blur that is subtracted, so that only fine detail is compared."""

MIN_CORRELATION: Final = 0.7
"""Minimum correlation of the fine detail of two images of the same cell.

Measured on the Zheng data sets: .83 to 1 for images of one cell, at most .58 for different cells.
"""

MAX_COLOR_DIFFERENCE: Final = 20.0
"""Images whose colour quantiles differ by more than this on average (0 to 255) are not compared further.

Measured on the Zheng data sets: images of one cell differ by at most 8.
"""


def group_by_cell(samples: Iterable[Sample]) -> list[tuple[str, ...]]:
    """Group samples by the cell they show.

    Args:
        samples: Any number of samples; they are read one by one and not kept.

    Returns:
        The ids of every group, in the order of the samples; most groups have one member.
    """
    described = _describe(samples)
    ids = described.ids
    if not ids:
        return []

    pairs = _find_same_cell_pairs(described.details, np.array(described.factors), np.array(described.quantiles))
    links = sparse.coo_array((np.ones(len(pairs)), tuple(np.array(pairs).reshape(-1, 2).T)), shape=(len(ids), len(ids)))
    _, labels = csgraph.connected_components(links, directed=False)
    groups: dict[int, list[str]] = {}
    for sample_id, label in zip(ids, labels, strict=True):
        groups.setdefault(int(label), []).append(sample_id)
    return [tuple(group) for group in groups.values()]


def find_same_cells(samples: Iterable[Sample], others: Iterable[Sample]) -> list[tuple[str, str]]:
    """Return pairs of a sample and another one that show the same cell, such as of a test set and a training set.

    Args:
        samples: Any number of samples; they are read one by one and not kept.
        others: The samples to compare them with.
    """
    first, second = _describe(samples), _describe(others)
    if not first.ids or not second.ids:
        return []
    spectra = fft.rfft2(np.stack(second.details))
    factors, quantiles = np.array(second.factors), np.array(second.quantiles)
    pairs: list[tuple[str, str]] = []
    for i, detail in enumerate(first.details):
        is_similar = (np.abs(quantiles - first.quantiles[i]).mean(axis=1) < MAX_COLOR_DIFFERENCE) & (
            factors == first.factors[i]
        )
        candidates = np.flatnonzero(is_similar)
        if candidates.size:
            same = candidates[_correlate(detail, spectra[candidates]) >= MIN_CORRELATION]
            pairs += [(first.ids[i], second.ids[j]) for j in same]
    return pairs


@dataclass
class _Descriptions:
    """Samples as they are compared: id, fine detail, factor of reduction and colour quantiles of each."""

    ids: list[str] = field(default_factory=list)
    details: list[NDArray[np.float32]] = field(default_factory=list)
    factors: list[int] = field(default_factory=list)
    quantiles: list[NDArray[np.float64]] = field(default_factory=list)


def _describe(samples: Iterable[Sample]) -> _Descriptions:
    described = _Descriptions()
    for sample in samples:
        described.ids.append(sample.id)
        factor = -(-max(sample.size) // MAX_REDUCED_SIDE)
        described.factors.append(factor)
        described.details.append(_extract_detail(sample.image, factor))
        described.quantiles.append(np.quantile(sample.image.reshape(-1, 3), np.linspace(0.1, 0.9, 5), axis=0).ravel())
    return described


def _correlate(detail: NDArray[np.float32], spectra: NDArray[np.complexfloating]) -> NDArray[np.float64]:
    """Return the correlation of fine detail with that of others after the best shift and rotation, ``float64[N]``."""
    best = np.zeros(len(spectra))
    for orientation in list_orientations(detail):
        spectrum = fft.rfft2(np.ascontiguousarray(orientation))
        correlations = fft.irfft2(spectrum.conj() * spectra, s=(MAX_REDUCED_SIDE, MAX_REDUCED_SIDE))
        best = np.maximum(best, correlations.max(axis=(1, 2)))
    return best


def _extract_detail(image: NDArray[np.uint8], factor: int) -> NDArray[np.float32]:
    """Return the fine detail of the green channel, ``float32[SIDE, SIDE]`` of norm 1 (or 0 for a uniform image)."""
    green = image[..., 1].astype(np.float32)
    height, width = (max(1, n // factor) for n in green.shape)
    green = green[: height * factor, : width * factor] if min(green.shape) >= factor else green[:height, :width]
    if green.shape == (height * factor, width * factor):
        green = green.reshape(height, factor, width, factor).mean(axis=(1, 3))
    detail = green - ndimage.gaussian_filter(green, DETAIL_SIGMA)
    detail -= detail.mean()
    norm = float(np.linalg.norm(detail))
    padded = np.zeros((MAX_REDUCED_SIDE, MAX_REDUCED_SIDE), dtype=np.float32)
    # Less than a twentieth of a grey level per pixel is rounding, not detail.
    if norm > 0.05 * np.sqrt(detail.size):
        padded[:height, :width] = detail / norm
    return padded


def _find_same_cell_pairs(
    details: Sequence[NDArray[np.float32]], factors: NDArray[np.int64], quantiles: NDArray[np.float64]
) -> list[tuple[int, int]]:
    """Return the index pairs whose fine detail coincides after the best shift and rotation."""
    spectra = fft.rfft2(np.stack(details))
    pairs: list[tuple[int, int]] = []
    for i, detail in enumerate(details[:-1]):
        others = np.arange(i + 1, len(details))
        is_similar = (np.abs(quantiles[others] - quantiles[i]).mean(axis=1) < MAX_COLOR_DIFFERENCE) & (
            factors[others] == factors[i]
        )
        candidates = others[is_similar]
        if not candidates.size:
            continue
        best_correlation = _correlate(detail, spectra[candidates])
        pairs += [(i, int(j)) for j in candidates[best_correlation >= MIN_CORRELATION]]
    return pairs


def list_orientations(array: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    """Return the eight orientations of ``[H, W, …]``: four rotations of it and four of its reflection."""
    return [np.rot90(flipped, turns) for flipped in (array, array[:, ::-1]) for turns in range(4)]
