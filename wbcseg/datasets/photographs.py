"""Find photographs among uploads that are called like masks, such as ``x.labels.png``, by their content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, Protocol, TypeVar
from weakref import WeakKeyDictionary

from wbcseg.datasets.pairing import fold_key, is_ignored, parse_name
from wbcseg.errors import WbcsegError
from wbcseg.io import look_like_photograph

PHOTOGRAPH_NOTICE: Final = "It is named as a mask, but is a photograph."
"""For people who upload an image that is called like the mask of another one."""


class _Loadable(Protocol):
    """A file whose bytes can be read."""

    def load(self) -> bytes: ...


File = TypeVar("File", bound=_Loadable)

_known: Final[WeakKeyDictionary[_Loadable, bool]] = WeakKeyDictionary()
"""What is known of files that were looked into: uploads are paired anew with every further one."""


def find_photographs(files: Iterable[tuple[str, File]]) -> frozenset[File]:
    """Return the photographs among files that would be taken for masks. No other file is read.

    Args:
        files: Names and files.
    """
    named = [(name, parse_name(name), file) for name, file in files if not is_ignored(name)]
    name_counts = Counter(fold_key(key) for _, (key, _), _ in named)
    return frozenset(
        file
        for name, (key, has_name_of_mask), file in named
        # A PNG beside an image of the same name and another format is its mask, too.
        if (has_name_of_mask or (name_counts[fold_key(key)] > 1 and name.lower().endswith(".png")))
        and _is_photograph(file)
    )


def list_notices(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return what to say about a photograph: that it is called like the mask of another file, if it is.

    Args:
        name: Its name.
        names: The names of all files.
    """
    key, has_name_of_mask = parse_name(name)
    if not has_name_of_mask:
        return ()
    is_taken = any(other != name and fold_key(parse_name(other)[0]) == fold_key(key) for other in names)
    return (PHOTOGRAPH_NOTICE,) if is_taken else ()


def _is_photograph(file: _Loadable) -> bool:
    if file not in _known:
        try:
            _known[file] = look_like_photograph(file.load())
        except WbcsegError:
            # The reason is said where it is processed.
            return False
    return _known[file]
