"""Figures of a model over a data set, and the card that carries them."""

from wbcseg.evaluation.describing import describe_run
from wbcseg.evaluation.heldout import PictureScore, evaluate_card, score_pictures, summarise

__all__ = ["PictureScore", "describe_run", "evaluate_card", "score_pictures", "summarise"]
