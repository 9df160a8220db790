"""The Python API: segment images, list and load models, evaluate and train.

Everything here is also available as ``wbcseg.NAME``, which imports this module when it is first used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ErrorCode, ImageError, WbcsegError
from wbcseg.export import CELLS_FILE, build_cell_rows, build_geojson, build_outline, encode_csv, trace_polygons
from wbcseg.inference import Catalog, ModelEntry, Segmenter
from wbcseg.io import encode_png, open_mask
from wbcseg.io.atomic import write_bytes
from wbcseg.labels import NUCLEUS, PALETTES, Labels, to_grey
from wbcseg.pipeline import (
    Analysis,
    ImageResult,
    LastImageCache,
    PipelineConfig,
    analyze,
    analyze_pixels,
    collect_inputs,
    merge_results,
)
from wbcseg.quality import STATUS_LABELS, load_quality_model
from wbcseg.results import CellResult
from wbcseg.visualization import RgbImage, overlay

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

    from wbcseg.training import Run

DEFAULT_MODEL: Final = "unet-general"
"""The model for images of unknown origin."""

ImageSource = str | os.PathLike[str] | bytes | NDArray[np.uint8]
"""Path of a file, content of a file, or pixels ``uint8[H, W, 3]`` (RGB) or ``uint8[H, W]`` (grey)."""

Polygons = list[list[list[tuple[int, int]]]]
"""Polygons, each a list of closed rings of x and y: the outer one and its holes."""


@dataclass(frozen=True)
class Quality:
    """The quality check of one cell.

    Attributes:
        status: ``ok``, ``review`` or ``out_of_range``.
        reasons: Reasons, as short sentences; none if the status is ``ok``.
    """

    status: str
    reasons: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The status for people, such as “No issues found”."""
        return STATUS_LABELS[self.status]


@dataclass(frozen=True, eq=False)
class Cell:
    """One white blood cell.

    Attributes:
        index: Number of the cell in its field of view, from 1; 0 if the image is a crop of one cell.
        offset: Column and row of its crop in the image.
        labels: Class ids of its crop without other cells, ``uint8[h, w]``: 0 background, 1 cytoplasm, 2 nucleus.
        features: Measurements in pixels by the names of :data:`wbcseg.features.FEATURES`; NaN if not defined.
        quality: Quality check; ``None`` if the model has none.
        dice: Dice by region against the expert mask, if there is one.
    """

    index: int
    offset: tuple[int, int]
    labels: Labels = field(repr=False)
    features: Mapping[str, float] = field(repr=False)
    quality: Quality | None
    dice: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def outline(self) -> Polygons:
        """Outline of the whole cell in pixels of the image."""
        return self._trace(self.labels > 0)

    @cached_property
    def nucleus_outline(self) -> Polygons:
        """Outline of the nucleus in pixels of the image."""
        return self._trace(self.labels == NUCLEUS.id)

    def _trace(self, mask: NDArray[np.bool_]) -> Polygons:
        x, y = self.offset
        polygons = trace_polygons(mask)
        return [[[(column + x, row + y) for column, row in ring] for ring in polygon] for polygon in polygons]


class Result:
    """The segmentation of one image. :func:`segment` returns it."""

    def __init__(self, analysis: Analysis, *, palette: str = "thesis") -> None:
        self._analysis = analysis
        self._palette = PALETTES[palette]

    def __repr__(self) -> str:
        """Return name, model and number of cells."""
        return f"Result(name={self.name!r}, model={self.model!r}, cells={len(self.cells)})"

    @property
    def name(self) -> str:
        """Name of the image."""
        return self._analysis.result.name

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._analysis.result.model

    @property
    def image(self) -> RgbImage:
        """The image as it was read, ``uint8[H, W, 3]``, RGB."""
        return self._analysis.image

    @property
    def is_field_of_view(self) -> bool:
        """Whether the image counts as a field of view with any number of cells, not as a crop of one."""
        return self._analysis.result.is_field_of_view

    @property
    def labels(self) -> Labels:
        """Class ids of the image, ``uint8[H, W]``: 0 background, 1 cytoplasm, 2 nucleus."""
        return self._analysis.segmentation.labels

    @cached_property
    def probabilities(self) -> NDArray[np.float32]:
        """Class probabilities, ``float32[H, W, 3]``, which sum to 1."""
        return self._analysis.segmentation.probabilities

    @property
    def notices(self) -> tuple[str, ...]:
        """What to know about how the image was read."""
        return self._analysis.result.notices

    @property
    def image_result(self) -> ImageResult:
        """The record that the pipeline and the exports work with, without pixels."""
        return self._analysis.result

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells: at most one in a crop, any number in a field of view, from top to bottom."""
        return tuple(_build_cell(cell) for cell in self._analysis.result.cells if cell.features is not None)

    @cached_property
    def overlay(self) -> RgbImage:
        """The image with its classes in colour, ``uint8[H, W, 3]``."""
        return overlay(self.image, self.labels, self._palette, 0.5)

    def to_rows(self, *, pixel_size: float | None = None) -> list[list[str]]:
        """Return the table of cells as text, header first; see ``docs/file-formats.md``.

        Args:
            pixel_size: Pixel size in µm, for lengths in µm and areas in µm².
        """
        return build_cell_rows([merge_results([self._analysis.result])], pixel_size=pixel_size)

    def to_dataframe(self, *, pixel_size: float | None = None) -> pandas.DataFrame:
        """Return the table of cells as a pandas data frame, with numbers as numbers.

        Args:
            pixel_size: Pixel size in µm, for lengths in µm and areas in µm².

        Raises:
            ImportError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError("Result.to_dataframe needs pandas. Install it: pip install pandas") from None
        header, *rows = self.to_rows(pixel_size=pixel_size)
        frame = pandas.DataFrame(rows, columns=header)
        for name in frame.columns[frame.columns.get_loc("bbox_x") :].union(["image_index", "width", "height"]):
            frame[name] = pandas.to_numeric(frame[name])
        return frame

    def save(self, folder: str | os.PathLike[str], *, pixel_size: float | None = None) -> list[Path]:
        """Write the result into a folder, which is created if needed.

        It writes ``mask.png`` (grey codes 0, 128, 255), ``overlay.png``, ``outlines.geojson`` (for QuPath) and
        ``cells.csv``, and replaces files of these names.

        Args:
            folder: The folder.
            pixel_size: Pixel size in µm, for lengths in µm and areas in µm².

        Returns:
            The files.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        files = {
            "mask.png": encode_png(to_grey(self.labels)),
            "overlay.png": encode_png(self.overlay),
            "outlines.geojson": self.encode_geojson(pixel_size=pixel_size),
            CELLS_FILE: encode_csv(self.to_rows(pixel_size=pixel_size)),
        }
        for name, data in files.items():
            write_bytes(target / name, data)
        return [target / name for name in files]

    def encode_geojson(self, *, pixel_size: float | None = None) -> bytes:
        """Return the cells as GeoJSON for QuPath.

        Args:
            pixel_size: Pixel size in µm, for measurements in µm and µm².
        """
        cells = self._analysis.result.cells
        return build_geojson(
            build_outline(cell, cell.load()[1], f"cell-{cell.cell_index}" if cell.cell_index else "cell", pixel_size)
            for cell in cells
        )


def _build_cell(cell: CellResult) -> Cell:
    return Cell(
        index=cell.cell_index,
        offset=cell.offset or (0, 0),
        labels=cell.load()[1],
        features=dict(cell.features.values) if cell.features else {},
        quality=Quality(cell.status, cell.reasons) if cell.status else None,
        dice=dict(cell.dice),
    )


def segment(
    image: ImageSource,
    model: str | Segmenter = DEFAULT_MODEL,
    *,
    tta: bool = False,
    mask: ImageSource | None = None,
    page: int = 0,
) -> Result:
    """Segment the white blood cells in an image.

    An image of at most 480×480 pixels counts as a crop of one cell, a larger one as a field of view.

    Args:
        image: Path, content of a file (PNG, JPEG, BMP or TIFF), or pixels: ``uint8[H, W, 3]`` RGB or ``uint8[H, W]``.
        model: Name of a model (see :func:`list_models`), or a loaded one.
        tta: Whether to use test-time averaging: slightly more accurate, 8 times slower.
        mask: Expert mask to compare with: a file, or class ids ``uint8[H, W]``.
        page: Page of a TIFF file with several, from 0.

    Returns:
        The result.

    Raises:
        ImageError: If the image cannot be read.
        MaskError: If the mask cannot be read.
        ModelError: If there is no such model.

    Example:
        >>> import wbcseg
        >>> from wbcseg.datasets import open_dataset
        >>> image = open_dataset("synthetic").read("synthetic/001").image
        >>> result = wbcseg.segment(image)
        >>> result.labels.shape == image.shape[:2]
        True
        >>> [cell] = result.cells
        >>> cell.quality.status in ("ok", "review", "out_of_range")
        True
        >>> 0 < cell.features["nucleus_to_cell"] < 1
        True
    """
    segmenter = load_model(model) if isinstance(model, str) else model
    return segment_input(_build_input(image, mask), segmenter, tta=tta, page=page)


def segment_many(
    images: str | os.PathLike[str] | Iterable[ImageSource],
    model: str | Segmenter = DEFAULT_MODEL,
    *,
    tta: bool = False,
    page: int = 0,
    on_error: Callable[[str, WbcsegError], None] | None = None,
) -> Iterator[Result]:
    """Segment many images, one after the other.

    Args:
        images: A folder (with sub-folders) or zip, whose masks are paired with images by name; or images, as in
            :func:`segment`. One image at a time is in memory.
        model: Name of a model, or a loaded one.
        tta: Whether to use test-time averaging.
        page: Page of TIFF files with several, from 0.
        on_error: Called with the name of an image that failed and the error; without it, the error is raised.

    Yields:
        A result for each image that could be segmented.

    Example:
        >>> import numpy as np
        >>> import wbcseg
        >>> blank = np.full((60, 60, 3), 230, np.uint8)
        >>> failed = []
        >>> results = wbcseg.segment_many(
        ...     [blank, b"not an image"], on_error=lambda name, error: failed.append((name, str(error.code)))
        ... )
        >>> [len(result.cells) for result in results], failed
        ([0], [('image 2', 'unsupported_format')])
    """
    segmenter = load_model(model) if isinstance(model, str) else model
    if isinstance(images, str | os.PathLike):
        inputs: Iterable[InputImage] = collect_inputs([Path(images)])
    else:
        inputs = (_build_input(image, None, f"image {number}") for number, image in enumerate(images, start=1))
    for input_image in inputs:
        try:
            yield segment_input(input_image, segmenter, tta=tta, page=page)
        except WbcsegError as error:
            if on_error is None:
                raise
            on_error(input_image.name, error)


def segment_input(
    input_image: InputImage,
    segmenter: Segmenter,
    *,
    tta: bool = False,
    page: int = 0,
    cache: LastImageCache | None = None,
) -> Result:
    """Segment an input image of the pipeline, as the command ``segment`` does.

    Args:
        input_image: The image and its mask.
        segmenter: The model.
        tta: Whether to use test-time averaging.
        page: Page of a TIFF file with several, from 0.
        cache: Keeps the last image read.

    Raises:
        WbcsegError: If it cannot be read or segmented.
    """
    config = PipelineConfig(
        segmenter,
        load_quality_model(segmenter.card),
        tta=tta,
        page=page,
        training_digests=segmenter.card.training_digests,
    )
    cache = cache or LastImageCache()
    if isinstance(input_image, _ArrayInput):
        return Result(analyze_pixels(input_image, input_image.pixels, input_image.mask_labels, config, cache))
    return Result(analyze(input_image, config, cache))


@dataclass(frozen=True, eq=False)
class _ArrayInput(InputImage):
    """An input image whose pixels are in memory."""

    pixels: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8), repr=False)
    mask_labels: Labels | None = field(default=None, repr=False)


def _build_input(image: ImageSource, mask: ImageSource | None, default_name: str = "image") -> InputImage:
    if isinstance(image, np.ndarray):
        pixels = _check_pixels(image)
        labels = _check_mask(mask, pixels)
        return _ArrayInput(
            default_name, f"array {id(pixels)}", lambda: encode_png(pixels), pixels=pixels, mask_labels=labels
        )
    name, load = _build_loader(image, default_name)
    if mask is None:
        return InputImage(name, name, load)
    if isinstance(mask, np.ndarray):
        data = encode_png(np.asarray(mask, np.uint8))
        return InputImage(name, name, load, "mask", lambda: data)
    mask_name, load_mask = _build_loader(mask, "mask")
    return InputImage(name, name, load, mask_name, load_mask)


def _build_loader(source: ImageSource, default_name: str) -> tuple[str, Callable[[], bytes]]:
    if isinstance(source, bytes):
        data = source
        return default_name, lambda: data
    path = Path(cast("str | os.PathLike[str]", source))
    return path.name, lambda: _read_file(path)


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = f"Reading the file failed: {error.strerror or error}."
        raise ImageError(f"{path}: {reason}", file=str(path), reason=reason, code=ErrorCode.UNREADABLE) from None


def _check_pixels(image: NDArray[Any]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ImageError(
            f"An image must be uint8[H, W, 3] or uint8[H, W]. Received: {image.dtype}{list(image.shape)}",
            code=ErrorCode.INVALID_VALUE,
        )
    return np.ascontiguousarray(image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2))


def _check_mask(mask: ImageSource | None, pixels: NDArray[np.uint8]) -> Labels | None:
    if mask is None:
        return None
    data = encode_png(np.asarray(mask, np.uint8)) if isinstance(mask, np.ndarray) else _build_loader(mask, "mask")[1]()
    labels = open_mask(data)
    if labels.shape != pixels.shape[:2]:
        raise ImageError(
            f"The image has {pixels.shape[1]}×{pixels.shape[0]} pixels and its mask has "
            f"{labels.shape[1]}×{labels.shape[0]}.",
            code=ErrorCode.SIZE_MISMATCH,
        )
    return labels


def list_models() -> tuple[ModelEntry, ...]:
    """Return the models that can be used: the shipped ones first, then those trained on this computer.

    Example:
        >>> import wbcseg
        >>> "unet-general" in [entry.name for entry in wbcseg.list_models()]
        True
    """
    return Catalog().usable


def load_model(name: str = DEFAULT_MODEL) -> Segmenter:
    """Load a model, to use it for many images.

    Args:
        name: Name of a model; see :func:`list_models`.

    Raises:
        ModelError: If there is no such model, or it cannot be used.

    Example:
        >>> import wbcseg
        >>> model = wbcseg.load_model("unet-general")
        >>> model.card.architecture
        'unet'
    """
    return Catalog().load(name)


def evaluate(model: str | Segmenter = DEFAULT_MODEL, dataset: str | None = None) -> dict[str, Any]:
    """Score a model on its held-out images. Downloads the data set if needed.

    Args:
        model: Name of a model, or a loaded one.
        dataset: Name of a data set that has held-out images of the model; by default the one that it was trained on.

    Returns:
        ``images``, ``accuracy`` and ``regions``: for ``background``, ``cytoplasm``, ``nucleus`` and ``cell`` a mapping
        with ``dice``, ``dice_se``, ``jaccard``, ``jaccard_se`` and ``n``.

    Raises:
        DatasetError: If the data set has none of the held-out images, or they have changed.

    Example:
        >>> import wbcseg
        >>> scores = wbcseg.evaluate("unet-general", "synthetic")  # doctest: +SKIP
        >>> scores["regions"]["nucleus"]["dice"] > 0.9  # doctest: +SKIP
        True
    """
    from wbcseg.datasets import open_dataset
    from wbcseg.evaluation import evaluate_heldout, summarise_scores

    segmenter = load_model(model) if isinstance(model, str) else model
    return summarise_scores(evaluate_heldout(segmenter, open_dataset(dataset or segmenter.card.dataset, download=True)))


def train(*, preset: str = "compact", name: str | None = None, **settings: Any) -> Run:
    """Train a network and wait until it is exported as a model. Needs the extra ``train`` (TensorFlow).

    The training is a run like those of the command ``wbcseg train`` and of the web app, and is listed there. When it
    has finished, ``load_model(run.name)`` loads the model. Ctrl-C stops the run; ``wbcseg train --resume`` continues
    it.

    Args:
        preset: Settings to start from, a name in :data:`wbcseg.training.PRESETS`.
        name: Name of the run; by default network, base filters, data set and a number.
        **settings: Settings that differ from the preset, such as ``architecture``, ``dataset``, ``epochs``; see
            :class:`wbcseg.training.TrainingConfig`.

    Returns:
        The finished run.

    Raises:
        ConfigError: If a setting is unknown or out of range.
        TrainingError: If the training fails or is stopped.

    Example:
        >>> import wbcseg
        >>> run = wbcseg.train(architecture="segnet", dataset="zheng-1", epochs=40)  # doctest: +SKIP
        >>> wbcseg.segment("cell.png", run.name)  # doctest: +SKIP
    """
    from wbcseg.errors import TrainingError
    from wbcseg.evaluation.training_job import run_job
    from wbcseg.paths import get_runs_folder
    from wbcseg.training import PRESETS, Run
    from wbcseg.training.jobs.stop_signal import stop_signal
    from wbcseg.training.runs.folder import suggest_run_name

    config = PRESETS[preset].replace(**settings)
    run = Run(get_runs_folder() / (name or suggest_run_name(config, get_runs_folder())))
    run.create(config)
    with stop_signal(run) as should_stop:
        finished = run_job(run, config, should_stop=should_stop, on_progress=lambda _: None)
    if not finished:
        raise TrainingError(
            f"Run {run.name} was stopped.",
            code=ErrorCode.CANCELLED,
            hint=f"To continue it: wbcseg train --resume {run.name}",
        )
    return run
