"""Evaluation: scores of models on held-out images, studies of several trainings, and their results."""

from wbcseg.evaluation.heldout import (
    ImageScore,
    evaluate_heldout,
    open_training_dataset,
    score_images,
    summarise_scores,
)
from wbcseg.evaluation.model_card import write_model_card

__all__ = [
    "ImageScore",
    "evaluate_heldout",
    "open_training_dataset",
    "score_images",
    "summarise_scores",
    "write_model_card",
]
