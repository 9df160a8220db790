"""The Zheng data sets: read from a folder or the cache, downloaded from a server, verified."""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import draw_cell, encode
from expect import raises
from file_server import Files, Server, serve

from wbcseg.datasets import check_dataset, find_problems, open_dataset
from wbcseg.datasets.named import zheng
from wbcseg.datasets.named.zheng import find_zheng_folder, list_published_files, open_zheng
from wbcseg.errors import DatasetError, DownloadError, ErrorCode, ManifestError
from wbcseg.labels import to_grey


@pytest.fixture
def upstream(no_data: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Return a small repository in the published layout, with a matching manifest, no local data and an empty cache."""
    files: Files = {}
    for number, count in ((1, 12), (2, 3)):
        for index in range(1, count + 1):
            image, labels = draw_cell(20 + index, 24, index)
            files[f"Dataset {number}/{index:03}.bmp"] = encode(image, "BMP")
            files[f"Dataset {number}/{index:03}.png"] = encode(to_grey(labels))
        rows = "".join(f"{index},{(index - 1) % 5 + 1}\r\n" for index in range(1, count + 1))
        files[f"Class Labels of Dataset {number}.csv"] = f"image ID,class label\r\n{rows}".encode()
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    monkeypatch.setattr(zheng, "load_manifest", lambda: hashes)
    return files


def write(root: Path, files: Files) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@pytest.fixture
def server(upstream: Files, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return a server of the small repository under the ref ``pinned``, and use it for downloads."""
    with serve(monkeypatch) as running:
        running.files = {f"pinned/{name}": data for name, data in upstream.items()}
        monkeypatch.setattr(zheng, "BASE_URLS", (f"{running.base}/pinned", f"{running.base}/master"))
        yield running


def test_the_manifest_covers_both_data_sets_whole() -> None:
    assert sum(name.endswith(".bmp") for name in list_published_files(1)) == 300
    assert sum(name.endswith(".png") for name in list_published_files(1)) == 300
    assert len(list_published_files(2)) == 201
    assert next(iter(list_published_files(2))) == "Class Labels of Dataset 2.csv"


def test_a_folder_of_the_upstream_layout_is_read(upstream: Files, tmp_path: Path) -> None:
    root = write(tmp_path / "data", upstream)
    dataset = open_zheng(1, data_dir=root)
    assert dataset.name == "zheng-1"
    assert dataset.ids == tuple(f"zheng-1/{n:03}" for n in range(1, 13))
    assert dataset.problems == ()
    assert "Jiangxi Tecom" in dataset.acknowledgement
    assert [entry.cell_type for entry in dataset.sample_infos[:6]] == [
        *("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil"),
        "neutrophil",
    ]
    for entry in dataset.sample_infos:
        sample = entry.read()
        assert entry.size == sample.size
        assert sample.mask is not None
    image, labels = draw_cell(23, 24, 3)
    sample = dataset.read("zheng-1/003")
    np.testing.assert_array_equal(sample.image, image)
    np.testing.assert_array_equal(sample.mask, labels)
    assert find_problems(dataset) == []


def test_the_environment_names_the_folder(upstream: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "data", upstream)
    assert find_zheng_folder(1) is None
    monkeypatch.setenv("WBCSEG_DATA", str(root))
    assert find_zheng_folder(1) == root
    assert len(open_dataset("zheng")) == 15
    monkeypatch.setenv("WBCSEG_DATA", str(tmp_path / "wrong"))
    with pytest.raises(DatasetError, match=r"WBCSEG_DATA is set to .*wrong, but there is no folder"):
        open_zheng(1)


def test_an_unpacked_archive_has_one_more_folder(upstream: Files, tmp_path: Path) -> None:
    write(tmp_path / "data" / "segmentation_WBC-fa9c016f", upstream)
    assert len(open_zheng(2, data_dir=tmp_path / "data")) == 3


def test_a_part_is_enough(upstream: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = {name: data for name, data in upstream.items() if "Dataset 1/00" in name or name.endswith("1.csv")}
    monkeypatch.setenv("WBCSEG_DATA", str(write(tmp_path / "data", part)))
    dataset = open_zheng(1)
    assert len(dataset) == 9
    assert dataset.problems == ()
    with pytest.raises(DatasetError, match="zheng-2 is not on this computer"):
        open_zheng(2, download=False)


def test_a_file_without_its_partner_is_listed_and_skipped(upstream: Files, tmp_path: Path) -> None:
    del upstream["Dataset 1/002.png"], upstream["Dataset 1/005.bmp"]
    upstream["Dataset 1/777.bmp"] = upstream["Dataset 1/777.png"] = b"an unknown file"
    upstream["Dataset 1/004.bmp"] = b"not an image"
    dataset = open_zheng(1, data_dir=write(tmp_path / "data", upstream))
    assert "zheng-1/002" not in dataset
    assert "zheng-1/004" not in dataset
    assert len(dataset) == 9
    assert {(problem.file, problem.code) for problem in dataset.problems} == {
        ("Dataset 1/002.bmp", ErrorCode.IMAGE_WITHOUT_MASK),
        ("Dataset 1/005.png", ErrorCode.MASK_WITHOUT_IMAGE),
        ("Dataset 1/777.bmp", ErrorCode.UNKNOWN_FILE),
        ("Dataset 1/777.png", ErrorCode.UNKNOWN_FILE),
        ("Dataset 1/004.bmp", ErrorCode.UNSUPPORTED_FORMAT),
    }
    with raises(DatasetError, ErrorCode.IMAGE_WITHOUT_MASK, match=r"Dataset 1/002\.bmp"):
        check_dataset(dataset)


def test_a_changed_file_is_named_when_it_is_read(upstream: Files, tmp_path: Path) -> None:
    changed, _ = draw_cell(22, 24, 99)
    upstream["Dataset 1/002.bmp"] = encode(changed, "BMP")
    dataset = open_zheng(1, data_dir=write(tmp_path / "data", upstream))
    assert len(dataset) == 12
    with pytest.raises(ManifestError, match=r"Dataset 1/002\.bmp in .* is not the published one"):
        dataset.read("zheng-1/002")
    assert dataset.read("zheng-1/001").mask is not None
    (problem,) = find_problems(dataset)
    assert problem.message.startswith("zheng-1/002: ")
    assert (problem.file, problem.code) == ("Dataset 1/002.bmp", ErrorCode.CHECKSUM_MISMATCH)


def test_changed_cell_types_are_not_used(upstream: Files, tmp_path: Path) -> None:
    upstream["Class Labels of Dataset 1.csv"] = b"image ID,class label\r\n1,5\r\n"
    dataset = open_zheng(1, data_dir=write(tmp_path / "data", upstream))
    assert {entry.cell_type for entry in dataset.sample_infos} == {None}
    assert dataset.problems[0].file == "Class Labels of Dataset 1.csv"


def test_a_deleted_file_is_named(upstream: Files, tmp_path: Path) -> None:
    root = write(tmp_path / "data", upstream)
    dataset = open_zheng(1, data_dir=root)
    (root / "Dataset 1/001.png").unlink()
    with raises(DatasetError, ErrorCode.UNREADABLE, match=r"Dataset 1/001\.png"):
        dataset.read("zheng-1/001")


@pytest.mark.parametrize("number", [0, 3, "1"])
def test_there_are_two_data_sets(number: object) -> None:
    with raises(DatasetError, ErrorCode.INVALID_VALUE, match="1 or 2"):
        open_zheng(number)  # type: ignore[arg-type]


def test_nothing_is_downloaded_unless_requested(server: Server) -> None:
    with raises(DatasetError, ErrorCode.NOT_FOUND, match=r"zheng-1 .*WBCSEG_DATA.*synthetic"):
        open_dataset("zheng-1")
    assert server.requests == []


def test_downloading_a_data_set_includes_its_cell_types(
    server: Server, no_data: Path, upstream: Files, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    calls: list[tuple[int, int, str]] = []
    with caplog.at_level(logging.INFO):
        dataset = open_zheng(2, progress=lambda *step: calls.append(step))
    assert len(dataset) == 3
    assert sorted(server.requests) == sorted(f"pinned/{name}" for name in upstream if "2" in name.split("/")[0])
    assert [step[:2] for step in calls] == [(done, 7) for done in range(1, 8)]
    assert {step[2] for step in calls} == set(list_published_files(2))
    root = no_data / "segmentation_WBC"
    assert find_zheng_folder(2) == root
    assert find_zheng_folder(1) is None
    assert {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()} == set(list_published_files(2))
    server.requests.clear()
    assert find_problems(open_zheng(2)) == []
    assert server.requests == []
    assert capfd.readouterr() == ("", "")
    assert "pooch" not in {record.name for record in caplog.records}


def test_an_interrupted_download_is_resumed_where_it_stopped(server: Server, no_data: Path, upstream: Files) -> None:
    server.permits = threading.Semaphore(10)

    def interrupt(done: int, total: int, name: str) -> None:
        if done == 6:
            server.permits.release(1000)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_zheng(1, progress=interrupt)
    root = no_data / "segmentation_WBC"
    here = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    # Ten had been served, and at most eight more were in progress.
    assert 6 <= len(here) <= 18
    assert all((root / name).read_bytes() == upstream[name] for name in here)
    assert find_zheng_folder(1) is None
    server.requests.clear()
    calls: list[tuple[int, int, str]] = []
    assert len(open_zheng(1, progress=lambda *step: calls.append(step))) == 12
    assert set(server.requests) == {f"pinned/{name}" for name in list_published_files(1)} - {
        f"pinned/{name}" for name in here
    }
    assert [step[0] for step in calls] == list(range(len(here) + 1, 26))


def test_a_connection_that_breaks_off_is_tried_again(server: Server) -> None:
    server.cut = {"pinned/Dataset 2/001.bmp", "pinned/Class Labels of Dataset 2.csv"}
    server.codes = {"pinned/Dataset 2/002.bmp": [503, 429]}
    assert find_problems(open_zheng(2)) == []
    assert server.requests.count("pinned/Dataset 2/001.bmp") == 2
    assert server.requests.count("pinned/Dataset 2/002.bmp") == 3


def test_a_ref_that_is_not_found_falls_back_to_the_next(server: Server, upstream: Files) -> None:
    server.files = {f"master/{name}": data for name, data in upstream.items()}
    assert find_problems(open_zheng(2)) == []


def test_a_file_that_is_missing_on_the_server_is_named(server: Server, no_data: Path) -> None:
    del server.files["pinned/Dataset 2/002.png"]
    with pytest.raises(DownloadError, match=r"Dataset 2/002\.png could not be downloaded.*code 404"):
        open_zheng(2)


def test_a_corrupted_download_is_discarded_and_named(server: Server, no_data: Path) -> None:
    server.files["pinned/Dataset 2/002.png"] = b"<html>blocked by the proxy</html>"
    with pytest.raises(ManifestError, match=r"Dataset 2/002\.png from http://127.* is not the published one"):
        open_zheng(2)
    assert not (no_data / "segmentation_WBC/Dataset 2/002.png").exists()
    assert find_zheng_folder(2) is None


def test_without_a_network_the_error_says_what_to_do(server: Server, no_data: Path, upstream: Files) -> None:
    def stop(done: int, total: int, name: str) -> None:
        if done == 3:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        open_zheng(1, progress=stop)
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError) as caught:
        open_zheng(1)
    text = str(caught.value)
    n_complete = sum(path.is_file() for path in (no_data / "segmentation_WBC").rglob("*"))
    assert f"{n_complete} of 25 files are complete" in text
    for words in ("no connection", "WBCSEG_DATA", "Download ZIP", "synthetic"):
        assert words in text


def test_a_cache_that_cannot_be_written_is_named(server: Server, no_data: Path) -> None:
    no_data.write_text("a file where the folder should be")
    with raises(DownloadError, ErrorCode.WRITE_FAILED, match="WBCSEG_CACHE"):
        open_zheng(1)


def test_the_real_data_match_the_manifest(zheng_data: Path) -> None:
    for number in (1, 2):
        dataset = open_zheng(number)  # type: ignore[arg-type]
        folder = zheng_data / f"Dataset {number}"
        assert len(dataset) == len(list(folder.glob("*.bmp")))
        assert find_problems(dataset) == []
        assert None not in {entry.cell_type for entry in dataset.sample_infos}
        for entry in dataset.sample_infos:
            sample = entry.read()
            assert sample.size == entry.size
            assert sample.mask is not None
            # Every mask in the repository has a nucleus.
            assert sample.mask.max() == 2


def test_dataset_1_has_224_images_of_120_pixels(zheng_data: Path) -> None:
    sizes = [entry.size for entry in open_zheng(1).sample_infos]
    assert sizes.count((120, 120)) == 224
    assert {entry.size for entry in open_zheng(2).sample_infos} == {(300, 300)}


def test_one_flipped_bit_in_the_real_data_is_detected(zheng_data: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in (zheng_data / "Dataset 1").iterdir())[:4]
    (tmp_path / "Dataset 1").mkdir()
    for name in names:
        shutil.copyfile(zheng_data / "Dataset 1" / name, tmp_path / "Dataset 1" / name)
    path = tmp_path / "Dataset 1" / names[0]
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)
    dataset = open_zheng(1, data_dir=tmp_path)
    with pytest.raises(ManifestError, match=names[0]):
        dataset.read(dataset.ids[0])
    assert dataset.read(dataset.ids[1]).mask is not None
