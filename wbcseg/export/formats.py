"""The formats in which the cells of images are exported, each declared once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from wbcseg.errors import ConfigError
from wbcseg.export.coco import CocoWriter
from wbcseg.export.geojson import build_geojson
from wbcseg.export.imagej import build_roi_zip
from wbcseg.export.outlines import CellOutline, build_label_image, separate_outlines
from wbcseg.io import encode_png, encode_tiff
from wbcseg.io.filenames import make_safe_name


@dataclass(frozen=True)
class ExportFormat:
    """A format for the cells of images.

    Attributes:
        name: Name in options.
        label: Name for people.
        description: What it holds and which programs open it, in a sentence.
    """

    name: str
    label: str
    description: str


EXPORT_FORMATS: Final[dict[str, ExportFormat]] = {
    export_format.name: export_format
    for export_format in (
        ExportFormat(
            "labels",
            "Label image (PNG, TIFF)",
            "Each pixel has the number of its cell, in 16 bits: for Fiji, CellProfiler, napari and scikit-image.",
        ),
        ExportFormat("geojson", "GeoJSON", "Cells with nucleus, name, class and measurements: for QuPath."),
        ExportFormat("coco", "COCO", "Instances of cytoplasm, nucleus and cell: for CVAT, FiftyOne and training."),
        ExportFormat("imagej", "ImageJ ROIs (zip)", "An outline of each cell: for the ROI Manager of ImageJ or Fiji."),
    )
}
"""The formats by name."""

DEFAULT_FORMATS: Final = tuple(EXPORT_FORMATS)
"""The formats where nobody chose: all of them, because the files are small."""


def check_formats(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of formats in the order of :data:`EXPORT_FORMATS`, each once.

    Args:
        names: Names of formats.

    Raises:
        ConfigError: If one is unknown.
    """
    chosen = list(names)
    for name in chosen:
        if name not in EXPORT_FORMATS:
            raise ConfigError(f"A format must be one of {', '.join(EXPORT_FORMATS)}. Received: {name!r}")
    return tuple(name for name in EXPORT_FORMATS if name in chosen)


class InstanceWriter:
    """Encodes the cells of images in the chosen formats, image by image.

    Args:
        formats: Names of formats, keys of :data:`EXPORT_FORMATS`.
        models: Names of the models whose cells are written.

    Raises:
        ConfigError: If a format is unknown.
    """

    def __init__(self, formats: Iterable[str], models: Sequence[str]) -> None:
        self.formats = check_formats(formats)
        self._coco_writers = {model: CocoWriter() for model in models} if "coco" in self.formats else {}

    def encode_image(
        self, model: str, name: str, size: tuple[int, int], outlines: Iterable[CellOutline]
    ) -> dict[str, bytes]:
        """Encode the cells that a model found in an image, and add them to the model's COCO file.

        Args:
            model: Name of the model.
            name: Name of the image file.
            size: Height and width of the image.
            outlines: The cells. Of two that overlap, the first keeps the pixels.

        Returns:
            The files of the image, by the ending of their name without a dot, such as ``labels.png``.
        """
        separate = separate_outlines(outlines, size)
        files: dict[str, bytes] = {}
        if "labels" in self.formats:
            label_image = build_label_image(separate, size)
            files |= {"labels.png": encode_png(label_image), "labels.tif": encode_tiff(label_image)}
        if "geojson" in self.formats:
            files["geojson"] = build_geojson(separate)
        if "imagej" in self.formats:
            files["rois.zip"] = build_roi_zip(separate)
        if "coco" in self.formats:
            self._coco_writers[model].add(name, size, separate)
        return files

    def encode_totals(self) -> dict[str, bytes]:
        """Encode the files that cover all images so far, by name: a COCO file for each model, if chosen."""
        return {
            format_coco_name(model, list(self._coco_writers)): writer.to_bytes()
            for model, writer in self._coco_writers.items()
        }


def format_coco_name(model: str, models: Sequence[str]) -> str:
    """Return the name of a model's COCO file. Each model has one, because COCO lists an image once.

    Args:
        model: Name of the model.
        models: All of them.
    """
    return "outlines.coco.json" if len(models) == 1 else f"outlines-{make_safe_name(model, set())}.coco.json"
