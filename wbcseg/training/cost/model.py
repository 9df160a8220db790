"""From what was measured of one training to what another one costs.

Time grows with the pictures, their pixels, and with the width as the reference machine's grows with it: narrow networks
are held up by memory and wide ones by arithmetic, so it grows slower than the multiply-adds.

Memory is a model of what is held: the libraries and the traced operations; the weights in all their copies; what every
layer puts out for the pictures of one batch; and the prepared data. Measured over modelled is what corrects it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from wbcseg.models import describe
from wbcseg.training.config import TrainingConfig
from wbcseg.training.cost.records import Measurement, precision_of, reference

Basis = Literal["runs", "timed", "reference"]

# Measured with the three networks at widths 4, 16 and 64 and batches of 2 to 32 (TensorFlow 2.21, float32).
GRAPHS: Final = 190e6
"""Bytes that TensorFlow holds for the traced operations, whatever the size of the network."""

WORK_COPIES: Final = 2.2
"""Copies of the weights beside those that last (weights, two moments, average): gradients, and other orders of them."""

EXPORT_COPIES: Final = 10
"""Further copies of the weights while the model's file is made. They take the place of what the layers put out."""

EXPORT: Final = 60e6
"""Bytes that making the model's file takes beside them."""

DATA_BYTES: Final = 10
"""Bytes of a pixel of the data set while it is prepared: picture, classes and mask of what to leave out, twice."""

_FLOAT: Final = 4
_FAR: Final = 3.0


@dataclass(frozen=True)
class Known:
    """A measured training.

    Attributes:
        record: What it cost. ``start_seconds``, ``base_bytes`` and ``peak_bytes`` are 0 where they are not known.
        basis: Where it comes from.
        pictures: How many pictures its process held.
    """

    record: Measurement
    basis: Basis
    pictures: int

    def is_of(self, config: TrainingConfig) -> bool:
        """Return whether the same network, width, canvas, batch size and precision were measured."""
        return _settings(self.record) == _settings(config) and self.record.precision == precision_of(config)


def nearest(config: TrainingConfig, known: Sequence[Known], *, memory: bool = False) -> Known:
    """Return what was measured nearest to a training.

    The same settings come first, then this machine before another one, then a small distance in width, canvas and batch
    size; of equals, earlier runs before timed steps, and the last before the first.

    Args:
        config: The training.
        known: What was measured, of which at least one is of the same network.
        memory: Whether the memory must have been measured.
    """
    here = [k for k in known if k.record.architecture == config.architecture and (k.record.peak_bytes or not memory)]

    def order(k: Known) -> tuple[bool, bool, float, bool]:
        foreign = k.basis == "reference"
        return not (k.is_of(config) and not foreign), foreign, _distance(config, k.record), k.basis != "runs"

    return min(reversed(here), key=order)


def seconds_to_train(config: TrainingConfig, known: Known) -> float:
    """Return the seconds that a picture takes in training."""
    return _scaled(config, known, lambda r: r.train_seconds_per_picture)


def seconds_to_test(config: TrainingConfig, known: Known) -> float:
    """Return the seconds that a picture takes in a test."""
    return _scaled(config, known, lambda r: r.test_seconds_per_picture)


def start_seconds(config: TrainingConfig, known: Known) -> float:
    """Return the seconds from the start of the process until the first step is prepared."""
    record = known.record if known.record.start_seconds else nearest(config, from_reference()).record
    return record.start_seconds + record.trace_seconds


def finish_seconds(config: TrainingConfig) -> float:
    """Return the seconds that the last checkpoint and the export take."""
    return _between(config, lambda r: r.finish_seconds)


def memory_of(config: TrainingConfig, known: Known, pictures: int) -> int:
    """Return the most bytes that the training's process will hold.

    Args:
        config: The training.
        known: A measured one of the same network, whose memory is known.
        pictures: How many pictures it holds.
    """
    record = known.record
    base = record.base_bytes or nearest(config, from_reference()).record.base_bytes
    ratio = (record.peak_bytes - base) / _held(record, known.pictures)
    if not known.is_of(config):
        # A network that held less than the model says need not do so at other settings.
        ratio = max(1.0, min(2.0, ratio))
    network_bytes = _FLOAT * describe(config.architecture).parameters(config.width)
    outputs = _FLOAT * _outputs(config)
    held = _held(config, pictures)
    exporting = held - outputs + EXPORT_COPIES * network_bytes
    return round(base + max(ratio * held, exporting) + EXPORT)


def from_reference() -> list[Known]:
    """Return the records that come with the program."""
    return [Known(record, "reference", record.batch_size) for record in reference()]


def _held(of: TrainingConfig | Measurement, pictures: int) -> float:
    """Return the modelled bytes that training and testing hold beyond the libraries."""
    copies = 3 + bool(of.weight_average) + WORK_COPIES
    weights = describe(of.architecture).parameters(of.width) * copies
    return GRAPHS + _FLOAT * (weights + _outputs(of)) + DATA_BYTES * pictures * of.canvas**2


def _outputs(of: TrainingConfig | Measurement) -> int:
    """Return the numbers that all layers put out for a batch."""
    return describe(of.architecture).features(of.width, of.canvas) * of.batch_size


def _between(config: TrainingConfig, value: Callable[[Measurement], float]) -> float:
    """Return a value of the reference machine's records, along the number of parameters."""
    records = _curve(config.architecture)
    parameters = describe(config.architecture).parameters(config.width)
    return float(np.interp(parameters, [r.parameters for r in records], [value(r) for r in records]))


def _scaled(config: TrainingConfig, known: Known, seconds: Callable[[Measurement], float]) -> float:
    records = _curve(config.architecture)
    network, record = describe(config.architecture), known.record

    def on_reference(width: int) -> float:
        """Return the reference machine's seconds at a width: between its records along a power of the width."""
        logs = np.interp(math.log(width), [math.log(r.width) for r in records], [math.log(seconds(r)) for r in records])
        # Beyond the widest record, arithmetic is all that counts.
        most = network.multiply_adds(records[-1].width, record.canvas)
        return math.exp(float(logs)) * max(1.0, network.multiply_adds(width, record.canvas) / most)

    pixels = (config.canvas / record.canvas) ** 2
    return seconds(record) * pixels * on_reference(config.width) / on_reference(record.width)


def _curve(architecture: str) -> list[Measurement]:
    """Return the reference machine's records of a network, by width."""
    return sorted((r for r in reference() if r.architecture == architecture), key=lambda r: r.width)


def _distance(config: TrainingConfig, record: Measurement) -> float:
    apart = [abs(math.log(a / b)) for a, b in zip(_settings(config)[1:], _settings(record)[1:], strict=False)]
    other = (config.optimizer != record.optimizer) + ((config.weight_average > 0) != record.weight_average)
    return 2 * apart[0] + apart[1] + apart[2] / 2 + 0.05 * other + _FAR * (record.precision != precision_of(config))


def _settings(of: TrainingConfig | Measurement) -> tuple[str, int, int, int]:
    return of.architecture, of.width, of.canvas, of.batch_size
