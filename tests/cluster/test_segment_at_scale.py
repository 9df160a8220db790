"""Segmenting on workers: the same results as without, whatever is killed, damaged or slow."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import wbcseg
from wbcseg.errors import ErrorCode, WbcsegError
from wbcseg.scale import ScaleOptions, ScaleSummary, segment_at_scale
from wbcseg.scale.target import TABLES, choose_label_name

from .conftest import IMAGE_COUNT

pytestmark = pytest.mark.cluster
OPTIONS = ScaleOptions("unet-general")


def read_tables(target: Path) -> dict[str, pa.Table]:
    """Return the tables of a target, sorted."""
    tables = {name: pq.read_table(target / name) for name in TABLES}
    return {
        name: table.sort_by([(key, "ascending") for key in ("image", "cell_index") if key in table.column_names])
        for name, table in tables.items()
    }


def read_labels(target: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (target / "labels").iterdir()}


def run(client: Any, source: Path | str, target: Path, chunk_size: int = 5, **changes: Any) -> ScaleSummary:
    return segment_at_scale([str(source)], str(target), replace(OPTIONS, **changes), client, chunk_size=chunk_size)


@pytest.fixture(scope="module")
def undisturbed(client: Any, crops: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run without any fault."""
    target = tmp_path_factory.mktemp("results") / "undisturbed"
    summary = run(client, crops, target)
    assert (summary.images, summary.problems, summary.reused) == (IMAGE_COUNT + 1, 1, 0)
    return target


def assert_same(target: Path, undisturbed: Path) -> None:
    """Check that a target has the same rows and label images, each once."""
    expected = read_tables(undisturbed)
    for name, table in read_tables(target).items():
        assert table.equals(expected[name]), name
    assert read_labels(target) == read_labels(undisturbed)
    assert not [path for path in target.rglob("*") if path.name.startswith(".")]


def test_rows_are_those_of_the_table_of_cells(undisturbed: Path, crops: Path) -> None:
    rows = {row["image"]: row for row in read_tables(undisturbed)["cells"].to_pylist()}
    header, expected = wbcseg.segment(crops / "cell 3.png", mask=crops / "cell 3_mask.png").to_rows()
    for name, text in zip(header, expected, strict=True):
        if name == "image_index":
            continue
        value = rows["cell 3.png"][name]
        assert value == (type(value)(text) if value not in (None, "") else value), name
        assert bool(text) == (value not in (None, "")), name
    assert rows["cell 3.png"]["dice_cell"] > 0.9
    assert rows["cell 4.png"]["dice_cell"] is None


def test_a_damaged_image_is_a_row_of_the_problems(undisturbed: Path) -> None:
    (problem,) = read_tables(undisturbed)["problems"].to_pylist()
    assert (problem["image"], problem["code"]) == ("damaged.png", ErrorCode.TRUNCATED)


def test_label_images_have_16_bits_and_a_value_for_each_cell(undisturbed: Path) -> None:
    with Image.open(undisturbed / choose_label_name("cell 1.png")) as image:
        assert image.mode.startswith("I")
        cells = read_tables(undisturbed)["cells"].to_pylist()
        assert image.getextrema() == (0, max(row["cell_index"] for row in cells if row["image"] == "cell 1.png"))


def test_results_do_not_depend_on_the_chunks(client: Any, crops: Path, undisturbed: Path, tmp_path: Path) -> None:
    run(client, crops, tmp_path / "results", chunk_size=7)
    assert_same(tmp_path / "results", undisturbed)


def test_killed_workers_lose_nothing(client: Any, crops: Path, undisturbed: Path, tmp_path: Path) -> None:
    kills = 0

    def kill(progress: Any) -> None:
        nonlocal kills
        if progress.done in range(1, IMAGE_COUNT) and kills < 2:
            for pid in list(client.run(os.getpid, on_error="ignore").values())[:1]:
                os.kill(pid, signal.SIGKILL)
                kills += 1

    segment_at_scale([str(crops)], str(tmp_path / "results"), OPTIONS, client, chunk_size=3, on_progress=kill)
    assert kills
    assert_same(tmp_path / "results", undisturbed)


SCRIPT = """
import sys
from wbcseg.scale import ScaleOptions, connect, segment_at_scale
if __name__ == "__main__":
    with connect(workers=1) as client:
        segment_at_scale([sys.argv[1]], sys.argv[2], ScaleOptions("unet-general"), client, chunk_size=2)
"""


def test_a_killed_client_goes_on_where_it_was(client: Any, crops: Path, undisturbed: Path, tmp_path: Path) -> None:
    script, target = tmp_path / "run.py", tmp_path / "results"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, script, crops, target],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
    )
    end = time.monotonic() + 120
    while len(list(target.glob("manifest/[!.]*.json"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # As if it had been killed between a part and its entry in the manifest.
    shutil.copy(next((target / "cells").iterdir()), target / "cells" / "0123.parquet")
    summary = run(client, crops, target)
    assert summary.reused >= 6
    assert_same(target, undisturbed)


def test_an_image_that_ends_its_process_twice_is_set_aside(client: Any, crops: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(2):
        shutil.copy(crops / f"cell {number}.png", source)
    shutil.copy(crops / "cell 1.png", source / "poison.png")
    summary = run(client, source, tmp_path / "results", chunk_size=2)
    assert (summary.images, summary.problems) == (3, 1)
    tables = read_tables(tmp_path / "results")
    (problem,) = tables["problems"].to_pylist()
    assert (problem["image"], "processes ended" in problem["reason"]) == ("poison.png", True)
    assert set(tables["cells"]["image"].to_pylist()) == {"cell 0.png", "cell 1.png", "poison.png"}


def test_a_second_call_segments_only_what_is_missing_or_changed(client: Any, crops: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "results"
    source.mkdir()
    for number in range(4):
        shutil.copy(crops / f"cell {number}.png", source)
    run(client, source, target, chunk_size=4)
    assert run(client, source, target).reused == 4
    shutil.copy(crops / "cell 9.png", source / "cell 1.png")
    os.utime(source / "cell 1.png", (1, 1))
    shutil.copy(crops / "cell 5.png", source)
    summary = run(client, source, target)
    assert (summary.reused, summary.images) == (3, 5)
    tables = read_tables(target)
    assert tables["images"]["image"].to_pylist() == [f"cell {number}.png" for number in (0, 1, 2, 3, 5)]
    area = {row["image"]: row["cell_area_px2"] for row in tables["cells"].to_pylist()}
    [cell] = wbcseg.segment(crops / "cell 9.png").cells
    assert area["cell 1.png"] == pytest.approx(cell.features["cell_area"])
    # Other options: everything again.
    assert run(client, source, target, pixel_size=0.1).reused == 0
    assert "cell_area_um2" in pq.read_table(target / "cells").column_names


def test_reading_is_repeated_and_counted(client: Any, crops: Path, undisturbed: Path, tmp_path: Path) -> None:
    from cluster import worker_faults  # noqa: F401 (registers the file system here, too)

    summary = run(client, f"flaky://{crops}", tmp_path / "results")
    assert summary.retries >= 2 * IMAGE_COUNT
    assert_same(tmp_path / "results", undisturbed)


def test_images_in_a_zip_are_read_where_they_are(client: Any, crops: Path, undisturbed: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "crops"), "zip", crops)
    run(client, archive, tmp_path / "results")
    assert_same(tmp_path / "results", undisturbed)


def test_a_source_without_images_is_an_error(client: Any, tmp_path: Path) -> None:
    with pytest.raises(WbcsegError) as caught:
        run(client, tmp_path, tmp_path / "results")
    assert caught.value.code == ErrorCode.NO_IMAGES
    with pytest.raises(WbcsegError):
        run(client, tmp_path / "nowhere", tmp_path / "results")
