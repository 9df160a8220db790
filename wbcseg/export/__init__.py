"""Results in the formats of other programs."""

from wbcseg.export.tables import csv_bytes

__all__ = ["csv_bytes"]
