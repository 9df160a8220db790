"""Segment images with a trained network, without TensorFlow."""

from wbcseg.inference.catalog import BrokenModel, Catalog, ModelEntry
from wbcseg.inference.parallel import predict_many
from wbcseg.inference.predictor import Segmenter
from wbcseg.inference.segmentation import BBox, DetectedCell, Segmentation
from wbcseg.inference.tflite import set_max_loaded

__all__ = [
    "BBox",
    "BrokenModel",
    "Catalog",
    "DetectedCell",
    "ModelEntry",
    "Segmentation",
    "Segmenter",
    "predict_many",
    "set_max_loaded",
]
