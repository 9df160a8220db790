"""What the critic adds to the cost of a training. Does not import TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wbcseg.labels import CLASSES

IMAGE_CHANNELS: Final = 3


@dataclass(frozen=True)
class CriticLayer:
    """A convolution of the critic.

    Attributes:
        filters: Output channels.
        kernel_size: Side of the kernel in pixels.
        stride: Step of the kernel in pixels.
        pooling: Side of the max pooling after it; 1 if there is none.
    """

    filters: int
    kernel_size: int
    stride: int = 1
    pooling: int = 1


BRANCH: Final = CriticLayer(16, 5, stride=2, pooling=2)
"""First layer of each of the two branches, one for the image and one for the class probabilities."""

TRUNK: Final = (CriticLayer(64, 3, pooling=2), CriticLayer(128, 3), CriticLayer(1, 1))
"""The layers after the branches are joined. The last one rates every patch of the image."""

PASSES_PER_STEP: Final = 8
"""Forward passes whose work a training step spends on the critic, a backward pass to the weights counted as two.

To train the network: one forward pass and one back to its input. To train the critic: three on experts' masks, three on
the network's."""


def count_critic_parameters() -> int:
    """Return the number of the critic's parameters."""
    total = sum(BRANCH.filters * (BRANCH.kernel_size**2 * channels + 1) for channels in (IMAGE_CHANNELS, len(CLASSES)))
    channels = 2 * BRANCH.filters
    for layer in TRUNK:
        total += layer.filters * (layer.kernel_size**2 * channels + 1)
        channels = layer.filters
    return total


def count_critic_multiply_adds(input_size: int) -> int:
    """Return the critic's multiply-adds for one image and its class probabilities.

    Args:
        input_size: Side of the image in pixels.
    """
    side = -(-input_size // BRANCH.stride)
    total = side**2 * BRANCH.filters * BRANCH.kernel_size**2 * (IMAGE_CHANNELS + len(CLASSES))
    side, channels = side // BRANCH.pooling, 2 * BRANCH.filters
    for layer in TRUNK:
        total += side**2 * layer.filters * layer.kernel_size**2 * channels
        side, channels = side // layer.pooling, layer.filters
    return total


def count_critic_activations(input_size: int) -> int:
    """Return the number of values in the critic's maps for one image; arguments as for the multiply-adds."""
    side = -(-input_size // BRANCH.stride)
    total = 2 * side**2 * BRANCH.filters
    side //= BRANCH.pooling
    for layer in TRUNK:
        total += side**2 * layer.filters
        side //= layer.pooling
    return total
