"""Losses and metrics of a training, as TensorFlow operations."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from wbcseg.labels import CLASSES, CYTOPLASM, NUCLEUS

DICE_SMOOTHING = 1.0


def compute_loss(name: str, targets: Any, probabilities: Any) -> Any:
    """Return the mean loss of a batch, a scalar.

    Args:
        name: One of the choices of the setting ``loss``.
        targets: ``float32[N, H, W, 3]``, one-hot.
        probabilities: ``float32[N, H, W, 3]``.
    """
    crossentropy = (
        keras.losses.binary_crossentropy if name.startswith("binary") else keras.losses.categorical_crossentropy
    )
    entropy = tf.reduce_mean(crossentropy(targets, probabilities))
    return entropy + compute_soft_dice_loss(targets, probabilities) if name.endswith("+dice") else entropy


def compute_soft_dice_loss(targets: Any, probabilities: Any) -> Any:
    """Return 1 − soft Dice of cytoplasm and nucleus (Milletari et al., 2016), each over the whole batch."""
    axes = (0, 1, 2)
    intersection = tf.reduce_sum(targets * probabilities, axes)[1:]
    totals = tf.reduce_sum(targets + probabilities, axes)[1:]
    return 1.0 - tf.reduce_mean((2.0 * intersection + DICE_SMOOTHING) / (totals + DICE_SMOOTHING))


def compute_batch_metrics(targets: Any, probabilities: Any) -> dict[str, Any]:
    """Return accuracies and Dice of a batch.

    Args:
        targets: ``float32[N, H, W, 3]``, one-hot.
        probabilities: ``float32[N, H, W, 3]``.

    Returns:
        ``accuracy``: scalar, fraction of pixels whose most probable class is the expert's. ``binary_accuracy``: scalar,
        the thesis' accuracy, fraction of the 3·H·W rounded probabilities that equal the target. ``dice``:
        ``float32[N, 3]``, Dice of cytoplasm, nucleus and whole cell in every image; NaN if neither mask has the class.
    """
    true_labels, predicted_labels = tf.argmax(targets, -1), tf.argmax(probabilities, -1)
    rounded = tf.cast(probabilities > 0.5, targets.dtype)
    dice = []
    for is_class in (_build_class_test(CYTOPLASM.id), _build_class_test(NUCLEUS.id), _is_cell):
        true_mask, predicted_mask = is_class(true_labels), is_class(predicted_labels)
        intersection = tf.math.count_nonzero(true_mask & predicted_mask, axis=(1, 2), dtype=tf.float32)
        totals = sum(
            tf.math.count_nonzero(class_mask, axis=(1, 2), dtype=tf.float32)
            for class_mask in (true_mask, predicted_mask)
        )
        dice.append(2.0 * intersection / totals)
    return {
        "accuracy": tf.reduce_mean(tf.cast(tf.equal(true_labels, predicted_labels), tf.float32)),
        "binary_accuracy": tf.reduce_mean(tf.cast(tf.equal(rounded, targets), tf.float32)),
        "dice": tf.stack(dice, axis=-1),
    }


def compute_confusion(targets: Any, probabilities: Any) -> Any:
    """Return the number of pixels by class of the expert (rows) and of the network (columns), ``int32[3, 3]``.

    Args:
        targets: ``float32[N, H, W, 3]``, one-hot.
        probabilities: ``float32[N, H, W, 3]``.
    """
    true_labels, predicted_labels = (tf.reshape(tf.argmax(a, -1), [-1]) for a in (targets, probabilities))
    return tf.math.confusion_matrix(true_labels, predicted_labels, num_classes=len(CLASSES))


def _build_class_test(class_id: int) -> Any:
    return lambda labels: tf.equal(labels, class_id)


def _is_cell(labels: Any) -> Any:
    return labels > 0
