"""Write results as CSV, XLSX, label images, GeoJSON, COCO, ImageJ ROIs, PDF and zip."""

from wbcseg.export.csv import (
    CELLS_FILE,
    IMAGES_FILE,
    build_cell_rows,
    build_definition_rows,
    build_image_rows,
    encode_csv,
    format_column_name,
)
from wbcseg.export.dataset_zip import build_pairs_zip
from wbcseg.export.formats import DEFAULT_FORMATS, EXPORT_FORMATS, ExportFormat, InstanceWriter, check_formats
from wbcseg.export.outlines import CellOutline, build_outline
from wbcseg.export.polygons import trace_polygons
from wbcseg.export.results_zip import build_results_zip
from wbcseg.export.text import (
    describe_type_model,
    format_edge_counts,
    format_image_counts,
    format_mean_dice,
    format_status_counts,
)
from wbcseg.export.xlsx import WORKBOOK_FILE, build_workbook

__all__ = [
    "CELLS_FILE",
    "DEFAULT_FORMATS",
    "EXPORT_FORMATS",
    "IMAGES_FILE",
    "WORKBOOK_FILE",
    "CellOutline",
    "ExportFormat",
    "InstanceWriter",
    "build_cell_rows",
    "build_definition_rows",
    "build_image_rows",
    "build_outline",
    "build_pairs_zip",
    "build_results_zip",
    "build_workbook",
    "check_formats",
    "describe_type_model",
    "encode_csv",
    "format_column_name",
    "format_edge_counts",
    "format_image_counts",
    "format_mean_dice",
    "format_status_counts",
    "trace_polygons",
]
