"""One of the two networks in training. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.detector_training.losses import compute_detector_losses, compute_verifier_losses
from wbcseg.detector_training.networks import build_network
from wbcseg.detector_training.options import NetworkName, TrainingOptions
from wbcseg.io.arrays import Arrays
from wbcseg.training.steps.trainer import StepTrainer

RESIZED_KERNEL: Final = "whole_conv.kernel"
"""The verifier's kernel that covers the whole feature map, so that its size depends on the crop's."""


def fit_kernel(name: str, array: Any, weight: Any) -> Any:
    """Return an array for a weight; the verifier's kernel that depends on the crop's size is resized."""
    return resize_kernel(array, int(weight.shape[0])) if name.endswith(RESIZED_KERNEL) else array


class NetworkTrainer(StepTrainer):
    """A network, its optimiser and its training step.

    Args:
        name: Which network.
        options: The settings.
    """

    def __init__(self, name: NetworkName, options: TrainingOptions) -> None:
        compute_losses = compute_detector_losses if name == "detector" else compute_verifier_losses
        super().__init__(lambda: build_network(name, options), compute_losses, options)

    def start_from(self, weights: Arrays, adapt: Callable[[str, Any, Any], Any] | None = fit_kernel) -> None:
        """Start from trained weights, see :meth:`StepTrainer.start_from`; the verifier's may be for other crops."""
        super().start_from(weights, adapt)


def resize_kernel(kernel: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return a kernel ``[k, k, in, out]`` interpolated to ``side``, with the same response to a constant image."""
    old_side = len(kernel)
    if old_side == side:
        return kernel
    positions = np.clip((np.arange(side) + 0.5) * old_side / side - 0.5, 0, old_side - 1)
    lower = np.minimum(positions.astype(np.intp), max(old_side - 2, 0))
    mixing = np.zeros((side, old_side))
    mixing[np.arange(side), lower] = 1 - (positions - lower)
    mixing[np.arange(side), np.minimum(lower + 1, old_side - 1)] += positions - lower
    resized = np.einsum("ai,bj,ijcd->abcd", mixing, mixing, kernel)
    return np.asarray(resized * (old_side / side) ** 2, np.float32)
