"""How much memory a new process can use, on a computer or in a container with a limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import psutil

SYSTEM_ROOT: Final = Path("/")
"""Root of Linux' files on processes and control groups."""


def get_free_memory() -> int:
    """Return how many bytes of memory a new process can use now.

    This is the minimum of the system's available memory and of what the limit of each control group (a container, a
    service) leaves. The file cache counts as available, since the system frees it when needed.
    """
    return max(0, min([int(psutil.virtual_memory().available), *_iter_cgroup_headroom(SYSTEM_ROOT)]))


def _iter_cgroup_headroom(system_root: Path) -> Iterator[int]:
    """Yield how much is left of the limit of each control group of this process and of its parents.

    Source: the Linux kernel's documentation of control groups, version 2 (``memory.max``, ``memory.current``) and
    version 1 (``memory.limit_in_bytes``, ``memory.usage_in_bytes``).
    """
    try:
        lines = (system_root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    cgroup_root = system_root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:
            for root in (cgroup_root, cgroup_root / "unified"):
                yield from _iter_group_headroom(root, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _iter_group_headroom(cgroup_root / "memory", path, *names)


def _iter_group_headroom(root: Path, path: str, limit_file: str, usage_file: str, inactive_key: str) -> Iterator[int]:
    # In a container, the path may be the host's; the container's own group is then mounted as the root.
    group_path = PurePosixPath(path.lstrip("/"))
    for group in (group_path, *group_path.parents):
        limit_bytes, used_bytes = _read_number(root / group / limit_file), _read_number(root / group / usage_file)
        if limit_bytes is not None and used_bytes is not None:
            yield limit_bytes - used_bytes + _read_statistic(root / group / "memory.stat", inactive_key)


def _read_number(path: Path) -> int | None:
    """Return the number in a file; ``None`` if there is none or it is ``max``."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _read_statistic(path: Path, name: str) -> int:
    try:
        rows = dict(line.split(" ", 1) for line in path.read_text(encoding="ascii").splitlines() if " " in line)
        return int(rows.get(name, 0))
    except (OSError, ValueError):
        return 0
