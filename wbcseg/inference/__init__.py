"""Reading a picture with a trained network, without TensorFlow."""

from wbcseg.inference.catalog import Catalog, ModelEntry
from wbcseg.inference.detection import FoundCell, Place
from wbcseg.inference.parallel import predict_many
from wbcseg.inference.predictor import Segmentation, Segmenter, is_field
from wbcseg.inference.tflite import keep_open

__all__ = [
    "Catalog",
    "FoundCell",
    "ModelEntry",
    "Place",
    "Segmentation",
    "Segmenter",
    "is_field",
    "keep_open",
    "predict_many",
]
