"""Figures of a model over a data set, and the card that carries them."""

from wbcseg.evaluation.heldout import PictureScore, evaluate_card, score_pictures, summarise
from wbcseg.evaluation.model_card import describe_run

__all__ = ["PictureScore", "describe_run", "evaluate_card", "score_pictures", "summarise"]
