"""Losses of the two networks. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import tensorflow as tf

GEOMETRY_WEIGHTS: Final = (0.25, 0.25, 1.0, 1.0)
"""Weights of the errors of row and column offset, height and width."""

LABEL_SMOOTHING: Final = 0.01


def compute_detector_losses(outputs: Sequence[Any], targets: Any) -> dict[str, Any]:
    """Return the losses of the detector network, which are summed.

    Args:
        outputs: Heat logits ``[N, h, w, 1]`` and geometry ``[N, h, w, 4]``.
        targets: ``float32[N, h, w, 7]``, see :mod:`wbcseg.detector_training.detector_targets`.

    Returns:
        ``heat`` (penalty-reduced focal loss: Law and Deng, 2018) and ``geometry`` (mean absolute error).
    """
    logits, geometry = (tf.cast(output, tf.float32) for output in outputs)
    logits, heat, heat_weight = logits[..., 0], targets[..., 0], targets[..., 6]
    probability = tf.clip_by_value(tf.sigmoid(logits), 1e-5, 1 - 1e-5)
    is_peak = tf.cast(heat > 0.999, tf.float32)
    positive = is_peak * (1 - probability) ** 2 * -tf.nn.softplus(-logits)
    negative = (1 - is_peak) * (1 - heat) ** 4 * probability**2 * -tf.nn.softplus(logits)
    # A field with one large cell counts almost as much as one with thirty.
    root_counts = tf.sqrt(tf.maximum(tf.reduce_sum(is_peak * heat_weight, axis=(1, 2)), 1.0))
    field_losses = -tf.reduce_sum((positive + negative) * heat_weight, axis=(1, 2)) / root_counts
    weight = targets[..., 5:6]
    error = tf.abs(geometry - targets[..., 1:5]) * tf.constant(GEOMETRY_WEIGHTS)
    return {
        "heat": tf.reduce_sum(field_losses) / tf.reduce_sum(root_counts),
        "geometry": tf.reduce_sum(error * weight) / tf.maximum(tf.reduce_sum(weight), 1.0),
    }


def compute_verifier_losses(outputs: Sequence[Any], answers: Any) -> dict[str, Any]:
    """Return the losses of the verifier, which are summed.

    Args:
        outputs: Logits ``[N, 1]`` and shifts ``[N, 4]``.
        answers: ``float32[N, 7]``, see :func:`wbcseg.detector_training.verifier_samples.sample_crops`.

    Returns:
        ``cell`` (cross-entropy in which hard crops count more) and ``shifts`` (mean absolute error).
    """
    logits, shifts = (tf.cast(output, tf.float32) for output in outputs)
    logits, is_cell, weight = logits[:, 0], answers[:, 0], answers[:, 1]
    smoothed = (1 - 2 * LABEL_SMOOTHING) * is_cell + LABEL_SMOOTHING
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(smoothed, logits)
    error = tf.abs(tf.sigmoid(logits) - is_cell)
    shift_error = tf.reduce_sum(tf.abs(shifts - answers[:, 2:6]), axis=1)
    return {
        "cell": tf.reduce_sum(entropy * weight * (0.3 + error)) / tf.maximum(tf.reduce_sum(weight), 1.0),
        "shifts": tf.reduce_sum(shift_error * answers[:, 6]) / tf.maximum(tf.reduce_sum(answers[:, 6]), 1.0),
    }
