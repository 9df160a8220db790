"""Train what follows a fixed encoder: its pooled feature maps are computed once. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wbcseg.celltype_training.augment import build_augmentation
from wbcseg.celltype_training.batches import FeatureScale, iterate_batches
from wbcseg.celltype_training.library import CellLibrary
from wbcseg.celltype_training.losses import compute_type_losses
from wbcseg.celltype_training.networks import build_network, initialise_encoder
from wbcseg.celltype_training.options import TypeOptions
from wbcseg.models.weights import Weights
from wbcseg.training.checkpoint import Checkpoint, save_checkpoint
from wbcseg.training.steps.loop import write_options
from wbcseg.training.steps.trainer import StepTrainer

FIRST_HEAD_LAYER: Final = "pooled"
HEAD_BATCH: Final = 256
EMBEDDING_BATCH: Final = 64


def train_head(
    folder: Path,
    library: CellLibrary,
    options: TypeOptions,
    encoder: Weights,
    indices: NDArray[np.intp],
    scale: FeatureScale,
    copies: int,
    on_progress: Callable[[str], None] = print,
) -> None:
    """Train the head and write a checkpoint of the whole network.

    Args:
        folder: The training folder.
        library: The cells.
        options: The settings, of kind ``head``; steps are those of the head.
        encoder: Weights of a U-Net whose encoder is used.
        indices: Cells that are learned from.
        scale: Scale of their measurements.
        copies: How many varied copies of each cell are embedded, on average.
        on_progress: Called with sentences about what is done.
    """
    trainer = StepTrainer(lambda: build_network(options), compute_type_losses, options)
    initialise_encoder(trainer.model, encoder)
    trainer.reset_averages()
    material = _embed(trainer.model, library, options, indices, scale, copies, on_progress)
    head = _build_head(trainer.model)
    head_trainer = StepTrainer(lambda: head, compute_type_losses, options, _prepare)
    rng = np.random.default_rng(options.seed)
    pending: list[float] = []
    for step in range(options.steps):
        chosen = rng.integers(len(material[0]), size=HEAD_BATCH)
        losses = head_trainer.step([array[chosen] for array in material], step)
        pending.append(losses["type"])
        if (step + 1) % 500 == 0:
            on_progress(f"head: step {step + 1} of {options.steps}, type {np.mean(pending):.4f}")
            pending = []
    # The head shares its layers with the whole network, whose weights these are.
    head_trainer.use_averages()
    trainer.reset_averages()
    write_options(folder, options.to_dict())
    save_checkpoint(folder, Checkpoint(trainer.collect_state(), options.steps, []))


def _prepare(embeddings: Any, features: Any, possible: Any, attributes: Any) -> tuple[Any, Any]:
    return [embeddings, features + tf.random.normal(tf.shape(features), stddev=0.1)], (possible, attributes)


def _build_head(model: keras.Model) -> keras.Model:
    """Return what follows the pooled feature maps, with the layers of the whole network."""
    pooled = model.get_layer(FIRST_HEAD_LAYER).output
    return keras.Model([pooled, model.inputs[1]], model.outputs, name="head")


def _embed(
    model: keras.Model,
    library: CellLibrary,
    options: TypeOptions,
    indices: NDArray[np.intp],
    scale: FeatureScale,
    copies: int,
    on_progress: Callable[[str], None],
) -> list[NDArray[Any]]:
    """Return pooled feature maps, measurements, possible subtypes and attributes of varied cells."""
    encoder = keras.Model(model.inputs, model.get_layer(FIRST_HEAD_LAYER).output)
    prepare = build_augmentation(options.severity)

    def embed(*batch: Any) -> Any:
        inputs, targets = prepare(*batch)
        return encoder(inputs, training=False), inputs[1], *targets

    compiled = tf.function(embed, autograph=False)
    collected: list[list[NDArray[Any]]] = []
    count = max(1, copies * len(indices) // EMBEDDING_BATCH)
    for number, batch in enumerate(
        islice(iterate_batches(library, indices, scale, EMBEDDING_BATCH, options.seed), count), start=1
    ):
        collected.append([np.asarray(array) for array in compiled(*(tf.constant(array) for array in batch))])
        if number % 20 == 0:
            on_progress(f"{number} of {count} batches embedded")
    return [np.concatenate(arrays) for arrays in zip(*collected, strict=True)]
