"""From masks to figures: how large a cell and its nucleus are, what shape they have, how they are stained."""

from wbcseg.features.cell import MEASURES, CellMeasures, Measure, measure

__all__ = ["MEASURES", "CellMeasures", "Measure", "measure"]
