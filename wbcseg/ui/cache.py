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
from wbcseg.datasets.base import DataSet
from wbcseg.datasets.sample import Sample
from wbcseg.datasets.uploads import Item
from wbcseg.features import CellMeasures, measure
from wbcseg.inference import Catalog, Segmenter, is_field
from wbcseg.inference.postprocess import tidied
from wbcseg.labels import PALETTES, Labels
from wbcseg.pipeline import findings_of, open_item
from wbcseg.pipeline.analyze import NO_CYTOPLASM, lacks_cytoplasm
from wbcseg.quality import Judge, judge_of
from wbcseg.results import Finding
from wbcseg.ui.viewer.payload import map_png
from wbcseg.visualization import WIDEST, Rgb, colorize, fit, overlay, shrink_to

PANEL_SIDE = 480
"""Small pictures are enlarged to at least this many pixels, so that the browser has no reason to blur them."""

THUMBNAIL_SIDE = 192
"""The longer side of a small picture in a gallery, in pixels."""

SMALL_SIDE = 62
"""The longer side of a small picture in the viewer's strip, in pixels."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture that a page is showing.

    Attributes:
        sample: The picture with what is known of it.
        digest: SHA-256 of its content; the key of everything computed from it.
        own: Whether a reader brought it. What is computed from it is then kept for the session only.
        name: What the reader's file is called; to be shown, and to be written into what the reader takes away, but
            never on this computer.
        notices: Plain sentences on how it was read.
    """

    sample: Sample
    digest: str
    own: bool = False
    name: str = ""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """How the classes are shown.

    Attributes:
        style: ``"overlay"`` or ``"colours"``.
        opacity: Of the overlay, 0 to 1.
        palette: A key of :data:`wbcseg.labels.PALETTES`.
    """

    style: str = "overlay"
    opacity: float = 0.5
    palette: str = "thesis"


@st.cache_resource(max_entries=8, show_spinner="Opening the data set…")
def dataset(name: str) -> DataSet:
    """Open a data set that is on this computer (or drawn); see :func:`wbcseg.datasets.open_dataset`."""
    return open_dataset(name)


@st.cache_resource(max_entries=96, show_spinner=False)
def shown(name: str, sample_id: str) -> Shown:
    """Read one picture of a data set."""
    sample = dataset(name).read(sample_id)
    return Shown(sample, sample.digest())


@st.cache_resource(max_entries=4, show_spinner=False, scope="session")
def own_picture(key: str, name: str, page: int, _item: Item) -> Shown:
    """Read a picture that a reader brought, with the mask that came along, once per session.

    Args:
        key: Names the content, mask included.
        name: What the file is called; it is only shown.
        page: Which page of a TIFF, from 0.
        _item: The picture, judged by its content alone.

    Raises:
        ImageError: If it is no picture, or not an acceptable one.
    """
    picture, mask, problem = open_item(_item, page)
    identity = f"own/{bytes_digest(picture.pixels.tobytes())[:12]}"
    sample = Sample(id=identity, image=picture.pixels, mask=mask, source="A reader's own picture")
    notices = [*picture.notices, problem, NO_CYTOPLASM if mask is not None and lacks_cytoplasm(mask) else ""]
    return Shown(sample, sample.digest(), own=True, name=name, notices=tuple(filter(None, notices)))


def bytes_digest(data: bytes) -> str:
    """Return the SHA-256 of bytes in hex."""
    return hashlib.sha256(data).hexdigest()


def catalog() -> Catalog:
    """Return the models as they are on disk now: a training that has just finished is among them."""
    return Catalog()


@st.cache_resource(max_entries=6, show_spinner=False)
def segmenter(name: str, version: str, _catalog: Catalog) -> Segmenter:
    """Open a model.

    Args:
        name: Its name in the catalog.
        version: Its checksum, so that a new model of an old name is opened again.
        _catalog: The catalog.

    Raises:
        ModelError: If its folder cannot be used.
    """
    return _catalog.open(name)


@dataclass(frozen=True, eq=False)
class Found:
    """What a model makes of a picture, as it is kept.

    Attributes:
        labels: ``uint8[H, W]`` of class ids, read-only.
        map: The same with the probabilities, as :func:`wbcseg.ui.viewer.payload.map_png` writes it.
        findings: Its cells, without a name; see :func:`wbcseg.pipeline.findings_of`.
    """

    labels: Labels
    map: bytes
    findings: tuple[Finding, ...]


def found(picture: Shown, name: str, models: Catalog, *, careful: bool = False) -> Found:
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
    card = models.entry(name).card
    version = card.files["model"].sha256 if card is not None else ""
    model = segmenter(name, version, models)
    remember = _session_found if picture.own else _shared_found
    judge = judge_of(card) if card is not None else None
    judged = hash((judge.doubt, judge.unlike)) if judge else 0
    return remember(picture.digest, name, version, careful, judged, model, judge, picture.sample.image)


def drawn(picture: Shown, view: View, classes: Labels | None = None) -> bytes:
    """Draw a picture with its classes as a PNG, sharp at any size of the screen.

    Args:
        picture: The picture.
        view: How to show the classes.
        classes: ``uint8[H, W]`` of class ids, or ``None`` for the picture alone.
    """
    remember = _session_drawn if picture.own else _shared_drawn
    if classes is None:
        return remember(picture.digest, "", View(), picture.sample.image, None)
    return remember(picture.digest, hashlib.sha256(classes.tobytes()).hexdigest(), view, picture.sample.image, classes)


def expert_measures(picture: Shown) -> CellMeasures | None:
    """Measure the main cell of the expert's mask, or recall its figures; ``None`` where there is no cell or no mask."""
    mask = picture.sample.mask
    if mask is None:
        return None
    return (_session_measures if picture.own else _shared_measures)(picture.digest, picture.sample.image, mask)


def picture_png(picture: Shown) -> bytes:
    """Write a picture as a PNG of its own size, without metadata."""
    return (_session_png if picture.own else _shared_png)(picture.digest, picture.sample.image)


def mask_png(picture: Shown) -> bytes:
    """Write the expert's mask as a grey PNG of class ids.

    Raises:
        ValueError: If there is none.
    """
    if picture.sample.mask is None:
        raise ValueError("This picture has no mask.")
    return (_session_mask if picture.own else _shared_mask)(picture.digest, picture.sample.mask)


@st.cache_resource(max_entries=512, show_spinner=False)
def small(digest: str, _image: Rgb) -> Rgb:
    """Shrink a picture to at most :data:`SMALL_SIDE` pixels."""
    return shrink_to(_image, SMALL_SIDE)


def prepare(picture: Shown) -> None:
    """Make what a page needs of a picture besides results, so that its reader does not wait for it."""
    picture_png(picture)
    small(picture.digest, picture.sample.image)
    if picture.sample.mask is not None:
        mask_png(picture)
        if not is_field(picture.sample.image):
            expert_measures(picture)


@st.cache_data(max_size="16MiB", show_spinner=False)
def thumbnail(digest: str, _image: Rgb) -> bytes:
    """Return a small PNG for a gallery."""
    return io.encode_png(fit(_image, THUMBNAIL_SIDE, longest=2 * THUMBNAIL_SIDE))


# Streamlit tells caches apart by the function that they wrap, hence two of each: one shared, one for the session.


@st.cache_resource(max_entries=192, show_spinner=False)
def _shared_found(
    digest: str,
    name: str,
    version: str,
    careful: bool,
    judged: int,
    _model: Segmenter,
    _judge: Judge | None,
    _image: Rgb,
) -> Found:
    return _segment(_model, _judge, _image, careful)


@st.cache_resource(max_entries=6, show_spinner=False, scope="session")
def _session_found(
    digest: str,
    name: str,
    version: str,
    careful: bool,
    judged: int,
    _model: Segmenter,
    _judge: Judge | None,
    _image: Rgb,
) -> Found:
    return _segment(_model, _judge, _image, careful)


@st.cache_resource(max_entries=1024, show_spinner=False)
def _shared_measures(digest: str, _image: Rgb, _mask: Labels) -> CellMeasures | None:
    return measure(_image, tidied(_mask))


@st.cache_resource(max_entries=6, show_spinner=False, scope="session")
def _session_measures(digest: str, _image: Rgb, _mask: Labels) -> CellMeasures | None:
    return measure(_image, tidied(_mask))


@st.cache_data(max_size="4MiB", show_spinner=False)
def _shared_mask(digest: str, _mask: Labels) -> bytes:
    return io.encode_png(_mask)


@st.cache_data(max_entries=6, show_spinner=False, scope="session")
def _session_mask(digest: str, _mask: Labels) -> bytes:
    return io.encode_png(_mask)


@st.cache_data(max_size="16MiB", show_spinner=False)
def _shared_png(digest: str, _image: Rgb) -> bytes:
    return io.encode_png(_image)


@st.cache_data(max_entries=6, show_spinner=False, scope="session")
def _session_png(digest: str, _image: Rgb) -> bytes:
    return io.encode_png(_image)


@st.cache_data(max_size="36MiB", show_spinner=False)
def _shared_drawn(digest: str, classes_digest: str, view: View, _image: Rgb, _classes: Labels | None) -> bytes:
    return _draw(view, _image, _classes)


@st.cache_data(max_entries=16, show_spinner=False, scope="session")
def _session_drawn(digest: str, classes_digest: str, view: View, _image: Rgb, _classes: Labels | None) -> bytes:
    return _draw(view, _image, _classes)


def _segment(model: Segmenter, judge: Judge | None, image: Rgb, careful: bool) -> Found:
    result = model.predict(image, careful=careful)
    result.labels.setflags(write=False)
    findings = findings_of("", image, result, judge=judge)
    return Found(result.labels, map_png(result.labels, result.shares), tuple(findings))


def _draw(view: View, image: Rgb, classes: Labels | None) -> bytes:
    if classes is None:
        return io.encode_png(fit(image, PANEL_SIDE))
    palette = PALETTES[view.palette]
    # Coloured first and enlarged then: the same picture in a tenth of the time.
    picture, shown_classes = shrink_to(image, WIDEST), shrink_to(classes, WIDEST)
    colours = view.style == "colours"
    painted = colorize(shown_classes, palette) if colours else overlay(picture, shown_classes, palette, view.opacity)
    return io.encode_png(fit(painted, PANEL_SIDE))
