"""From masks to figures: how large a cell and its nucleus are, what shape they have, how they are stained."""

from wbcseg.measurement.agreement import Agreement, agreement
from wbcseg.measurement.cells import MEASURES, CellMeasures, Measure, measure

__all__ = ["MEASURES", "Agreement", "CellMeasures", "Measure", "agreement", "measure"]
