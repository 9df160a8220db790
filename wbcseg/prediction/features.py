"""What the stages of a network see of a picture: their feature maps."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from wbcseg.architectures.structure import StageView, stages
from wbcseg.cards import ModelCard
from wbcseg.errors import ModelError
from wbcseg.prediction.features_worker import REFUSED
from wbcseg.preparation.canvas import image_on_canvas

ROOT: Final = Path(__file__).parents[2]

PATIENCE: Final = 60
"""Seconds that the process may take."""


@dataclass(frozen=True, eq=False)
class StageMaps:
    """What one stage sees.

    Attributes:
        stage: The stage.
        maps: ``float32[S, S, C]``, the output of its last layer.
    """

    stage: StageView
    maps: NDArray[np.float32] = field(repr=False)

    def strongest(self, count: int) -> NDArray[np.float32]:
        """Return the maps that vary most over the picture, ``float32[count, S, S]``, the strongest first."""
        order = np.argsort(-self.maps.reshape(-1, self.maps.shape[-1]).std(axis=0), kind="stable")[:count]
        return np.ascontiguousarray(np.moveaxis(self.maps[..., order], -1, 0))


def feature_maps(folder: Path, card: ModelCard, image: NDArray[np.uint8]) -> list[StageMaps]:
    """Return what every stage of a model sees of a crop, computed in a short process of its own.

    Args:
        folder: The model's folder.
        card: Its card.
        image: ``uint8[H, W, 3]``, laid on the square that the model was trained on.

    Raises:
        ModelError: If its files cannot be used, do not have the stages of its network, or memory does not suffice.
    """
    canvas, _ = image_on_canvas(image, card.canvas)
    command = [sys.executable, "-m", "wbcseg.prediction.features_worker", str(folder.resolve())]
    try:
        done = subprocess.run(
            command, input=save({"picture": canvas}), cwd=ROOT, capture_output=True, check=False, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"Model {folder.name} could not be looked into: {error}") from None
    if done.returncode == REFUSED:
        raise ModelError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    if done.returncode:
        raise ModelError(
            f"Model {folder.name} could not be looked into: the process ended early, perhaps for lack of memory. "
            "Try again when less is running."
        )
    maps = [one for _, one in sorted(load(done.stdout).items())]
    known = stages(card.architecture, width=card.width, side=card.canvas)
    return [StageMaps(stage, one) for stage, one in zip(known, maps, strict=True)]
