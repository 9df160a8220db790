"""Write cells as regions of interest (ROIs) for ImageJ and Fiji."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.export.outlines import CellOutline
from wbcseg.export.polygons import Polygon

if TYPE_CHECKING:
    from roifile import ImagejRoi

MOVE_TO: Final = 0.0
LINE_TO: Final = 1.0
CLOSE: Final = 4.0
"""Segments of a composite ROI's path, numbered as in ``java.awt.geom.PathIterator``."""


def build_roi_zip(outlines: Iterable[CellOutline]) -> bytes:
    """Return the outlines of cells as a zip of ImageJ ROIs, which the ROI Manager opens.

    Each cell is one ROI with its name: a polygon with sub-pixel coordinates or, if it has several pieces or holes, a
    composite. Coordinates are those of ImageJ's area selections: pixels from the upper left corner of the image, along
    the edges of pixels.

    Args:
        outlines: The cells of one image.

    References:
        ImageJ 1, ``ij.io.RoiDecoder`` (the format) and ``ij.process.PolygonFiller`` (the pixel (0, 0) is the square
        from (0, 0) to (1, 1)): https://github.com/imagej/ImageJ
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for outline in outlines:
            if outline.cell_polygons:
                # The ROI Manager shows the name of the entry. A fixed date keeps the time of day out of the file.
                roi = _build_roi(outline.name, outline.cell_polygons)
                archive.writestr(zipfile.ZipInfo(f"{outline.name}.roi"), roi.tobytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _build_roi(name: str, polygons: Sequence[Polygon]) -> ImagejRoi:
    # Imported here, because only this format needs it.
    from roifile import ROI_OPTIONS, ROI_TYPE, ImagejRoi

    rings = [np.array(ring[:-1], np.float32) for polygon in polygons for ring in polygon]
    roi = ImagejRoi.frompoints(np.concatenate(rings), name=name)
    # roifile takes the points for pixels, so that its bounds are one too large.
    roi.right, roi.bottom = roi.right - 1, roi.bottom - 1
    if len(rings) == 1:
        roi.roitype = ROI_TYPE.POLYGON
        return roi
    roi.roitype = ROI_TYPE.RECT
    roi.options &= ~ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    roi.n_coordinates, roi.integer_coordinates, roi.subpixel_coordinates = 0, None, None
    roi.multi_coordinates = np.concatenate([_build_path(ring) for ring in rings])
    roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def _build_path(ring: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a ring, ``float32[N, 2]``, as a closed path: a number for each step, followed by its point."""
    steps = np.full((len(ring), 1), LINE_TO, np.float32)
    steps[0] = MOVE_TO
    return np.append(np.hstack([steps, ring]).ravel(), np.float32(CLOSE))
