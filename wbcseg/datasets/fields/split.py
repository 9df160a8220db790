"""Which images the cell detector never learns from: the committed split.

A tenth of every cell type of ``pbc``, 30 fields of ``chula-rbc-12`` and a tenth of Zheng's images are held out for
tests. Sixty images of ``pbc``, four or five of each type and half of them unusual in size or shape, are examples for
documents and demonstrations; nothing learns from them either. Every other image may train.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class DetectorSplit:
    """Images that do not train the cell detector.

    Attributes:
        pbc_held_out: Names of images of ``pbc`` for tests.
        pbc_examples: Names of images of ``pbc`` for documents and demonstrations.
        chula_held_out: Names of images of ``chula-rbc-12`` for tests.
        zheng_held_out: Ids of samples of ``zheng-1`` and ``zheng-2`` for tests.
    """

    pbc_held_out: frozenset[str]
    pbc_examples: frozenset[str]
    chula_held_out: frozenset[str]
    zheng_held_out: frozenset[str]


@cache
def load_detector_split() -> DetectorSplit:
    """Return the committed split."""
    path = Path(__file__).parents[1] / "manifests" / "detector_split.json"
    values: Mapping[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return DetectorSplit(**{name: frozenset(names) for name, names in values.items()})
