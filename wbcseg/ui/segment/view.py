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
from wbcseg.ui.formatting import escape_markdown, format_dataset_name, format_percent, get_local_id, get_mask_title
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.segment import edited_masks
from wbcseg.ui.segment.prefetch import PrefetchKey, get_worst_dice, list_neighbour_ids, make_prefetch_key, prefetch
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
        return {titles[name]: prediction.labels for name, prediction in self.predictions.items()}

    @property
    def models_trained_on_image(self) -> list[str]:
        """Titles of the models that were trained on the picture, or on another of the same cell."""
        return [panel["title"] for panel in self.props["panels"] if "mark" in panel]


def build_view(
    loaded_image: cache.LoadedImage,
    entries: Sequence[ModelEntry],
    catalog: Catalog,
    dataset: Dataset | None,
    *,
    tta: bool,
) -> PredictView:
    """Segment a picture with every chosen model and prepare what the browser needs to show it.

    Args:
        loaded_image: The picture.
        entries: The chosen models.
        catalog: The catalog.
        dataset: The data set that it is of, or ``None`` for a reader's own.
        tta: See :meth:`wbcseg.inference.Segmenter.predict`.
    """
    predictions = run_models(loaded_image, entries, catalog, tta=tta)
    digest, payload = encode_view(loaded_image, predictions)
    prefetch_key = make_prefetch_key(dataset.name if dataset else "", entries, tta=tta)
    strip_ids = tuple(list_neighbour_ids(dataset, loaded_image.sample.id)) if dataset else ()
    props = build_viewer_props(
        loaded_image, digest, entries, predictions, strip_ids=strip_ids, prefetch_key=prefetch_key
    )
    st.session_state[_VIEW_KEY] = (digest, loaded_image, props)
    return PredictView(
        digest, payload, props, predictions, _prepare_cells(loaded_image, predictions), prefetch_key, strip_ids
    )


def on_image_selected() -> None:
    """Take the reader to the picture that the viewer was asked for."""
    sample_id = st.session_state[VIEWER_KEY].get("picture")
    _, _, props = st.session_state[_VIEW_KEY]
    # What comes from a browser may be anything.
    if sample_id in [neighbour["id"] for neighbour in props["strip"]]:
        go_to_image(sample_id.partition("/")[0], sample_id)


def send_prefetched(
    view: PredictView, dataset: Dataset | None, catalog: Catalog, entries: Sequence[ModelEntry]
) -> None:
    """Bring the small pictures of the strip and, as soon as they are ready, the pictures before and after this one."""
    if dataset is None:
        return
    ready = prefetch(dataset, view.props["id"], view.prefetch_key, catalog)
    st.fragment(_poll_prefetched, run_every=None if ready else POLL_SECONDS)(view, catalog, entries, ready)


def _poll_prefetched(view: PredictView, catalog: Catalog, entries: Sequence[ModelEntry], was_ready: bool) -> None:
    send_payload(*encode_strip(view.prefetch_key, view.strip_ids))
    # Pictures may be the same, and no message is sent twice.
    sent_digests = {view.digest}
    for neighbour_id in (view.props["next"], view.props["previous"]):
        if neighbour_id is not None and get_worst_dice(view.prefetch_key, neighbour_id) is not None:
            with contextlib.suppress(WbcsegError):
                loaded_image = cache.load_image(view.prefetch_key.dataset_name, neighbour_id)
                predictions = {
                    entry.name: cache.predict_cached(loaded_image, entry.name, catalog, tta=view.prefetch_key.tta)
                    for entry in entries
                }
                digest, payload = encode_view(loaded_image, predictions)
                if digest not in sent_digests:
                    send_payload(digest, payload)
                sent_digests.add(digest)
    if not was_ready and all(get_worst_dice(view.prefetch_key, sample_id) is not None for sample_id in view.strip_ids):
        st.rerun()


def run_models(
    loaded_image: cache.LoadedImage, entries: Sequence[ModelEntry], catalog: Catalog, *, tta: bool
) -> dict[str, CachedPrediction]:
    """Segment a picture with every chosen model, and say of those that cannot why.

    Returns:
        What each makes of it, by the model's name, in order.
    """
    predictions = {}
    for entry in entries:
        try:
            with st.spinner(f"{escape_markdown(entry.title)} is looking…"):
                predictions[entry.name] = cache.predict_cached(loaded_image, entry.name, catalog, tta=tta)
        except WbcsegError as error:
            st.warning(f"**{escape_markdown(entry.title)}**: {escape_markdown(str(error))}", icon=":material/error:")
    return predictions


def encode_view(loaded_image: cache.LoadedImage, predictions: Mapping[str, CachedPrediction]) -> tuple[str, bytes]:
    """Return what the browser gets of a picture, and the digest that names it."""
    parts = {IMAGE: cache.encode_image(loaded_image)}
    if loaded_image.sample.mask is not None:
        parts[MASK] = cache.encode_mask(loaded_image)
    parts |= {short_digest: prediction.png for short_digest, prediction in predictions.items()}
    digest = hashlib.sha256(
        b"".join([loaded_image.digest.encode(), *(f"{n}\0".encode() + p for n, p in parts.items())])
    )
    short_digest = digest.hexdigest()[:24]
    return short_digest, encode_payload({"digest": short_digest}, parts)


def encode_strip(prefetch_key: PrefetchKey, sample_ids: Sequence[str]) -> tuple[str, bytes]:
    """Return the small pictures of the strip that have been looked at, with their worst Dice: a digest and one message.

    The others follow, because nobody should wait for them. A Dice is ``None`` where there is no expert's mask.
    """
    dice_by_id = {
        neighbour_id: dice
        for neighbour_id in sample_ids
        if (dice := get_worst_dice(prefetch_key, neighbour_id)) is not None
    }
    positions: dict[str, list[int]] = {}
    sheet = np.zeros((STRIP_THUMBNAIL_SIDE, STRIP_THUMBNAIL_SIDE * max(len(dice_by_id), 1), 3), np.uint8)
    for column, sample_id in enumerate(dice_by_id):
        try:
            loaded_image = cache.load_image(prefetch_key.dataset_name, sample_id)
        except WbcsegError:
            continue
        thumbnail = cache.make_strip_thumbnail(loaded_image.digest, loaded_image.sample.image)
        height, width = thumbnail.shape[:2]
        sheet[:height, column * STRIP_THUMBNAIL_SIDE : column * STRIP_THUMBNAIL_SIDE + width] = thumbnail
        positions[sample_id] = [column * STRIP_THUMBNAIL_SIDE, 0, width, height]
    rounded_dice = {
        neighbour_id: None if math.isnan(dice) else round(dice, 4) for neighbour_id, dice in dice_by_id.items()
    }
    header = {"places": positions, "worst": rounded_dice, "request": hash_prefetch_key(prefetch_key)}
    short_digest = hashlib.sha256(json.dumps([header, list(sample_ids)], sort_keys=True).encode()).hexdigest()[:24]
    return short_digest, encode_payload({**header, "digest": short_digest}, {IMAGE: io.encode_png(sheet)})


def _prepare_cells(
    loaded_image: cache.LoadedImage, predictions: Mapping[str, CachedPrediction]
) -> dict[str, tuple[CellResult, ...]]:
    name = loaded_image.filename or loaded_image.sample.id.replace("/", "-")
    cells = {
        model_name: tuple(replace(cell, image_name=name) for cell in prediction.cells)
        for model_name, prediction in predictions.items()
    }
    return flag_disagreements(cells)


def hash_prefetch_key(prefetch_key: PrefetchKey) -> str:
    """Return a short name of a request."""
    return hashlib.sha256(repr(prefetch_key).encode()).hexdigest()[:12]


def build_viewer_props(
    loaded_image: cache.LoadedImage,
    digest: str,
    entries: Sequence[ModelEntry],
    predictions: Mapping[str, CachedPrediction],
    *,
    strip_ids: Sequence[str] = (),
    prefetch_key: PrefetchKey | None = None,
) -> dict[str, Any]:
    """Return the viewer's data for a picture that was sent.

    Args:
        loaded_image: The picture.
        digest: Of its pack.
        entries: The chosen models.
        predictions: What each of them that could be used makes of it, by name.
        strip_ids: Ids of the pictures around it, itself among them; none where there are no others.
        prefetch_key: With which models those are looked at.
    """
    used_entries = [entry for entry in entries if entry.name in predictions]
    panels = [_build_panel(IMAGE, "picture", "Picture", alt="The picture as it was photographed")]
    mask = loaded_image.sample.mask
    if mask is not None:
        mask_title = get_mask_title(loaded_image.sample.id)
        panels.append(
            _build_panel(
                MASK, "mask", mask_title, part=MASK, alt=_format_alt(mask_title, mask), help=GLOSSARY[mask_title]
            )
        )
    for entry in used_entries:
        panel = _build_panel(
            entry.name,
            "model",
            entry.title,
            part=entry.name,
            alt=_format_alt(entry.title, predictions[entry.name].labels),
        )
        if entry.card.trained_on(loaded_image.sample.id, loaded_image.digest):
            text = "Trained on this cell"
            panel["mark"] = {"text": text, "help": GLOSSARY["Seen in training"], "flatters": True}
        panels.append(panel)
    panel_keys = [panel["key"] for panel in panels]
    if len(used_entries) > 1:
        panels.append(
            _build_panel("agreement", "agreement", "Agreement", alt="Where the models disagree: the darker, the more")
        )
    for entry in used_entries:
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
    index = list(strip_ids).index(loaded_image.sample.id) if loaded_image.sample.id in strip_ids else -1
    return {
        "pack": digest,
        "id": loaded_image.sample.id,
        "name": _format_name(loaded_image),
        "file": io.make_safe_stem(
            loaded_image.filename if loaded_image.is_upload else get_local_id(loaded_image.sample.id), set()
        ),
        "notice": NOTICE,
        "classes": [{"id": pixel_class.id, "title": pixel_class.name.capitalize()} for pixel_class in CLASSES],
        "palettes": [
            {
                "key": palette.name,
                "title": palette.title,
                "colours": [palette.to_hex(pixel_class.id) for pixel_class in CLASSES],
            }
            for palette in PALETTES.values()
        ],
        "panels": panels,
        "shown": panel_keys,
        "previous": strip_ids[index - 1] if index > 0 else None,
        "next": strip_ids[index + 1] if 0 <= index < len(strip_ids) - 1 else None,
        "strip": [{"id": sample_id, "title": get_local_id(sample_id)} for sample_id in strip_ids],
        "request": hash_prefetch_key(prefetch_key) if prefetch_key else "",
    }


def _build_panel(key: str, kind: str, title: str, **extra: Any) -> dict[str, Any]:
    return {"key": key, "kind": kind, "title": title, **extra}


def _format_name(loaded_image: cache.LoadedImage) -> str:
    if loaded_image.is_upload:
        return io.format_display_name(loaded_image.filename)
    dataset_name = loaded_image.sample.id.partition("/")[0]
    return f"{format_dataset_name(dataset_name)}, {get_local_id(loaded_image.sample.id)}"


def _format_alt(heading: str, labels: Labels) -> str:
    fractions = compute_class_fractions(labels)
    nucleus, cytoplasm = (format_percent(fractions[name]) for name in ("nucleus", "cytoplasm"))
    return f"{heading}: nucleus {nucleus}, cytoplasm {cytoplasm} of the image"


def show_hints(loaded_image: cache.LoadedImage, catalog: Catalog) -> None:
    """Say what the panels do not: that there is no model, or no mask to measure against."""
    if not catalog.entries:
        st.info("There is no model yet: train one, or get the shipped ones.", icon=":material/info:")
    elif loaded_image.sample.mask is None:
        st.caption("There is no expert mask for this picture, so there is nothing to measure the models against.")


def on_mask_edited() -> None:
    """Take a corrected mask of the picture that was shown last from the viewer."""
    value = st.session_state[VIEWER_KEY].get("mask")
    digest, loaded_image, props = st.session_state[_VIEW_KEY]
    if isinstance(value, dict) and value.get("digest") == digest:
        edited_masks.store_mask(value, loaded_image, props["name"], props["file"])
