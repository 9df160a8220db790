"""Export the model of a trained run. Imports TensorFlow."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import flatbuffers
import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from wbcseg import models
from wbcseg.errors import ErrorCode, RunError
from wbcseg.interpreters import open_interpreter
from wbcseg.io.atomic import write_bytes
from wbcseg.models.card import MODEL_FILE, WEIGHTS_FILE
from wbcseg.models.weights import Weights, check_weights, read_weights, share_kernels, write_weights
from wbcseg.native_output import hide_native_output
from wbcseg.training import checkpoint
from wbcseg.training.config import TrainingConfig
from wbcseg.training.data import ArraySplit, Batch, iter_training_batches
from wbcseg.training.runs.folder import Run
from wbcseg.training.trainer import list_weight_names

MIN_AGREEMENT: Final = 0.99
"""Minimum fraction of pixels that keep their class in 8-bit integers; below it, the model is stored in float16."""

COMPARED_IMAGE_COUNT: Final = 16
"""Number of calibration images, and of validation images, on which the exported model is compared with the network."""

COMPARED_BATCH_SIZE: Final = 8
"""Number of images of which the network computes the classes at once."""

CALIBRATION_SAMPLE_COUNT: Final = 64
"""Number of images from which the range of values of every layer is determined."""


@dataclass(frozen=True)
class ExportedModel:
    """What was exported.

    Attributes:
        parameters: Number of parameters of the network.
        agreement: Fraction of pixels that have the same class in 8-bit integers as in float32; in float16 if the
            network cannot be exported in 8 bits.
        note: A sentence for users if the model is not in 8-bit integers, else empty.
    """

    parameters: int
    agreement: float
    note: str


def export_model(run: Run, train_split: ArraySplit, test_split: ArraySplit | None = None) -> ExportedModel:
    """Write the weights of a run and its model for prediction.

    The model is made from the weights as stored in the file.

    Args:
        run: A run with a checkpoint.
        train_split: Its training images.
        test_split: Its validation images, on which the exported model is compared with the network, too.

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
    calibration_images = collect_calibration_samples(train_split, config)
    uses_int8 = models.get_spec(config.architecture).uses_int8
    with hide_native_output():
        data = convert_to_tflite(model, calibration_images) if uses_int8 else convert_to_float16(model)
    compared = [calibration_images[:COMPARED_IMAGE_COUNT]]
    if test_split is not None:
        compared.append(test_split.images[:COMPARED_IMAGE_COUNT].astype(np.float32) / np.float32(255))
    agreement, note = measure_agreement(data, model, np.concatenate(compared)), ""
    if not uses_int8:
        note = "This network is exported in float16: see its deviations on the page Architectures."
    elif agreement < MIN_AGREEMENT:
        data = convert_to_float16(model)
        note = (
            f"In 8-bit integers, only {100 * agreement:.1f} % of the pixels kept their class, so this model is stored "
            "in float16: it has twice the size and takes longer."
        )
    write_bytes(run.folder / MODEL_FILE, data)
    share_kernels(run.folder / WEIGHTS_FILE, data)
    return ExportedModel(int(model.count_params()), agreement, note)


def measure_agreement(data: bytes, model: keras.Model, images: NDArray[np.float32]) -> float:
    """Return the fraction of pixels to which an exported model and the network give the same class.

    Args:
        data: Content of the exported file.
        model: The network.
        images: ``float32[N, S, S, 3]`` in 0 to 1.
    """
    interpreter = open_interpreter(data)
    given, returned = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(given, (1, *images.shape[1:]))
    interpreter.allocate_tensors()
    equal = []
    for start in range(0, len(images), COMPARED_BATCH_SIZE):
        batch = images[start : start + COMPARED_BATCH_SIZE]
        expected = np.asarray(model(batch, training=False)).argmax(axis=-1)
        for image, expected_labels in zip(batch, expected, strict=True):
            interpreter.set_tensor(given, image[None])
            interpreter.invoke()
            equal.append(float((interpreter.get_tensor(returned)[0].argmax(axis=-1) == expected_labels).mean()))
    return sum(equal) / len(equal)


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
    """Return a model in LiteRT format that computes in 8-bit integers, for images of any size.

    Weights and activations are rounded to 256 levels each (full integer quantisation after the training: Jacob et al.,
    2018). With AVX-512 that takes half (U-Net) to four fifths (a small SegNet-Basic) of the time of float32, and the
    file has a quarter of the size.

    Args:
        model: From ``float32[N, H, W, 3]`` to ``float32[N, H, W, 3]``; its last layer is a softmax, ``probabilities``.
        calibration_images: ``float32[N, S, S, 3]`` in 0 to 1, for determining the range of values of every layer.

    Returns:
        The content of the file. Input ``float32[N, H, W, 3]``, output likewise.
    """
    logits_model = keras.Model(model.input, model.get_layer("probabilities").input)
    return _append_softmax(quantise_to_tflite(logits_model, calibration_images))


def convert_to_float16(model: keras.Model) -> bytes:
    """Return a model in LiteRT format with weights in float16, which computes in float32.

    Args:
        model: As for :func:`convert_to_tflite`.
    """
    logits_model = keras.Model(model.input, model.get_layer("probabilities").input)
    predict = tf.function(
        lambda values: logits_model(values, training=False),
        input_signature=[tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32, name="input0")],
        autograph=False,
    )
    module = tf.Module()
    module.weights = [weight.value for weight in logits_model.weights]
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=predict.get_concrete_function())
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return _append_softmax(bytes(converter.convert()))


def quantise_to_tflite(
    model: keras.Model, calibration_inputs: NDArray[np.float32] | Sequence[NDArray[np.float32]]
) -> bytes:
    """Return a network in LiteRT format that computes in 8-bit integers.

    Args:
        model: Takes ``float32[N, H, W, 3]``, whose H and W may be of any size if they are in the model, or several
            inputs.
        calibration_inputs: Values of the input, ``float32[N, …]``, or of each, for determining the range of values of
            every layer.

    Returns:
        The content of the file. Inputs and outputs are ``float32``; the batch has any size.
    """
    inputs = [calibration_inputs] if isinstance(calibration_inputs, np.ndarray) else calibration_inputs
    predict = tf.function(
        lambda *values: model(values[0] if len(values) == 1 else list(values), training=False),
        input_signature=[
            # Any number of images: with a fixed one, transposed convolutions keep it for good.
            tf.TensorSpec((None, *tensor.shape[1:]), tf.float32, name=f"input{number}")
            for number, tensor in enumerate(model.inputs)
        ],
        autograph=False,
    )
    # Keras' own export traces a network several times, and converting all that takes twice as long.
    module = tf.Module()
    module.weights = [weight.value for weight in model.weights]
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=predict.get_concrete_function())
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _iter_calibration_inputs(inputs)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        return bytes(converter.convert())


def _iter_calibration_inputs(inputs: Sequence[NDArray[np.float32]]) -> Iterator[Any]:
    for index in range(len(inputs[0])):
        values = [array[index : index + 1] for array in inputs]
        # By name, the converter uses an interpreter that TensorFlow calls outdated; one input needs no name.
        yield values if len(values) == 1 else {f"input{number}": value for number, value in enumerate(values)}


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
