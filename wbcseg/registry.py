"""Registries: what a module adds by itself, such as a network or a data set, found by name.

A registry knows one package. When it is first read, it imports every module of that package, then the modules that the
environment variable ``WBCSEG_PLUGINS`` lists (names of modules or paths of ``.py`` files, separated by commas).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from wbcseg.errors import ConfigError

PLUGINS_VARIABLE: Final = "WBCSEG_PLUGINS"
DEFAULT_ORDER: Final = 100
"""Position in lists of what does not ask for one: after the entries that come with the package."""


class Entry(Protocol):
    """What a registry holds.

    Attributes:
        name: Short name, in settings and on the command line.
        order: Position in lists; entries with the same position are sorted by name.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def order(self) -> int: ...  # noqa: D102


EntryT = TypeVar("EntryT", bound=Entry)


class Registry(Mapping[str, EntryT], Generic[EntryT]):
    """Entries by name, in display order.

    Args:
        kind: What an entry is, for error messages: ``network``.
        package: Package whose modules register the entries: ``wbcseg.models.networks``.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, EntryT] = {}
        self._is_loaded = False

    def add(self, entry: EntryT) -> None:
        """Add an entry.

        Raises:
            ConfigError: If another entry has that name.
        """
        if entry.name in self._entries:
            raise ConfigError(f"There is already a {self.kind} with the name {entry.name!r}. Choose another name.")
        entries = sorted([*self._entries.values(), entry], key=lambda e: (e.order, e.name))
        self._entries = {e.name: e for e in entries}

    def remove(self, name: str) -> None:
        """Remove an entry, such as one that a test added."""
        del self._entries[name]

    def __getitem__(self, name: str) -> EntryT:
        self._load()
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        self._load()
        return len(self._entries)

    def _load(self) -> None:
        if self._is_loaded:
            return
        # First, as the modules that register entries may read the registry.
        self._is_loaded = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self._package}.{module.name}")
        load_plugins()


def load_plugins() -> None:
    """Import the modules that ``WBCSEG_PLUGINS`` lists, each once.

    Raises:
        ConfigError: If one cannot be found.
    """
    for plugin in filter(None, map(str.strip, os.environ.get(PLUGINS_VARIABLE, "").split(","))):
        if plugin.endswith(".py"):
            import_file(Path(plugin))
            continue
        try:
            importlib.import_module(plugin)
        except ModuleNotFoundError as error:
            raise ConfigError(f"{PLUGINS_VARIABLE} names the module {plugin!r}, which is missing: {error}") from None


def import_file(path: Path) -> None:
    """Import a Python file as a module, once.

    Raises:
        ConfigError: If there is no such file.
    """
    path = path.expanduser().absolute()
    if any(getattr(module, "__file__", None) == str(path) for module in list(sys.modules.values())):
        return
    module_name = f"wbcseg_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError(f"There is no Python file {path}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
