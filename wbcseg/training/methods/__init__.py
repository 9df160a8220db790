"""Training of methods without a deep network: settings, and learning from the training images of a split."""

from wbcseg.training.methods.config import METHOD_SETTINGS, MethodConfig
from wbcseg.training.methods.fit import FittedMethod, fit_method

__all__ = ["METHOD_SETTINGS", "FittedMethod", "MethodConfig", "fit_method"]
