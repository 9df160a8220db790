"""Fields of view of a batch in the viewer, where their cells can be corrected."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from typing import Final

import streamlit as st

from wbcseg.api import Batch, Result, segment_input
from wbcseg.celltypes import has_type_model
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog, Segmenter
from wbcseg.pipeline import ImageResult, LastImageCache
from wbcseg.pipeline.correct import retype
from wbcseg.ui import cache, corrections
from wbcseg.ui.batch.options import CacheKey, PredictionOptions
from wbcseg.ui.cache import CachedPrediction
from wbcseg.ui.cell_types import assign_types
from wbcseg.ui.corrections import CorrectionKey, CorrectionTarget
from wbcseg.ui.counting import mark_region
from wbcseg.ui.segment.view import encode_view, on_mask_edited, prepare_cells, remember_view
from wbcseg.ui.segment.viewer_props import build_viewer_props
from wbcseg.ui.viewer import send_payload, show_viewer

VIEWER_KEY: Final = "batch_viewer"


def apply_corrections(batch: Batch, options: PredictionOptions, catalog: Catalog) -> None:
    """Put the corrections and the prior of this session into the results of a batch, so that all that follows is right.

    Args:
        batch: The batch.
        options: Its settings.
        catalog: The models.
    """
    results = batch.get_results()
    current = [_apply_if_any(batch, result, options, catalog) for result in results]
    # Types last: under the prior of the sample, they depend on all images.
    typed = assign_types(current)
    changed = [new for new, old in zip(typed, results, strict=True) if new is not old]
    if changed:
        batch.replace_results(changed)


def _apply_if_any(batch: Batch, result: ImageResult, options: PredictionOptions, catalog: Catalog) -> ImageResult:
    if corrections.has_corrections(make_key(result, options)):
        with contextlib.suppress(WbcsegError):
            return _apply_corrections(batch, result, options, catalog)
    return result


def _apply_corrections(batch: Batch, result: ImageResult, options: PredictionOptions, catalog: Catalog) -> ImageResult:
    current, corrected = corrections.get_corrections(make_key(result, options)), result
    must_be_field = current.as_field and not result.is_field_of_view
    if result.edits != current.edits or must_be_field:
        # Types alone do not need the image.
        retyped = None if must_be_field else retype(result, current.edits)
        if retyped is None:
            own_result, _ = _segment(batch, result, options, catalog)
            retyped = own_result.correct(current.edits, as_field=current.as_field).image_result
        corrected = retyped
    cells = mark_region(corrected.cells, current.region)
    return corrected if cells == corrected.cells else replace(corrected, cells=cells)


def show_field(
    batch: Batch,
    result: ImageResult,
    options: PredictionOptions,
    catalog: Catalog,
    viewer_key: str = VIEWER_KEY,
) -> None:
    """Show a field of view in the viewer. Call it at the top level of a page, as the viewer.

    Args:
        batch: The batch.
        result: The result for the field of view.
        options: The settings of the batch.
        catalog: The models.
        viewer_key: Key of the viewer.

    Raises:
        WbcsegError: If its file cannot be read any more.
    """
    entry, input_image = options.entry, result.input_image
    loaded_image = cache.load_uploaded_image(input_image.key, input_image.name, result.page, input_image)
    _, prediction = _segment(batch, result, options, catalog)
    predictions = {entry.name: prediction}
    digest, payload = encode_view(loaded_image, predictions)
    target = CorrectionTarget(make_key(result, options), lambda: _segment(batch, result, options, catalog)[0])
    corrections.set_targets(viewer_key, digest, {entry.name: target})
    corrected = corrections.correct_predictions({entry.name: target}, predictions)
    props = build_viewer_props(loaded_image, digest, [entry], corrected, prepare_cells(loaded_image, corrected))
    remember_view(viewer_key, digest, loaded_image, props)
    show_viewer(
        props,
        on_image=lambda: None,
        on_mask=partial(on_mask_edited, viewer_key),
        on_cells=partial(corrections.on_cells_edited, viewer_key),
        key=viewer_key,
    )
    send_payload(digest, payload, loaded_image.sample.image)
    if (map_payload := corrected[entry.name].map_payload) is not None:
        send_payload(*map_payload)


def show_field_button(result: ImageResult, options: PredictionOptions) -> None:
    """Show a button that makes a field of view of a crop; see :func:`wbcseg.ui.corrections.show_field_button`."""
    corrections.show_field_button([make_key(result, options)])


def make_key(result: ImageResult, options: PredictionOptions) -> CorrectionKey:
    """Return what the corrections of an image of a batch are kept under."""
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
    result = segment_input(
        _input_image,
        _model,
        second_model=_second_model,
        tta=tta,
        page=page,
        types=has_type_model(),
        cache=_image_cache,
    )
    return result, CachedPrediction.from_result(result)
