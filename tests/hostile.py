"""Run folders as nobody's program writes them: each must be an entry with its reason, and nothing else."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from models import copy_of_shipped
from sample_runs import make_run

DEEP = "[" * 10_000 + "]" * 10_000
VALUES = ("null", "[]", "{}", '""', "-1", "1e999", "NaN", "1" * 400, "true", '"\\ud800\\u001b[2J\\n=1+1"', DEEP, "0.5")
"""JSON values that are put where others belong."""

FILES = ("config.json", "state.json", "metrics.json", "batches.json", "progress.json", "notes.json", "snapshots.json")


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON file in place, whatever the result is."""
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")


def make_named_cases(folder: Path) -> dict[str, Path]:
    """Make one run folder or model for each kind of harm that was seen, by what it is."""
    cases = {}

    def add(name: str) -> Path:
        run = make_run(name, folder=folder)
        cases[name] = run.folder
        return run.folder

    def add_model(name: str, **changes: Any) -> Path:
        model = copy_of_shipped(folder, called=f".{name}", **changes)
        shutil.copytree(model, add(name), dirs_exist_ok=True)
        shutil.rmtree(model)
        return cases[name]

    add_model("card-architecture-is-a-list", architecture=[])
    add_model("card-input-size-is-huge", input_size=1_000_000)
    add_model("card-split-is-text", split="all")
    edit_json(add("metrics-null") / "metrics.json", lambda values: values["epochs"][0].update(val_dice_cell=None))
    edit_json(add("metrics-huge") / "metrics.json", lambda values: values["epochs"][0].update(seconds=1e300))
    edit_json(add("metrics-no-epoch") / "metrics.json", lambda values: values["epochs"][0].pop("epoch"))
    (add("config-deep") / "config.json").write_text(DEEP)
    (add("config-large") / "config.json").write_bytes(b" " * 20_000_000)
    edit_json(add("architecture-is-a-list") / "config.json", lambda values: values.update(architecture=[]))
    edit_json(add("status-is-a-list") / "state.json", lambda values: values.update(status=[]))
    (cases["status-is-a-list"] / "state.previous.json").unlink(missing_ok=True)
    edit_json(
        add("launched-in-the-future") / "state.json",
        lambda values: values.update(status="new", launched_at=time.time() + 1e6),
    )
    for name, file in (("pipe-as-card", "card.json"), ("pipe-as-config", "config.json")):
        path = add(name) / file
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    for name, file in (("link-as-metrics", "metrics.json"), ("link-beside", "passwd.txt"), ("link-as-log", "log.txt")):
        path = add(name) / file
        path.unlink(missing_ok=True)
        path.symlink_to("/etc/passwd")
    (folder / "link-as-folder").symlink_to(cases["metrics-null"])
    cases["link-as-folder"] = folder / "link-as-folder"
    escape = add("plain").rename(folder / "escape\x1b[2Jand\nline")
    cases["escape"] = escape
    not_utf8 = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9"))
    cases["not-utf8"] = add("plain-too").rename(not_utf8)
    (add("notes-escape") / "notes.json").write_text(json.dumps({"notes": "\x1b[2J=1+1\u202ebad"}))
    return {name: path for name, path in cases.items() if path.exists() or path.is_symlink()}


def make_random_cases(folder: Path, count: int, seed: int = 0) -> Iterator[Path]:
    """Make run folders in which values of one or two files are replaced."""
    generator = random.Random(seed)
    for index in range(count):
        path = make_run(f"random-{index}", folder=folder, with_snapshots=False).folder
        if index % 3 == 0:
            for item in copy_of_shipped(folder, called=f"model-{index}").iterdir():
                item.rename(path / item.name)
            (folder / f"model-{index}").rmdir()
        for _ in range(generator.choice((1, 2))):
            name = generator.choice((*FILES, "card.json") if (path / "card.json").exists() else FILES)
            file = path / name
            if not file.exists():
                file.write_text("{}")
            try:
                text = file.read_text(encoding="utf-8")
                file.write_text(_replace_value(text, generator), encoding="utf-8")
            except ValueError:
                file.write_bytes(generator.randbytes(50))
        yield path


def _replace_value(text: str, generator: random.Random) -> str:
    """Return JSON text with a value at a random place replaced."""
    values = json.loads(text)
    parents: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for key in keys:
            parents.append((value, key))
            collect(value[key])

    collect(values)
    marker = "replaced-value"
    if not parents:
        return generator.choice(VALUES)
    parent, key = generator.choice(parents)
    if isinstance(parent, dict) and generator.random() < 0.2:
        parent.pop(key)
        parent["\x1b[31m=unknown"] = 1
        return json.dumps(values)
    parent[key] = marker
    return json.dumps(values).replace(f'"{marker}"', generator.choice(VALUES))
