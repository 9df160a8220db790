"""Segments the neighbouring images in the background, so that they show at once and the strip has their scores."""

from __future__ import annotations

import contextlib
import hashlib
import math
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
from wbcseg.metrics import REGIONS, score_marked
from wbcseg.ui import cache

START_DELAY: Final = 0.3
"""Seconds before the work begins."""

STRIP_RADIUS: Final = 6
"""Images that the strip shows on either side of the current one."""

MAX_CACHED: Final = 4000
"""Images whose lowest Dice is kept."""

_JOBS_KEY: Final = "prefetch_jobs"


@dataclass(frozen=True)
class PrefetchKey:
    """The models that images are segmented with; pages with equal keys share the results.

    Attributes:
        dataset_name: The data set.
        models: Name and checksum of each model; see :attr:`wbcseg.inference.ModelEntry.key`.
        tta: See :meth:`wbcseg.inference.Segmenter.predict`.
    """

    dataset_name: str
    models: tuple[tuple[str, str], ...]
    tta: bool


@dataclass
class _DiceCache:
    """The lowest Dice by key and image, for all users; NaN without an expert mask."""

    lowest_dice: OrderedDict[tuple[PrefetchKey, str], float] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)


_dice_cache = _DiceCache()
_executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")


def make_prefetch_key(dataset_name: str, entries: Sequence[ModelEntry], *, tta: bool) -> PrefetchKey:
    """Return the key of a data set and the models to segment it with."""
    return PrefetchKey(dataset_name, tuple(entry.key for entry in entries), tta)


def hash_prefetch_key(prefetch_key: PrefetchKey) -> str:
    """Return a short identifier of a prefetch key."""
    return hashlib.sha256(repr(prefetch_key).encode()).hexdigest()[:12]


def list_neighbour_ids(dataset: Dataset, sample_id: str) -> list[str]:
    """Return the ids of the images in the strip: some before, this one, some after."""
    index = dataset.ids.index(sample_id)
    return list(dataset.ids[max(0, index - STRIP_RADIUS) : index + STRIP_RADIUS + 1])


def get_lowest_dice(prefetch_key: PrefetchKey, sample_id: str) -> float | None:
    """Return the lowest Dice of any region and model: NaN without a mask, ``None`` if not computed yet."""
    with _dice_cache.lock:
        return _dice_cache.lowest_dice.get((prefetch_key, sample_id))


def prefetch(dataset: Dataset, sample_id: str, prefetch_key: PrefetchKey, catalog: Catalog) -> bool:
    """Segment the neighbouring images in the background, nearest first. Return whether all are done.

    All users share one thread. A user who moves on before their image is done waits no longer than without it.
    """
    jobs: list[Future[None]] = st.session_state.setdefault(_JOBS_KEY, [])
    for job in jobs:
        job.cancel()
    index = dataset.ids.index(sample_id)
    missing = [
        neighbour_id
        for neighbour_id in list_neighbour_ids(dataset, sample_id)
        if get_lowest_dice(prefetch_key, neighbour_id) is None
    ]
    # The next image before the previous one: most users go forwards.
    missing.sort(key=lambda neighbour_id: abs(dataset.ids.index(neighbour_id) - index - 0.6))
    st.session_state[_JOBS_KEY] = [
        _executor.submit(_segment_ahead, neighbour_id, prefetch_key, catalog, i == 0)
        for i, neighbour_id in enumerate(missing)
    ]
    return not missing


def _segment_ahead(sample_id: str, prefetch_key: PrefetchKey, catalog: Catalog, is_first: bool) -> None:
    if is_first:
        # Let the browser fetch the current image first.
        time.sleep(START_DELAY)
    lowest = math.nan
    # Problems with an image or a model are shown when its page is opened.
    with contextlib.suppress(WbcsegError):
        loaded_image = cache.load_image(prefetch_key.dataset_name, sample_id)
        mask = loaded_image.sample.mask
        is_field_of_view = False
        for model_name, _ in prefetch_key.models:
            prediction = cache.predict_cached(loaded_image, model_name, catalog, tta=prefetch_key.tta)
            is_field_of_view |= prediction.is_field_of_view
            if mask is not None:
                dice = score_marked(mask, prediction.labels).dice
                # An absent class (NaN) does not count.
                defined = [value for region in REGIONS[1:] if not math.isnan(value := dice[region])]
                lowest = min([*defined, *([] if math.isnan(lowest) else [lowest])], default=math.nan)
        cache.warm_cache(loaded_image, is_field_of_view=is_field_of_view)
    with _dice_cache.lock:
        _dice_cache.lowest_dice[prefetch_key, sample_id] = lowest
        while len(_dice_cache.lowest_dice) > MAX_CACHED:
            _dice_cache.lowest_dice.popitem(last=False)
