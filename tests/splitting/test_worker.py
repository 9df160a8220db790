"""Folds computed in a child process equal those of the function, and errors are passed on."""

import shutil

import pytest
from expect import raises

from wbcseg.datasets import open_dataset
from wbcseg.errors import DatasetError, ErrorCode, SplitError
from wbcseg.splitting import worker
from wbcseg.splitting.splits import build_leak_free_folds
from wbcseg.splitting.worker import split_in_subprocess


def test_folds_equal_those_of_the_function():
    result = split_in_subprocess("synthetic")
    expected = build_leak_free_folds("synthetic", list(open_dataset("synthetic")))
    assert [tuple(test) for test in result["tests"]] == [split.test for split in expected]
    assert [tuple(group) for group in result["groups"]] == list(expected[0].groups)


def test_an_error_of_the_worker_is_passed_on(no_data):
    with raises(SplitError, ErrorCode.NOT_FOUND, match="zheng-1") as caught:
        split_in_subprocess("zheng-1")
    with pytest.raises(DatasetError) as expected:
        open_dataset("zheng-1")
    assert caught.value.to_problem() == expected.value.to_problem()


def test_a_worker_that_crashes_is_an_error(monkeypatch):
    monkeypatch.setattr(worker.sys, "executable", shutil.which("false"))
    with pytest.raises(SplitError, match="ended early"):
        split_in_subprocess("synthetic")
