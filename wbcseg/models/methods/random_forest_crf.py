"""A random forest whose probabilities a conditional random field refines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wbcseg.models.method_registry import Arrays, PredictImage, register_method
from wbcseg.models.methods.random_forest import fit_forest, random_forest
from wbcseg.models.pixels.crf import refine_crf


@register_method(
    title="Random forest + CRF",
    summary="The random forest, followed by a conditional random field (CRF): pixels that are close and of similar "
    "colour agree on their class, which removes specks and moves outlines to edges of the image.",
    reference="Krähenbühl and Koltun (2011), arXiv 1210.5644; Teichmann and Cipolla (2018), arXiv 1805.04777",
    deviations="A pixel is tied to those within five pixels instead of to all, and the strengths of the ties were "
    "chosen on training images instead of learned.",
    color="#783ce1",
    marker="star-triangle-up",
    fit=fit_forest,
    ignores_orientation=True,
    order=2,
)
def random_forest_crf(arrays: Arrays) -> PredictImage:
    """Return the function that segments with a stored forest and refines the result."""
    predict_forest = random_forest(arrays)

    def predict(image: NDArray[np.uint8]) -> NDArray[np.float32]:
        return refine_crf(predict_forest(image), image)

    return predict
