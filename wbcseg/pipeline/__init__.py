"""The whole job: read images, segment them, measure and assess their cells."""

from wbcseg.pipeline.analysis import Analysis
from wbcseg.pipeline.analyze import PipelineConfig, analyze, analyze_image, analyze_pixels, open_input, screen_mask
from wbcseg.pipeline.batch import Batch, Progress
from wbcseg.pipeline.cells import analyze_cells, compute_cell_dice, flag_disagreements
from wbcseg.pipeline.correct import AnalysisEditor
from wbcseg.pipeline.disagreement import Disagreement, find_disagreement
from wbcseg.pipeline.edits import Edit, apply_edits
from wbcseg.pipeline.image_result import ImageResult, LastImageCache, build_field_result
from wbcseg.pipeline.inputs import collect_inputs
from wbcseg.pipeline.merge import build_field_renderer, merge_results
from wbcseg.pipeline.region import count_in_region
from wbcseg.pipeline.sample_types import assign_sample_types
from wbcseg.pipeline.thumbnails import render_field, render_overlay

__all__ = [
    "Analysis",
    "AnalysisEditor",
    "Batch",
    "Disagreement",
    "Edit",
    "ImageResult",
    "LastImageCache",
    "PipelineConfig",
    "Progress",
    "analyze",
    "analyze_cells",
    "analyze_image",
    "analyze_pixels",
    "apply_edits",
    "assign_sample_types",
    "build_field_renderer",
    "build_field_result",
    "collect_inputs",
    "compute_cell_dice",
    "count_in_region",
    "find_disagreement",
    "flag_disagreements",
    "merge_results",
    "open_input",
    "render_field",
    "render_overlay",
    "screen_mask",
]
