"""One variant of the training benchmark, in a process that steps on request. Imports TensorFlow.

``python -m wbcseg.benchmarking.training_worker VARIANT CONFIG`` writes a line of JSON when it is ready. For every line
that it reads, it does one training step and writes another line of JSON. It ends when its standard input closes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from wbcseg.training.config import TrainingConfig
from wbcseg.training.precision import PRECISIONS
from wbcseg.training.random_data import build_random_batch
from wbcseg.training.tf_env import import_tensorflow

if TYPE_CHECKING:
    import keras

VARIANTS = ("float32", "bfloat16", "untuned", "keras", "predict")
"""This package's training step in each precision; in float32 with TensorFlow's default settings; Keras' layers and loop
with TensorFlow's default settings; Keras' prediction, likewise."""

BATCHES_PER_EPOCH = 8
"""Batches per epoch of the Keras variant."""


class RequestChannel:
    """Requests from the process that measures, and responses to it.

    Args:
        output: Where responses are written.
    """

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def wait_for_request(self) -> bool:
        """Wait for the next request; return whether there is one."""
        return bool(sys.stdin.readline())

    def respond(self, **values: Any) -> None:
        """Write a response."""
        self._output.write(json.dumps(values) + "\n")
        self._output.flush()


def serve_program_steps(config: TrainingConfig, channel: RequestChannel) -> None:
    """Serve training steps of this package."""
    from wbcseg.training.trainer import Trainer

    images, targets = build_random_batch(config)
    trainer = Trainer(config, steps_per_epoch=1)
    channel.respond(precision=trainer.precision, parameters=trainer.model.count_params())
    step_index = 0
    while channel.wait_for_request():
        start_time = time.perf_counter()
        loss, _ = trainer.step(images, targets, step_index)
        channel.respond(seconds=time.perf_counter() - start_time, loss=loss)
        step_index += 1


def serve_keras_steps(config: TrainingConfig, channel: RequestChannel) -> None:
    """Serve steps of Keras' own loop (``fit``) with Keras' layers in float32; same weights, optimiser and loss."""
    import keras

    from wbcseg.training.losses import compute_loss
    from wbcseg.training.trainer import Trainer

    trainer = Trainer(config, steps_per_epoch=1)
    model = convert_to_keras_layers(trainer.model)
    optimizer_classes = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}
    model.compile(
        optimizer=optimizer_classes[config.optimizer].from_config(trainer.optimizer.get_config()),
        loss=lambda targets, probabilities: compute_loss(config.loss, targets, probabilities),
        metrics=["accuracy"],
    )
    channel.respond(precision="float32", parameters=model.count_params())

    class NoMoreRequests(Exception):
        """There are no more requests."""

    start_time = 0.0

    def on_batch_begin(_batch: int, **_: Any) -> None:
        nonlocal start_time
        if not channel.wait_for_request():
            raise NoMoreRequests
        start_time = time.perf_counter()

    def on_batch_end(_batch: int, logs: Any) -> None:
        loss = float(logs["loss"])
        channel.respond(seconds=time.perf_counter() - start_time, loss=loss)

    callback = keras.callbacks.LambdaCallback(on_train_batch_begin=on_batch_begin, on_train_batch_end=on_batch_end)
    images, targets = build_random_batch(config)
    try:
        # Keras prepares the next batch while one computes, but not across epochs, so an epoch has several batches.
        model.fit(
            np.concatenate([images] * BATCHES_PER_EPOCH),
            np.concatenate([targets] * BATCHES_PER_EPOCH),
            batch_size=config.batch_size,
            epochs=sys.maxsize,
            shuffle=False,
            verbose=0,
            callbacks=[callback],
        )
    except NoMoreRequests:
        return


def serve_keras_predictions(config: TrainingConfig, channel: RequestChannel) -> None:
    """Serve Keras' ``Model.predict`` with Keras' own layers, a whole batch at once and one by one."""
    from wbcseg.models import build_model

    images, _ = build_random_batch(config)
    model = convert_to_keras_layers(build_model(config.architecture, base_filters=config.base_filters))
    model.predict(images, verbose=0)
    model.predict(images[:1], verbose=0)
    channel.respond(precision="float32", parameters=model.count_params())
    while channel.wait_for_request():
        start_time = time.perf_counter()
        model.predict(images, batch_size=len(images), verbose=0)
        batched_seconds = time.perf_counter() - start_time
        subset = images[: max(1, len(images) // 4)]
        start_time = time.perf_counter()
        for image in subset:
            model.predict(image[None], verbose=0)
        channel.respond(
            seconds=batched_seconds / len(images), single_seconds=(time.perf_counter() - start_time) / len(subset)
        )


def convert_to_keras_layers(model: keras.Model) -> keras.Model:
    """Return the same network, with the same weights, built only from Keras' own layers."""
    import keras

    from wbcseg.models.blocks import FusedBatchNormalization, NearestUpsampling, UpsampledConvolution

    def convert_layer(layer: Any) -> Any:
        if isinstance(layer, FusedBatchNormalization):
            return keras.layers.BatchNormalization(momentum=layer.momentum, epsilon=layer.epsilon, name=layer.name)
        if isinstance(layer, NearestUpsampling):
            return keras.layers.UpSampling2D(layer.factor, name=layer.name)
        if isinstance(layer, UpsampledConvolution):
            convolution = keras.layers.Conv2D(layer.filters, layer.kernel_size, padding="same")
            return keras.Sequential([keras.layers.UpSampling2D(layer.factor), convolution], name=layer.name)
        return type(layer).from_config(layer.get_config())

    clone = keras.models.clone_model(model, clone_function=convert_layer)
    clone.set_weights(model.get_weights())
    return clone


def main() -> int:
    """Serve the variant given on the command line."""
    variant, config_json = sys.argv[1:]
    config = TrainingConfig.from_dict(json.loads(config_json))
    # Whatever a library prints must not get between the responses.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    if variant in PRECISIONS:
        import_tensorflow()
    config = config.replace(precision=variant if variant in PRECISIONS else "float32")
    serve = {"keras": serve_keras_steps, "predict": serve_keras_predictions}.get(variant, serve_program_steps)
    serve(config, RequestChannel(output))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
