"""Losses of the type model. Imports TensorFlow."""

from __future__ import annotations

from typing import Any, Final

import tensorflow as tf

from wbcseg.celltype_training.library import ATTRIBUTES

LABEL_SMOOTHING: Final = 0.03
ATTRIBUTE_WEIGHT: Final = 0.05
"""Weight of each attribute beside the type."""


def compute_type_losses(outputs: Any, targets: Any) -> dict[str, Any]:
    """Return the losses, which are summed.

    Args:
        outputs: Logits of subtypes ``[N, 11]`` and of attributes.
        targets: Which subtypes each cell may be, ``bool[N, 11]``, and the index of the value of every attribute.

    Returns:
        ``type`` (negative logarithm of the probability of all possible subtypes, with a little smoothing) and
        ``attributes`` (mean cross-entropy of those that are known).
    """
    logits, attribute_logits = (tf.cast(output, tf.float32) for output in outputs)
    possible, attributes = targets
    log_probabilities = tf.nn.log_softmax(logits)
    right = tf.reduce_logsumexp(tf.where(possible, log_probabilities, -1e9), axis=1)
    smooth = tf.reduce_mean(log_probabilities, axis=1)
    type_loss = -tf.reduce_mean((1 - LABEL_SMOOTHING) * right + LABEL_SMOOTHING * smooth)
    attribute_loss, start = tf.zeros(()), 0
    for index, values in enumerate(ATTRIBUTES.values()):
        own = attribute_logits[:, start : start + len(values)]
        start += len(values)
        known = tf.cast(attributes[:, index] >= 0, tf.float32)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.maximum(tf.cast(attributes[:, index], tf.int32), 0), own
        )
        attribute_loss += tf.reduce_sum(entropy * known) / tf.maximum(tf.reduce_sum(known), 1.0)
    return {"type": type_loss, "attributes": ATTRIBUTE_WEIGHT * attribute_loss}
