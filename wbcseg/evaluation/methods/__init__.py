"""Train methods without a deep network as models, and cross-validate them as networks are."""

from wbcseg.evaluation.methods.cross_validate import COMPARISON_STUDY, cross_validate_method
from wbcseg.evaluation.methods.process import delete_method, train_in_process
from wbcseg.evaluation.methods.train import train_method, write_method

__all__ = [
    "COMPARISON_STUDY",
    "cross_validate_method",
    "delete_method",
    "train_in_process",
    "train_method",
    "write_method",
]
