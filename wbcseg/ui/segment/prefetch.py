"""Looking at the pictures beside this one beforehand: they then show at once, and the strip has their scores."""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import streamlit as st

from wbcseg.datasets.base import Dataset
from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.metrics import REGIONS, score
from wbcseg.ui import cache

START_DELAY: Final = 0.3
"""Seconds before the work begins."""

STRIP_RADIUS: Final = 6
"""Pictures to either side that the strip shows."""

MAX_CACHED: Final = 4000
"""Pictures whose worst Dice is remembered."""


@dataclass(frozen=True)
class PrefetchKey:
    """With which models pictures are looked at; equal requests share what is known.

    Attributes:
        dataset_name: The data set.
        models: Name and checksum of every model.
        tta: See :meth:`wbcseg.inference.Segmenter.predict`.
    """

    dataset_name: str
    models: tuple[tuple[str, str], ...]
    tta: bool


@dataclass
class _DiceCache:
    """What has been found out, for all readers: the worst Dice by request and picture; NaN without an expert's mask."""

    worst_dice: OrderedDict[tuple[PrefetchKey, str], float] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)


_dice_cache = _DiceCache()
_executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead")


def make_prefetch_key(dataset_name: str, entries: Sequence[ModelEntry], *, tta: bool) -> PrefetchKey:
    """Say with which models pictures of a data set are looked at."""
    return PrefetchKey(dataset_name, tuple(entry.key for entry in entries), tta)


def list_neighbour_ids(dataset: Dataset, sample_id: str) -> list[str]:
    """Return the ids of the pictures that the strip shows: some before, this one, some after."""
    index = dataset.ids.index(sample_id)
    return list(dataset.ids[max(0, index - STRIP_RADIUS) : index + STRIP_RADIUS + 1])


def get_worst_dice(prefetch_key: PrefetchKey, sample_id: str) -> float | None:
    """Return the least Dice of any region by any model: NaN without a mask, ``None`` if not known yet."""
    with _dice_cache.lock:
        return _dice_cache.worst_dice.get((prefetch_key, sample_id))


def prefetch(dataset: Dataset, sample_id: str, prefetch_key: PrefetchKey, catalog: Catalog) -> bool:
    """Look at the pictures around this one in the background, the nearest first. Return whether all are known.

    All readers share one thread. Whoever goes on before it got to their picture waits no longer than without it.
    """
    pending: list[Future[None]] = st.session_state.setdefault("ahead", [])
    for future in pending:
        future.cancel()
    index = dataset.ids.index(sample_id)
    # The next one first: most readers go forwards.
    missing = [
        neighbour_id
        for neighbour_id in list_neighbour_ids(dataset, sample_id)
        if get_worst_dice(prefetch_key, neighbour_id) is None
    ]
    missing.sort(key=lambda neighbour_id: abs(dataset.ids.index(neighbour_id) - index - 0.6))
    st.session_state["ahead"] = [
        _executor.submit(_predict_ahead, neighbour_id, prefetch_key, catalog, i == 0)
        for i, neighbour_id in enumerate(missing)
    ]
    return not missing


def _predict_ahead(sample_id: str, prefetch_key: PrefetchKey, catalog: Catalog, is_first: bool) -> None:
    if is_first:
        # First of all, the reader's browser fetches what it was just told to show.
        time.sleep(START_DELAY)
    worst = float("nan")
    # What is wrong with a picture or a model is said when its page is shown.
    with contextlib.suppress(WbcsegError):
        loaded_image = cache.load_image(prefetch_key.dataset_name, sample_id)
        mask = loaded_image.sample.mask
        for model_name, _ in prefetch_key.models:
            prediction = cache.predict_cached(loaded_image, model_name, catalog, tta=prefetch_key.tta)
            if mask is not None:
                dice = score(mask, prediction.labels).dice
                # Comparisons with NaN are false: an absent class counts for nothing.
                for region in REGIONS[1:]:
                    worst = dice[region] if not worst <= dice[region] and dice[region] == dice[region] else worst
        cache.warm_cache(loaded_image)
    with _dice_cache.lock:
        _dice_cache.worst_dice[prefetch_key, sample_id] = worst
        while len(_dice_cache.worst_dice) > MAX_CACHED:
            _dice_cache.worst_dice.popitem(last=False)
