"""The networks that are loaded now, and unloading those that nobody uses, to save memory on servers."""

from __future__ import annotations

import threading
import time
from typing import Protocol
from weakref import WeakSet


class LoadedNetwork(Protocol):
    """A network whose memory can be freed.

    Attributes:
        last_used: When it was used last, in seconds of ``time.monotonic``.
    """

    last_used: float

    def unload(self) -> bool:
        """Free the memory unless the network is busy, and return whether it did. It is loaded again when used."""


class LoadedNetworks:
    """Networks that are loaded; an 8-bit one that segments takes 15 to 25 MB.

    Attributes:
        max_loaded: Maximum number, or ``None`` for no limit.
    """

    def __init__(self) -> None:
        self.max_loaded: int | None = None
        self._networks: WeakSet[LoadedNetwork] = WeakSet()
        self._lock = threading.Lock()

    def touch(self, network: LoadedNetwork) -> None:
        """Record that a network is being used, and unload the least recently used ones beyond the limit."""
        with self._lock:
            network.last_used = time.monotonic()
            self._networks.add(network)
            if self.max_loaded is None:
                return
            for other in sorted(self._networks - {network}, key=lambda loaded: loaded.last_used):
                if len(self._networks) <= self.max_loaded:
                    return
                if other.unload():
                    self._networks.discard(other)

    def unload_idle(self, seconds: float) -> bool:
        """Unload the networks that were not used for so many seconds. Return whether there was one."""
        with self._lock:
            idle = [network for network in self._networks if time.monotonic() - network.last_used >= seconds]
            unloaded = [network for network in idle if network.unload()]
            for network in unloaded:
                self._networks.discard(network)
            return bool(unloaded)


SEGMENTERS = LoadedNetworks()
"""The networks that segment, whose number can be limited."""

DETECTORS = LoadedNetworks()
"""The networks that detect cells."""


def set_max_loaded(max_loaded: int | None) -> None:
    """Limit the number of segmenting networks that this process keeps loaded, to save memory on small servers.

    The least recently used network is unloaded; loading it again takes as long as segmenting one image. A busy network
    is never unloaded, so the limit may be exceeded for a while.

    Args:
        max_loaded: At least 1, or ``None`` for no limit (the default).
    """
    SEGMENTERS.max_loaded = max_loaded


def unload_idle_networks(seconds: float) -> bool:
    """Unload the networks that were not used for so many seconds; they are loaded again when used.

    Returns:
        Whether there was one.
    """
    has_unloaded = SEGMENTERS.unload_idle(seconds)
    return DETECTORS.unload_idle(seconds) or has_unloaded
