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
from wbcseg.training.cost.records import CostRecord, load_reference_records
from wbcseg.training.precision import resolve_precision

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


def find_nearest_source(
    config: TrainingConfig, sources: Sequence[CostSource], *, require_memory: bool = False
) -> CostSource:
    """Return what was measured nearest to a training.

    The same settings come first, then this machine before another one, then a small distance in width, canvas and batch
    size; of equals, earlier runs before timed steps, and the last before the first.

    Args:
        config: The training.
        sources: What was measured, of which at least one is of the same network.
        require_memory: Whether the memory must have been measured.
    """
    candidates = [
        k
        for k in sources
        if k.record.architecture == config.architecture and (k.record.peak_bytes or not require_memory)
    ]

    def sort_key(k: CostSource) -> tuple[bool, bool, float, bool]:
        is_other_machine = k.basis == "reference"
        return (
            not (k.matches(config) and not is_other_machine),
            is_other_machine,
            _compute_distance(config, k.record),
            k.basis != "runs",
        )

    return min(reversed(candidates), key=sort_key)


def estimate_train_seconds_per_image(config: TrainingConfig, source: CostSource) -> float:
    """Return the seconds that a picture takes in training."""
    return _scale_seconds(config, source, lambda r: r.train_seconds_per_image)


def estimate_test_seconds_per_image(config: TrainingConfig, source: CostSource) -> float:
    """Return the seconds that a picture takes in a test."""
    return _scale_seconds(config, source, lambda r: r.test_seconds_per_image)


def estimate_start_seconds(config: TrainingConfig, source: CostSource) -> float:
    """Return the seconds from the start of the process until the first step is prepared."""
    record = (
        source.record if source.record.start_seconds else find_nearest_source(config, load_reference_sources()).record
    )
    return record.start_seconds + record.trace_seconds


def estimate_finish_seconds(config: TrainingConfig) -> float:
    """Return the seconds that the last checkpoint and the export take."""
    return _interpolate_reference(config, lambda r: r.finish_seconds)


def estimate_memory(config: TrainingConfig, source: CostSource, image_count: int) -> int:
    """Return the most bytes that the training's process will hold.

    Args:
        config: The training.
        source: A measured one of the same network, whose memory is known.
        image_count: How many pictures it holds.
    """
    record = source.record
    base = record.base_bytes or find_nearest_source(config, load_reference_sources()).record.base_bytes
    ratio = (record.peak_bytes - base) / _estimate_held_bytes(record, source.image_count)
    if not source.matches(config):
        # A network that held less than the model says need not do so at other settings.
        ratio = max(1.0, min(2.0, ratio))
    network_bytes = _FLOAT_BYTES * get_spec(config.architecture).count_parameters(config.base_filters)
    activation_bytes = _FLOAT_BYTES * _count_activations(config)
    held_bytes = _estimate_held_bytes(config, image_count)
    export_bytes = held_bytes - activation_bytes + EXPORT_WEIGHT_COPIES * network_bytes
    return round(base + max(ratio * held_bytes, export_bytes) + EXPORT_BYTES)


def load_reference_sources() -> list[CostSource]:
    """Return the records that come with the program."""
    return [CostSource(record, "reference", record.batch_size) for record in load_reference_records()]


def _estimate_held_bytes(settings: TrainingConfig | CostRecord, image_count: int) -> float:
    """Return the modelled bytes that training and testing hold beyond the libraries."""
    copies = 3 + settings.uses_ema + WORKING_WEIGHT_COPIES
    weight_count = get_spec(settings.architecture).count_parameters(settings.base_filters) * copies
    return (
        GRAPH_BYTES
        + _FLOAT_BYTES * (weight_count + _count_activations(settings))
        + DATA_BYTES_PER_PIXEL * image_count * settings.input_size**2
    )


def _count_activations(settings: TrainingConfig | CostRecord) -> int:
    """Return the numbers that all layers put out for a batch."""
    return (
        get_spec(settings.architecture).count_activations(settings.base_filters, settings.input_size)
        * settings.batch_size
    )


def _interpolate_reference(config: TrainingConfig, get_value: Callable[[CostRecord], float]) -> float:
    """Return a value of the reference machine's records, along the number of parameters."""
    records = _list_reference_records(config.architecture)
    parameters = get_spec(config.architecture).count_parameters(config.base_filters)
    return float(np.interp(parameters, [r.parameters for r in records], [get_value(r) for r in records]))


def _scale_seconds(config: TrainingConfig, source: CostSource, get_seconds: Callable[[CostRecord], float]) -> float:
    records = _list_reference_records(config.architecture)
    spec, record = get_spec(config.architecture), source.record

    def get_reference_seconds(base_filters: int) -> float:
        """Return the reference machine's seconds at a width: between its records along a power of the width."""
        log_seconds = np.interp(
            math.log(base_filters),
            [math.log(r.base_filters) for r in records],
            [math.log(get_seconds(r)) for r in records],
        )
        # Beyond the widest record, arithmetic is all that counts.
        max_multiply_adds = spec.count_multiply_adds(records[-1].base_filters, record.input_size)
        return math.exp(float(log_seconds)) * max(
            1.0, spec.count_multiply_adds(base_filters, record.input_size) / max_multiply_adds
        )

    pixel_ratio = (config.input_size / record.input_size) ** 2
    return (
        get_seconds(record)
        * pixel_ratio
        * get_reference_seconds(config.base_filters)
        / get_reference_seconds(record.base_filters)
    )


def _list_reference_records(architecture: str) -> list[CostRecord]:
    """Return the reference machine's records of a network, by width."""
    return sorted((r for r in load_reference_records() if r.architecture == architecture), key=lambda r: r.base_filters)


def _compute_distance(config: TrainingConfig, record: CostRecord) -> float:
    log_ratios = [
        abs(math.log(a / b)) for a, b in zip(_get_settings_key(config)[1:], _get_settings_key(record)[1:], strict=False)
    ]
    mismatches = (config.optimizer != record.optimizer) + (config.uses_ema != record.uses_ema)
    return (
        2 * log_ratios[0]
        + log_ratios[1]
        + log_ratios[2] / 2
        + 0.05 * mismatches
        + _PRECISION_PENALTY * (record.precision != resolve_precision(config))
    )


def _get_settings_key(settings: TrainingConfig | CostRecord) -> tuple[str, int, int, int]:
    return settings.architecture, settings.base_filters, settings.input_size, settings.batch_size
