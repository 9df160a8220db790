"""From pictures to findings: what a reader brings, its cells, measured, and judged."""

from wbcseg.pipeline.analyze import (
    ImageResult,
    LastImageCache,
    PipelineConfig,
    analyze_image,
    build_field_result,
    open_input,
)
from wbcseg.pipeline.batch import Batch, Progress
from wbcseg.pipeline.cells import analyze_cells, compute_cell_dice, flag_disagreements
from wbcseg.pipeline.merge import build_field_renderer, merge_results
from wbcseg.pipeline.thumbnails import render_field, render_overlay

__all__ = [
    "Batch",
    "ImageResult",
    "LastImageCache",
    "PipelineConfig",
    "Progress",
    "analyze_cells",
    "analyze_image",
    "build_field_renderer",
    "build_field_result",
    "compute_cell_dice",
    "flag_disagreements",
    "merge_results",
    "open_input",
    "render_field",
    "render_overlay",
]
