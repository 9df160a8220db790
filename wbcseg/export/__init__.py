"""Results in the formats of other programs."""

from wbcseg.export.archive import bundle, coco_name, outlined
from wbcseg.export.csv import definition_rows, figure_head, figure_rows
from wbcseg.export.dataset_zip import pairs_zip
from wbcseg.export.outlines import Coco, Outlined, geojson
from wbcseg.export.polygons import polygons
from wbcseg.export.tables import csv_bytes
from wbcseg.export.text import dice_means, picture_counts, status_counts

__all__ = [
    "Coco",
    "Outlined",
    "bundle",
    "coco_name",
    "csv_bytes",
    "definition_rows",
    "dice_means",
    "figure_head",
    "figure_rows",
    "geojson",
    "outlined",
    "pairs_zip",
    "picture_counts",
    "polygons",
    "status_counts",
]
