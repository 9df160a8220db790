"""Data sets, models and results, kept between reruns and shared between readers.

What belongs to a picture is kept under the digest of its content, never under its name or its place in a list, so that
two readers can't be given each other's. What comes from a reader's own picture stays in the memory of the session and
goes with it. Every cache is bounded.
"""
# ruff: noqa: ARG001 (arguments that a cached function does not read are its keys)

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st

from wbcseg import io
from wbcseg.datasets import open_dataset
from wbcseg.datasets.base import Dataset
from wbcseg.datasets.sample import Sample
from wbcseg.datasets.uploads import InputImage
from wbcseg.features import CellFeatures, extract_features
from wbcseg.inference import Catalog, Segmenter, is_field_of_view
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import PALETTES, Labels
from wbcseg.pipeline import analyze_cells, open_input
from wbcseg.pipeline.analyze import NO_CYTOPLASM_NOTICE, lacks_cytoplasm
from wbcseg.quality import QualityModel, load_quality_model
from wbcseg.results import CellResult
from wbcseg.ui.viewer.payload import encode_prediction
from wbcseg.visualization import MAX_DISPLAY_WIDTH, RgbImage, colorize, overlay, resize_for_display, shrink_to_fit

MIN_PANEL_SIDE = 480
"""Small pictures are enlarged to at least this many pixels, so that the browser has no reason to blur them."""

THUMBNAIL_SIDE = 192
"""The longer side of a small picture in a gallery, in pixels."""

STRIP_THUMBNAIL_SIDE = 62
"""The longer side of a small picture in the viewer's strip, in pixels."""


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """A picture that a page is showing.

    Attributes:
        sample: The picture with what is known of it.
        digest: SHA-256 of its content; the key of everything computed from it.
        is_upload: Whether a reader brought it. What is computed from it is then kept for the session only.
        filename: What the reader's file is called; to be shown, and to be written into what the reader takes away, but
            never on this computer.
        notices: Plain sentences on how it was read.
    """

    sample: Sample
    digest: str
    is_upload: bool = False
    filename: str = ""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class OverlayStyle:
    """How the classes are shown.

    Attributes:
        mode: ``"overlay"`` or ``"colours"``.
        opacity: Of the overlay, 0 to 1.
        palette: A key of :data:`wbcseg.labels.PALETTES`.
    """

    mode: str = "overlay"
    opacity: float = 0.5
    palette: str = "thesis"


@st.cache_resource(max_entries=8, show_spinner="Opening the data set…")
def load_dataset(dataset_name: str) -> Dataset:
    """Open a data set that is on this computer (or drawn); see :func:`wbcseg.datasets.open_dataset`."""
    return open_dataset(dataset_name)


@st.cache_resource(max_entries=96, show_spinner=False)
def load_image(dataset_name: str, sample_id: str) -> LoadedImage:
    """Read one picture of a data set."""
    sample = load_dataset(dataset_name).read(sample_id)
    return LoadedImage(sample, sample.compute_digest())


@st.cache_resource(max_entries=4, show_spinner=False, scope="session")
def load_uploaded_image(key: str, filename: str, page: int, _input_image: InputImage) -> LoadedImage:
    """Read a picture that a reader brought, with the mask that came along, once per session.

    Args:
        key: Names the content, mask included.
        filename: What the file is called; it is only shown.
        page: Which page of a TIFF, from 0.
        _input_image: The picture, judged by its content alone.

    Raises:
        ImageError: If it is no picture, or not an acceptable one.
    """
    decoded, mask, problem = open_input(_input_image, page)
    sample_id = f"own/{compute_digest(decoded.pixels.tobytes())[:12]}"
    sample = Sample(id=sample_id, image=decoded.pixels, mask=mask, source="A reader's own picture")
    notices = [*decoded.notices, problem, NO_CYTOPLASM_NOTICE if mask is not None and lacks_cytoplasm(mask) else ""]
    return LoadedImage(
        sample, sample.compute_digest(), is_upload=True, filename=filename, notices=tuple(filter(None, notices))
    )


def compute_digest(data: bytes) -> str:
    """Return the SHA-256 of bytes in hex."""
    return hashlib.sha256(data).hexdigest()


def load_catalog() -> Catalog:
    """Return the models as they are on disk now: a training that has just finished is among them."""
    return Catalog()


@st.cache_resource(max_entries=6, show_spinner=False)
def load_segmenter(model_name: str, checksum: str, _catalog: Catalog) -> Segmenter:
    """Open a model.

    Args:
        model_name: Its name in the catalog.
        checksum: Its checksum, so that a new model of an old name is opened again.
        _catalog: The catalog.

    Raises:
        ModelError: If its folder cannot be used.
    """
    return _catalog.load(model_name)


@dataclass(frozen=True, eq=False)
class CachedPrediction:
    """What a model makes of a picture, as it is kept.

    Attributes:
        labels: ``uint8[H, W]`` of class ids, read-only.
        png: The same with the probabilities, as :func:`wbcseg.ui.viewer.payload.encode_prediction` writes it.
        cells: Its cells, without a name; see :func:`wbcseg.pipeline.analyze_cells`.
    """

    labels: Labels
    png: bytes
    cells: tuple[CellResult, ...]


def predict_cached(
    loaded_image: LoadedImage, model_name: str, catalog: Catalog, *, tta: bool = False
) -> CachedPrediction:
    """Segment a picture with a model, or recall it.

    Args:
        loaded_image: The picture.
        model_name: The model.
        catalog: The catalog.
        tta: See :meth:`wbcseg.inference.Segmenter.predict`.

    Raises:
        ModelError: If the model cannot be used.
        ImageError: If the picture is too small.
    """
    card = catalog.get(model_name).card
    checksum = card.files["model"].sha256 if card is not None else ""
    model = load_segmenter(model_name, checksum, catalog)
    cached_predict = _predict_in_session if loaded_image.is_upload else _predict_shared
    quality_model = load_quality_model(card) if card is not None else None
    quality_key = hash((quality_model.failure_model, quality_model.out_of_range_model)) if quality_model else 0
    return cached_predict(
        loaded_image.digest, model_name, checksum, tta, quality_key, model, quality_model, loaded_image.sample.image
    )


def render_png(loaded_image: LoadedImage, style: OverlayStyle, labels: Labels | None = None) -> bytes:
    """Draw a picture with its classes as a PNG, sharp at any size of the screen.

    Args:
        loaded_image: The picture.
        style: How to show the classes.
        labels: ``uint8[H, W]`` of class ids, or ``None`` for the picture alone.
    """
    cached_render = _render_in_session if loaded_image.is_upload else _render_shared
    if labels is None:
        return cached_render(loaded_image.digest, "", OverlayStyle(), loaded_image.sample.image, None)
    return cached_render(
        loaded_image.digest, hashlib.sha256(labels.tobytes()).hexdigest(), style, loaded_image.sample.image, labels
    )


def extract_expert_features(loaded_image: LoadedImage) -> CellFeatures | None:
    """Measure the main cell of the expert's mask, or recall its figures; ``None`` where there is no cell or no mask."""
    mask = loaded_image.sample.mask
    if mask is None:
        return None
    return (_extract_features_in_session if loaded_image.is_upload else _extract_features_shared)(
        loaded_image.digest, loaded_image.sample.image, mask
    )


def encode_image(loaded_image: LoadedImage) -> bytes:
    """Write a picture as a PNG of its own size, without metadata."""
    return (_encode_image_in_session if loaded_image.is_upload else _encode_image_shared)(
        loaded_image.digest, loaded_image.sample.image
    )


def encode_mask(loaded_image: LoadedImage) -> bytes:
    """Write the expert's mask as a grey PNG of class ids.

    Raises:
        ValueError: If there is none.
    """
    if loaded_image.sample.mask is None:
        raise ValueError("This picture has no mask.")
    return (_encode_mask_in_session if loaded_image.is_upload else _encode_mask_shared)(
        loaded_image.digest, loaded_image.sample.mask
    )


@st.cache_resource(max_entries=512, show_spinner=False)
def make_strip_thumbnail(digest: str, _image: RgbImage) -> RgbImage:
    """Shrink a picture to at most :data:`STRIP_THUMBNAIL_SIDE` pixels."""
    return shrink_to_fit(_image, STRIP_THUMBNAIL_SIDE)


def warm_cache(loaded_image: LoadedImage) -> None:
    """Make what a page needs of a picture besides results, so that its reader does not wait for it."""
    encode_image(loaded_image)
    make_strip_thumbnail(loaded_image.digest, loaded_image.sample.image)
    if loaded_image.sample.mask is not None:
        encode_mask(loaded_image)
        if not is_field_of_view(loaded_image.sample.image):
            extract_expert_features(loaded_image)


@st.cache_data(max_size="16MiB", show_spinner=False)
def encode_thumbnail(digest: str, _image: RgbImage) -> bytes:
    """Return a small PNG for a gallery."""
    return io.encode_png(resize_for_display(_image, THUMBNAIL_SIDE, max_side=2 * THUMBNAIL_SIDE))


# Streamlit tells caches apart by the function that they wrap, hence two of each: one shared, one for the session.


@st.cache_resource(max_entries=192, show_spinner=False)
def _predict_shared(
    digest: str,
    model_name: str,
    checksum: str,
    tta: bool,
    quality_key: int,
    _model: Segmenter,
    _quality_model: QualityModel | None,
    _image: RgbImage,
) -> CachedPrediction:
    return _predict(_model, _quality_model, _image, tta)


@st.cache_resource(max_entries=6, show_spinner=False, scope="session")
def _predict_in_session(
    digest: str,
    model_name: str,
    checksum: str,
    tta: bool,
    quality_key: int,
    _model: Segmenter,
    _quality_model: QualityModel | None,
    _image: RgbImage,
) -> CachedPrediction:
    return _predict(_model, _quality_model, _image, tta)


@st.cache_resource(max_entries=1024, show_spinner=False)
def _extract_features_shared(digest: str, _image: RgbImage, _mask: Labels) -> CellFeatures | None:
    return extract_features(_image, keep_main_cell(_mask))


@st.cache_resource(max_entries=6, show_spinner=False, scope="session")
def _extract_features_in_session(digest: str, _image: RgbImage, _mask: Labels) -> CellFeatures | None:
    return extract_features(_image, keep_main_cell(_mask))


@st.cache_data(max_size="4MiB", show_spinner=False)
def _encode_mask_shared(digest: str, _mask: Labels) -> bytes:
    return io.encode_png(_mask)


@st.cache_data(max_entries=6, show_spinner=False, scope="session")
def _encode_mask_in_session(digest: str, _mask: Labels) -> bytes:
    return io.encode_png(_mask)


@st.cache_data(max_size="16MiB", show_spinner=False)
def _encode_image_shared(digest: str, _image: RgbImage) -> bytes:
    return io.encode_png(_image)


@st.cache_data(max_entries=6, show_spinner=False, scope="session")
def _encode_image_in_session(digest: str, _image: RgbImage) -> bytes:
    return io.encode_png(_image)


@st.cache_data(max_size="36MiB", show_spinner=False)
def _render_shared(
    digest: str, labels_digest: str, style: OverlayStyle, _image: RgbImage, _labels: Labels | None
) -> bytes:
    return _render(style, _image, _labels)


@st.cache_data(max_entries=16, show_spinner=False, scope="session")
def _render_in_session(
    digest: str, labels_digest: str, style: OverlayStyle, _image: RgbImage, _labels: Labels | None
) -> bytes:
    return _render(style, _image, _labels)


def _predict(model: Segmenter, quality_model: QualityModel | None, image: RgbImage, tta: bool) -> CachedPrediction:
    segmentation = model.predict(image, tta=tta)
    segmentation.labels.setflags(write=False)
    cells = analyze_cells("", image, segmentation, quality_model=quality_model)
    return CachedPrediction(
        segmentation.labels, encode_prediction(segmentation.labels, segmentation.probabilities_u8), tuple(cells)
    )


def _render(style: OverlayStyle, image: RgbImage, labels: Labels | None) -> bytes:
    if labels is None:
        return io.encode_png(resize_for_display(image, MIN_PANEL_SIDE))
    palette = PALETTES[style.palette]
    # Coloured first and enlarged then: the same picture in a tenth of the time.
    shrunk_image, shrunk_labels = shrink_to_fit(image, MAX_DISPLAY_WIDTH), shrink_to_fit(labels, MAX_DISPLAY_WIDTH)
    is_opaque = style.mode == "colours"
    rendered = (
        colorize(shrunk_labels, palette) if is_opaque else overlay(shrunk_image, shrunk_labels, palette, style.opacity)
    )
    return io.encode_png(resize_for_display(rendered, MIN_PANEL_SIDE))
