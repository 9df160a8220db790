"""Results in the formats of other programs."""

from wbcseg.export.annotations import Outlined, coco, geojson
from wbcseg.export.pairs import pairs_zip
from wbcseg.export.polygons import polygons
from wbcseg.export.tables import csv_bytes

__all__ = ["Outlined", "coco", "csv_bytes", "geojson", "pairs_zip", "polygons"]
