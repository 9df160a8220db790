"""A network in training: weights, optimiser, training and validation steps. Imports TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wbcseg import models
from wbcseg.errors import TrainingError
from wbcseg.io.arrays import Arrays
from wbcseg.labels import Labels
from wbcseg.models.blocks import FusedBatchNormalization
from wbcseg.models.weights import Weights, check_weights
from wbcseg.training.auxiliary.critic import Adversary
from wbcseg.training.auxiliary.heads import AuxiliaryHeads
from wbcseg.training.auxiliary.meter import MetricMeter
from wbcseg.training.checkpoint import EMA_PREFIX, WEIGHT_PREFIX
from wbcseg.training.config import TrainingConfig
from wbcseg.training.data import Batch
from wbcseg.training.losses import compute_batch_metrics, compute_confusion, compute_loss
from wbcseg.training.optimizers import FusedAdam, FusedAdamW
from wbcseg.training.precision import resolve_precision


class Trainer:
    """A network, its optimiser and the operations of a training.

    Args:
        config: The settings.
        steps_per_epoch: Batches per epoch.

    Attributes:
        model: The network.
        precision: ``float32`` or ``bfloat16``.
    """

    def __init__(self, config: TrainingConfig, steps_per_epoch: int) -> None:
        self.config = config
        self.steps_per_epoch = steps_per_epoch
        self.precision = resolve_precision(config)
        # Keras draws on the random generators of Python, NumPy and TensorFlow.
        keras.utils.set_random_seed(config.seed)
        keras.config.set_dtype_policy("mixed_bfloat16" if self.precision == "bfloat16" else "float32")
        self.model = models.build_model(
            config.architecture,
            base_filters=config.base_filters,
            dropout=config.dropout,
            bn_momentum=config.bn_momentum,
        )
        # After the network, so that its weights are the same as without them.
        auxiliary_layers = models.get_spec(config.architecture).auxiliary_layers
        self.heads = AuxiliaryHeads(self.model, auxiliary_layers if config.deep_supervision else ())
        self.adversary = Adversary(config.learning_rate) if config.uses_critic else None
        self._trained_variables = [*self.model.trainable_variables, *self.heads.variables]
        if config.optimizer == "adamw":
            self.optimizer = FusedAdamW(config.learning_rate, weight_decay=config.weight_decay)
            self.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        else:
            self.optimizer = FusedAdam(config.learning_rate)
        self.optimizer.build(self._trained_variables)
        if config.bn_debias:
            for layer in self.model.layers:
                if isinstance(layer, FusedBatchNormalization):
                    layer.enable_debiasing(lambda: self.optimizer.iterations.value)
        self.ema_weights = [tf.Variable(v.value) for v in self.model.weights] if config.ema_decay else []
        # Any batch size, so that the smaller last batch of an epoch does not compile the network again.
        batch_spec = tf.TensorSpec((None, config.input_size, config.input_size, 3), tf.float32)
        self._compiled_step = _compile(self._build_step(), batch_spec, batch_spec)
        self._compiled_test = _compile(self._build_test(), batch_spec, batch_spec)
        self._compiled_segment = _compile(self._build_segment(), batch_spec)

    def _build_step(self) -> Callable[..., Any]:
        def step(images: Any, targets: Any) -> Any:
            with tf.GradientTape() as tape:
                probabilities, *_ = outputs = self.heads.compute_outputs(images)
                losses = [compute_loss(self.config.loss, targets, output) for output in outputs]
                total_loss = tf.add_n(losses) / len(losses)
                if self.adversary is not None:
                    total_loss += self.config.adversarial_weight * self.adversary.compute_loss(images, probabilities)
            gradients = tape.gradient(total_loss, self._trained_variables)
            if self.adversary is not None:
                self.adversary.learn(images, targets, probabilities)
            self.optimizer.apply(gradients, self._trained_variables)
            if self.ema_weights:
                step_count = tf.cast(self.optimizer.iterations.value, tf.float32)
                rate = 1.0 - tf.minimum(self.config.ema_decay, step_count / (9.0 + step_count))
                for ema_weight, weight in zip(self.ema_weights, self.model.weights, strict=True):
                    ema_weight.assign_add(rate * (weight.value - ema_weight))
            metrics = compute_batch_metrics(targets, probabilities)
            return losses[0], metrics | {"gradient_norm": tf.linalg.global_norm(gradients)}

        return step

    def _build_test(self) -> Callable[..., Any]:
        def test(images: Any, targets: Any) -> Any:
            probabilities = self.model(images, training=False)
            metrics = compute_batch_metrics(targets, probabilities)
            metrics["confusion"] = compute_confusion(targets, probabilities)
            return compute_loss(self.config.loss, targets, probabilities), metrics

        return test

    def _build_segment(self) -> Callable[..., Any]:
        def segment(images: Any) -> Any:
            return tf.argmax(self.model(images, training=False), -1, output_type=tf.int32)

        return segment

    def step(
        self, images: NDArray[np.float32], targets: NDArray[np.float32], number: int
    ) -> tuple[float, dict[str, Any]]:
        """Do training step ``number`` (from 0); return the batch's loss, of the network alone, and metrics.

        Raises:
            MemoryError: If there is not enough memory for it.
        """
        learning_rate = compute_learning_rate(self.config, number, self.steps_per_epoch)
        self.optimizer.learning_rate.assign(learning_rate)
        if self.adversary is not None:
            self.adversary.set_learning_rate(learning_rate)
        with translate_memory_errors():
            loss, metrics = self._compiled_step(tf.constant(images), tf.constant(targets))
        return float(loss), metrics

    @contextmanager
    def use_export_weights(self) -> Iterator[None]:
        """Use the weights that would be exported now, within the block."""
        if not self.ema_weights:
            yield
            return
        trained = self.model.get_weights()
        self.model.set_weights([ema_weight.numpy() for ema_weight in self.ema_weights])
        try:
            yield
        finally:
            self.model.set_weights(trained)

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Return ``val_…`` metrics.

        Raises:
            MemoryError: If there is not enough memory for it.
        """
        meter = MetricMeter()
        for images, targets in batches:
            with translate_memory_errors():
                loss, metrics = self._compiled_test(tf.constant(images), tf.constant(targets))
            meter.add(len(images), float(loss), metrics)
        return meter.compute_means("val_")

    def segment(self, images: NDArray[np.uint8]) -> Labels:
        """Segment images ``uint8[N, S, S, 3]``; return labels ``uint8[N, S, S]``."""
        with translate_memory_errors():
            labels: Labels = (
                self._compiled_segment(tf.constant(images.astype(np.float32) / 255.0)).numpy().astype(np.uint8)
            )
        return labels

    def collect_state(self) -> Arrays:
        """Return all that a resumed training needs: weights, averages, random states, heads, critic, optimiser."""
        return {name: np.asarray(variable) for name, variable in self._name_variables().items()}

    def _name_variables(self) -> dict[str, Any]:
        names = list_weight_names(self.model)
        named = {f"{WEIGHT_PREFIX}{name}": w for name, w in zip(names, self.model.weights, strict=True)}
        named |= {f"{EMA_PREFIX}{name}": v for name, v in zip(names, self.ema_weights, strict=bool(self.ema_weights))}
        # In addition to weights, a model has the states of its random generators.
        weights = {id(w) for w in self.model.weights}
        random_states = [v for v in self.model.variables if id(v) not in weights]
        named |= {f"random/{i:03d}": v for i, v in enumerate(random_states)}
        named |= {f"head/{i:03d}": v for i, v in enumerate(self.heads.variables)}
        critic_variables = self.adversary.variables if self.adversary is not None else []
        named |= {f"critic/{i:03d}": v for i, v in enumerate(critic_variables)}
        return named | {f"optimizer/{i:03d}": v for i, v in enumerate(self.optimizer.variables)}

    def start_from(self, weights: Weights) -> None:
        """Set the weights and their averages to those of a trained network.

        Raises:
            WeightsError: If they are of another network.
        """
        names = list_weight_names(self.model)
        shapes = {name: tuple(w.shape) for name, w in zip(names, self.model.weights, strict=True)}
        check_weights(weights, self.config.architecture, self.config.base_filters, shapes)
        self.model.set_weights([weights.arrays[name] for name in names])
        for ema_weight, weight in zip(self.ema_weights, self.model.weights, strict=bool(self.ema_weights)):
            ema_weight.assign(weight.value)

    def restore(self, arrays: Arrays) -> None:
        """Restore what :meth:`collect_state` returned.

        Raises:
            TrainingError: If the arrays belong to another network or optimiser.
        """
        for name, variable in self._name_variables().items():
            array = arrays.get(name)
            if array is None or tuple(array.shape) != tuple(variable.shape):
                raise TrainingError(
                    f"The checkpoint belongs to another network: {name} must have shape {tuple(variable.shape)}. "
                    f"Received: {None if array is None else array.shape}"
                )
            variable.assign(array)


@contextmanager
def translate_memory_errors() -> Iterator[None]:
    """Raise a :class:`MemoryError` for the errors by which TensorFlow says that memory ran out."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(str(error)) from None
    except Exception as error:
        # An error while a graph is traced arrives as an AutoGraph error with the real one in its text.
        if "MemoryError" not in str(error) and "bad_alloc" not in str(error):
            raise
        raise MemoryError(str(error)) from None


def _compile(function: Callable[..., Any], *signature: Any) -> Any:
    # No branch or loop depends on a tensor, so AutoGraph need not rewrite the code, which delays the first step.
    return tf.function(function, input_signature=signature, autograph=False)


def list_weight_names(model: keras.Model) -> list[str]:
    """Return a name for every weight of a model: position, layer and role, such as ``004.conv2d_1.kernel``."""
    return [f"{i:03d}.{w.path.replace('/', '.')}" for i, w in enumerate(model.weights)]


def compute_learning_rate(config: TrainingConfig, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of training step ``step`` (from 0), with ``steps_per_epoch`` steps per epoch."""
    if config.schedule == "constant":
        return config.learning_rate
    warmup_steps, total_steps = config.warmup_epochs * steps_per_epoch, config.epochs * steps_per_epoch
    if step < warmup_steps:
        return config.learning_rate * (step + 1) / warmup_steps
    return (
        config.learning_rate
        * 0.5
        * (1.0 + math.cos(math.pi * (step - warmup_steps) / max(1, total_steps - warmup_steps)))
    )
