"""Export a trained network to LiteRT. Imports TensorFlow."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wbcseg.celltype_training.augment import build_augmentation
from wbcseg.celltype_training.batches import FeatureScale, iterate_batches
from wbcseg.celltype_training.library import CellLibrary, cut_library_crop
from wbcseg.celltype_training.networks import build_network, freeze_kernels
from wbcseg.celltype_training.options import TypeOptions
from wbcseg.celltypes.network import prepare_crop
from wbcseg.training.export import quantise_to_tflite
from wbcseg.training.steps.export import load_trained_network

CALIBRATION_BATCHES: Final = 4
CALIBRATION_SEED: Final = 4711
LOGITS_BATCH: Final = 64


def load_network(folder: Path, options: TypeOptions) -> keras.Model:
    """Return the network of a training folder, in float32, with the running averages of its weights.

    Raises:
        RunError: If there is no checkpoint.
        WeightsError: If it belongs to another network.
    """
    return load_trained_network(folder, lambda: build_network(options))


def export_types(
    model: keras.Model, library: CellLibrary, options: TypeOptions, indices: NDArray[np.intp], scale: FeatureScale
) -> bytes:
    """Return a trained network as a LiteRT file that computes in 8-bit integers.

    Args:
        model: The network.
        library: The cells.
        options: Settings of the training.
        indices: Cells that were learned from; they determine the range of values of every layer.
        scale: Scale of their measurements.
    """
    plain = freeze_kernels(model, options)
    subtypes = keras.Model(plain.inputs, plain.get_layer("subtypes").output)
    return quantise_to_tflite(subtypes, collect_calibration_inputs(library, options, indices, scale))


def compute_logits(
    model: keras.Model,
    library: CellLibrary,
    indices: NDArray[np.intp],
    scale: FeatureScale,
    severity: float | None = None,
) -> NDArray[np.float32]:
    """Return the logits of cells, ``float32[N, 11]``.

    Args:
        model: The network.
        library: The cells.
        indices: Which of them.
        scale: Scale of their measurements.
        severity: How much stain, light and focus vary; ``None`` leaves the cells as they are.
    """
    tf.random.set_seed(CALIBRATION_SEED)
    features = scale.apply(np.asarray(library.features))
    prepare = None if severity is None else build_augmentation(severity)
    parts = []
    for start in range(0, len(indices), LOGITS_BATCH):
        chosen = indices[start : start + LOGITS_BATCH]
        if prepare is None:
            crops = np.stack([prepare_crop(cut_library_crop(library, index)) for index in chosen])
            inputs = [crops, features[chosen]]
        else:
            names = ("crops", "labels", "backgrounds")
            arrays = [tf.constant(getattr(library, name)[chosen]) for name in names]
            inputs, _ = prepare(*arrays, tf.constant(features[chosen]), None, None)
        parts.append(np.asarray(model(inputs, training=False)[0], np.float32))
    return np.concatenate(parts)


def collect_calibration_inputs(
    library: CellLibrary, options: TypeOptions, indices: NDArray[np.intp], scale: FeatureScale
) -> list[NDArray[np.float32]]:
    """Return inputs as in training: crops and measurements."""
    tf.random.set_seed(CALIBRATION_SEED)
    prepare = build_augmentation(options.severity)
    collected: list[Any] = []
    for batch in islice(iterate_batches(library, indices, scale, 64, CALIBRATION_SEED), CALIBRATION_BATCHES):
        inputs, _ = prepare(*(tf.constant(array) for array in batch))
        collected.append([np.asarray(array) for array in inputs])
    return [np.concatenate(arrays) for arrays in zip(*collected, strict=True)]
