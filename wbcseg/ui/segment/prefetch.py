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


def make_prefetch_key(name: str, entries: Sequence[ModelEntry], *, careful: bool) -> PrefetchKey:
    """Say with which models pictures of a data set are looked at."""
    versions = ((entry.name, entry.card.files["model"].sha256 if entry.card else "") for entry in entries)
    return PrefetchKey(name, tuple(versions), careful)


def list_neighbour_ids(data: Dataset, sample_id: str) -> list[str]:
    """Return the ids of the pictures that the strip shows: some before, this one, some after."""
    place = data.ids.index(sample_id)
    return list(data.ids[max(0, place - STRIP_RADIUS) : place + STRIP_RADIUS + 1])


def get_worst_dice(asked: PrefetchKey, sample_id: str) -> float | None:
    """Return the least Dice of any region by any model: NaN without a mask, ``None`` if not known yet."""
    with _dice_cache.lock:
        return _dice_cache.worst_dice.get((asked, sample_id))


def prefetch(data: Dataset, sample_id: str, asked: PrefetchKey, models: Catalog) -> bool:
    """Look at the pictures around this one in the background, the nearest first. Return whether all are known.

    All readers share one thread. Whoever goes on before it got to their picture waits no longer than without it.
    """
    waiting: list[Future[None]] = st.session_state.setdefault("ahead", [])
    for job in waiting:
        job.cancel()
    place = data.ids.index(sample_id)
    # The next one first: most readers go forwards.
    missing = [one for one in list_neighbour_ids(data, sample_id) if get_worst_dice(asked, one) is None]
    missing.sort(key=lambda one: abs(data.ids.index(one) - place - 0.6))
    st.session_state["ahead"] = [
        _executor.submit(_predict_ahead, one, asked, models, i == 0) for i, one in enumerate(missing)
    ]
    return not missing


def _predict_ahead(sample_id: str, asked: PrefetchKey, models: Catalog, first: bool) -> None:
    if first:
        # First of all, the reader's browser fetches what it was just told to show.
        time.sleep(START_DELAY)
    worst = float("nan")
    # What is wrong with a picture or a model is said when its page is shown.
    with contextlib.suppress(WbcsegError):
        picture = cache.load_image(asked.dataset_name, sample_id)
        mask = picture.sample.mask
        for name, _ in asked.models:
            found = cache.predict_cached(picture, name, models, careful=asked.tta)
            if mask is not None:
                dice = score(mask, found.labels).dice
                # Comparisons with NaN are false: an absent class counts for nothing.
                for region in REGIONS[1:]:
                    worst = dice[region] if not worst <= dice[region] and dice[region] == dice[region] else worst
        cache.warm_cache(picture)
    with _dice_cache.lock:
        _dice_cache.worst_dice[asked, sample_id] = worst
        while len(_dice_cache.worst_dice) > MAX_CACHED:
            _dice_cache.worst_dice.popitem(last=False)
