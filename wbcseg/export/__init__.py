"""Results in the formats of other programs."""

from wbcseg.export.archive import build_outline, build_results_zip, format_coco_name
from wbcseg.export.csv import build_definition_rows, build_feature_rows, format_column_name
from wbcseg.export.dataset_zip import build_pairs_zip
from wbcseg.export.outlines import CellOutline, CocoWriter, build_geojson
from wbcseg.export.polygons import trace_polygons
from wbcseg.export.tables import encode_csv
from wbcseg.export.text import format_image_counts, format_mean_dice, format_status_counts

__all__ = [
    "CellOutline",
    "CocoWriter",
    "build_definition_rows",
    "build_feature_rows",
    "build_geojson",
    "build_outline",
    "build_pairs_zip",
    "build_results_zip",
    "encode_csv",
    "format_coco_name",
    "format_column_name",
    "format_image_counts",
    "format_mean_dice",
    "format_status_counts",
    "trace_polygons",
]
