"""What a training makes small and what it reports, as TensorFlow operations."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from wbcseg.labels import CYTOPLASM, NUCLEUS

DICE_SMOOTHING = 1.0


def compute_loss(name: str, targets: Any, probabilities: Any) -> Any:
    """Return the mean loss of a batch, a scalar.

    Args:
        name: One of the ``loss`` choices in :data:`wbcseg.training.config.CHOICES`.
        targets: ``float32[N, H, W, 3]``, one-hot.
        probabilities: ``float32[N, H, W, 3]``.
    """
    kind = keras.losses.binary_crossentropy if name.startswith("binary") else keras.losses.categorical_crossentropy
    entropy = tf.reduce_mean(kind(targets, probabilities))
    return entropy + compute_soft_dice_loss(targets, probabilities) if name.endswith("+dice") else entropy


def compute_soft_dice_loss(targets: Any, probabilities: Any) -> Any:
    """Return 1 − soft Dice of cytoplasm and nucleus (Milletari et al., 2016), each taken over the whole batch."""
    axes = (0, 1, 2)
    both = tf.reduce_sum(targets * probabilities, axes)[1:]
    sizes = tf.reduce_sum(targets + probabilities, axes)[1:]
    return 1.0 - tf.reduce_mean((2.0 * both + DICE_SMOOTHING) / (sizes + DICE_SMOOTHING))


def compute_batch_metrics(targets: Any, probabilities: Any) -> dict[str, Any]:
    """Return what accuracy and Dice are computed from.

    Args:
        targets: ``float32[N, H, W, 3]``, one-hot.
        probabilities: ``float32[N, H, W, 3]``.

    Returns:
        ``accuracy``: scalar, share of pixels whose likeliest class is the expert's. ``binary_accuracy``: scalar, the
        thesis' accuracy, share of the 3·H·W rounded probabilities that equal the target. ``dice``: ``float32[N, 3]``,
        Dice of cytoplasm, nucleus and whole cell in every picture, not a number where neither side has the class.
    """
    truth, guess = tf.argmax(targets, -1), tf.argmax(probabilities, -1)
    rounded = tf.cast(probabilities > 0.5, targets.dtype)
    dice = []
    for is_class in (_build_class_test(CYTOPLASM.id), _build_class_test(NUCLEUS.id), _is_cell):
        a, b = is_class(truth), is_class(guess)
        both = tf.math.count_nonzero(a & b, axis=(1, 2), dtype=tf.float32)
        sizes = sum(tf.math.count_nonzero(x, axis=(1, 2), dtype=tf.float32) for x in (a, b))
        dice.append(2.0 * both / sizes)
    return {
        "accuracy": tf.reduce_mean(tf.cast(tf.equal(truth, guess), tf.float32)),
        "binary_accuracy": tf.reduce_mean(tf.cast(tf.equal(rounded, targets), tf.float32)),
        "dice": tf.stack(dice, axis=-1),
    }


def _build_class_test(class_id: int) -> Any:
    return lambda labels: tf.equal(labels, class_id)


def _is_cell(labels: Any) -> Any:
    return labels > 0
