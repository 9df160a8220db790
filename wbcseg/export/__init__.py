"""Write results as CSV, GeoJSON, COCO, PDF and zip."""

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
from wbcseg.export.outlines import CellOutline, CocoWriter, build_geojson
from wbcseg.export.polygons import trace_polygons
from wbcseg.export.results_zip import build_outline, build_results_zip, format_coco_name
from wbcseg.export.text import format_edge_counts, format_image_counts, format_mean_dice, format_status_counts

__all__ = [
    "CELLS_FILE",
    "IMAGES_FILE",
    "CellOutline",
    "CocoWriter",
    "build_cell_rows",
    "build_definition_rows",
    "build_geojson",
    "build_image_rows",
    "build_outline",
    "build_pairs_zip",
    "build_results_zip",
    "encode_csv",
    "format_coco_name",
    "format_column_name",
    "format_edge_counts",
    "format_image_counts",
    "format_mean_dice",
    "format_status_counts",
    "trace_polygons",
]
