"""Print the licence of every package of the lock file that is installed, and which are not stated."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

LOCK_FILE = Path(__file__).parents[1] / "requirements.lock"


def list_packages() -> list[str]:
    """Return the names of the packages in the lock file."""
    return re.findall(r"^([A-Za-z0-9._-]+)==", LOCK_FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def find_licence(package: Distribution) -> str:
    """Return what a package states: the licence expression, else its classifiers, else the first line of the text."""
    metadata = package.metadata
    if metadata["License-Expression"]:
        return str(metadata["License-Expression"])
    classifiers = [item for item in metadata.get_all("Classifier") or () if item.startswith("License ::")]
    if classifiers:
        return "; ".join(item.rpartition(" :: ")[2] for item in classifiers)
    lines = str(metadata["License"] or "").strip().splitlines()
    return lines[0][:80] if lines else "not stated"


def main() -> None:
    """Print the table."""
    for name in sorted(set(list_packages()), key=str.lower):
        try:
            package = distribution(name)
        except PackageNotFoundError:
            print(f"{name:36} (not installed here)")
            continue
        print(f"{name:36} {package.version:14} {find_licence(package)}")


if __name__ == "__main__":
    main()
