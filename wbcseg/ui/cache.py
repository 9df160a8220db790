"""Data sets, models and results, cached between reruns and shared between users.

Everything computed from an image is cached under the digest of its content, never under its name or its place in a
list, so one user can never be given another user's image. What is computed from an upload stays in the session and is
dropped with it. Every cache is bounded.
"""
# ruff: noqa: ARG001 (some arguments of cached functions only serve as cache keys)

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, cast

import streamlit as st

from wbcseg import io
from wbcseg.api import Result, segment
from wbcseg.datasets import open_dataset
from wbcseg.datasets.base import Dataset
from wbcseg.datasets.sample import Sample
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import Problem
from wbcseg.features import CellFeatures, extract_features
from wbcseg.inference import Catalog, ModelEntry, Segmenter
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.io import PageChoice
from wbcseg.labels import Labels
from wbcseg.pipeline import open_input
from wbcseg.pipeline.analyze import list_mask_notices
from wbcseg.quality import load_quality_model
from wbcseg.results import CellResult
from wbcseg.ui.cell_types import get_types_key
from wbcseg.ui.turns import take_page_turns
from wbcseg.ui.viewer import tiles
from wbcseg.ui.viewer.payload import encode_prediction
from wbcseg.visualization import RgbImage, resize_for_display, shrink_to_fit

THUMBNAIL_SIDE = 192
"""Longer side of a gallery thumbnail in pixels."""

STRIP_THUMBNAIL_SIDE = 62
"""Longer side of a thumbnail in the viewer's strip in pixels."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """An image that a page shows.

    Attributes:
        sample: The image with its mask and metadata.
        digest: SHA-256 of its content; the cache key of everything computed from it.
        is_upload: Whether the user uploaded it. Everything computed from it is then cached in the session only.
        filename: Name of the uploaded file, for display and for downloads. It is never written to this computer.
        notices: Sentences about how the file was read.
        mask_problem: Why its expert mask was not used, or ``None``.
        pixel_size: Pixel size in µm that the file states, or ``None``.
    """

    sample: Sample
    digest: str
    is_upload: bool = False
    filename: str = ""
    notices: tuple[str, ...] = ()
    mask_problem: Problem | None = None
    pixel_size: float | None = None


def cache_by_image(
    storage: Literal["data", "resource"],
    *,
    max_session_entries: int,
    max_entries: int | None = None,
    max_size: str | None = None,
    show_spinner: bool | str = False,
) -> Callable[[Callable[Concatenate[LoadedImage, P], R]], Callable[Concatenate[LoadedImage, P], R]]:
    """Return a decorator that caches what a function computes from an image.

    Results for the images of data sets are shared by all users. Results for uploads are cached in the user's session.
    The image's digest is part of the key; the other arguments are hashed as Streamlit does, those whose name begins
    with an underscore not at all.

    Args:
        storage: ``"data"`` returns a copy to every caller, ``"resource"`` the same object.
        max_session_entries: Bound of the session's cache.
        max_entries: Bound of the shared cache, or
        max_size: its bound in bytes, such as ``"16MiB"`` (``"data"`` only).
        show_spinner: As in Streamlit.
    """
    # Any: the two decorators differ in their parameters.
    backend: Any = st.cache_data if storage == "data" else st.cache_resource
    options: dict[str, Any] = {"show_spinner": show_spinner, "hash_funcs": {LoadedImage: lambda image: image.digest}}
    bounds = {"max_entries": max_entries} if max_size is None else {"max_size": max_size}

    def decorate(function: Callable[Concatenate[LoadedImage, P], R]) -> Callable[Concatenate[LoadedImage, P], R]:
        @functools.wraps(function)
        def compute_in_session(loaded_image: LoadedImage, /, *args: P.args, **kwargs: P.kwargs) -> R:
            return function(loaded_image, *args, **kwargs)

        # Streamlit tells caches apart by the qualified name of the function that they wrap.
        compute_in_session.__qualname__ = f"{function.__qualname__}.in_session"
        shared = backend(**options, **bounds)(function)
        in_session = backend(**options, max_entries=max_session_entries, scope="session")(compute_in_session)

        @functools.wraps(function)
        def call(loaded_image: LoadedImage, /, *args: P.args, **kwargs: P.kwargs) -> R:
            cached = in_session if loaded_image.is_upload else shared
            return cast("R", cached(loaded_image, *args, **kwargs))

        return call

    return decorate


@st.cache_resource(max_entries=8, show_spinner="Opening the data set…")
def load_dataset(dataset_name: str) -> Dataset:
    """Open a data set that is on this computer or generated; see :func:`wbcseg.datasets.open_dataset`."""
    return open_dataset(dataset_name)


@st.cache_resource(max_entries=96, show_spinner=False)
def load_image(dataset_name: str, sample_id: str) -> LoadedImage:
    """Read an image of a data set."""
    sample = load_dataset(dataset_name).read(sample_id)
    return LoadedImage(sample, sample.compute_digest())


@st.cache_resource(max_entries=4, show_spinner=False, scope="session")
def load_uploaded_image(key: str, filename: str, page: PageChoice, _input_image: InputImage) -> LoadedImage:
    """Read an uploaded image and the mask that belongs to it, once per session.

    Args:
        key: Identifies the content, mask included.
        filename: Name of the file; for display only.
        page: Page of a TIFF, from 0.
        _input_image: The image. Its type is determined by its content alone.

    Raises:
        ImageError: If it is not an image, or not an acceptable one.
    """
    decoded, mask, problem = open_input(_input_image, page)
    sample_id = f"upload/{compute_digest(decoded.pixels.tobytes())[:12]}"
    sample = Sample(id=sample_id, image=decoded.pixels, mask=mask, source="Uploaded image")
    notices = [*decoded.notices, problem, *list_mask_notices(decoded.pixels, mask)]
    notices_text = tuple(str(notice) for notice in notices if notice)
    return LoadedImage(
        sample,
        sample.compute_digest(),
        is_upload=True,
        filename=filename,
        notices=notices_text,
        mask_problem=problem,
        pixel_size=decoded.pixel_size,
    )


def compute_digest(data: bytes) -> str:
    """Return the SHA-256 of bytes in hex."""
    return hashlib.sha256(data).hexdigest()


def load_catalog() -> Catalog:
    """Return the models that are on disk now, those of runs that have just finished included."""
    return Catalog()


def load_segmenter(entry: ModelEntry, catalog: Catalog) -> Segmenter:
    """Load a model, or return the loaded one.

    Args:
        entry: The model.
        catalog: The catalog that lists it.

    Raises:
        ModelError: If its folder cannot be used.
    """
    return _load_segmenter(entry.key, catalog)


@st.cache_resource(max_entries=6, show_spinner=False)
def _load_segmenter(model_key: tuple[str, str], _catalog: Catalog) -> Segmenter:
    return _catalog.load(model_key[0])


@dataclass(frozen=True, eq=False)
class CachedPrediction:
    """A model's result for an image.

    Attributes:
        labels: ``uint8[H, W]`` of class ids, read-only.
        png: Labels and probabilities, as :func:`wbcseg.ui.viewer.payload.encode_prediction` writes them.
        cells: The cells; see :attr:`wbcseg.api.Result.cell_results`. The cache does not know the name of their file.
        is_field_of_view: Whether the image is a field of view, not a crop of one cell.
        notices: Sentences on how the image was segmented.
    """

    labels: Labels
    png: bytes
    cells: tuple[CellResult, ...]
    is_field_of_view: bool
    notices: tuple[str, ...] = ()

    @classmethod
    def from_result(cls, result: Result) -> CachedPrediction:
        """Return what to keep of a result."""
        result.labels.setflags(write=False)
        png = encode_prediction(result.labels, result.probabilities_u8)
        return cls(result.labels, png, result.cell_results, result.is_field_of_view, result.notices)


def predict_cached(
    loaded_image: LoadedImage, model_name: str, catalog: Catalog, *, tta: bool = False
) -> CachedPrediction:
    """Segment an image with a model, or return the cached result.

    Args:
        loaded_image: The image.
        model_name: The model.
        catalog: The catalog.
        tta: See :meth:`wbcseg.inference.Segmenter.predict`.

    Raises:
        ModelError: If the model cannot be used.
        ImageError: If the image is too small.
    """
    entry = catalog.get(model_name)
    return _predict(loaded_image, entry.key, tta, _get_other_keys(entry), load_segmenter(entry, catalog))


def segment_cached(loaded_image: LoadedImage, entry: ModelEntry, catalog: Catalog, *, tta: bool = False) -> Result:
    """Segment an image with a model, or return the result, which is kept for few images, because it is large.

    Args:
        loaded_image: The image.
        entry: The model.
        catalog: The catalog.
        tta: See :meth:`wbcseg.inference.Segmenter.predict`.

    Raises:
        ModelError: If the model cannot be used.
        ImageError: If the image is too small.
    """
    return _segment(loaded_image, entry.key, tta, _get_other_keys(entry), load_segmenter(entry, catalog))


def _get_other_keys(entry: ModelEntry) -> tuple[int, str]:
    """Return what identifies the quality model and the type model."""
    quality_model = load_quality_model(entry.card)
    quality_key = hash((quality_model.failure_model, quality_model.out_of_range_model)) if quality_model else 0
    return quality_key, get_types_key()


@cache_by_image("resource", max_entries=8, max_session_entries=4)
def _segment(
    loaded_image: LoadedImage, model_key: tuple[str, str], tta: bool, other_keys: tuple[int, str], _model: Segmenter
) -> Result:
    with take_page_turns():
        return segment(loaded_image.sample.image, _model, tta=tta, types=bool(other_keys[1]))


@cache_by_image("resource", max_entries=192, max_session_entries=6)
def _predict(
    loaded_image: LoadedImage, model_key: tuple[str, str], tta: bool, other_keys: tuple[int, str], _model: Segmenter
) -> CachedPrediction:
    return CachedPrediction.from_result(_segment(loaded_image, model_key, tta, other_keys, _model))


@cache_by_image("resource", max_entries=1024, max_session_entries=6)
def extract_expert_features(loaded_image: LoadedImage) -> CellFeatures | None:
    """Measure the main cell of the expert mask; ``None`` where there is no mask or no cell."""
    mask = loaded_image.sample.mask
    return None if mask is None else extract_features(loaded_image.sample.image, keep_main_cell(mask))


@cache_by_image("data", max_size="16MiB", max_session_entries=6)
def encode_image(loaded_image: LoadedImage) -> bytes:
    """Write an image as a PNG without metadata: of its own size, or shrunk if the viewer fetches tiles of it."""
    image = loaded_image.sample.image
    return tiles.encode_overview(image) if tiles.is_tiled(image) else io.encode_png(image)


@cache_by_image("data", max_size="4MiB", max_session_entries=6)
def encode_mask(loaded_image: LoadedImage) -> bytes:
    """Write the expert mask as a grey PNG of class ids.

    Raises:
        ValueError: If there is none.
    """
    if loaded_image.sample.mask is None:
        raise ValueError("This image has no mask.")
    return io.encode_png(loaded_image.sample.mask)


@st.cache_resource(max_entries=512, show_spinner=False)
def make_strip_thumbnail(digest: str, _image: RgbImage) -> RgbImage:
    """Shrink an image to at most :data:`STRIP_THUMBNAIL_SIDE` pixels."""
    return shrink_to_fit(_image, STRIP_THUMBNAIL_SIDE)


def warm_cache(loaded_image: LoadedImage, *, is_field_of_view: bool) -> None:
    """Compute what a page needs of an image besides predictions, so that the user does not wait for it."""
    encode_image(loaded_image)
    make_strip_thumbnail(loaded_image.digest, loaded_image.sample.image)
    if loaded_image.sample.mask is not None:
        encode_mask(loaded_image)
        if not is_field_of_view:
            extract_expert_features(loaded_image)


@st.cache_data(max_size="16MiB", show_spinner=False)
def encode_thumbnail(digest: str, _image: RgbImage) -> bytes:
    """Return a small PNG for a gallery."""
    return io.encode_png(resize_for_display(_image, THUMBNAIL_SIDE, max_side=2 * THUMBNAIL_SIDE))
