"""Training: settings, run folders and the training loop.

Only :mod:`wbcseg.training.trainer` and :mod:`wbcseg.training.losses` (which the loop uses),
:mod:`wbcseg.training.step_timer`, :mod:`wbcseg.training.export`, :mod:`wbcseg.training.cost.probe_worker` and
:mod:`wbcseg.benchmarking.training_worker` import TensorFlow; they belong in processes of their own.
"""

from wbcseg.training.config import TrainingConfig
from wbcseg.training.presets import PRESETS
from wbcseg.training.runs.folder import Run

__all__ = ["PRESETS", "Run", "TrainingConfig"]
