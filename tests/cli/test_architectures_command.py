"""The command ``wbcseg architectures``."""

from __future__ import annotations

import json
import subprocess
import sys

from command_line import get_error

from wbcseg.errors import ErrorCode
from wbcseg.models import ARCHITECTURES, BASE_FILTERS_RANGE


def test_the_json_has_parameters_and_output_shape_of_every_network() -> None:
    command = [sys.executable, "-m", "wbcseg", "architectures", "--json", "--base-filters", "16"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    listed = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert set(listed) == {name for name, spec in ARCHITECTURES.items() if spec.is_in_package}
    assert {"unet", "segnet", "deconvnet"} <= set(listed)
    assert listed["unet"]["parameters"] == 1_646_227
    assert listed["unet"]["output_shape"] == [120, 120, 3]
    assert listed["unet"]["multiply_adds"] > 4e8


def test_base_filters_out_of_range_are_rejected() -> None:
    error = get_error("architectures", "--base-filters", str(BASE_FILTERS_RANGE[1] + 1))
    assert error.code == ErrorCode.INVALID_VALUE
    assert "--base-filters" in str(error)
