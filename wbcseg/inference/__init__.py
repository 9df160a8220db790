"""Segment images with a trained network, without TensorFlow."""

from wbcseg.inference.catalog import BrokenModel, Catalog, ModelEntry
from wbcseg.inference.detection import BBox, DetectedCell
from wbcseg.inference.parallel import predict_many
from wbcseg.inference.predictor import Segmentation, Segmenter, is_field_of_view
from wbcseg.inference.tflite import set_max_loaded

__all__ = [
    "BBox",
    "BrokenModel",
    "Catalog",
    "DetectedCell",
    "ModelEntry",
    "Segmentation",
    "Segmenter",
    "is_field_of_view",
    "predict_many",
    "set_max_loaded",
]
