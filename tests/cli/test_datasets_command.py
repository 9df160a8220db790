"""The command ``wbcseg datasets``."""

from __future__ import annotations

from pathlib import Path

import pytest

from wbcseg.cli import main
from wbcseg.datasets import DATASETS


@pytest.mark.parametrize("command", ["datasets", "data"])
def test_every_data_set_is_listed_as_ready_or_missing(
    capsys: pytest.CaptureFixture[str], no_data: Path, command: str
) -> None:
    assert main([command]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line[0] != " "}
    assert {"zheng-1", "zheng-2", "synthetic"} <= set(lines) <= set(DATASETS)
    assert " ready " in lines["synthetic"]
    assert " missing " in lines["zheng-1"]


def test_only_data_sets_with_a_download_can_be_downloaded() -> None:
    with pytest.raises(SystemExit) as stop:
        main(["datasets", "--download", "synthetic"])
    assert stop.value.code == 2
