"""Correct an analysis: its cells, and all that is measured of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wbcseg.errors import Problem
from wbcseg.pipeline.analysis import Analysis
from wbcseg.pipeline.analyze import PipelineConfig
from wbcseg.pipeline.cells import analyze_cells
from wbcseg.pipeline.edits import CellEditor, Edit
from wbcseg.pipeline.image_result import ImageResult
from wbcseg.results import CellResult


@dataclass(frozen=True, eq=False)
class CorrectedAnalysis:
    """An analysis after corrections.

    Attributes:
        analysis: The analysis; its :attr:`wbcseg.pipeline.Analysis.edits` are those that did something.
        problem: Why the last edit did nothing, or ``None``.
    """

    analysis: Analysis
    problem: Problem | None = None


class AnalysisEditor:
    """Applies lists of edits to an analysis. Only cells that are new are segmented and measured.

    Args:
        analysis: The analysis of the model's own result.
        pipeline_config: What it was made with.
    """

    def __init__(self, analysis: Analysis, pipeline_config: PipelineConfig) -> None:
        self._analysis, self._config = analysis, pipeline_config
        self._cell_editor = CellEditor(
            analysis.image, analysis.segmentation, pipeline_config.model, tta=pipeline_config.tta
        )

    def apply(self, edits: Sequence[Edit], *, as_field: bool = False) -> CorrectedAnalysis:
        """Return the analysis after edits; see :meth:`wbcseg.pipeline.edits.CellEditor.apply`."""
        correction = self._cell_editor.apply(edits, as_field=as_field)
        analysis = self._analysis
        if correction.segmentation is analysis.segmentation:
            if correction.edits:
                typed = assign_types(analysis.cells, correction.types)
                analysis = replace(analysis, cells=typed, edits=correction.edits)
            return CorrectedAnalysis(analysis, correction.problem)
        cells = analyze_cells(
            analysis.input_image.name,
            analysis.image,
            correction.segmentation,
            mask=analysis.mask,
            quality_model=self._config.quality_model,
            second_labels=analysis.second_labels,
            known=analysis.measured_cells,
            type_model=self._config.type_model,
            prior=self._config.prior,
        )
        if not correction.segmentation.is_field_of_view:
            cells = [replace(cell, origin="person") for cell in cells]
        seen_in_training = any(cell.seen_in_training for cell in analysis.cells)
        corrected = replace(
            analysis,
            segmentation=correction.segmentation,
            cells=assign_types((replace(cell, seen_in_training=seen_in_training) for cell in cells), correction.types),
            edits=correction.edits,
        )
        return CorrectedAnalysis(corrected, correction.problem)


def assign_types(cells: Iterable[CellResult], types: Mapping[int, str]) -> tuple[CellResult, ...]:
    """Return cells with the types that a person gave, and no others.

    Args:
        cells: The cells of one image.
        types: Types by the id of the cell.
    """
    return tuple(
        cell if cell.assigned_type == types.get(cell.id, "") else replace(cell, assigned_type=types.get(cell.id, ""))
        for cell in cells
    )


def retype(result: ImageResult, edits: Sequence[Edit]) -> ImageResult | None:
    """Return a result after edits that differ from its own in the types only, without reading its image.

    Args:
        result: The result, with its own edits.
        edits: All corrections of the model's own result, in order.

    Returns:
        The result, or ``None`` if cells have to be added or changed, or it does not know their ids.
    """
    shapes = [[edit for edit in each if edit.kind != "set_type"] for each in (result.edits, edits)]
    if shapes[0] != shapes[1] or any(edit.kind == "split" and not edit.ids for edit in edits):
        return None
    types: dict[int, str] = {}
    for edit in edits:
        if edit.kind == "set_type":
            types |= dict.fromkeys(edit.ids, edit.type)
        else:
            types = {cell_id: cell_type for cell_id, cell_type in types.items() if cell_id not in edit.ids}
    if not types.keys() <= {cell.id for cell in result.cells}:
        return None
    return replace(result, cells=assign_types(result.cells, types), edits=tuple(edits))
