"""Look up known vulnerabilities of the locked packages with pip-audit, which asks a service on the network.

    python -m benchmarks.audit

Uses ``pip-audit`` if it is installed, else ``uvx pip-audit``. Exit code 0: none are known; 1: some are, listed above;
2: the question could not be asked.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

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
        [*command, "--requirement", str(LOCK_FILE), "--disable-pip", "--progress-spinner", "off", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError, TypeError):
        last_line = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(
            f"The vulnerabilities could not be looked up: {last_line[:300]}\n"
            "pip-audit needs the network: an index of packages (to run it with uvx) and a service that lists "
            "vulnerabilities. Run this command where both can be reached.",
            file=sys.stderr,
        )
        return 2
    return report(packages)


def report(packages: list[dict[str, Any]]) -> int:
    """Print what pip-audit found out about each package, and return the exit code."""
    vulnerable = [package for package in packages if package.get("vulns")]
    skipped = [package for package in packages if "skip_reason" in package]
    for package in vulnerable:
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version"
            print(f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}")
    looked_up = len(packages) - len(skipped)
    print(
        f"{looked_up} of {len(packages)} packages of {LOCK_FILE.name} were looked up, {len(vulnerable)} are vulnerable."
    )
    if skipped:
        print(f"Not looked up: {skipped[0]['skip_reason']} (the first of {len(skipped)})", file=sys.stderr)
    return 1 if vulnerable else 2 if skipped or not packages else 0


if __name__ == "__main__":
    sys.exit(main())
