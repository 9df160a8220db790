"""Segment images with a trained network, without TensorFlow."""

from wbcseg.inference.catalog import BrokenModel, Catalog, ModelEntry
from wbcseg.inference.loaded_networks import set_max_loaded, unload_idle_networks
from wbcseg.inference.parallel import predict_many
from wbcseg.inference.predictor import Segmenter
from wbcseg.inference.segmentation import BBox, CellSegmenter, DetectedCell, Segmentation

__all__ = [
    "BBox",
    "BrokenModel",
    "Catalog",
    "CellSegmenter",
    "DetectedCell",
    "ModelEntry",
    "Segmentation",
    "Segmenter",
    "predict_many",
    "set_max_loaded",
    "unload_idle_networks",
]
