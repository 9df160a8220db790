"""The critic and its training (Luc et al., 2016, arXiv 1611.08408). Imports TensorFlow."""

from __future__ import annotations

from typing import Any, Final

import keras
import tensorflow as tf

from wbcseg.labels import CLASSES
from wbcseg.training.auxiliary.critic_cost import BRANCH, IMAGE_CHANNELS, TRUNK, CriticLayer
from wbcseg.training.optimizers import FusedAdam

MIN_CERTAINTY: Final = 0.9
"""Probability that an expert's mask gives its class at least, when the critic sees it."""

LEAK: Final = 0.2
"""Slope of the critic's activations below zero."""

LEARNING_RATE_RATIO: Final = 0.1
"""The critic's learning rate, as a fraction of the network's."""

MOMENTUM: Final = 0.5
"""Decay of the optimiser's running average of gradients; the usual 0.9 makes such trainings unstable (Radford et
al., 2016)."""


def build_critic() -> keras.Model:
    """Build a critic with fresh weights.

    The image and the class probabilities each pass a layer of their own before they are joined, as the paper has it for
    small data sets. Max pooling and convolutions follow, and a score for every patch of 35 × 35 pixels.

    Deviations: far fewer filters (16 to 128, not 64 to 512), strides instead of full resolution in the first layers,
    and leaky ReLUs, so that a step takes little longer than without a critic.

    Returns:
        A model from images ``float32[N, S, S, 3]`` and probabilities ``float32[N, S, S, 3]`` to one logit for each
        patch, ``float32[N, s, s, 1]``: positive for an expert's mask.
    """
    inputs = [keras.Input((None, None, channels)) for channels in (IMAGE_CHANNELS, len(CLASSES))]
    x = keras.layers.Concatenate()([_apply(BRANCH, tensor) for tensor in inputs])
    for layer in TRUNK[:-1]:
        x = _apply(layer, x)
    *_, last = TRUNK
    return keras.Model(inputs, keras.layers.Conv2D(last.filters, last.kernel_size, dtype="float32")(x))


def _apply(layer: CriticLayer, x: Any) -> Any:
    x = keras.layers.Conv2D(layer.filters, layer.kernel_size, strides=layer.stride, padding="same")(x)
    x = keras.layers.LeakyReLU(LEAK)(x)
    return keras.layers.MaxPooling2D(layer.pooling)(x) if layer.pooling > 1 else x


class Adversary:
    """A critic, its optimiser, and the loss by which it teaches the network.

    Args:
        learning_rate: Of the network that is trained.

    Attributes:
        model: The critic.
        optimizer: Its optimiser.
    """

    def __init__(self, learning_rate: float) -> None:
        self.model = build_critic()
        self.optimizer = FusedAdam(LEARNING_RATE_RATIO * learning_rate, beta_1=MOMENTUM)
        self.optimizer.build(self.model.trainable_variables)

    @property
    def variables(self) -> list[Any]:
        """Its weights and the variables of its optimiser."""
        return [*self.model.weights, *self.optimizer.variables]

    def set_learning_rate(self, learning_rate: float) -> None:
        """Follow the learning rate of the network."""
        self.optimizer.learning_rate.assign(LEARNING_RATE_RATIO * learning_rate)

    def compute_loss(self, images: Any, probabilities: Any) -> Any:
        """Return how far the critic is from taking the network's masks for an expert's, a scalar."""
        return _compute_crossentropy(self.model([images, probabilities], training=True), is_expert=True)

    def learn(self, images: Any, targets: Any, probabilities: Any) -> None:
        """Train the critic on a batch.

        Args:
            images: ``float32[N, S, S, 3]``.
            targets: Experts' masks, ``float32[N, S, S, 3]``.
            probabilities: The network's, likewise.
        """
        probabilities = tf.stop_gradient(probabilities)
        softened = soften_targets(targets, probabilities)
        with tf.GradientTape() as tape:
            loss = _compute_crossentropy(self.model([images, softened], training=True), is_expert=True)
            loss += _compute_crossentropy(self.model([images, probabilities], training=True), is_expert=False)
        self.optimizer.apply(tape.gradient(loss, self.model.trainable_variables), self.model.trainable_variables)


def soften_targets(targets: Any, probabilities: Any) -> Any:
    """Return experts' masks that the critic cannot recognise by their zeros and ones ("scaling" in the paper).

    The expert's class gets the probability that the network gives it, at least :data:`MIN_CERTAINTY`; the others share
    the rest as the network has it. Pixels without a class are those of the network.

    Args:
        targets: ``float32[N, S, S, 3]``, one-hot, or zeros.
        probabilities: ``float32[N, S, S, 3]``.
    """
    true_probability = tf.reduce_sum(targets * probabilities, -1, keepdims=True)
    raised = tf.maximum(true_probability, MIN_CERTAINTY)
    others = probabilities * (1.0 - raised) / tf.maximum(1.0 - true_probability, keras.config.epsilon())
    softened = tf.where(targets > 0, raised, others)
    return tf.where(tf.reduce_sum(targets, -1, keepdims=True) > 0, softened, probabilities)


def _compute_crossentropy(logits: Any, *, is_expert: bool) -> Any:
    labels = tf.ones_like(logits) if is_expert else tf.zeros_like(logits)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))
