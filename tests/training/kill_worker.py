"""Train a tiny network in a new process on request; for tests that kill it.

``python kill_worker.py FOLDER`` starts a process for every line on standard input, and prints its number and how it
ended. Importing TensorFlow takes seconds, so it is imported once: a process that has not computed yet can be forked.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from wbcseg.training.tf_env import import_tensorflow

import_tensorflow()

import keras  # noqa: E402
import numpy as np  # noqa: E402

from wbcseg import models  # noqa: E402
from wbcseg.datasets.synthetic import draw_sample  # noqa: E402
from wbcseg.models.blocks import FusedBatchNormalization, build_head, build_image_input  # noqa: E402
from wbcseg.splitting.splits import Split  # noqa: E402
from wbcseg.training import Run, loop  # noqa: E402
from wbcseg.training.data import ArraySplit, TrainingData  # noqa: E402


def build_tiny_model(_name: str, *, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build a network of two layers in place of the real ones."""
    inputs = build_image_input()
    x = keras.layers.Conv2D(base_filters, 3, padding="same")(inputs)
    x = FusedBatchNormalization(bn_momentum)(x)
    return keras.Model(inputs, build_head(keras.layers.Activation("relu")(x), dropout), name="tiny")


def load_random_data() -> TrainingData:
    samples = [draw_sample(3, i, size=(48, 48)) for i in range(12)]
    ids = tuple(sample.id for sample in samples)
    images = np.stack([sample.image for sample in samples])
    labels = np.stack([sample.mask for sample in samples if sample.mask is not None])
    blank = np.zeros(labels.shape, bool)
    types = tuple(sample.cell_type for sample in samples)
    train, test = (
        ArraySplit(ids[part], images[part], labels[part], blank[part], types[part]) for part in (slice(8), slice(8, 12))
    )
    manifest = {sample.id: sample.compute_digest() for sample in samples}
    return TrainingData(train, test, Split("leak-free", "synthetic", train.ids, test.ids, (), manifest, 0, 3, 2))


def main() -> None:
    models.build_model = build_tiny_model
    run, data = Run(Path(sys.argv[1])), load_random_data()
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            try:
                loop.train(run, data)
                run.set_state("finished")
            except BaseException as error:
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
                os._exit(1)
            os._exit(0)
        os.write(1, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())


main()
