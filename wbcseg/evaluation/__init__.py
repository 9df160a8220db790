"""Figures of a model over a data set, and the card that carries them."""

from wbcseg.evaluation.heldout import ImageScore, evaluate_heldout, score_images, summarise_scores
from wbcseg.evaluation.model_card import write_model_card

__all__ = ["ImageScore", "evaluate_heldout", "score_images", "summarise_scores", "write_model_card"]
