"""Settings of a training of one of the two networks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from wbcseg.errors import ConfigError

NetworkName = Literal["detector", "verifier"]

NETWORKS: Final[tuple[NetworkName, ...]] = ("detector", "verifier")
"""In the order in which they are trained: the verifier learns from the detector network's candidates."""

CROP_SIDES: Final = (64, 96)
"""Sides of the verifier's crops in pixels."""


@dataclass(frozen=True)
class TrainingOptions:
    """Settings of a training.

    Attributes:
        steps: Training steps in total; the learning rate falls until then.
        batch_size: Fields (detector network) or crops (verifier) per step.
        learning_rate: Highest learning rate.
        weight_decay: Weight decay of AdamW.
        warmup_steps: Steps in which the learning rate rises.
        ema_decay: Decay of the running averages of weights that are exported.
        seed: Seed of the weights and of the composed fields.
        precision: ``float32`` or ``bfloat16``.
        crop_side: Side of the verifier's crops in pixels.

    Raises:
        ConfigError: If a value is out of range.
    """

    steps: int = 6000
    batch_size: int = 24
    learning_rate: float = 2e-3
    weight_decay: float = 5e-4
    warmup_steps: int = 300
    ema_decay: float = 0.998
    seed: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    crop_side: int = 64

    def __post_init__(self) -> None:
        for name, is_valid, expected in (
            ("steps", self.steps >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("learning_rate", 0 < self.learning_rate <= 1, "more than 0 and at most 1"),
            ("crop_side", self.crop_side in CROP_SIDES, f"one of {', '.join(map(str, CROP_SIDES))}"),
        ):
            if not is_valid:
                raise ConfigError(f"Setting {name} must be {expected}. Received: {getattr(self, name)}")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)


DEFAULT_OPTIONS: Final[dict[NetworkName, TrainingOptions]] = {
    "detector": TrainingOptions(),
    "verifier": TrainingOptions(steps=16000, batch_size=96, weight_decay=1e-3, warmup_steps=200),
}
