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
def load_dataset(name: str) -> Dataset:
    """Open a data set that is on this computer (or drawn); see :func:`wbcseg.datasets.open_dataset`."""
    return open_dataset(name)


@st.cache_resource(max_entries=96, show_spinner=False)
def load_image(name: str, sample_id: str) -> LoadedImage:
    """Read one picture of a data set."""
    sample = load_dataset(name).read(sample_id)
    return LoadedImage(sample, sample.compute_digest())


@st.cache_resource(max_entries=4, show_spinner=False, scope="session")
def load_uploaded_image(key: str, name: str, page: int, _item: InputImage) -> LoadedImage:
    """Read a picture that a reader brought, with the mask that came along, once per session.

    Args:
        key: Names the content, mask included.
        name: What the file is called; it is only shown.
        page: Which page of a TIFF, from 0.
        _item: The picture, judged by its content alone.

    Raises:
        ImageError: If it is no picture, or not an acceptable one.
    """
    picture, mask, problem = open_input(_item, page)
    identity = f"own/{compute_digest(picture.pixels.tobytes())[:12]}"
    sample = Sample(id=identity, image=picture.pixels, mask=mask, source="A reader's own picture")
    notices = [*picture.notices, problem, NO_CYTOPLASM_NOTICE if mask is not None and lacks_cytoplasm(mask) else ""]
    return LoadedImage(sample, sample.compute_digest(), is_upload=True, filename=name, notices=tuple(filter(None, notices)))


def compute_digest(data: bytes) -> str:
    """Return the SHA-256 of bytes in hex."""
    return hashlib.sha256(data).hexdigest()


def load_catalog() -> Catalog:
    """Return the models as they are on disk now: a training that has just finished is among them."""
    return Catalog()


@st.cache_resource(max_entries=6, show_spinner=False)
def load_segmenter(name: str, version: str, _catalog: Catalog) -> Segmenter:
    """Open a model.

    Args:
        name: Its name in the catalog.
        version: Its checksum, so that a new model of an old name is opened again.
        _catalog: The catalog.

    Raises:
        ModelError: If its folder cannot be used.
    """
    return _catalog.load(name)


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


def predict_cached(picture: LoadedImage, name: str, models: Catalog, *, careful: bool = False) -> CachedPrediction:
    """Segment a picture with a model, or recall it.

    Args:
        picture: The picture.
        name: The model.
        models: The catalog.
        careful: See :meth:`wbcseg.inference.Segmenter.predict`.

    Raises:
        ModelError: If the model cannot be used.
        ImageError: If the picture is too small.
    """
    card = models.get(name).card
    version = card.files["model"].sha256 if card is not None else ""
    model = load_segmenter(name, version, models)
    remember = _predict_in_session if picture.is_upload else _predict_shared
    judge = load_quality_model(card) if card is not None else None
    judged = hash((judge.failure_model, judge.out_of_range_model)) if judge else 0
    return remember(picture.digest, name, version, careful, judged, model, judge, picture.sample.image)


def render_png(picture: LoadedImage, view: OverlayStyle, classes: Labels | None = None) -> bytes:
    """Draw a picture with its classes as a PNG, sharp at any size of the screen.

    Args:
        picture: The picture.
        view: How to show the classes.
        classes: ``uint8[H, W]`` of class ids, or ``None`` for the picture alone.
    """
    remember = _render_in_session if picture.is_upload else _render_shared
    if classes is None:
        return remember(picture.digest, "", OverlayStyle(), picture.sample.image, None)
    return remember(picture.digest, hashlib.sha256(classes.tobytes()).hexdigest(), view, picture.sample.image, classes)


def extract_expert_features(picture: LoadedImage) -> CellFeatures | None:
    """Measure the main cell of the expert's mask, or recall its figures; ``None`` where there is no cell or no mask."""
    mask = picture.sample.mask
    if mask is None:
        return None
    return (_extract_features_in_session if picture.is_upload else _extract_features_shared)(
        picture.digest, picture.sample.image, mask
    )


def encode_image(picture: LoadedImage) -> bytes:
    """Write a picture as a PNG of its own size, without metadata."""
    return (_encode_image_in_session if picture.is_upload else _encode_image_shared)(picture.digest, picture.sample.image)


def encode_mask(picture: LoadedImage) -> bytes:
    """Write the expert's mask as a grey PNG of class ids.

    Raises:
        ValueError: If there is none.
    """
    if picture.sample.mask is None:
        raise ValueError("This picture has no mask.")
    return (_encode_mask_in_session if picture.is_upload else _encode_mask_shared)(picture.digest, picture.sample.mask)


@st.cache_resource(max_entries=512, show_spinner=False)
def make_strip_thumbnail(digest: str, _image: RgbImage) -> RgbImage:
    """Shrink a picture to at most :data:`STRIP_THUMBNAIL_SIDE` pixels."""
    return shrink_to_fit(_image, STRIP_THUMBNAIL_SIDE)


def warm_cache(picture: LoadedImage) -> None:
    """Make what a page needs of a picture besides results, so that its reader does not wait for it."""
    encode_image(picture)
    make_strip_thumbnail(picture.digest, picture.sample.image)
    if picture.sample.mask is not None:
        encode_mask(picture)
        if not is_field_of_view(picture.sample.image):
            extract_expert_features(picture)


@st.cache_data(max_size="16MiB", show_spinner=False)
def encode_thumbnail(digest: str, _image: RgbImage) -> bytes:
    """Return a small PNG for a gallery."""
    return io.encode_png(resize_for_display(_image, THUMBNAIL_SIDE, longest=2 * THUMBNAIL_SIDE))


# Streamlit tells caches apart by the function that they wrap, hence two of each: one shared, one for the session.


@st.cache_resource(max_entries=192, show_spinner=False)
def _predict_shared(
    digest: str,
    name: str,
    version: str,
    careful: bool,
    judged: int,
    _model: Segmenter,
    _judge: QualityModel | None,
    _image: RgbImage,
) -> CachedPrediction:
    return _predict(_model, _judge, _image, careful)


@st.cache_resource(max_entries=6, show_spinner=False, scope="session")
def _predict_in_session(
    digest: str,
    name: str,
    version: str,
    careful: bool,
    judged: int,
    _model: Segmenter,
    _judge: QualityModel | None,
    _image: RgbImage,
) -> CachedPrediction:
    return _predict(_model, _judge, _image, careful)


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
    digest: str, classes_digest: str, view: OverlayStyle, _image: RgbImage, _classes: Labels | None
) -> bytes:
    return _render(view, _image, _classes)


@st.cache_data(max_entries=16, show_spinner=False, scope="session")
def _render_in_session(
    digest: str, classes_digest: str, view: OverlayStyle, _image: RgbImage, _classes: Labels | None
) -> bytes:
    return _render(view, _image, _classes)


def _predict(model: Segmenter, judge: QualityModel | None, image: RgbImage, careful: bool) -> CachedPrediction:
    result = model.predict(image, careful=careful)
    result.labels.setflags(write=False)
    findings = analyze_cells("", image, result, judge=judge)
    return CachedPrediction(result.labels, encode_prediction(result.labels, result.probabilities_u8), tuple(findings))


def _render(view: OverlayStyle, image: RgbImage, classes: Labels | None) -> bytes:
    if classes is None:
        return io.encode_png(resize_for_display(image, MIN_PANEL_SIDE))
    palette = PALETTES[view.palette]
    # Coloured first and enlarged then: the same picture in a tenth of the time.
    picture, shown_classes = shrink_to_fit(image, MAX_DISPLAY_WIDTH), shrink_to_fit(classes, MAX_DISPLAY_WIDTH)
    colours = view.mode == "colours"
    painted = colorize(shown_classes, palette) if colours else overlay(picture, shown_classes, palette, view.opacity)
    return io.encode_png(resize_for_display(painted, MIN_PANEL_SIDE))
