"""Settings of a training of the type model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from wbcseg.errors import ConfigError
from wbcseg.training.steps.schedule import Precision

NETWORK_KINDS: Final = ("efficientnet", "encoder", "head", "residual")
NetworkKind = Literal["efficientnet", "encoder", "head", "residual"]


@dataclass(frozen=True)
class TypeOptions:
    """Settings of a training.

    Attributes:
        steps: Training steps in total; the learning rate falls until then.
        batch_size: Cells per step.
        learning_rate: Highest learning rate.
        weight_decay: Weight decay of AdamW.
        warmup_steps: Steps in which the learning rate rises.
        ema_decay: Decay of the running averages of weights that are exported.
        seed: Seed of the weights and of the batches.
        precision: ``float32`` or ``bfloat16``.
        network: ``efficientnet`` goes on from EfficientNet-Lite0 as it learned from ImageNet, whose first layers stay
            as they are; ``encoder`` goes on from the encoder of a segmentation network, whose first two stages stay as
            they are; ``head`` leaves the whole encoder as it is and learns what follows it; ``residual`` starts from
            nothing.
        filters: Filters of the residual network at strides 2, 4, 8 and 16.
        blocks: Its residual blocks at these strides.
        sources: Data sets whose training parts are learned from.
        severity: How much stain, light and focus vary, from 0 to 1.

    Raises:
        ConfigError: If a value is out of range.
    """

    steps: int = 8000
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 2e-2
    warmup_steps: int = 200
    ema_decay: float = 0.998
    seed: int = 1
    precision: Precision = "float32"
    network: NetworkKind = "encoder"
    filters: tuple[int, int, int, int] = (32, 48, 96, 160)
    blocks: tuple[int, int, int, int] = (1, 2, 2, 2)
    sources: tuple[str, ...] = ("pbc", "chula-rbc-12", "zheng-1", "zheng-2")
    severity: float = 1.0

    def __post_init__(self) -> None:
        for name in ("filters", "blocks", "sources"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, is_valid, expected in (
            ("steps", self.steps >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("learning_rate", 0 < self.learning_rate <= 1, "more than 0 and at most 1"),
            ("network", self.network in NETWORK_KINDS, f"one of {', '.join(NETWORK_KINDS)}"),
            ("filters", len(self.filters) == 4 and min(self.filters) >= 1, "four numbers of at least 1"),
            ("blocks", len(self.blocks) == 4 and min(self.blocks) >= 0, "four numbers of at least 0"),
            ("sources", bool(self.sources), "at least one data set"),
            ("severity", 0 <= self.severity <= 1, "from 0 to 1"),
        ):
            if not is_valid:
                raise ConfigError(f"Setting {name} must be {expected}. Received: {getattr(self, name)}")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)
