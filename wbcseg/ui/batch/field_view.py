"""Fields of view of a batch in the viewer, where their cells can be corrected."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from typing import Final

import streamlit as st

from wbcseg.api import Batch, Result, segment_input
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog, Segmenter
from wbcseg.pipeline import ImageResult, LastImageCache
from wbcseg.ui import cache, corrections
from wbcseg.ui.batch.options import CacheKey, PredictionOptions
from wbcseg.ui.cache import CachedPrediction
from wbcseg.ui.corrections import CorrectionKey, CorrectionTarget
from wbcseg.ui.counting import mark_region
from wbcseg.ui.segment.view import encode_view, on_mask_edited, prepare_cells, remember_view
from wbcseg.ui.segment.viewer_props import build_viewer_props
from wbcseg.ui.viewer import send_payload, show_viewer

VIEWER_KEY: Final = "batch_viewer"


def apply_corrections(batch: Batch, options: PredictionOptions, catalog: Catalog) -> None:
    """Put the corrections of this session into the results of a batch, so that its table and downloads follow.

    Args:
        batch: The batch.
        options: Its settings.
        catalog: The models.
    """
    for result in batch.get_results():
        if corrections.has_corrections(_make_key(result, options)):
            with contextlib.suppress(WbcsegError):
                _apply_corrections(batch, result, options, catalog)


def _apply_corrections(batch: Batch, result: ImageResult, options: PredictionOptions, catalog: Catalog) -> None:
    current, corrected = corrections.get_corrections(_make_key(result, options)), result
    if result.edits != current.edits or (current.as_field and not result.is_field_of_view):
        own_result, _ = _segment(batch, result, options, catalog)
        corrected = own_result.correct(current.edits, as_field=current.as_field).image_result
    cells = mark_region(corrected.cells, current.region)
    if corrected is not result or cells != corrected.cells:
        batch.replace_result(replace(corrected, cells=cells))


def show_field(batch: Batch, result: ImageResult, options: PredictionOptions, catalog: Catalog) -> None:
    """Show a field of view in the viewer. Call it at the top level of a page, as the viewer.

    Args:
        batch: The batch.
        result: The result for the field of view.
        options: The settings of the batch.
        catalog: The models.

    Raises:
        WbcsegError: If its file cannot be read any more.
    """
    entry, input_image = options.entry, result.input_image
    loaded_image = cache.load_uploaded_image(input_image.key, input_image.name, result.page, input_image)
    _, prediction = _segment(batch, result, options, catalog)
    predictions = {entry.name: prediction}
    digest, payload = encode_view(loaded_image, predictions)
    target = CorrectionTarget(_make_key(result, options), lambda: _segment(batch, result, options, catalog)[0])
    corrections.set_targets(VIEWER_KEY, digest, {entry.name: target})
    corrected = corrections.correct_predictions({entry.name: target}, predictions)
    props = build_viewer_props(loaded_image, digest, [entry], corrected, prepare_cells(loaded_image, corrected))
    remember_view(VIEWER_KEY, digest, loaded_image, props)
    show_viewer(
        props,
        on_image=lambda: None,
        on_mask=partial(on_mask_edited, VIEWER_KEY),
        on_cells=partial(corrections.on_cells_edited, VIEWER_KEY),
        key=VIEWER_KEY,
    )
    send_payload(digest, payload)
    if (map_payload := corrected[entry.name].map_payload) is not None:
        send_payload(*map_payload)


def show_field_button(result: ImageResult, options: PredictionOptions) -> None:
    """Show a button that makes a field of view of a crop; see :func:`wbcseg.ui.corrections.show_field_button`."""
    corrections.show_field_button([_make_key(result, options)])


def _make_key(result: ImageResult, options: PredictionOptions) -> CorrectionKey:
    return result.digest, options.entry.key, options.tta


def _segment(
    batch: Batch, result: ImageResult, options: PredictionOptions, catalog: Catalog
) -> tuple[Result, CachedPrediction]:
    """Return the model's own result for an image of a batch, segmented again: a batch keeps no pixels."""
    model = cache.load_segmenter(options.entry, catalog)
    second_model = cache.load_segmenter(options.second_entry, catalog) if options.second_entry else None
    key = result.input_image.key
    return _segment_again(key, options.cache_key, result.input_image, model, second_model, batch.image_cache)


@st.cache_resource(max_entries=3, show_spinner="Segmenting the field of view…", scope="session")
def _segment_again(
    key: str,  # noqa: ARG001 (part of the cache key)
    options_key: CacheKey,
    _input_image: InputImage,
    _model: Segmenter,
    _second_model: Segmenter | None,
    _image_cache: LastImageCache,
) -> tuple[Result, CachedPrediction]:
    _, _, tta, page = options_key
    result = segment_input(_input_image, _model, second_model=_second_model, tta=tta, page=page, cache=_image_cache)
    return result, CachedPrediction.from_result(result)
