"""Results in the formats of other programs."""

from wbcseg.export.annotations import Outlined, coco, geojson
from wbcseg.export.findings import Finding, bundle, definition_rows, figure_rows, held
from wbcseg.export.pairs import pairs_zip
from wbcseg.export.polygons import polygons
from wbcseg.export.tables import csv_bytes

__all__ = [
    "Finding",
    "Outlined",
    "bundle",
    "coco",
    "csv_bytes",
    "definition_rows",
    "figure_rows",
    "geojson",
    "held",
    "pairs_zip",
    "polygons",
]
