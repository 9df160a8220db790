"""Reading a picture with a trained network, without TensorFlow."""

from wbcseg.prediction.catalog import Catalog, ModelEntry
from wbcseg.prediction.many import predict_many
from wbcseg.prediction.segmenter import Segmentation, Segmenter

__all__ = ["Catalog", "ModelEntry", "Segmentation", "Segmenter", "predict_many"]
