"""Every reader of bytes and text from outside, fuzzed: it reads, or raises an error of the package."""

from __future__ import annotations

import contextlib
import io
import json
import math
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import copy_of_shipped
from sample_runs import make_run

from benchmarks.mutated_files import make_originals, read, repair_checksums
from wbcseg.datasets.pairing import pair_files
from wbcseg.datasets.uploads import Upload, pair_uploads
from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog
from wbcseg.io import format_display_name, make_safe_stem
from wbcseg.io.foreign import ForeignFileError, make_folder_name, read_json_object
from wbcseg.io.mask_meaning import check_mask, correct_labels, look_like_instances
from wbcseg.pipeline.session_file import read_session
from wbcseg.printable import make_printable
from wbcseg.training.runs.summary import list_summaries
from wbcseg.ui.keep.state import parse_state

FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
"""All together take less than a minute."""

edits = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["set", "insert", "delete", "cut", "flip"]),
        st.binary(max_size=9),
    ),
    min_size=1,
    max_size=5,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)


def is_harmless(text: str) -> bool:
    """Return whether a text has no control characters, and none that turns the direction of what follows."""
    turning = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
    return not any(unicodedata.category(character) in ("Cc", "Cs") or character in turning for character in text)


def apply_edits(data: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    out = bytearray(data)
    for fraction, kind, value in changes:
        place = int(fraction * len(out))
        if kind == "set":
            out[place : place + len(value)] = value
        elif kind == "insert":
            out[place:place] = value
        elif kind == "delete":
            del out[place : place + max(1, len(value))]
        elif kind == "cut":
            del out[place:]
        elif out:
            out[place] ^= 1 << (len(value) % 8)
    return repair_checksums(bytes(out)) if out[:4] == b"\x89PNG" else bytes(out)


@pytest.mark.parametrize("format", make_originals())
@FEW
@given(changes=edits, choice=st.integers(0, 99))
def test_images_masks_and_zips(format: str, changes: list[tuple[float, str, bytes]], choice: int) -> None:
    originals = make_originals()[format]
    read(format, apply_edits(originals[choice % len(originals)], changes))


@FEW
@given(data=st.binary(max_size=300), name=st.text(max_size=30))
def test_bytes_of_no_format(data: bytes, name: str) -> None:
    for format in ("PNG", "zip"):
        read(format, data)
    assert len(pair_uploads([Upload(name, lambda: data, "key")])) <= 1


@FEW
@given(names=st.lists(st.text(max_size=25), max_size=12))
def test_names(names: list[str]) -> None:
    files = dict.fromkeys(names, b"")
    rows = pair_uploads([Upload(name, lambda: b"", name) for name in files])
    assert len({row.name for row in rows}) == len(rows)
    pair_files(list(files), require_masks=False)
    used_names: set[str] = set()
    for name in names:
        assert make_safe_stem(name, used_names)
        assert not set(format_display_name(name)) & {"\x1b", "\n", "\r", "\0"}
        assert is_harmless(make_printable(name))
        with contextlib.suppress(ValueError):
            assert is_harmless(make_folder_name(Path("/") / name.replace("\0", "")))


@FEW
@given(values=json_values)
def test_json_of_others(tmp_path_factory: pytest.TempPathFactory, values: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.json"
    path.write_text(json.dumps(values), encoding="utf-8", errors="surrogatepass")
    with contextlib.suppress(ForeignFileError):
        result = read_json_object(path)
        assert all(math.isfinite(value) for value in result.values() if isinstance(value, float))
    parse_state(values)


@settings(FEW, max_examples=25)
@given(
    name=st.sampled_from(["config.json", "state.json", "metrics.json", "card.json", "snapshots.json"]), changes=edits
)
def test_runs_and_models_of_others(
    tmp_path_factory: pytest.TempPathFactory, name: str, changes: list[tuple[float, str, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    make_run("edited", folder=folder, with_snapshots=False)
    for item in copy_of_shipped(folder, called="model").iterdir():
        item.rename(folder / "edited" / item.name)
    (folder / "model").rmdir()
    path = folder / "edited" / name
    path.write_bytes(apply_edits(path.read_bytes() if path.exists() else b"{}", changes))
    (summary,) = list_summaries(folder)
    assert summary.name == "edited"
    assert len(Catalog(runs=folder).entries) > 1


@FEW
@given(changes=edits, values=json_values)
def test_session_files(changes: list[tuple[float, str, bytes]], values: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("session.json", json.dumps(values))
    for data in (buffer.getvalue(), apply_edits(buffer.getvalue(), changes)):
        with contextlib.suppress(WbcsegError):
            read_session(data, "a.wbcseg")


@FEW
@given(data=st.data())
def test_meaning_of_masks(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    values = np.frombuffer(data.draw(st.binary(min_size=height * width, max_size=height * width)), np.uint8)
    values = values.reshape(height, width)
    image = np.repeat(values[..., None], 3, axis=2)
    labels = values % 3
    issue = check_mask(labels, image)
    assert issue is None or str(issue)
    look_like_instances(values)
    for correction in ("as_is", "swap", "invert", "instances", None):
        assert set(np.unique(correct_labels(labels, correction))) <= {0, 1, 2}
