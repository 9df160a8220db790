"""The Python API: segment images, list and load models, evaluate and train.

Everything here is also available as ``wbcseg.NAME``, which imports this package when it is first used. The pages and
the command line segment with it, too: no other module builds a :class:`wbcseg.pipeline.PipelineConfig`.
"""

from wbcseg.api.cell import Cell, Quality
from wbcseg.api.inputs import ImageSource
from wbcseg.api.models import evaluate, list_models, load_model, train
from wbcseg.api.result import Result
from wbcseg.api.segmentation import segment, segment_input, segment_many, start_batch
from wbcseg.pipeline import Batch, Edit, Progress

__all__ = [
    "Batch",
    "Cell",
    "Edit",
    "ImageSource",
    "Progress",
    "Quality",
    "Result",
    "evaluate",
    "list_models",
    "load_model",
    "segment",
    "segment_input",
    "segment_many",
    "start_batch",
    "train",
]
