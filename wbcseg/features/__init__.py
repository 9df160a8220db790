"""From masks to figures: how large a cell and its nucleus are, what shape they have, how they are stained."""

from wbcseg.features.cell import FEATURES, CellFeatures, FeatureSpec, extract_features

__all__ = ["FEATURES", "CellFeatures", "FeatureSpec", "extract_features"]
