"""Scale the measured cost of one training to another one.

Time grows with the number of images, their pixels, and with the network's size as on the reference machine: small
networks are limited by memory bandwidth and large ones by arithmetic, so time grows more slowly than multiply-adds.

A critic (:mod:`wbcseg.training.auxiliary`) adds as much time as its multiply-adds have in those of a step.

Memory is a model of what a process holds: libraries and traced operations, all copies of the weights, the outputs of
every layer for one batch, and the prepared data. The ratio of measured to modelled memory corrects it.

A network without reference records takes those of the network that is most similar in multiply-adds and parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from wbcseg.models import get_spec
from wbcseg.training.auxiliary.critic_cost import (
    PASSES_PER_STEP,
    count_critic_activations,
    count_critic_multiply_adds,
    count_critic_parameters,
)
from wbcseg.training.config import TrainingConfig
from wbcseg.training.cost.records import CostRecord, load_reference_records
from wbcseg.training.precision import resolve_precision

Basis = Literal["runs", "timed", "reference"]

# Measured with the thesis' networks, 4, 16 and 64 base filters and batches of 2 to 32 (TensorFlow 2.21, float32).
GRAPH_BYTES: Final = 190e6
"""Bytes that TensorFlow holds for the traced operations, whatever the size of the network."""

WORKING_WEIGHT_COPIES: Final = 2.2
"""Copies of the weights in addition to the lasting ones (weights, two moments, EMA): gradients, and other layouts."""

EXPORT_WEIGHT_COPIES: Final = 10
"""Further copies of the weights during export. They replace the outputs of the layers."""

EXPORT_BYTES: Final = 60e6
"""Further bytes during export."""

DATA_BYTES_PER_PIXEL: Final = 10
"""Bytes per pixel of the data set during preparation: image, labels and mask of unlabelled pixels, twice."""

_FLOAT_BYTES: Final = 4
_NETWORK_PASSES: Final = 3
"""Forward passes whose work a training step of a network has: one, and a backward pass of twice the work."""

_CRITIC_BATCHES: Final = 3
"""Batches whose maps the critic holds in a step: to train the network, experts' masks, the network's masks."""

_PRECISION_PENALTY: Final = 3.0


@dataclass(frozen=True)
class CostSource:
    """A measured training.

    Attributes:
        record: Its cost. ``start_seconds``, ``base_bytes`` and ``peak_bytes`` are 0 if they are not known.
        basis: Where the record comes from.
        image_count: Number of images that its process held.
    """

    record: CostRecord
    basis: Basis
    image_count: int

    def matches(self, config: TrainingConfig) -> bool:
        """Return whether network, base filters, input size, batch size, critic and precision are the same."""
        same_settings = _get_settings_key(self.record) == _get_settings_key(config)
        return same_settings and self.record.precision == resolve_precision(config)


def find_nearest_source(
    config: TrainingConfig, sources: Sequence[CostSource], *, require_memory: bool = False
) -> CostSource:
    """Return the measurement that is most similar to a training.

    The same network comes first; then the same settings; then this machine before another one; then a small distance in
    size, input and batch size; of equals, earlier runs before timed steps, and the newest.

    Args:
        config: The training.
        sources: The measurements, at least one.
        require_memory: Whether the memory must have been measured.
    """
    candidates = [source for source in sources if source.record.peak_bytes or not require_memory]

    def sort_key(source: CostSource) -> tuple[bool, bool, bool, float, bool]:
        is_other_machine = source.basis == "reference"
        return (
            source.record.architecture != config.architecture,
            is_other_machine or not source.matches(config),
            is_other_machine,
            _compute_distance(config, source.record),
            source.basis != "runs",
        )

    return min(reversed(candidates), key=sort_key)


def estimate_train_seconds_per_image(config: TrainingConfig, source: CostSource) -> float:
    """Return the seconds per image of a training step."""
    seconds = _scale_seconds(config, source, lambda record: record.train_seconds_per_image)
    return seconds * _get_critic_factor(config) / _get_critic_factor(source.record)


def estimate_test_seconds_per_image(config: TrainingConfig, source: CostSource) -> float:
    """Return the seconds per image of a validation step."""
    return _scale_seconds(config, source, lambda record: record.test_seconds_per_image)


def estimate_start_seconds(config: TrainingConfig, source: CostSource) -> float:
    """Return the seconds from the start of the process until the first step is compiled."""
    record = (
        source.record if source.record.start_seconds else find_nearest_source(config, load_reference_sources()).record
    )
    return record.start_seconds + record.trace_seconds


def estimate_finish_seconds(config: TrainingConfig) -> float:
    """Return the seconds of the last checkpoint and the export: those of the reference machine, by parameters."""
    records = _list_reference_records(_find_reference_network(config.architecture, config.base_filters))
    parameters = get_spec(config.architecture).count_parameters(config.base_filters)
    return float(np.interp(parameters, [r.parameters for r in records], [r.finish_seconds for r in records]))


def estimate_memory(config: TrainingConfig, source: CostSource, image_count: int) -> int:
    """Return the peak memory of the training's process in bytes.

    Args:
        config: The training.
        source: A measurement with known memory.
        image_count: Number of images that the process holds.
    """
    record = source.record
    base = record.base_bytes or find_nearest_source(config, load_reference_sources()).record.base_bytes
    ratio = (record.peak_bytes - base) / _estimate_held_bytes(record, source.image_count)
    if not source.matches(config):
        # A training that held less than modelled may not do so with other settings.
        ratio = max(1.0, min(2.0, ratio))
    network_bytes = _FLOAT_BYTES * get_spec(config.architecture).count_parameters(config.base_filters)
    activation_bytes = _FLOAT_BYTES * _count_activations(config)
    held_bytes = _estimate_held_bytes(config, image_count)
    export_bytes = held_bytes - activation_bytes + EXPORT_WEIGHT_COPIES * network_bytes
    return round(base + max(ratio * held_bytes, export_bytes) + EXPORT_BYTES)


def load_reference_sources() -> list[CostSource]:
    """Return the records that come with the package."""
    return [CostSource(record, "reference", record.batch_size) for record in load_reference_records()]


def _estimate_held_bytes(settings: TrainingConfig | CostRecord, image_count: int) -> float:
    """Return the modelled bytes of training and validation in addition to the libraries."""
    copies = 3 + settings.uses_ema + WORKING_WEIGHT_COPIES
    parameters = get_spec(settings.architecture).count_parameters(settings.base_filters)
    weight_count = (parameters + settings.uses_critic * count_critic_parameters()) * copies
    return (
        GRAPH_BYTES
        + _FLOAT_BYTES * (weight_count + _count_activations(settings))
        + DATA_BYTES_PER_PIXEL * image_count * settings.input_size**2
    )


def _count_activations(settings: TrainingConfig | CostRecord) -> int:
    """Return the number of values in all layers' outputs for a batch."""
    spec = get_spec(settings.architecture)
    count = spec.count_activations(settings.base_filters, settings.input_size)
    if settings.uses_critic:
        count += _CRITIC_BATCHES * count_critic_activations(settings.input_size)
    return count * settings.batch_size


def _get_critic_factor(settings: TrainingConfig | CostRecord) -> float:
    """Return by how much a critic multiplies the work of a training step."""
    if not settings.uses_critic:
        return 1.0
    work = get_spec(settings.architecture).count_multiply_adds(settings.base_filters, settings.input_size)
    critic_work = PASSES_PER_STEP * count_critic_multiply_adds(settings.input_size)
    return 1.0 + critic_work / (_NETWORK_PASSES * work)


def _scale_seconds(config: TrainingConfig, source: CostSource, get_seconds: Callable[[CostRecord], float]) -> float:
    record = source.record
    network = _find_reference_network(config.architecture, config.base_filters)
    reference = _list_reference_records(network)
    work = [_count_multiply_adds_per_pixel(r.architecture, r.base_filters) for r in reference]
    seconds = [get_seconds(r) / r.input_size**2 for r in reference]

    def get_reference_seconds(multiply_adds: float) -> float:
        """Return the reference machine's seconds per pixel, interpolated along a power of the multiply-adds."""
        log_seconds = np.interp(math.log(multiply_adds), np.log(work), np.log(seconds))
        # Beyond the largest record, only arithmetic counts.
        return math.exp(float(log_seconds)) * max(1.0, multiply_adds / work[-1])

    return (
        get_seconds(record)
        * (config.input_size / record.input_size) ** 2
        * get_reference_seconds(_count_multiply_adds_per_pixel(config.architecture, config.base_filters))
        / get_reference_seconds(_count_multiply_adds_per_pixel(record.architecture, record.base_filters))
    )


def _find_reference_network(architecture: str, base_filters: int) -> str:
    """Return the network whose reference records to use: its own, or else those of the most similar network."""
    records = load_reference_records()
    if any(record.architecture == architecture for record in records):
        return architecture
    return min(records, key=lambda r: _compare_networks(architecture, base_filters, r)).architecture


def _list_reference_records(architecture: str) -> list[CostRecord]:
    """Return the reference machine's records of a network, by base filters."""
    return sorted((r for r in load_reference_records() if r.architecture == architecture), key=lambda r: r.base_filters)


def _count_multiply_adds_per_pixel(architecture: str, base_filters: int) -> float:
    spec = get_spec(architecture)
    return spec.count_multiply_adds(base_filters, spec.size_multiple) / spec.size_multiple**2


def _compare_networks(architecture: str, base_filters: int, record: CostRecord) -> float:
    """Return how different a network is from that of a record: log ratios of multiply-adds and parameters."""
    work = _count_multiply_adds_per_pixel(architecture, base_filters)
    parameters = get_spec(architecture).count_parameters(base_filters)
    record_work = _count_multiply_adds_per_pixel(record.architecture, record.base_filters)
    return abs(math.log(work / record_work)) + abs(math.log(parameters / record.parameters)) / 2


def _compute_distance(config: TrainingConfig, record: CostRecord) -> float:
    if config.architecture == record.architecture:
        # Multiply-adds grow with the square of the base filters.
        network_distance = 2 * abs(math.log(config.base_filters / record.base_filters))
    else:
        network_distance = _compare_networks(config.architecture, config.base_filters, record)
    mismatches = (
        (config.optimizer != record.optimizer)
        + (config.uses_ema != record.uses_ema)
        + (config.uses_critic != record.uses_critic)
    )
    return (
        network_distance
        + abs(math.log(config.input_size / record.input_size))
        + abs(math.log(config.batch_size / record.batch_size)) / 2
        + 0.05 * mismatches
        + _PRECISION_PENALTY * (record.precision != resolve_precision(config))
    )


def _get_settings_key(settings: TrainingConfig | CostRecord) -> tuple[str, int, int, int, bool]:
    size = settings.architecture, settings.base_filters, settings.input_size, settings.batch_size
    return *size, settings.uses_critic
