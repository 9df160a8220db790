"""Results in the formats of other programs."""

from wbcseg.export.pairs import pairs_zip
from wbcseg.export.tables import csv_bytes

__all__ = ["csv_bytes", "pairs_zip"]
