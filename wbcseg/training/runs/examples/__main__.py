"""Store finished runs as examples: settings, split, metrics and snapshots, without weights and checkpoints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from wbcseg.paths import get_example_runs_folder

JSON_FILES: Final = (
    "config.json",
    "environment.json",
    "split.json",
    "metrics.json",
    "batches.json",
    "snapshots.json",
    "card.json",
)
DIGITS: Final = 5
"""Significant digits of numbers."""


def store_example(folder: Path, target: Path) -> None:
    """Copy what an example needs from the folder of a finished run."""
    target.mkdir(parents=True)
    for name in JSON_FILES:
        values = _shorten(json.loads((folder / name).read_text(encoding="utf-8")))
        (target / name).write_text(json.dumps(values, separators=(",", ":")) + "\n", encoding="utf-8")
    epochs = len(json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["epochs"])
    state = {"status": "finished", "epoch": epochs, "epochs": epochs}
    (target / "state.json").write_text(json.dumps(state) + "\n", encoding="utf-8")
    (target / "snapshots").mkdir()
    for path in (folder / "snapshots").glob("*.png"):
        (target / "snapshots" / path.name).write_bytes(path.read_bytes())


def _shorten(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shorten(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_shorten(entry) for entry in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        store_example(Path(argument), get_example_runs_folder() / Path(argument).name)
