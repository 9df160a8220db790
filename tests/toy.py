"""A network that is registered from a file outside the package, and a model of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import write_pairs
from parallel import lock_shared_folder

from wbcseg.models import ARCHITECTURES
from wbcseg.registry import PLUGINS_VARIABLE, load_plugins

PLUGIN = Path(__file__).parent / "models" / "toy_network.py"


@pytest.fixture(scope="module")
def toy_network(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[None]:
    """Register the network ``toy`` in this process and in those that it starts.

    What is computed from the network is kept for all modules: a process with TensorFlow computes it.
    """
    with lock_shared_folder(tmp_path_factory, pytestconfig, "toy-cache") as cache:
        cache.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PLUGINS_VARIABLE, str(PLUGIN))
        patch.setenv("WBCSEG_CACHE", str(cache))
        list(ARCHITECTURES)
        load_plugins()
        yield
        ARCHITECTURES.remove("toy")
        del sys.modules[f"wbcseg_plugin_{PLUGIN.stem}"]


@pytest.fixture(scope="session")
def toy_runs(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A folder of runs with one finished run, ``toy``: two epochs of the network ``toy``, trained once."""
    with lock_shared_folder(tmp_path_factory, pytestconfig, "toy") as folder:
        if not folder.exists():
            train_toy(folder)
    return folder / "runs"


def train_toy(folder: Path) -> None:
    pairs = write_pairs(folder / "cells", 9, (48, 48), seed=5)
    environment = {
        PLUGINS_VARIABLE: str(PLUGIN),
        "WBCSEG_RUNS": str(folder / "runs"),
        "WBCSEG_CACHE": str(folder / "cache"),
    }
    options = ["--architecture", "toy", "--dataset", str(pairs), "--name", "toy", "--base-filters", "4"]
    options += ["--input-size", "48", "--batch-size", "3", "--folds", "3", "--epochs", "2", "--warmup-epochs", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "wbcseg", "train", *options, "--precision", "float32"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
