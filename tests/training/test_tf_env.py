"""The environment is set up before TensorFlow is imported, and only what is needed is imported with it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from wbcseg.training.tf_env import configure_tensorflow, describe_environment


def test_environment_variables_of_the_user_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")
    configure_tensorflow()

    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "1"


def test_the_environment_has_versions_and_no_names_of_people() -> None:
    environment = describe_environment("float32")
    assert environment["precision"] == "float32"
    assert environment["packages"]["keras"]
    assert set(environment) == {"python", "system", "processor", "cores", "features", "precision", "packages"}


@pytest.mark.training
def test_tensorflow_starts_without_packages_that_are_not_needed() -> None:
    code = (
        "import gc, sys\nfrom wbcseg.training.tf_env import import_tensorflow\nimport_tensorflow()\n"
        "print('tensorflow' in sys.modules, {'pandas', 'sklearn', 'scipy.stats'} & set(sys.modules))\n"
        "print(gc.isenabled(), gc.get_freeze_count() > len(gc.get_objects()))\n"
        "import sklearn.metrics\nprint('sklearn.metrics' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines() == ["True set()", "True True", "True"]
