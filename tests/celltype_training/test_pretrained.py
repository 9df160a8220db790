"""Published weights that a training of the type model starts from."""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from expect import raises

from wbcseg.celltype_training.pretrained import read_efficientnet, read_tensors
from wbcseg.errors import ErrorCode, WeightsError


class Storage:
    """Stands for the numbers of a tensor."""

    def __init__(self, key: str, size: int) -> None:
        self.key, self.size = key, size


class Writer(pickle.Pickler):
    """Writes a storage as ``torch.save`` does: a reference, with the numbers at the end of the file."""

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Storage):
            return ("storage", FloatStorage, obj.key, "cpu", obj.size, None)
        return None


class FloatStorage:
    """Has the name of PyTorch's class in the file."""


FloatStorage.__module__ = "torch"
FloatStorage.__qualname__ = "FloatStorage"


class Tensor:
    """Pickled as a tensor of PyTorch."""

    def __init__(self, storage: Storage, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.storage, self.shape, self.strides = storage, shape, strides

    def __reduce__(self) -> Any:
        return _rebuild_tensor_v2, (self.storage, 0, self.shape, self.strides, False, OrderedDict())


def _rebuild_tensor_v2(*_: Any) -> None:
    """Has the name of PyTorch's function in the file."""


_rebuild_tensor_v2.__module__ = "torch._utils"


def write_file(path: Path, entries: Any, arrays: dict[str, np.ndarray]) -> bytes:
    with path.open("wb") as stream:
        for header in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(header, stream, protocol=2)
        Writer(stream, protocol=2).dump(entries)
        pickle.dump(list(arrays), stream, protocol=2)
        for array in arrays.values():
            stream.write(struct.pack("<q", array.size) + array.astype("<f4").tobytes())
    return path.read_bytes()


@pytest.fixture
def torch_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pickle find the stand-ins under PyTorch's names while a file is written."""
    import sys
    import types

    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage, utils._rebuild_tensor_v2 = FloatStorage, _rebuild_tensor_v2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


@pytest.mark.usefixtures("torch_names")
def test_tensors_are_read_without_pytorch(tmp_path: Path) -> None:
    arrays = {"1": np.arange(6.0), "2": np.full(2, 0.5)}
    numbers = Storage("1", 6)
    entries = OrderedDict(
        a=Tensor(numbers, (2, 3), (3, 1)), turned=Tensor(numbers, (3, 2), (1, 3)), b=Tensor(Storage("2", 2), (2,), (1,))
    )
    tensors = read_tensors(write_file(tmp_path / "weights.pth", entries, arrays))
    np.testing.assert_array_equal(tensors["a"], np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(tensors["turned"], np.arange(6.0).reshape(2, 3).T)
    np.testing.assert_array_equal(tensors["b"], [0.5, 0.5])


@pytest.mark.usefixtures("torch_names")
def test_a_tensor_beyond_its_numbers_is_refused(tmp_path: Path) -> None:
    entries = OrderedDict(a=Tensor(Storage("1", 6), (2, 3), (4, 1)))
    with pytest.raises(pickle.UnpicklingError, match="beyond"):
        read_tensors(write_file(tmp_path / "weights.pth", entries, {"1": np.arange(6.0)}))


def test_what_is_no_tensor_is_not_run(tmp_path: Path) -> None:
    data = write_file(tmp_path / "weights.pth", OrderedDict(a=Path("x")), {})
    with pytest.raises(pickle.UnpicklingError, match="must not be in the file"):
        read_tensors(data)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"other")
    with raises(WeightsError, ErrorCode.INCOMPATIBLE):
        read_efficientnet(path)
    with raises(WeightsError, ErrorCode.UNREADABLE):
        read_efficientnet(tmp_path / "missing.pth")
