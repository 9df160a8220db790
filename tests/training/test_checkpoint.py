"""Checkpoints survive a kill at any moment; weight files cannot contain code or absurd shapes."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from wbcseg.errors import ErrorCode, RunError, WeightsError
from wbcseg.io.arrays import read_arrays, write_arrays
from wbcseg.models.weights import Weights, check_weights, read_weights, share_kernels, write_weights
from wbcseg.training import checkpoint
from wbcseg.training.checkpoint import CHECKPOINT_FILE, PREVIOUS_CHECKPOINT_FILE, Checkpoint

ARRAYS = {"weight/000.a": np.arange(6, dtype=np.float32).reshape(2, 3), "optimizer/000": np.array(7)}


@contextmanager
def raises_code(code: ErrorCode, match: str | None = None) -> Iterator[None]:
    with pytest.raises(WeightsError, match=match) as caught:
        yield
    assert caught.value.code == code


def saved(folder: Path, epoch: int) -> None:
    arrays = {**ARRAYS, "optimizer/000": np.array(epoch)}
    checkpoint.save_checkpoint(
        folder, Checkpoint(arrays, epoch, [{"epoch": e + 1, "loss": 1 / (e + 1)} for e in range(epoch)])
    )


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert checkpoint.load_checkpoint(tmp_path) is None
    saved(tmp_path, 3)
    read = checkpoint.load_checkpoint(tmp_path)
    assert read is not None
    assert (read.epoch, len(read.history)) == (3, 3)
    assert read.arrays["optimizer/000"].shape == ()
    np.testing.assert_array_equal(read.arrays["weight/000.a"], ARRAYS["weight/000.a"])


def test_only_the_previous_checkpoint_is_kept(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        saved(tmp_path, epoch)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted((CHECKPOINT_FILE, PREVIOUS_CHECKPOINT_FILE))
    (tmp_path / CHECKPOINT_FILE).unlink()
    read = checkpoint.load_checkpoint(tmp_path)
    assert read is not None
    assert read.epoch == 2


@pytest.mark.parametrize("cut", [0, 5, 100, -1])
def test_a_truncated_checkpoint_is_replaced_by_the_previous_one(tmp_path: Path, cut: int) -> None:
    saved(tmp_path, 1)
    saved(tmp_path, 2)
    data = (tmp_path / CHECKPOINT_FILE).read_bytes()
    (tmp_path / CHECKPOINT_FILE).write_bytes(data[:cut])
    read = checkpoint.load_checkpoint(tmp_path)
    assert read is not None
    assert read.epoch == 1


def test_unreadable_checkpoints_are_an_error(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"half")
    with pytest.raises(RunError) as caught:
        checkpoint.load_checkpoint(tmp_path)
    assert caught.value.code == ErrorCode.DAMAGED


def test_a_failed_save_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, 1)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_arrays", full)
    with pytest.raises(OSError, match="No space"):
        saved(tmp_path, 2)
    assert [p.name for p in tmp_path.iterdir()] == [CHECKPOINT_FILE]
    read = checkpoint.load_checkpoint(tmp_path)
    assert read is not None
    assert read.epoch == 1


def test_running_averages_are_exported_if_there_are_any() -> None:
    arrays = {"weight/000.a": np.zeros(1), "ema/000.a": np.ones(1), "optimizer/000": np.ones(1)}
    assert checkpoint.select_export_weights(arrays) == {"000.a": np.ones(1)}
    del arrays["ema/000.a"]
    assert checkpoint.select_export_weights(arrays) == {"000.a": np.zeros(1)}


WEIGHTS = Weights({"000.a.kernel": np.full((3, 3, 3, 4), 0.5, np.float32)}, "unet", 16)
SHAPES = {"000.a.kernel": (3, 3, 3, 4)}


def test_weights_are_stored_in_half_precision_where_that_keeps_them(tmp_path: Path) -> None:
    arrays = {
        "a": np.array([1.5, -2.25], np.float32),
        "b": np.array([1e6], np.float32),
        "c": np.array([1e-7], np.float32),
    }
    write_weights(tmp_path / "w", Weights(arrays, "unet", 16))
    read = read_weights(tmp_path / "w")
    assert (read.architecture, read.base_filters, read.classes) == ("unet", 16, ("background", "cytoplasm", "nucleus"))
    for name, array in arrays.items():
        np.testing.assert_allclose(read.arrays[name], array, rtol=1e-3)


def test_kernels_are_written_in_eight_bits(tmp_path: Path) -> None:
    kernel = np.random.default_rng(3).normal(size=(3, 3, 5, 7)).astype(np.float32) * np.arange(7, dtype=np.float32)
    arrays = {"000.a.kernel": kernel, "001.a.bias": np.full(7, 0.25, np.float32)}
    write_weights(tmp_path / "w", Weights(arrays, "unet", 16))
    assert (tmp_path / "w").stat().st_size < kernel.size + 600
    read = read_weights(tmp_path / "w").arrays
    assert list(read) == list(arrays)
    assert {array.dtype for array in read.values()} == {np.dtype(np.float32)}
    # The largest weight of a channel has 127 steps; the first channel is zero.
    steps = np.abs(kernel).max(axis=(0, 1, 2)) / 127
    assert (np.abs(read["000.a.kernel"] - kernel) <= 0.5001 * steps).all()
    assert not read["000.a.kernel"][..., 0].any()
    # Reading and writing again loses nothing more.
    write_weights(tmp_path / "again", Weights(read, "unet", 16))
    np.testing.assert_array_equal(read_weights(tmp_path / "again").arrays["000.a.kernel"], read["000.a.kernel"])


def test_kernels_in_half_precision_are_read(tmp_path: Path) -> None:
    kernel = np.array([[1.5, -2.25]], np.float16)
    write_arrays({"a": kernel}, tmp_path / "w", {"architecture": "unet", "base_filters": "16", "classes": "a,b"})
    np.testing.assert_array_equal(read_weights(tmp_path / "w").arrays["a"], kernel.astype(np.float32))


@pytest.fixture
def shared(tmp_path: Path) -> tuple[Path, Weights]:
    """Weights whose kernels are in an exported model beside them, and these weights as they were before."""
    rng = np.random.default_rng(0)
    path = tmp_path / "weights.safetensors"
    arrays = {
        "000.conv2d.kernel": rng.normal(size=(3, 3, 2, 4)).astype(np.float32),
        "001.conv2d_transpose.kernel": rng.normal(size=(2, 2, 3, 5)).astype(np.float32),
        "002.norm.gamma": np.ones(4, np.float32),
        "003.own.kernel": rng.normal(size=(3, 3, 4, 2)).astype(np.float32),
    }
    write_weights(path, Weights(arrays, "unet", 16))
    stored, _ = read_arrays(path)
    model = (
        b"head"
        + np.moveaxis(stored["000.conv2d.kernel"], -1, 0).tobytes()
        + np.moveaxis(stored["001.conv2d_transpose.kernel"], -2, 0).tobytes()
    )
    before = read_weights(path)
    path.with_name("model.tflite").write_bytes(model)
    share_kernels(path, model)
    return path, before


def test_kernels_that_the_exported_model_holds_are_not_stored_twice(shared: tuple[Path, Weights]) -> None:
    path, before = shared
    stored, _ = read_arrays(path)
    assert [name for name, array in stored.items() if array.dtype == np.int8] == ["003.own.kernel"]
    after = read_weights(path)
    assert list(after.arrays) == list(before.arrays)
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(after.arrays[name], array)


def test_shared_kernels_need_the_exported_model_that_they_come_from(shared: tuple[Path, Weights]) -> None:
    path, _ = shared
    model = path.with_name("model.tflite")
    model.write_bytes(model.read_bytes() + b"more")
    with pytest.raises(WeightsError) as caught:
        read_weights(path)
    assert caught.value.code == ErrorCode.INCOMPATIBLE
    model.unlink()
    with pytest.raises(WeightsError) as caught:
        read_weights(path)
    assert caught.value.code == ErrorCode.UNREADABLE


@pytest.mark.parametrize("place", [[10**9, 3, 3, 2, 4], [-1, 3, 3, 2, 4], [0, 10**9, 10**9, 2, 4], ["x"], 5, [0]])
def test_false_places_of_shared_kernels_are_damage(shared: tuple[Path, Weights], place: object) -> None:
    path, _ = shared
    arrays, metadata = read_arrays(path)
    write_arrays(arrays, path, metadata | {"kernels": json.dumps({"000.conv2d.kernel": place})})
    with pytest.raises(WeightsError) as caught:
        read_weights(path)
    assert caught.value.code == ErrorCode.DAMAGED


@pytest.mark.parametrize(
    ("arrays", "bad"),
    [
        ({"a": np.ones((2, 2), np.int8)}, "a"),
        ({"a": np.ones((2, 2), np.int8), "a.scale": np.array([1, np.inf], np.float32)}, r"a\.scale"),
        ({"a": np.ones((2, 2), np.int8), "a.scale": np.ones(2, np.int8)}, r"a\.scale"),
        ({"a": np.ones((2, 2), np.int16), "a.scale": np.ones(2, np.float32)}, "a"),
        ({"a": np.full((2, 2), 3e38, np.float32), "a.scale": np.full(2, 1e30, np.float32)}, "a"),
    ],
    ids=["no scale", "endless scale", "whole scale", "16 bits", "too large"],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_invalid_kernels_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], bad: str) -> None:
    write_arrays(arrays, tmp_path / "w", {"architecture": "unet", "base_filters": "16", "classes": "a,b"})
    with raises_code(ErrorCode.INVALID_VALUE, f" {bad}"):
        read_weights(tmp_path / "w")


def test_a_scale_that_does_not_fit_its_kernel_is_damage(tmp_path: Path) -> None:
    arrays = {"a": np.ones((2, 2), np.int8), "a.scale": np.ones(3, np.float32)}
    write_arrays(arrays, tmp_path / "w", {"architecture": "unet", "base_filters": "16", "classes": "a,b"})
    with raises_code(ErrorCode.DAMAGED):
        read_weights(tmp_path / "w")


@pytest.mark.parametrize("extra", range(0, 256, 8))
def test_a_header_of_any_length_is_read(tmp_path: Path, extra: int) -> None:
    """The file starts with its length, whose lowest byte can be that of a pickle."""
    arrays = {"a" * (1 + extra): np.ones(2, np.float32)}
    write_weights(tmp_path / "w", Weights(arrays, "unet", 16))
    assert list(read_weights(tmp_path / "w").arrays) == list(arrays)


def keras_file_with_a_lambda(path: Path) -> None:
    """A .keras file whose layer would make a file when it is loaded."""
    trap = "open('was-run', 'w').close()"
    config = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": trap}}}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": [config]}}))
        archive.writestr("metadata.json", "{}")


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("open('was-run', 'w').close()",))


def test_code_in_a_file_never_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keras_file_with_a_lambda(tmp_path / "model.keras")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Trap()))
    for name in ("model.keras", "model.pkl"):
        with raises_code(ErrorCode.UNSUPPORTED_FORMAT, name):
            read_weights(tmp_path / name)
    assert not (tmp_path / "was-run").exists()


def absurd_file(shape: list[int], size: int = 8) -> bytes:
    header = json.dumps(
        {
            "__metadata__": {"architecture": "unet", "base_filters": "16", "classes": "background,cytoplasm,nucleus"},
            "000.a.kernel": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]},
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(100), ErrorCode.UNSUPPORTED_FORMAT),
        (absurd_file([10**12, 10**6]), ErrorCode.DAMAGED),
        (absurd_file([2**63, 2]), ErrorCode.DAMAGED),
        (absurd_file([10**9], 4 * 10**9), ErrorCode.DAMAGED),
        (absurd_file([-1]), ErrorCode.DAMAGED),
        (struct.pack("<Q", 2**60) + b"{" + bytes(20), ErrorCode.DAMAGED),
        (b"", ErrorCode.UNSUPPORTED_FORMAT),
        (absurd_file([2])[:40], ErrorCode.DAMAGED),
    ],
    ids=["HDF5", "absurd shape", "overflow", "beyond the end", "negative", "absurd header", "empty", "cut"],
)
def test_links_and_absurd_shapes_are_refused(tmp_path: Path, data: bytes, code: ErrorCode) -> None:
    (tmp_path / "weights.safetensors").write_bytes(data)
    with raises_code(code):
        read_weights(tmp_path / "weights.safetensors")


def test_values_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    write_weights(tmp_path / "w", Weights({"000.a": np.array([np.nan], np.float32)}, "unet", 16))
    with raises_code(ErrorCode.INVALID_VALUE, r"000\.a"):
        read_weights(tmp_path / "w")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (Weights(WEIGHTS.arrays, "segnet", 16), "segnet.*unet"),
        (Weights(WEIGHTS.arrays, "unet", 32), "32.*16"),
        (
            Weights(WEIGHTS.arrays, "unet", 16, ("background", "cell")),
            r"2 classes \(background, cell\).*3 classes \(background, cytoplasm, nucleus\)",
        ),
        (
            Weights({"000.a.kernel": np.zeros((2, 2))}, "unet", 16),
            r"must have shape \(3, 3, 3, 4\). Received: \(2, 2\)",
        ),
        (Weights({}, "unet", 16), "Received: none"),
    ],
    ids=["architecture", "base filters", "classes", "shape", "missing"],
)
def test_weights_of_another_network_are_named(given: Weights, wanted: str) -> None:
    check_weights(WEIGHTS, "unet", 16, SHAPES)
    with raises_code(ErrorCode.INCOMPATIBLE, wanted):
        check_weights(given, "unet", 16, SHAPES)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with raises_code(ErrorCode.UNREADABLE):
        read_weights(tmp_path / "none.safetensors")
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    (tmp_path / "w.npy").write_bytes(buffer.getvalue())
    with raises_code(ErrorCode.UNSUPPORTED_FORMAT):
        read_weights(tmp_path / "w.npy")
