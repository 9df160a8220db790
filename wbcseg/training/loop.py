"""The training loop. Imports TensorFlow: one training a process, see :mod:`wbcseg.training`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wbcseg import architectures
from wbcseg.architectures.layers import FusedBatchNormalization
from wbcseg.datasets import check_manifest
from wbcseg.errors import TrainingError
from wbcseg.training import checkpoint
from wbcseg.training.checkpoint import AVERAGE, WEIGHT, Arrays, Checkpoint
from wbcseg.training.config import TrainingConfig
from wbcseg.training.data import Batch, TrainingData, steps_per_epoch, training_batches
from wbcseg.training.environment import computes_in_bfloat16, environment
from wbcseg.training.objectives import loss_of, tallies
from wbcseg.training.run import Run

DICE = ("dice_cytoplasm", "dice_nucleus", "dice_cell")


@dataclass(frozen=True)
class Progress:
    """Where a training is.

    Attributes:
        epoch: Whole epochs done.
        epochs: Epochs in all.
        step: Batches done in the present epoch.
        steps: Batches an epoch.
        loss: Loss of the last batch.
        seconds_left: Estimate, or ``None`` before there is one.
        row: The metrics of the epoch, where one has just ended.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    seconds_left: float | None
    row: dict[str, float] | None = None


def train(
    run: Run,
    data: TrainingData,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Train a run from its last checkpoint, or from the beginning, to its end.

    Args:
        run: A run's folder with settings.
        data: What it learns from, made from the same settings.
        on_progress: Called after every batch and every epoch.
        should_stop: Asked after every batch; where it says yes, the present epoch is given up.

    Returns:
        Whether the training came to its end.

    Raises:
        ManifestError: If the data is not what the run began with.
        TrainingError: If the loss is not a number.
        RunError: If the folder cannot be used.
    """
    config = run.config()
    if (run.folder / "split.json").exists():
        stored = run.split()
        check_manifest(stored.dataset, stored.manifest, data.split.manifest)
    else:
        run.write("split.json", data.split.to_dict())
    trainer = Trainer(config, steps_per_epoch(len(data.train), config.batch_size))
    run.write("environment.json", environment(trainer.precision))

    saved = checkpoint.load(run.folder)
    history: list[dict[str, float]] = []
    if saved:
        trainer.restore(saved.arrays)
        history = list(saved.history)
    best = checkpoint.load_best(run.folder)
    best_score = best[1] if best else -math.inf

    for epoch in range(len(history), config.epochs):
        run.set_state("running", epoch=epoch, epochs=config.epochs)
        row = _train_epoch(trainer, data, epoch, history, on_progress, should_stop)
        if row is None:
            run.set_state("stopped", epoch=epoch, epochs=config.epochs, reason="asked to stop")
            return False
        history.append(row)
        checkpoint.save(run.folder, Checkpoint(trainer.arrays(), epoch + 1, history))
        score = float(np.nanmean([row["val_dice_cytoplasm"], row["val_dice_nucleus"]]))
        if score > best_score:
            best_score = score
            checkpoint.save_best(run.folder, checkpoint.exported(trainer.arrays()), score)
        run.write("metrics.json", {"epochs": history})
        left = _seconds_left(history, config.epochs)
        on_progress(Progress(epoch + 1, config.epochs, 0, trainer.steps, row["loss"], left, row))
    return True


def _train_epoch(
    trainer: Trainer,
    data: TrainingData,
    epoch: int,
    history: list[dict[str, float]],
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> dict[str, float] | None:
    """Train and test for one epoch; return its metrics, or ``None`` when asked to stop."""
    config, began = trainer.config, time.perf_counter()
    meter = Meter()
    left = _seconds_left(history, config.epochs)
    for step, (images, targets) in enumerate(training_batches(data.train, config, epoch)):
        loss, tally = trainer.step(images, targets, epoch * trainer.steps + step)
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} in epoch {epoch + 1}, batch {step + 1}. "
                f"The best weights so far are kept. Try a learning rate below {config.learning_rate:g}."
            )
        meter.add(len(images), loss, tally)
        on_progress(Progress(epoch, config.epochs, step + 1, trainer.steps, loss, left))
        if should_stop():
            return None
    trained = time.perf_counter() - began
    row = {"epoch": epoch + 1, **meter.means(), **trainer.test(data.test.batches(config.batch_size))}
    return {**row, "seconds": time.perf_counter() - began, "train_seconds": trained}


def _seconds_left(history: list[dict[str, float]], epochs: int) -> float | None:
    if not history:
        return None
    recent = [row["seconds"] for row in history[-5:]]
    return sum(recent) / len(recent) * (epochs - len(history))


class Meter:
    """Means over an epoch: loss and accuracy over pictures, Dice over the pictures that have the class."""

    def __init__(self) -> None:
        self.count = 0
        self.sums = {"loss": 0.0, "accuracy": 0.0, "binary_accuracy": 0.0}
        self.dice: list[NDArray[np.float32]] = []

    def add(self, count: int, loss: float, tally: dict[str, Any]) -> None:
        """Add a batch of ``count`` pictures."""
        self.count += count
        for name, value in (("loss", loss), *((n, float(tally[n])) for n in ("accuracy", "binary_accuracy"))):
            self.sums[name] += value * count
        self.dice.append(np.asarray(tally["dice"]))

    def means(self, prefix: str = "") -> dict[str, float]:
        """Return the means by name; a Dice that no picture defines is left out."""
        means = {prefix + name: total / self.count for name, total in self.sums.items()}
        for name, column in zip(DICE, np.concatenate(self.dice).T, strict=True):
            if not np.isnan(column).all():
                means[prefix + name] = float(np.nanmean(column))
        return means


class Trainer:
    """A network, its optimiser and the operations of a training.

    Args:
        config: The settings.
        steps: Batches an epoch.

    Attributes:
        model: The network.
        precision: ``float32`` or ``bfloat16``.
    """

    def __init__(self, config: TrainingConfig, steps: int) -> None:
        self.config = config
        self.steps = steps
        bfloat16 = config.precision == "bfloat16" or (config.precision == "auto" and computes_in_bfloat16())
        self.precision = "bfloat16" if bfloat16 else "float32"
        # Keras draws on Python's, NumPy's and TensorFlow's chance.
        keras.utils.set_random_seed(config.seed)
        keras.config.set_dtype_policy("mixed_bfloat16" if bfloat16 else "float32")
        self.model = architectures.build(
            config.architecture, width=config.width, dropout=config.dropout, bn_momentum=config.bn_momentum
        )
        if config.optimizer == "adamw":
            self.optimizer = keras.optimizers.AdamW(config.learning_rate, weight_decay=config.weight_decay)
            self.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        else:
            self.optimizer = keras.optimizers.Adam(config.learning_rate)
        self.optimizer.build(self.model.trainable_variables)
        if config.bn_debias:
            for layer in self.model.layers:
                if isinstance(layer, FusedBatchNormalization):
                    layer.debias(lambda: self.optimizer.iterations.value)
        self.average = [tf.Variable(v.value) for v in self.model.weights] if config.weight_average else []
        self._step = tf.function(self._build_step(), reduce_retracing=True)
        self._test = tf.function(self._build_test(), reduce_retracing=True)

    def _build_step(self) -> Callable[..., Any]:
        def step(images: Any, targets: Any) -> Any:
            with tf.GradientTape() as tape:
                probabilities = self.model(images, training=True)
                loss = loss_of(self.config.loss, targets, probabilities)
            gradients = tape.gradient(loss, self.model.trainable_variables)
            self.optimizer.apply(gradients, self.model.trainable_variables)
            if self.average:
                done = tf.cast(self.optimizer.iterations.value, tf.float32)
                kept = tf.minimum(self.config.weight_average, done / (9.0 + done))
                for average, weight in zip(self.average, self.model.weights, strict=True):
                    average.assign(average + (1.0 - kept) * (weight.value - average))
            return loss, tallies(targets, probabilities)

        return step

    def _build_test(self) -> Callable[..., Any]:
        def test(images: Any, targets: Any) -> Any:
            probabilities = self.model(images, training=False)
            return loss_of(self.config.loss, targets, probabilities), tallies(targets, probabilities)

        return test

    def step(
        self, images: NDArray[np.float32], targets: NDArray[np.float32], number: int
    ) -> tuple[float, dict[str, Any]]:
        """Do training step ``number`` (from 0); return the batch's loss and tallies."""
        self.optimizer.learning_rate.assign(learning_rate(self.config, number, self.steps))
        loss, tally = self._step(tf.constant(images), tf.constant(targets))
        return float(loss), tally

    def test(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Return ``val_…`` metrics of the weights that would be exported now."""
        trained = self.model.get_weights() if self.average else None
        if trained is not None:
            self.model.set_weights([average.numpy() for average in self.average])
        meter = Meter()
        for images, targets in batches:
            loss, tally = self._test(tf.constant(images), tf.constant(targets))
            meter.add(len(images), float(loss), tally)
        if trained is not None:
            self.model.set_weights(trained)
        return meter.means("val_")

    def arrays(self) -> Arrays:
        """Return everything that a resumed training needs."""
        return {name: np.asarray(variable) for name, variable in self._variables().items()}

    def _variables(self) -> dict[str, Any]:
        names = weight_names(self.model)
        named = {f"{WEIGHT}{name}": w for name, w in zip(names, self.model.weights, strict=True)}
        named |= {f"{AVERAGE}{name}": v for name, v in zip(names, self.average, strict=bool(self.average))}
        # Beyond the weights, a model has the states of its sources of chance.
        weights = {id(w) for w in self.model.weights}
        chance = [v for v in self.model.variables if id(v) not in weights]
        named |= {f"chance/{i:03d}": v for i, v in enumerate(chance)}
        return named | {f"optimizer/{i:03d}": v for i, v in enumerate(self.optimizer.variables)}

    def restore(self, arrays: Arrays) -> None:
        """Set everything that :meth:`arrays` returned.

        Raises:
            TrainingError: If the arrays are of another network or optimiser.
        """
        for name, variable in self._variables().items():
            array = arrays.get(name)
            if array is None or tuple(array.shape) != tuple(variable.shape):
                raise TrainingError(
                    f"The checkpoint is of another network: {name} must have shape {tuple(variable.shape)}. "
                    f"Received: {None if array is None else array.shape}"
                )
            variable.assign(array)


def weight_names(model: keras.Model) -> list[str]:
    """Return a name for every weight of a model: its place, layer and role, such as ``004.conv2d_1.kernel``."""
    return [f"{i:03d}.{w.path.replace('/', '.')}" for i, w in enumerate(model.weights)]


def learning_rate(config: TrainingConfig, step: int, steps: int) -> float:
    """Return the learning rate of training step ``step`` (from 0), with ``steps`` steps an epoch."""
    if config.schedule == "constant":
        return config.learning_rate
    warm, total = config.warmup_epochs * steps, config.epochs * steps
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    return config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
