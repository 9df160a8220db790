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

from wbcseg.models import get_spec
from wbcseg.training.config import TrainingConfig
from wbcseg.training.cost.records import CostRecord, load_reference_records, resolve_precision

Basis = Literal["runs", "timed", "reference"]

# Measured with the three networks at widths 4, 16 and 64 and batches of 2 to 32 (TensorFlow 2.21, float32).
GRAPH_BYTES: Final = 190e6
"""Bytes that TensorFlow holds for the traced operations, whatever the size of the network."""

WORKING_WEIGHT_COPIES: Final = 2.2
"""Copies of the weights beside those that last (weights, two moments, average): gradients, and other orders of them."""

EXPORT_WEIGHT_COPIES: Final = 10
"""Further copies of the weights while the model's file is made. They take the place of what the layers put out."""

EXPORT_BYTES: Final = 60e6
"""Bytes that making the model's file takes beside them."""

DATA_BYTES_PER_PIXEL: Final = 10
"""Bytes of a pixel of the data set while it is prepared: picture, classes and mask of what to leave out, twice."""

_FLOAT_BYTES: Final = 4
_PRECISION_PENALTY: Final = 3.0


@dataclass(frozen=True)
class CostSource:
    """A measured training.

    Attributes:
        record: What it cost. ``start_seconds``, ``base_bytes`` and ``peak_bytes`` are 0 where they are not known.
        basis: Where it comes from.
        image_count: How many pictures its process held.
    """

    record: CostRecord
    basis: Basis
    image_count: int

    def matches(self, config: TrainingConfig) -> bool:
        """Return whether the same network, width, canvas, batch size and precision were measured."""
        return _get_settings_key(self.record) == _get_settings_key(
            config
        ) and self.record.precision == resolve_precision(config)


def find_nearest_source(config: TrainingConfig, known: Sequence[CostSource], *, memory: bool = False) -> CostSource:
    """Return what was measured nearest to a training.

    The same settings come first, then this machine before another one, then a small distance in width, canvas and batch
    size; of equals, earlier runs before timed steps, and the last before the first.

    Args:
        config: The training.
        known: What was measured, of which at least one is of the same network.
        memory: Whether the memory must have been measured.
    """
    here = [k for k in known if k.record.architecture == config.architecture and (k.record.peak_bytes or not memory)]

    def order(k: CostSource) -> tuple[bool, bool, float, bool]:
        foreign = k.basis == "reference"
        return not (k.matches(config) and not foreign), foreign, _compute_distance(config, k.record), k.basis != "runs"

    return min(reversed(here), key=order)


def estimate_train_seconds_per_image(config: TrainingConfig, known: CostSource) -> float:
    """Return the seconds that a picture takes in training."""
    return _scale_seconds(config, known, lambda r: r.train_seconds_per_image)


def estimate_test_seconds_per_image(config: TrainingConfig, known: CostSource) -> float:
    """Return the seconds that a picture takes in a test."""
    return _scale_seconds(config, known, lambda r: r.test_seconds_per_image)


def estimate_start_seconds(config: TrainingConfig, known: CostSource) -> float:
    """Return the seconds from the start of the process until the first step is prepared."""
    record = (
        known.record if known.record.start_seconds else find_nearest_source(config, load_reference_sources()).record
    )
    return record.start_seconds + record.trace_seconds


def estimate_finish_seconds(config: TrainingConfig) -> float:
    """Return the seconds that the last checkpoint and the export take."""
    return _interpolate_reference(config, lambda r: r.finish_seconds)


def estimate_memory(config: TrainingConfig, known: CostSource, pictures: int) -> int:
    """Return the most bytes that the training's process will hold.

    Args:
        config: The training.
        known: A measured one of the same network, whose memory is known.
        pictures: How many pictures it holds.
    """
    record = known.record
    base = record.base_bytes or find_nearest_source(config, load_reference_sources()).record.base_bytes
    ratio = (record.peak_bytes - base) / _estimate_held_bytes(record, known.image_count)
    if not known.matches(config):
        # A network that held less than the model says need not do so at other settings.
        ratio = max(1.0, min(2.0, ratio))
    network_bytes = _FLOAT_BYTES * get_spec(config.architecture).count_parameters(config.base_filters)
    outputs = _FLOAT_BYTES * _count_activations(config)
    held = _estimate_held_bytes(config, pictures)
    exporting = held - outputs + EXPORT_WEIGHT_COPIES * network_bytes
    return round(base + max(ratio * held, exporting) + EXPORT_BYTES)


def load_reference_sources() -> list[CostSource]:
    """Return the records that come with the program."""
    return [CostSource(record, "reference", record.batch_size) for record in load_reference_records()]


def _estimate_held_bytes(of: TrainingConfig | CostRecord, pictures: int) -> float:
    """Return the modelled bytes that training and testing hold beyond the libraries."""
    copies = 3 + of.uses_ema + WORKING_WEIGHT_COPIES
    weights = get_spec(of.architecture).count_parameters(of.base_filters) * copies
    return (
        GRAPH_BYTES + _FLOAT_BYTES * (weights + _count_activations(of)) + DATA_BYTES_PER_PIXEL * pictures * of.input_size**2
    )


def _count_activations(of: TrainingConfig | CostRecord) -> int:
    """Return the numbers that all layers put out for a batch."""
    return get_spec(of.architecture).count_activations(of.base_filters, of.input_size) * of.batch_size


def _interpolate_reference(config: TrainingConfig, value: Callable[[CostRecord], float]) -> float:
    """Return a value of the reference machine's records, along the number of parameters."""
    records = _list_reference_records(config.architecture)
    parameters = get_spec(config.architecture).count_parameters(config.base_filters)
    return float(np.interp(parameters, [r.parameters for r in records], [value(r) for r in records]))


def _scale_seconds(config: TrainingConfig, known: CostSource, seconds: Callable[[CostRecord], float]) -> float:
    records = _list_reference_records(config.architecture)
    network, record = get_spec(config.architecture), known.record

    def on_reference(width: int) -> float:
        """Return the reference machine's seconds at a width: between its records along a power of the width."""
        logs = np.interp(math.log(width), [math.log(r.base_filters) for r in records], [math.log(seconds(r)) for r in records])
        # Beyond the widest record, arithmetic is all that counts.
        most = network.count_multiply_adds(records[-1].base_filters, record.input_size)
        return math.exp(float(logs)) * max(1.0, network.count_multiply_adds(width, record.input_size) / most)

    pixels = (config.input_size / record.input_size) ** 2
    return seconds(record) * pixels * on_reference(config.base_filters) / on_reference(record.base_filters)


def _list_reference_records(architecture: str) -> list[CostRecord]:
    """Return the reference machine's records of a network, by width."""
    return sorted((r for r in load_reference_records() if r.architecture == architecture), key=lambda r: r.base_filters)


def _compute_distance(config: TrainingConfig, record: CostRecord) -> float:
    apart = [
        abs(math.log(a / b)) for a, b in zip(_get_settings_key(config)[1:], _get_settings_key(record)[1:], strict=False)
    ]
    other = (config.optimizer != record.optimizer) + ((config.ema_decay > 0) != record.uses_ema)
    return (
        2 * apart[0]
        + apart[1]
        + apart[2] / 2
        + 0.05 * other
        + _PRECISION_PENALTY * (record.precision != resolve_precision(config))
    )


def _get_settings_key(of: TrainingConfig | CostRecord) -> tuple[str, int, int, int]:
    return of.architecture, of.base_filters, of.input_size, of.batch_size
