"""Model folders for tests, without training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from wbcseg.io.atomic import write_json
from wbcseg.paths import get_weights_folder

SHIPPED = ("unet-16", "unet-general", "segnet-general", "deconvnet-general")
FIRST_CHOICE = "unet-general"
"""The default model for images of unknown origin."""


def copy_of_shipped(folder: Path, name: str = "unet-16", *, called: str | None = None, **card_changes: Any) -> Path:
    """Copy a shipped model, under another name if one is given and with changes to its card; return its folder."""
    target = folder / (called or name)
    shutil.copytree(get_weights_folder() / name, target)
    if card_changes:
        card = json.loads((target / "card.json").read_text(encoding="utf-8"))
        write_json(target / "card.json", {**card, **card_changes})
    return target
