"""Segments the image of the page and sends it with the results to the viewer."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import streamlit as st

from wbcseg import io
from wbcseg.datasets.base import Dataset
from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.labels import Labels
from wbcseg.pipeline import Disagreement, find_disagreement, flag_disagreements
from wbcseg.results import CellResult
from wbcseg.ui import cache, corrections
from wbcseg.ui.cache import STRIP_THUMBNAIL_SIDE, CachedPrediction
from wbcseg.ui.cell_types import assign_types_in_image
from wbcseg.ui.components.dataset_picker import go_to_image
from wbcseg.ui.corrections import CorrectedPrediction, CorrectionTarget
from wbcseg.ui.counting import mark_region
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.segment import edited_masks
from wbcseg.ui.segment.prefetch import (
    PrefetchKey,
    get_lowest_dice,
    hash_prefetch_key,
    list_neighbour_ids,
    make_prefetch_key,
    prefetch,
)
from wbcseg.ui.segment.viewer_props import build_viewer_props
from wbcseg.ui.viewer import send_payload, tiles
from wbcseg.ui.viewer.payload import IMAGE, MASK, encode_payload
from wbcseg.ui.viewer.props import ViewerProps
from wbcseg.visualization import RgbImage

VIEWER_KEY: Final = "viewer"

POLL_SECONDS: Final = 1.0
"""Seconds between two checks for prefetched results."""


@dataclass(frozen=True, eq=False)
class PredictView:
    """The image that is shown, with the models' results.

    Attributes:
        digest: Identifies the payload.
        payload: Image, mask and results, as the browser is sent them.
        image: The image, ``uint8[H, W, 3]``.
        props: What the viewer shows of it.
        targets: What is corrected, by the name of the model.
        corrected: Each model's result with corrections, by its name.
        cells: The cells of each model after corrections, by its name.
        problems: Why models could not segment the image, in Markdown.
        disagreement: Where the models disagree by more than the usual, or ``None``.
        prefetch_key: The models that the neighbouring images are segmented with.
        strip_ids: Ids of the images in the strip, this one among them; none for an upload.
    """

    digest: str
    payload: bytes
    image: RgbImage
    props: ViewerProps
    targets: dict[str, CorrectionTarget]
    corrected: dict[str, CorrectedPrediction]
    cells: dict[str, tuple[CellResult, ...]]
    problems: tuple[str, ...]
    disagreement: Disagreement | None
    prefetch_key: PrefetchKey
    strip_ids: tuple[str, ...]

    @property
    def predictions(self) -> dict[str, CachedPrediction]:
        """Each model's result after corrections, by its name."""
        return {name: corrected.prediction for name, corrected in self.corrected.items()}

    @property
    def labels(self) -> dict[str, Labels]:
        """Each model's class ids, by its title."""
        titles = {panel.key: panel.title for panel in self.props.panels}
        return {titles[name]: prediction.labels for name, prediction in self.predictions.items()}

    @property
    def is_field_of_view(self) -> bool:
        """Whether the image is a field of view for any of the models."""
        return any(prediction.is_field_of_view for prediction in self.predictions.values())

    @property
    def models_trained_on_image(self) -> list[str]:
        """Titles of the models that were trained on the image, or on another image of the same cell."""
        return [panel.title for panel in self.props.panels if panel.badge is not None]


def build_view(
    loaded_image: cache.LoadedImage,
    entries: Sequence[ModelEntry],
    catalog: Catalog,
    dataset: Dataset | None,
    *,
    tta: bool,
) -> PredictView:
    """Segment an image with all selected models and prepare what the browser needs to show it.

    Args:
        loaded_image: The image.
        entries: The selected models.
        catalog: The catalog.
        dataset: The image's data set, or ``None`` for an upload.
        tta: See :meth:`wbcseg.inference.Segmenter.predict`.
    """
    predictions, problems = run_models(loaded_image, entries, catalog, tta=tta)
    digest, payload = encode_view(loaded_image, predictions)
    targets = {
        entry.name: CorrectionTarget(
            (loaded_image.digest, entry.key, tta),
            partial(cache.segment_cached, loaded_image, entry, catalog, tta=tta),
        )
        for entry in entries
        if entry.name in predictions
    }
    corrections.set_targets(VIEWER_KEY, digest, targets)
    corrected = corrections.correct_predictions(targets, predictions)
    cells = prepare_cells(loaded_image, corrected)
    disagreement = find_disagreement(cells)
    prefetch_key = make_prefetch_key(dataset.name if dataset else "", entries, tta=tta)
    strip_ids = tuple(list_neighbour_ids(dataset, loaded_image.sample.id)) if dataset else ()
    props = build_viewer_props(
        *(loaded_image, digest, entries, corrected, cells),
        strip_ids=strip_ids,
        prefetch_key=prefetch_key,
        disagreement=disagreement,
    )
    remember_view(VIEWER_KEY, digest, loaded_image, props)
    image = loaded_image.sample.image
    return PredictView(
        *(digest, payload, image, props, targets, corrected, cells, problems, disagreement, prefetch_key, strip_ids)
    )


def remember_view(viewer_key: str, digest: str, loaded_image: cache.LoadedImage, props: ViewerProps) -> None:
    """Keep what a viewer shows for the messages that it sends.

    Args:
        viewer_key: Key of the viewer.
        digest: Digest of its payload.
        loaded_image: The image.
        props: What it shows of it.
    """
    st.session_state[f"{viewer_key}_state"] = (digest, loaded_image, props)


def on_image_selected() -> None:
    """Show the image that the user selected in the viewer."""
    sample_id = st.session_state[VIEWER_KEY].get("image")
    props: ViewerProps = st.session_state[f"{VIEWER_KEY}_state"][2]
    # The browser may send anything.
    if sample_id in [item.id for item in props.strip]:
        go_to_image(sample_id.partition("/")[0], sample_id)


def on_mask_edited(viewer_key: str = VIEWER_KEY) -> None:
    """Store an edited mask of the image that a viewer showed last.

    Args:
        viewer_key: Key of the viewer.
    """
    value = st.session_state[viewer_key].get("mask")
    digest, loaded_image, props = st.session_state[f"{viewer_key}_state"]
    is_current = isinstance(value, dict) and value.get("digest") == digest
    if is_current and edited_masks.store_mask(value, loaded_image, props.name, props.file_stem):
        corrections.paint(viewer_key, value.get("part"), value["rle"])


def on_cells_edited() -> None:
    """Take over corrections of the image that was shown last."""
    corrections.on_cells_edited(VIEWER_KEY)


def send_view(view: PredictView) -> None:
    """Send the image with the models' results, and the maps that corrections changed."""
    send_payload(view.digest, view.payload, view.image)
    for corrected in view.corrected.values():
        if corrected.map_payload is not None:
            send_payload(*corrected.map_payload)


def send_prefetched(
    view: PredictView, dataset: Dataset | None, catalog: Catalog, entries: Sequence[ModelEntry]
) -> None:
    """Send the strip's thumbnails and, as soon as they are ready, the images before and after this one."""
    if dataset is None:
        return
    ready = prefetch(dataset, view.props.image_id, view.prefetch_key, catalog)
    st.fragment(_poll_prefetched, run_every=None if ready else POLL_SECONDS)(view, catalog, entries, ready)


def _poll_prefetched(view: PredictView, catalog: Catalog, entries: Sequence[ModelEntry], was_ready: bool) -> None:
    send_payload(*encode_strip(view.prefetch_key, view.strip_ids))
    # Images may be identical, and no message is sent twice.
    sent_digests = {view.digest}
    for neighbour_id in (view.props.next_id, view.props.previous_id):
        if neighbour_id is not None and get_lowest_dice(view.prefetch_key, neighbour_id) is not None:
            with contextlib.suppress(WbcsegError):
                loaded_image = cache.load_image(view.prefetch_key.dataset_name, neighbour_id)
                predictions = {
                    entry.name: cache.predict_cached(loaded_image, entry.name, catalog, tta=view.prefetch_key.tta)
                    for entry in entries
                }
                digest, payload = encode_view(loaded_image, predictions)
                if digest not in sent_digests:
                    send_payload(digest, payload, loaded_image.sample.image)
                sent_digests.add(digest)
    if not was_ready and all(get_lowest_dice(view.prefetch_key, sample_id) is not None for sample_id in view.strip_ids):
        st.rerun()


def run_models(
    loaded_image: cache.LoadedImage, entries: Sequence[ModelEntry], catalog: Catalog, *, tta: bool
) -> tuple[dict[str, CachedPrediction], tuple[str, ...]]:
    """Segment an image with all selected models.

    Returns:
        Each model's result by its name, in order, and why others failed, in Markdown.
    """
    predictions, problems = {}, []
    for entry in entries:
        try:
            with st.spinner(f"{escape_markdown(entry.title)} is segmenting…"):
                predictions[entry.name] = cache.predict_cached(loaded_image, entry.name, catalog, tta=tta)
        except WbcsegError as error:
            problems.append(f"**{escape_markdown(entry.title)}**: {escape_markdown(str(error))}")
    return predictions, tuple(problems)


def encode_view(loaded_image: cache.LoadedImage, predictions: Mapping[str, CachedPrediction]) -> tuple[str, bytes]:
    """Return an image with its results as a digest and a payload."""
    image = loaded_image.sample.image
    header: dict[str, Any] = {"image_id": loaded_image.sample.id}
    parts = {IMAGE: cache.encode_image(loaded_image)}
    if loaded_image.sample.mask is not None:
        parts[MASK] = cache.encode_mask(loaded_image)
    parts |= {model_name: prediction.png for model_name, prediction in predictions.items()}
    content = [loaded_image.digest.encode(), *(f"{name}\0".encode() + part for name, part in parts.items())]
    digest = hashlib.sha256(b"".join(content)).hexdigest()[:24]
    if tiles.is_tiled(image):
        header["tiles"] = tiles.describe(image)
    return digest, encode_payload({"digest": digest, **header}, parts)


def encode_strip(prefetch_key: PrefetchKey, sample_ids: Sequence[str]) -> tuple[str, bytes]:
    """Return the thumbnails of the strip with their lowest Dice, as a digest and a payload.

    Images that are not yet segmented are excluded, so that nobody waits for them. The Dice is ``None`` without an
    expert mask.
    """
    dice_by_id = {
        sample_id: dice for sample_id in sample_ids if (dice := get_lowest_dice(prefetch_key, sample_id)) is not None
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
    lowest_dice = {sample_id: None if math.isnan(dice) else round(dice, 4) for sample_id, dice in dice_by_id.items()}
    header = {"positions": positions, "lowest_dice": lowest_dice, "prefetch_key": hash_prefetch_key(prefetch_key)}
    digest = hashlib.sha256(json.dumps([header, list(sample_ids)], sort_keys=True).encode()).hexdigest()[:24]
    return digest, encode_payload({**header, "digest": digest}, {IMAGE: io.encode_png(sheet)})


def prepare_cells(
    loaded_image: cache.LoadedImage, corrected: Mapping[str, CorrectedPrediction]
) -> dict[str, tuple[CellResult, ...]]:
    """Return the cells of each model with file name and types, flagged where models disagree, and in their region.

    Args:
        loaded_image: The image.
        corrected: Each model's result, by its name.
    """
    name = loaded_image.filename or loaded_image.sample.id.replace("/", "-")
    cells = {
        model_name: assign_types_in_image(
            mark_region((replace(cell, image_name=name) for cell in each.prediction.cells), each.corrections.region),
            loaded_image.digest,
        )
        for model_name, each in corrected.items()
    }
    return flag_disagreements(cells)


def show_problems(loaded_image: cache.LoadedImage, view: PredictView) -> None:
    """Show which models could not segment the image, and what else there is to know about image and results."""
    for problem in view.problems:
        st.warning(problem, icon=":material/error:")
    notices = [notice for prediction in view.predictions.values() for notice in prediction.notices]
    for notice in dict.fromkeys([*loaded_image.notices, *notices]):
        st.caption(escape_markdown(notice))


def show_hints(loaded_image: cache.LoadedImage, catalog: Catalog) -> None:
    """Show a hint where there is no model, or no mask to score the results against."""
    if not catalog.entries:
        st.info("There is no model yet. Train one, or download the shipped models.", icon=":material/info:")
    elif loaded_image.sample.mask is None:
        st.caption("This image has no expert mask, so the results are not scored.")
