"""Reading a picture with a trained network, without TensorFlow."""

from wbcseg.prediction.catalog import Catalog, ModelEntry
from wbcseg.prediction.fields import FoundCell, Place
from wbcseg.prediction.many import predict_many
from wbcseg.prediction.runtime import keep_open
from wbcseg.prediction.segmenter import Segmentation, Segmenter, is_field

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
