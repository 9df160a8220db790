"""Try a model that did not come with the package in a process of its own, before this process runs it.

A LiteRT file can be well-formed and yet end the process that runs it. The verdict is kept by the file's checksum, in
memory and in the cache folder.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np

from wbcseg.errors import ErrorCode, ModelError, WbcsegError
from wbcseg.inference.close_up import BATCH_SIZE
from wbcseg.inference.tflite import MAX_THREADS, TFLiteModel
from wbcseg.inference.two_stage import FIRST_STAGE_SIZE
from wbcseg.io.atomic import write_json
from wbcseg.io.foreign import ForeignFileError, read_json_object
from wbcseg.models.card import ModelCard
from wbcseg.paths import IMPORT_ROOT, get_cache_folder

TIMEOUT: Final = 60.0
"""Seconds that the trial may take."""

MAX_MEMORY: Final = 4 << 30
"""Address space that the process may use, in bytes."""

VERDICT_FOLDER: Final = "model-trials"

RUNS: Final = "runs"
"""Verdict on a model that passed."""

_PROBLEMS: Final = {
    "ended": "running it ended the process that tried it",
    "failed": "LiteRT cannot run it",
    "slow": f"it takes more than {TIMEOUT:.0f} s",
    "not_finite": "its results are not finite numbers",
}
_EXIT_CODES: Final = {0: RUNS, 3: "failed", 4: "not_finite"}

_verdicts: dict[str, str] = {}
_lock = threading.Lock()


def check_model_runs(folder: Path, card: ModelCard, *, name: str) -> None:
    """Try a model, unless a model with this content has been tried before.

    Args:
        folder: The model's folder.
        card: Its card.
        name: Its name in messages.

    Raises:
        ModelError: If it cannot be run, or its file cannot be read.
    """
    record = card.files["model"]
    key = f"{record.sha256}-{card.input_size}"
    # One at a time: a trial takes memory, and two visitors may ask for the same model.
    with _lock:
        verdict = _verdicts.get(key) or _load_verdict(key)
        if verdict is None:
            verdict = _try_model(record.read(folder), card)
            if verdict != "slow":
                _store_verdict(key, verdict)
        _verdicts[key] = verdict
    if verdict != RUNS:
        reason = f"The model cannot be run: {_PROBLEMS[verdict]}."
        raise ModelError(
            f"Model {name} cannot be run: {_PROBLEMS[verdict]}.",
            file=record.name,
            reason=reason,
            code=ErrorCode.INCOMPATIBLE,
            hint="Train it again, or use another model.",
        )


def _try_model(data: bytes, card: ModelCard) -> str:
    """Return the verdict of a process that runs the model in all sizes in which it is used."""
    sizes = sorted({card.input_size, FIRST_STAGE_SIZE} if card.two_stage else {card.input_size})
    command = [sys.executable, "-m", "wbcseg.inference.model_trial", *map(str, sizes)]
    try:
        result = subprocess.run(
            command,
            input=data,
            cwd=IMPORT_ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "slow"
    except OSError as error:
        raise ModelError(
            f"The process that tries a new model could not be started: {error.strerror or error}.",
            code=ErrorCode.OUT_OF_MEMORY,
        ) from None
    if result.returncode == -signal.SIGKILL:
        # The system ended it, most likely because memory ran out: that says nothing about the model.
        raise ModelError(
            "The model could not be tried: the system ended the process, most likely because memory ran out.",
            code=ErrorCode.OUT_OF_MEMORY,
            hint="Try again later.",
        )
    return _EXIT_CODES.get(result.returncode, "ended")


def _get_verdict_file(key: str) -> Path:
    return get_cache_folder() / VERDICT_FOLDER / f"{key}.json"


def _load_verdict(key: str) -> str | None:
    try:
        values = read_json_object(_get_verdict_file(key))
    except (OSError, ForeignFileError):
        return None
    verdict = values.get("verdict")
    # Another version of LiteRT may run it.
    is_current = values.get("litert") == _get_litert_version()
    return verdict if is_current and verdict in (RUNS, *_PROBLEMS) else None


def _store_verdict(key: str, verdict: str) -> None:
    path = _get_verdict_file(key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"verdict": verdict, "litert": _get_litert_version()})
    except OSError:
        # Without a writable cache, it is tried once per process.
        return


def _get_litert_version() -> str:
    from importlib.metadata import version

    return version("ai-edge-litert")


def _run_trial(sizes: list[int]) -> int:
    """Run the model from standard input and return the exit code; the process may also be ended by it."""
    _limit_memory()
    data = sys.stdin.buffer.read()
    generator = np.random.default_rng(0)
    try:
        model = TFLiteModel(data, name="model", threads=MAX_THREADS)
        for size in sizes:
            for count in (1, BATCH_SIZE):
                shape = (count, size, size, 3)
                for images in (np.zeros(shape), np.ones(shape), generator.random(shape)):
                    if not np.isfinite(model.predict_batch(images.astype(np.float32))).all():
                        return 4
    except (WbcsegError, MemoryError, ValueError, RuntimeError):
        return 3
    return 0


def _limit_memory() -> None:
    # Any: the module exists on Unix only.
    try:
        import resource as _resource
    except ImportError:
        return
    resource: Any = _resource
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(_run_trial([int(argument) for argument in sys.argv[1:]]))
