"""Look up known vulnerabilities of the locked packages with pip-audit, which asks a service on the network.

    python -m benchmarks.audit

Uses ``pip-audit`` if it is installed, else ``uvx pip-audit``. Exit code 0: none are known; 1: some are, listed above;
2: the question could not be asked.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

LOCK_FILE = Path(__file__).parents[1] / "requirements.lock"


def find_command() -> list[str] | None:
    """Return the command that runs pip-audit, or ``None``."""
    if shutil.which("pip-audit"):
        return ["pip-audit"]
    return ["uvx", "pip-audit"] if shutil.which("uvx") else None


def main() -> int:
    """Run the command."""
    command = find_command()
    if command is None:
        print("pip-audit is not installed. Install it (pip install pip-audit), or uv, and try again.", file=sys.stderr)
        return 2
    done = subprocess.run(
        [*command, "--requirement", str(LOCK_FILE), "--disable-pip", "--progress-spinner", "off"],
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, end="")
    if done.returncode == 0:
        print(f"No known vulnerabilities in the packages of {LOCK_FILE.name}.")
        return 0
    # pip-audit lists what it found on standard output; everything else is why it could not look.
    if "Found" in done.stderr and "vulnerabilit" in done.stderr and done.stdout.strip():
        print(done.stderr, end="", file=sys.stderr)
        return 1
    last_line = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    print(
        f"The vulnerabilities could not be looked up: {last_line[:300]}\n"
        "pip-audit needs the network: an index of packages (to run it with uvx) and a service that lists "
        "vulnerabilities. Run this command where both can be reached.",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
