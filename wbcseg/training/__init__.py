"""Learning: the description of a training, its folder, and the loop.

Only :mod:`wbcseg.training.loop`, :mod:`wbcseg.training.objectives` and :mod:`wbcseg.training.exporting` import
TensorFlow; they belong in a process of their own.
"""

from wbcseg.training.config import PRESETS, TrainingConfig
from wbcseg.training.run import Run, runs_folder

__all__ = ["PRESETS", "Run", "TrainingConfig", "runs_folder"]
