"""Files are written completely or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from wbcseg.io.atomic import atomic_write, compute_sha256, remove_temporary_files, write_bytes, write_json


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"a": "ü"})
    write_json(target, {"a": 1})
    assert target.read_text(encoding="utf-8") == '{\n "a": 1\n}\n'
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_previous_file(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write_bytes(target, b"old")
    with pytest.raises(FileNotFoundError), atomic_write(target) as temporary:
        temporary.with_name("nowhere").read_bytes()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(ValueError, match="JSON"):
        write_json(target, {"a": float("nan")})
    assert target.read_bytes() == b"old"


def test_checksum(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"abc")
    assert compute_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_previous_file_is_kept_and_temporary_files_are_removed(tmp_path: Path) -> None:
    target, previous = tmp_path / "a.json", tmp_path / "a.previous.json"
    for value in (1, 2, 3):
        write_json(target, value, previous=previous)
    assert (target.read_text(), previous.read_text()) == ("3\n", "2\n")
    with pytest.raises(ValueError, match="JSON"):
        write_json(target, float("inf"), previous=previous)
    (tmp_path / ".a.json.x7.part").write_bytes(b"half")
    remove_temporary_files(tmp_path)
    assert sorted(tmp_path.iterdir()) == [target, previous]
    assert (target.read_text(), previous.read_text()) == ("3\n", "2\n")
