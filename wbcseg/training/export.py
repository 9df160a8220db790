"""Export the model of a trained run. Imports TensorFlow."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from itertools import islice
from typing import Final

import flatbuffers
import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from wbcseg import models
from wbcseg.errors import ErrorCode, RunError
from wbcseg.io.atomic import write_bytes
from wbcseg.models.card import MODEL_FILE, WEIGHTS_FILE
from wbcseg.models.weights import Weights, check_weights, read_weights, write_weights
from wbcseg.training import checkpoint
from wbcseg.training.config import TrainingConfig
from wbcseg.training.data import ArraySplit, Batch, iter_training_batches
from wbcseg.training.runs.folder import Run
from wbcseg.training.trainer import list_weight_names

CALIBRATION_SAMPLE_COUNT: Final = 64
"""Number of images from which the range of values of every layer is determined."""


def export_model(run: Run, train_split: ArraySplit) -> int:
    """Write the weights of a run and its model for prediction.

    The model is made from the weights as stored in the file.

    Args:
        run: A run with a checkpoint.
        train_split: Its training images.

    Returns:
        Number of parameters of the network.

    Raises:
        RunError: If there are no weights yet.
        WeightsError: If the weights are of another network.
    """
    config = run.load_config()
    best = checkpoint.load_best_weights(run.folder) if config.checkpoint == "best" else None
    weight_arrays = best[0] if best else checkpoint.load_final_weights(run.folder)
    if weight_arrays is None:
        raise RunError(
            f"Run {run.name} has no checkpoint to export.",
            code=ErrorCode.NOT_FOUND,
            hint="Train at least one epoch.",
        )
    write_weights(run.folder / WEIGHTS_FILE, Weights(weight_arrays, config.architecture, config.base_filters))

    weights = read_weights(run.folder / WEIGHTS_FILE)
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session()
    model = models.build_model(config.architecture, base_filters=config.base_filters)
    names = list_weight_names(model)
    shapes = {name: tuple(w.shape) for name, w in zip(names, model.weights, strict=True)}
    check_weights(weights, config.architecture, config.base_filters, shapes)
    model.set_weights([weights.arrays[name] for name in names])
    write_bytes(run.folder / MODEL_FILE, convert_to_tflite(model, collect_calibration_samples(train_split, config)))
    return int(model.count_params())


def collect_calibration_samples(train_split: ArraySplit, config: TrainingConfig) -> NDArray[np.float32]:
    """Return augmented images as in training: some from the first epoch and some from the last.

    Args:
        train_split: The training images.
        config: The settings.

    Returns:
        ``float32[N, S, S, 3]`` in 0 to 1, N up to :data:`CALIBRATION_SAMPLE_COUNT`.
    """
    half = CALIBRATION_SAMPLE_COUNT // 2
    batches = [iter_training_batches(train_split, config, epoch) for epoch in (0, config.epochs - 1)]
    return np.concatenate([image for epoch_batches in batches for image in islice(_iter_images(epoch_batches), half)])


def _iter_images(batches: Iterator[Batch]) -> Iterator[NDArray[np.float32]]:
    for images, _ in batches:
        yield from np.split(images, len(images))


def convert_to_tflite(model: keras.Model, calibration_images: NDArray[np.float32]) -> bytes:
    """Return a model in LiteRT format that computes in 8-bit integers, one image of any size at a time.

    Weights and activations are rounded to 256 levels each (full integer quantisation after the training: Jacob et al.,
    2018). With AVX-512 that takes half (U-Net) to four fifths (a small SegNet-Basic) of the time of float32, and the
    file has a quarter of the size.

    Args:
        model: From ``float32[N, H, W, 3]`` to ``float32[N, H, W, 3]``; its last layer is a softmax, ``probabilities``.
        calibration_images: ``float32[N, S, S, 3]`` in 0 to 1, for determining the range of values of every layer.

    Returns:
        The content of the file. Input ``float32[1, H, W, 3]``, output likewise.
    """
    logits_model = keras.Model(model.input, model.get_layer("probabilities").input)
    return _append_softmax(quantise_to_tflite(logits_model, calibration_images))


def quantise_to_tflite(model: keras.Model, calibration_images: NDArray[np.float32]) -> bytes:
    """Return a network in LiteRT format that computes in 8-bit integers, one image at a time.

    Args:
        model: Takes ``float32[N, H, W, 3]``; H and W may be of any size if they are in the model.
        calibration_images: ``float32[N, S, S, 3]``, for determining the range of values of every layer.

    Returns:
        The content of the file. Inputs and outputs are ``float32``, with a batch size of 1.
    """
    predict = tf.function(
        lambda image: model(image, training=False),
        input_signature=[tf.TensorSpec((1, *model.input.shape[1:]), tf.float32, name="image")],
    )
    # Keras' own export traces a network several times, and converting all that takes twice as long.
    module = tf.Module()
    module.weights = [weight.value for weight in model.weights]
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=predict.get_concrete_function())
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [image] for image in np.split(calibration_images, len(calibration_images))
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        return bytes(converter.convert())


def _append_softmax(data: bytes) -> bytes:
    """Return a LiteRT model followed by a softmax in float32, which 8 bits would round to steps of 1/256.

    The softmax is part of the file rather than of the prediction code, so that the file returns probabilities in any
    program that runs LiteRT models; the shipped files have it, too. The converter cannot keep a single operation in
    float32, hence the schema.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    graph = model.subgraphs[0]
    logits_index = int(graph.outputs[0])
    probabilities = copy.copy(graph.tensors[logits_index])
    probabilities.name = b"probabilities"
    graph.tensors.append(probabilities)

    opcode = schema.OperatorCodeT()
    opcode.builtinCode = opcode.deprecatedBuiltinCode = schema.BuiltinOperator.SOFTMAX
    opcode.version = 1
    model.operatorCodes.append(opcode)
    softmax = schema.OperatorT()
    softmax.opcodeIndex = len(model.operatorCodes) - 1
    softmax.inputs, softmax.outputs = [logits_index], [len(graph.tensors) - 1]
    softmax.builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
    softmax.builtinOptions = schema.SoftmaxOptionsT()
    softmax.builtinOptions.beta = 1.0
    graph.operators.append(softmax)
    graph.outputs = softmax.outputs
    for signature in model.signatureDefs or ():
        signature.outputs[0].tensorIndex = softmax.outputs[0]

    builder = flatbuffers.Builder(len(data) + 1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
