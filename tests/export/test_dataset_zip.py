"""Images and masks in a zip that can be opened again."""

from __future__ import annotations

from builders import draw_cell

from wbcseg.datasets import check_dataset, open_zip
from wbcseg.export import build_pairs_zip


def test_what_is_written_is_read_back() -> None:
    cells = [draw_cell(40 + i, 50, seed=i) for i in range(3)]
    names = ["first", "first", "../../=third"]
    data = build_pairs_zip((name, *cell) for name, cell in zip(names, cells, strict=True))
    assert data == build_pairs_zip((name, *cell) for name, cell in zip(names, cells, strict=True))
    dataset = open_zip(data, "corrected.zip")
    check_dataset(dataset)
    assert len(dataset) == 3
    mask_by_image = {sample.image.tobytes(): sample.mask for sample in dataset}
    for image, labels in cells:
        assert (mask_by_image[image.tobytes()] == labels).all()
    assert all(sample.id.count("/") == 1 for sample in dataset)
