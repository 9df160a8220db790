"""What :func:`wbcseg.segment` returns: a result with its cells."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wbcseg.api.cell import Cell, build_cell
from wbcseg.counting import DEFAULT_EDGE_RULE, count_cells
from wbcseg.errors import Problem
from wbcseg.export import (
    CELLS_FILE,
    DEFAULT_FORMATS,
    InstanceWriter,
    build_cell_rows,
    build_outline,
    encode_csv,
)
from wbcseg.io import encode_png
from wbcseg.io.atomic import write_bytes
from wbcseg.labels import PALETTES, Labels, to_grey
from wbcseg.pipeline import Analysis, AnalysisEditor, Edit, ImageResult, merge_results
from wbcseg.results import CellResult
from wbcseg.visualization import RgbImage, overlay

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]


class Result:
    """The segmentation of one image. :func:`segment` returns it.

    Attributes:
        edit_problem: Why the last correction that was given to :meth:`correct` did nothing, or ``None``.
    """

    def __init__(
        self,
        analysis: Analysis,
        editor: AnalysisEditor,
        *,
        edit_problem: Problem | None = None,
        palette: str = "thesis",
    ) -> None:
        self._analysis, self._editor = analysis, editor
        self.edit_problem = edit_problem
        self._palette = PALETTES[palette]

    def __repr__(self) -> str:
        """Return name, model and number of cells."""
        return f"Result(name={self.name!r}, model={self.model!r}, cells={len(self.cells)})"

    @property
    def name(self) -> str:
        """Name of the image."""
        return self._analysis.input_image.name

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._analysis.segmentation.model

    @property
    def image(self) -> RgbImage:
        """The image as it was read, ``uint8[H, W, 3]``, RGB."""
        return self._analysis.image

    @property
    def is_field_of_view(self) -> bool:
        """Whether the image counts as a field of view with any number of cells, not as a crop of one."""
        return self._analysis.is_field_of_view

    @property
    def labels(self) -> Labels:
        """Class ids of the image, ``uint8[H, W]``: 0 background, 1 cytoplasm, 2 nucleus."""
        return self._analysis.segmentation.labels

    @cached_property
    def probabilities(self) -> NDArray[np.float32]:
        """Class probabilities, ``float32[H, W, 3]``, which sum to 1."""
        return self._analysis.segmentation.probabilities

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The corrections in force, in order."""
        return self._analysis.edits

    def correct(self, edits: Sequence[Edit], *, as_field: bool = False) -> Result:
        """Return the result after corrections by a person: cells added, deleted, split and merged.

        Measurements, tables and files of the new result follow. What was computed for an earlier list is not computed
        again.

        Args:
            edits: All corrections of the model's own result, in order; those of this result are not kept. One that
                cannot be applied is left out. A crop with corrections becomes a field of view.
            as_field: Whether a crop without corrections becomes a field of view, too.

        Example:
            >>> import numpy as np
            >>> import wbcseg
            >>> blank = wbcseg.segment(np.full((500, 600, 3), 230, np.uint8))
            >>> corrected = blank.correct([wbcseg.Edit("add_point", points=((300.0, 200.0),))])
            >>> corrected.edits, str(corrected.edit_problem.code)
            ((), 'no_cell')
        """
        corrected = self._editor.apply(edits, as_field=as_field)
        return Result(corrected.analysis, self._editor, edit_problem=corrected.problem, palette=self._palette.name)

    @property
    def notices(self) -> tuple[str, ...]:
        """What to know about how the image was read."""
        return self._analysis.notices

    @property
    def probabilities_u8(self) -> NDArray[np.uint8]:
        """Probabilities of cytoplasm and nucleus in steps of 1/255, ``uint8[H, W, 2]``."""
        return self._analysis.segmentation.probabilities_u8

    @property
    def cell_results(self) -> tuple[CellResult, ...]:
        """The records of the cells that the exports take; one without features if a crop has no cell."""
        return self._analysis.cells

    @cached_property
    def image_result(self) -> ImageResult:
        """The record of the image that the exports take, without pixels: they are read again when needed."""
        return self._analysis.build_result()

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells: at most one in a crop, any number in a field of view, from top to bottom."""
        return tuple(build_cell(cell) for cell in self._analysis.cells if cell.features is not None)

    @cached_property
    def overlay(self) -> RgbImage:
        """The image with its classes in colour, ``uint8[H, W, 3]``."""
        return overlay(self.image, self.labels, self._palette, 0.5)

    def count(self, edge_rule: str = DEFAULT_EDGE_RULE) -> int:
        """Return how many cells count.

        Args:
            edge_rule: Which of the cells cut by the image edge count: ``all``; ``two_edges``, those cut by the top or
                left edge but not by the bottom or right edge; or ``complete``, none of them.

        Raises:
            ConfigError: If there is no such rule.
        """
        return count_cells(self.cell_results, edge_rule).counted

    def to_rows(self, *, pixel_size: float | None = None, edge_rule: str = DEFAULT_EDGE_RULE) -> list[list[str]]:
        """Return the table of cells as text, header first; see ``docs/file-formats.md``.

        Args:
            pixel_size: Pixel size in µm, for lengths in µm and areas in µm².
            edge_rule: Which cells have a 1 in the column ``counted``; see :meth:`count`.
        """
        return build_cell_rows([merge_results([self.image_result])], pixel_size=pixel_size, edge_rule=edge_rule)

    def to_dataframe(self, *, pixel_size: float | None = None, edge_rule: str = DEFAULT_EDGE_RULE) -> pandas.DataFrame:
        """Return the table of cells as a pandas data frame, with numbers as numbers.

        Args:
            pixel_size: Pixel size in µm, for lengths in µm and areas in µm².
            edge_rule: Which cells have a 1 in the column ``counted``; see :meth:`count`.

        Raises:
            ImportError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError("Result.to_dataframe needs pandas. Install it: pip install pandas") from None
        header, *rows = self.to_rows(pixel_size=pixel_size, edge_rule=edge_rule)
        frame = pandas.DataFrame(rows, columns=header)
        for name in frame.columns[frame.columns.get_loc("bbox_x") :].union(
            ["image_index", "width", "height", "counted"]
        ):
            frame[name] = pandas.to_numeric(frame[name])
        return frame

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        pixel_size: float | None = None,
        edge_rule: str = DEFAULT_EDGE_RULE,
        formats: Iterable[str] = DEFAULT_FORMATS,
        decimal_comma: bool = False,
    ) -> list[Path]:
        """Write the result into a folder, which is created if needed.

        It writes ``mask.png`` (grey codes 0, 128, 255), ``overlay.png``, ``cells.csv`` and the cells in the chosen
        formats: ``outlines.labels.png`` and ``outlines.labels.tif`` (format ``labels``), ``outlines.geojson``
        (``geojson``, for QuPath), ``outlines.rois.zip`` (``imagej``), ``outlines.coco.json`` (``coco``). Files of these
        names are replaced.

        Args:
            folder: The folder.
            pixel_size: Pixel size in µm, for lengths in µm and areas in µm².
            edge_rule: Which cells have a 1 in the column ``counted``; see :meth:`count`.
            formats: Formats of the cells, keys of :data:`wbcseg.export.EXPORT_FORMATS`.
            decimal_comma: Whether numbers in ``cells.csv`` have a decimal comma, with semicolons between columns.

        Returns:
            The files.

        Raises:
            ConfigError: If an edge rule or a format is unknown.
        """
        files = {
            "mask.png": encode_png(to_grey(self.labels)),
            "overlay.png": encode_png(self.overlay),
            **self._encode_cells(formats, pixel_size),
            CELLS_FILE: encode_csv(
                self.to_rows(pixel_size=pixel_size, edge_rule=edge_rule), decimal_comma=decimal_comma
            ),
        }
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_bytes(target / name, data)
        return [target / name for name in files]

    def _encode_cells(self, formats: Iterable[str], pixel_size: float | None) -> dict[str, bytes]:
        """Return the cells in the chosen formats, by file name."""
        writer = InstanceWriter(formats, [self.model])
        outlines = [build_outline(cell, cell.load()[1], pixel_size) for cell in self._analysis.cells]
        height, width = self.labels.shape
        files = writer.encode_image(self.model, self.name, (height, width), outlines)
        return {f"outlines.{ending}": data for ending, data in files.items()} | writer.encode_totals()
