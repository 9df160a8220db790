"""Detect white blood cells in an image: where they are and how large.

A detector network computes heat maps of cell centres on an image pyramid; a second network verifies every candidate in
a close-up. Both see the image divided by the colour of its background.
"""

from wbcseg.inference.detection.card import DetectorCard, Thresholds, TrainingData
from wbcseg.inference.detection.detector import CellDetector, Detection, load_cell_detector
from wbcseg.metrics.boxes import Boxes

__all__ = [
    "Boxes",
    "CellDetector",
    "Detection",
    "DetectorCard",
    "Thresholds",
    "TrainingData",
    "load_cell_detector",
]
