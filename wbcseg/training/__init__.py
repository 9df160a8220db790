"""Learning: the description of a training, its folder, and the loop.

Only :mod:`wbcseg.training.trainer` and :mod:`wbcseg.training.objectives` (which the loop uses),
:mod:`wbcseg.training.exporting`, :mod:`wbcseg.training.timing` and :mod:`wbcseg.training.benchmark_worker` import
TensorFlow; they belong in processes of their own.
"""

from wbcseg.training.config import PRESETS, TrainingConfig
from wbcseg.training.run import Run, runs_folder

__all__ = ["PRESETS", "Run", "TrainingConfig", "runs_folder"]
