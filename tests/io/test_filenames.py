"""File names that are safe to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wbcseg.io import make_safe_stem

NASTY = [
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "C:\\Users\\x\\cell.png",
    "/absolute.png",
    "..",
    ".",
    "",
    "   ",
    "a\0b.png",
    "x" * 300 + ".png",
    "ж" * 300 + ".png",
    "CON.png",
    "nul",
    "com1.tar.gz",
    "LPT¹",
    "con .png",
    "trailing. . .",
    ".hidden",
    "a:b|c?.png",
    "\u202egnp.exe",
    "\ud800.png",
    "line\nbreak.png",
    "e\u0301.png",
    "<script>alert(1)</script>.png",
    "=cmd|'/c calc'!A1.png",
]


def test_usual_names_stay_as_they_are() -> None:
    used: set[str] = set()
    assert make_safe_stem("001.bmp", used) == "001"
    assert make_safe_stem("Zellen von Müller (2).tiff", used) == "Zellen von Müller (2)"
    assert make_safe_stem("白血球.png", used) == "白血球"
    assert make_safe_stem("a.b.png", used) == "a.b"
    assert make_safe_stem("2024.05.17 smear", used) == "2024.05.17 smear"


def test_duplicates_get_numbers_and_nothing_is_overwritten() -> None:
    used: set[str] = set()
    stems = [make_safe_stem(name, used) for name in ("a/cell.png", "b/cell.bmp", "CELL.tif", "cell", "cell-2.png")]
    assert stems == ["cell", "cell-2", "CELL-3", "cell-4", "cell-2-2"]
    # Composed and decomposed letters are one name on macOS.
    assert make_safe_stem("é", used) != make_safe_stem("e\u0301", used)
    assert {"cell", "CELL-3"} <= used


def test_long_duplicates_stay_apart() -> None:
    used: set[str] = set()
    stems = [make_safe_stem("x" * 300, used) for _ in range(12)]
    assert len(set(stems)) == 12
    assert max(map(len, stems)) == 100


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    used: set[str] = set()
    stems = [make_safe_stem(f"Slide 7 {'x' * 300} field {n}.png", used) for n in (1, 2)]
    assert [stem[:8] + stem[-8:] for stem in stems] == ["Slide 7  field 1", "Slide 7  field 2"]
    assert [len(stem) for stem in stems] == [100, 100]
    # Letters of three bytes: the limit is that of the bytes.
    wide = make_safe_stem(f"{'细' * 90} 2.png", used)
    assert wide.endswith("细 2")
    assert 190 < len(wide.encode()) <= 200


@pytest.mark.parametrize("name", NASTY)
def test_nothing_is_written_outside_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    used: set[str] = set()
    for _ in range(2):
        path = folder / f"{make_safe_stem(name, used)}.png"
        assert path.resolve().parent == folder.resolve()
        assert not path.exists()
        path.write_bytes(b"x")
    assert len(list(folder.iterdir())) == 2
    assert list(tmp_path.iterdir()) == [folder]


@given(st.lists(st.text(max_size=120), max_size=6))
@settings(max_examples=100, deadline=None)
def test_any_names_give_safe_and_distinct_stems(names: list[str]) -> None:
    used: set[str] = set()
    stems = [make_safe_stem(name, used) for name in names]
    assert len({stem.casefold() for stem in stems}) == len(names)
    for stem in stems:
        assert 1 <= len(stem) <= 100
        assert len(stem.encode()) <= 200
        assert not set(stem) & set('/\\:*?"<>|\0')
        assert stem not in (".", "..")
        assert stem[0] not in ". "
        assert stem[-1] not in ". "
        assert stem.isprintable()
