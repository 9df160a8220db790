"""Results in the formats of other programs."""

from wbcseg.export.annotations import Coco, Outlined, geojson
from wbcseg.export.everything import bundle, coco_name, outlined
from wbcseg.export.figures import definition_rows, figure_head, figure_rows
from wbcseg.export.findings import Examined, Finding, Found, held, pictures_of
from wbcseg.export.pairs import pairs_zip
from wbcseg.export.polygons import polygons
from wbcseg.export.summary import dice_means, picture_counts, status_counts
from wbcseg.export.tables import csv_bytes

__all__ = [
    "Coco",
    "Examined",
    "Finding",
    "Found",
    "Outlined",
    "bundle",
    "coco_name",
    "csv_bytes",
    "definition_rows",
    "dice_means",
    "figure_head",
    "figure_rows",
    "geojson",
    "held",
    "outlined",
    "pairs_zip",
    "picture_counts",
    "pictures_of",
    "polygons",
    "status_counts",
]
