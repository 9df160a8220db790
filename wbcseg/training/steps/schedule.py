"""Settings that every training by steps has, and its learning rate."""

from __future__ import annotations

import math
from typing import Literal, Protocol

Precision = Literal["float32", "bfloat16"]


class StepOptions(Protocol):
    """Settings of a training by steps."""

    @property
    def steps(self) -> int:
        """Training steps in total."""

    @property
    def learning_rate(self) -> float:
        """Highest learning rate."""

    @property
    def warmup_steps(self) -> int:
        """Steps in which the learning rate rises."""

    @property
    def weight_decay(self) -> float:
        """Weight decay of AdamW."""

    @property
    def ema_decay(self) -> float:
        """Decay of the running averages of weights."""

    @property
    def seed(self) -> int:
        """Seed of the weights and of the batches."""

    @property
    def precision(self) -> Precision:
        """Number format of the activations."""


def compute_learning_rate(options: StepOptions, step: int) -> float:
    """Return the learning rate of a step, from 0: a linear rise, then a cosine down to a hundredth."""
    warmup_steps = min(options.warmup_steps, options.steps // 2)
    if step < warmup_steps:
        return options.learning_rate * (step + 1) / warmup_steps
    progress = min(1.0, (step - warmup_steps) / max(1, options.steps - warmup_steps))
    return options.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * progress)))
