"""Measure cells: size, shape, lobes and colour."""

from wbcseg.features.cell import extract_features
from wbcseg.features.lobes import count_lobes
from wbcseg.results import FEATURES, CellFeatures, FeatureSpec

__all__ = ["FEATURES", "CellFeatures", "FeatureSpec", "count_lobes", "extract_features"]
