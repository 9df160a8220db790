"""Kill trainings and the server at random moments: nothing but the current epoch may be lost.

    python -m benchmarks.kills --trainings 100 --servers 20

*Trainings* repeats ``tests/training/test_kills.py`` with so many kills. *Servers*: the app runs, a training that was
started from it goes on, and the app's process is killed (``SIGKILL``) at a random moment; the training must go on, and
a new server must show its true state within three seconds of answering.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
MAX_SECONDS: Final = 3.0
"""Seconds in which the state must be true."""

CONFIG: Final = {"base_filters": 4, "input_size": 48, "batch_size": 4, "folds": 3, "epochs": 2000, "warmup_epochs": 1}


def kill_trainings(count: int) -> bool:
    """Kill a training so many times. Return whether nothing was lost."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/training/test_kills.py"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "WBCSEG_KILLS": str(count)}, check=False)
    print(f"{count} kills of trainings: {'nothing lost' if done.returncode == 0 else 'FAILED'}", flush=True)
    return done.returncode == 0


def find_free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(port: int) -> subprocess.Popen[bytes]:
    """Start the app and wait until it answers."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    process = subprocess.Popen(
        [*command, "--server.headless", "true"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                return process
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("The server does not answer.")


def kill_servers(count: int, seed: int = 0) -> bool:
    """Kill the app while a training goes on. Return whether its state was always true."""
    from wbcseg.training import TrainingConfig
    from wbcseg.training.jobs import manager
    from wbcseg.training.runs.summary import summarise_run

    chance, failures = random.Random(seed), []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WBCSEG_RUNS"] = folder
        port = find_free_port()
        run = manager.start_run(TrainingConfig(**CONFIG, dataset="synthetic", precision="float32"), name="goes-on")
        for number in range(count):
            server = start_server(port)
            before = summarise_run(run).epoch
            time.sleep(chance.uniform(0, 2))
            server.send_signal(signal.SIGKILL)
            server.wait()
            start_server_again = start_server(port)
            answered = time.monotonic()
            summary = summarise_run(run)
            while summary.status not in ("running", "queued", "starting") and time.monotonic() - answered < MAX_SECONDS:
                time.sleep(0.1)
                summary = summarise_run(run)
            if summary.status not in ("running", "queued", "starting") or summary.epoch < before:
                failures.append(f"kill {number}: {summary.status}, epoch {summary.epoch} after {before}")
            start_server_again.send_signal(signal.SIGKILL)
            start_server_again.wait()
        trained = summarise_run(run).epoch
        manager.stop_run(run, wait=True)
    print(f"{count} kills of the server: {len(failures)} failures; the training reached epoch {trained}", flush=True)
    print(*failures, sep="\n")
    return not failures and trained > 0


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainings", type=int, default=100, help="kills of trainings (100)")
    parser.add_argument("--servers", type=int, default=20, help="kills of the server (20)")
    options = parser.parse_args()
    checks = ((kill_trainings, options.trainings), (kill_servers, options.servers))
    results = [check(count) for check, count in checks if count]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
