"""What the viewer is told of a picture: its panels, what they are called, and which pictures are beside it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import streamlit as st

from wbcseg import io
from wbcseg.datasets.base import Dataset
from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.labels import CLASSES, PALETTES, Labels
from wbcseg.models.card import NOTICE
from wbcseg.pipeline import flag_disagreements
from wbcseg.results import CellResult
from wbcseg.ui import cache
from wbcseg.ui.cache import STRIP_THUMBNAIL_SIDE, CachedPrediction
from wbcseg.ui.components.dataset_picker import go_to_image
from wbcseg.ui.segment import edited_masks
from wbcseg.ui.segment.prefetch import PrefetchKey, get_worst_dice, list_neighbour_ids, make_prefetch_key, prefetch
from wbcseg.ui.text import GLOSSARY, escape_markdown, format_dataset_name, format_percent, get_local_id, get_mask_title
from wbcseg.ui.viewer import send_payload
from wbcseg.ui.viewer.payload import IMAGE, MASK, encode_payload
from wbcseg.visualization import compute_class_fractions

VIEWER_KEY: Final = "viewer"
_VIEW_KEY: Final = "looked"

POLL_SECONDS: Final = 1.0
"""Seconds between two looks at what has been found out of the pictures around."""


@dataclass(frozen=True, eq=False)
class PredictView:
    """A picture that is looked at, with what the browser is told and gets of it.

    Attributes:
        digest: Names the content.
        payload: The picture, the mask and what every model says, as one message.
        props: What the viewer is told; see :func:`build_viewer_props`.
        predictions: What each model makes of it, by its name.
        cells: The cells that each model found, likewise.
        prefetch_key: With which models the pictures around are looked at.
        strip_ids: Ids of the pictures around, this one among them; none for a reader's own.
    """

    digest: str
    payload: bytes
    props: dict[str, Any]
    predictions: dict[str, CachedPrediction]
    cells: dict[str, tuple[CellResult, ...]]
    prefetch_key: PrefetchKey
    strip_ids: tuple[str, ...]

    @property
    def labels(self) -> dict[str, Labels]:
        """The class ids that each model found, by its title."""
        titles = {panel["key"]: panel["title"] for panel in self.props["panels"]}
        return {titles[name]: found.labels for name, found in self.predictions.items()}

    @property
    def models_trained_on_image(self) -> list[str]:
        """Titles of the models that were trained on the picture, or on another of the same cell."""
        return [panel["title"] for panel in self.props["panels"] if "mark" in panel]


def build_view(
    picture: cache.LoadedImage, entries: Sequence[ModelEntry], models: Catalog, data: Dataset | None, *, careful: bool
) -> PredictView:
    """Segment a picture with every chosen model and prepare what the browser needs to show it.

    Args:
        picture: The picture.
        entries: The chosen models.
        models: The catalog.
        data: The data set that it is of, or ``None`` for a reader's own.
        careful: See :meth:`wbcseg.inference.Segmenter.predict`.
    """
    results = run_models(picture, entries, models, careful=careful)
    digest, content = encode_view(picture, results)
    asked = make_prefetch_key(data.name if data else "", entries, careful=careful)
    strip = tuple(list_neighbour_ids(data, picture.sample.id)) if data else ()
    shown = build_viewer_props(picture, digest, entries, results, strip=strip, asked=asked)
    st.session_state[_VIEW_KEY] = (digest, picture, shown)
    return PredictView(digest, content, shown, results, _prepare_cells(picture, results), asked, strip)


def on_image_selected() -> None:
    """Take the reader to the picture that the viewer was asked for."""
    sample_id = st.session_state[VIEWER_KEY].get("picture")
    _, _, shown = st.session_state[_VIEW_KEY]
    # What comes from a browser may be anything.
    if sample_id in [one["id"] for one in shown["strip"]]:
        go_to_image(sample_id.partition("/")[0], sample_id)


def send_prefetched(look: PredictView, data: Dataset | None, models: Catalog, entries: Sequence[ModelEntry]) -> None:
    """Bring the small pictures of the strip and, as soon as they are ready, the pictures before and after this one."""
    if data is None:
        return
    ready = prefetch(data, look.props["id"], look.prefetch_key, models)
    st.fragment(_poll_prefetched, run_every=None if ready else POLL_SECONDS)(look, models, entries, ready)


def _poll_prefetched(look: PredictView, models: Catalog, entries: Sequence[ModelEntry], was_ready: bool) -> None:
    send_payload(*encode_strip(look.prefetch_key, look.strip_ids))
    # Pictures may be the same, and no message is sent twice.
    sent = {look.digest}
    for beside in (look.props["next"], look.props["previous"]):
        if beside is not None and get_worst_dice(look.prefetch_key, beside) is not None:
            with contextlib.suppress(WbcsegError):
                picture = cache.load_image(look.prefetch_key.dataset_name, beside)
                found = {
                    entry.name: cache.predict_cached(picture, entry.name, models, careful=look.prefetch_key.tta)
                    for entry in entries
                }
                digest, content = encode_view(picture, found)
                if digest not in sent:
                    send_payload(digest, content)
                sent.add(digest)
    if not was_ready and all(get_worst_dice(look.prefetch_key, one) is not None for one in look.strip_ids):
        st.rerun()


def run_models(
    picture: cache.LoadedImage, entries: Sequence[ModelEntry], models: Catalog, *, careful: bool
) -> dict[str, CachedPrediction]:
    """Segment a picture with every chosen model, and say of those that cannot why.

    Returns:
        What each makes of it, by the model's name, in order.
    """
    results = {}
    for entry in entries:
        try:
            with st.spinner(f"{escape_markdown(entry.title)} is looking…"):
                results[entry.name] = cache.predict_cached(picture, entry.name, models, careful=careful)
        except WbcsegError as problem:
            st.warning(f"**{escape_markdown(entry.title)}**: {escape_markdown(str(problem))}", icon=":material/error:")
    return results


def encode_view(picture: cache.LoadedImage, results: Mapping[str, CachedPrediction]) -> tuple[str, bytes]:
    """Return what the browser gets of a picture, and the digest that names it."""
    parts = {IMAGE: cache.encode_image(picture)}
    if picture.sample.mask is not None:
        parts[MASK] = cache.encode_mask(picture)
    parts |= {name: found.png for name, found in results.items()}
    digest = hashlib.sha256(b"".join([picture.digest.encode(), *(f"{n}\0".encode() + p for n, p in parts.items())]))
    name = digest.hexdigest()[:24]
    return name, encode_payload({"digest": name}, parts)


def encode_strip(asked: PrefetchKey, ids: Sequence[str]) -> tuple[str, bytes]:
    """Return the small pictures of the strip that have been looked at, with their worst Dice: a digest and one message.

    The others follow, because nobody should wait for them. A Dice is ``None`` where there is no expert's mask.
    """
    known = {one: dice for one in ids if (dice := get_worst_dice(asked, one)) is not None}
    places: dict[str, list[int]] = {}
    sheet = np.zeros((STRIP_THUMBNAIL_SIDE, STRIP_THUMBNAIL_SIDE * max(len(known), 1), 3), np.uint8)
    for column, sample_id in enumerate(known):
        try:
            picture = cache.load_image(asked.dataset_name, sample_id)
        except WbcsegError:
            continue
        small = cache.make_strip_thumbnail(picture.digest, picture.sample.image)
        height, width = small.shape[:2]
        sheet[:height, column * STRIP_THUMBNAIL_SIDE : column * STRIP_THUMBNAIL_SIDE + width] = small
        places[sample_id] = [column * STRIP_THUMBNAIL_SIDE, 0, width, height]
    worst = {one: None if math.isnan(dice) else round(dice, 4) for one, dice in known.items()}
    head = {"places": places, "worst": worst, "request": hash_prefetch_key(asked)}
    name = hashlib.sha256(json.dumps([head, list(ids)], sort_keys=True).encode()).hexdigest()[:24]
    return name, encode_payload({**head, "digest": name}, {IMAGE: io.encode_png(sheet)})


def _prepare_cells(
    picture: cache.LoadedImage, results: Mapping[str, CachedPrediction]
) -> dict[str, tuple[CellResult, ...]]:
    name = picture.filename or picture.sample.id.replace("/", "-")
    found = {key: tuple(replace(one, image_name=name) for one in result.cells) for key, result in results.items()}
    return flag_disagreements(found)


def hash_prefetch_key(asked: PrefetchKey) -> str:
    """Return a short name of a request."""
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:12]


def build_viewer_props(
    picture: cache.LoadedImage,
    digest: str,
    entries: Sequence[ModelEntry],
    results: Mapping[str, CachedPrediction],
    *,
    strip: Sequence[str] = (),
    asked: PrefetchKey | None = None,
) -> dict[str, Any]:
    """Return the viewer's data for a picture that was sent.

    Args:
        picture: The picture.
        digest: Of its pack.
        entries: The chosen models.
        results: What each of them that could be used makes of it, by name.
        strip: Ids of the pictures around it, itself among them; none where there are no others.
        asked: With which models those are looked at.
    """
    used = [entry for entry in entries if entry.name in results]
    panels = [_build_panel(IMAGE, "picture", "Picture", alt="The picture as it was photographed")]
    mask = picture.sample.mask
    if mask is not None:
        name = get_mask_title(picture.sample.id)
        panels.append(_build_panel(MASK, "mask", name, part=MASK, alt=_format_alt(name, mask), help=GLOSSARY[name]))
    for entry in used:
        panel = _build_panel(
            entry.name, "model", entry.title, part=entry.name, alt=_format_alt(entry.title, results[entry.name].labels)
        )
        if entry.card is not None and entry.card.trained_on(picture.sample.id, picture.digest):
            text = "Trained on this cell"
            panel["mark"] = {"text": text, "help": GLOSSARY["Trained on"], "flatters": True}
        panels.append(panel)
    shown = [panel["key"] for panel in panels]
    if len(used) > 1:
        panels.append(
            _build_panel("agreement", "agreement", "Agreement", alt="Where the models disagree: the darker, the more")
        )
    for entry in used:
        if mask is not None:
            title = f"Errors of {entry.title}"
            alt = f"{title}: missed blue, invented orange, confused pink"
            panels.append(_build_panel(f"errors.{entry.name}", "errors", title, part=entry.name, alt=alt))
        title = f"Doubt of {entry.title}"
        panels.append(
            _build_panel(
                f"doubt.{entry.name}", "confidence", title, part=entry.name, alt=f"{title}: the darker, the less sure"
            )
        )
    place = list(strip).index(picture.sample.id) if picture.sample.id in strip else -1
    return {
        "pack": digest,
        "id": picture.sample.id,
        "name": _format_name(picture),
        "file": io.make_safe_stem(picture.filename if picture.is_upload else get_local_id(picture.sample.id), set()),
        "notice": NOTICE,
        "classes": [{"id": kind.id, "title": kind.name.capitalize()} for kind in CLASSES],
        "palettes": [
            {"key": palette.name, "title": palette.title, "colours": [palette.to_hex(kind.id) for kind in CLASSES]}
            for palette in PALETTES.values()
        ],
        "panels": panels,
        "shown": shown,
        "previous": strip[place - 1] if place > 0 else None,
        "next": strip[place + 1] if 0 <= place < len(strip) - 1 else None,
        "strip": [{"id": one, "title": get_local_id(one)} for one in strip],
        "request": hash_prefetch_key(asked) if asked else "",
    }


def _build_panel(key: str, kind: str, title: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": kind, "title": title, **more}


def _format_name(picture: cache.LoadedImage) -> str:
    if picture.is_upload:
        return io.format_display_name(picture.filename)
    name = picture.sample.id.partition("/")[0]
    return f"{format_dataset_name(name)}, {get_local_id(picture.sample.id)}"


def _format_alt(heading: str, labels: Labels) -> str:
    shares = compute_class_fractions(labels)
    return f"{heading}: nucleus {format_percent(shares['nucleus'])}, cytoplasm {format_percent(shares['cytoplasm'])} of the picture"


def show_hints(picture: cache.LoadedImage, models: Catalog) -> None:
    """Say what the panels do not: that there is no model, or no mask to measure against."""
    if not models.entries:
        st.info("There is no model yet: train one, or get the shipped ones.", icon=":material/info:")
    elif picture.sample.mask is None:
        st.caption("There is no expert mask for this picture, so there is nothing to measure the models against.")


def on_mask_edited() -> None:
    """Take a corrected mask of the picture that was shown last from the viewer."""
    value = st.session_state[VIEWER_KEY].get("mask")
    digest, picture, shown = st.session_state[_VIEW_KEY]
    if isinstance(value, dict) and value.get("digest") == digest:
        edited_masks.store_mask(value, picture, shown["name"], shown["file"])
