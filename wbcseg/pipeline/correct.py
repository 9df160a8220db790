"""Correct an analysis: its cells, and all that is measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wbcseg.errors import Problem
from wbcseg.pipeline.analysis import Analysis
from wbcseg.pipeline.analyze import PipelineConfig
from wbcseg.pipeline.cells import analyze_cells
from wbcseg.pipeline.edits import CellEditor, Edit


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
            return CorrectedAnalysis(analysis, correction.problem)
        cells = analyze_cells(
            analysis.input_image.name,
            analysis.image,
            correction.segmentation,
            mask=analysis.mask,
            quality_model=self._config.quality_model,
            second_labels=analysis.second_labels,
            known=analysis.measured_cells,
        )
        seen_in_training = any(cell.seen_in_training for cell in analysis.cells)
        corrected = replace(
            analysis,
            segmentation=correction.segmentation,
            cells=tuple(replace(cell, seen_in_training=seen_in_training) for cell in cells),
            edits=correction.edits,
        )
        return CorrectedAnalysis(corrected, correction.problem)
