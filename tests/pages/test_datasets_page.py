"""The data sets: a gallery with filters, one picture large, and the preparation step by step."""

import pytest
from quick_app import go_to, pictures, words

from wbcseg.datasets import open_dataset
from wbcseg.errors import ImageError
from wbcseg.ui import cache
from wbcseg.ui.datasets.gallery import PER_PAGE


def test_one_picture_large_with_mask_overlay_and_shares(open_page):
    at = open_page("datasets", image="003")
    text = words(at)
    assert "Synthetic\\, 003" in text
    for heading in ("Picture", "Exact mask", "Overlay", "Share of each class"):
        assert f"**{heading}**" in text
    mask = open_dataset("synthetic").read("synthetic/003").mask
    assert f"**{(mask == 2).mean() * 100:.1f}\u00a0%** · " in text


def test_the_gallery_never_shows_a_whole_set_at_once(open_page):
    at = open_page("datasets")
    assert pictures(at) == 3 + PER_PAGE
    assert "60 pictures" in words(at)


def test_the_gallery_turns_its_pages(open_page):
    at = open_page("datasets", page="3")
    assert any(button.key == "show_synthetic/060" for button in at.button)


def test_filters_by_cell_type_and_size(open_page):
    data = open_dataset("synthetic")
    at = open_page("datasets", type="basophil")
    count = sum(entry.cell_type == "basophil" for entry in data.sample_infos)
    assert f"{count} of 60 pictures" in words(at)
    at.selectbox(key="size").select("300 × 300").run()
    both = sum(entry.cell_type == "basophil" and entry.size == (300, 300) for entry in data.sample_infos)
    assert pictures(at) == 3 + both
    assert not at.exception


def test_a_click_in_the_gallery_shows_that_picture(open_page):
    at = open_page("datasets")
    at.button(key="show_synthetic/005").click().run()
    assert "Synthetic\\, 005" in words(at)
    at.button(key="next_picture").click().run()
    assert "Synthetic\\, 006" in words(at)


def test_the_picture_goes_along_to_predict(open_page):
    at = open_page("datasets", image="004")
    assert at.page_link[0].value == "Segment this picture"
    go_to(at, "segment")
    at.run()
    assert at.title[0].value == "Segment a picture"
    assert "Synthetic\\, 004" in words(at)


def test_a_picture_that_cannot_be_read_spoils_only_its_own_tile(open_page, monkeypatch):
    whole = cache.load_image

    def damaged(name, sample_id):
        if sample_id == "synthetic/002":
            raise ImageError("002.png ends too early. Copy the file again.")
        return whole(name, sample_id)

    monkeypatch.setattr(cache, "load_image", damaged)
    at = open_page("datasets")
    assert pictures(at) == 3 + PER_PAGE - 1
    at.button(key="show_synthetic/002").click().run()
    assert not at.exception
    assert "ends too early" in at.error[0].value


def test_a_set_that_is_not_here_is_offered(open_page, no_data):
    at = open_page("datasets", dataset="Zheng 1")
    assert [button.key for button in at.button] == ["download_zheng-1"]
    assert at.selectbox(key="dataset").value == "zheng-1"


def test_the_published_preparation_on_the_real_pictures(open_page, zheng_data):
    at = open_page("datasets", dataset="Zheng 1", tab="Preparation")
    text = words(at)
    assert "**224 of " in text
    assert "224 become **448**" in text
    assert [metric.value for metric in at.metric] == ["417", "1", "30"]
    assert "**24 of the 30** test pictures" in text
    assert "**5 folds**" in text
    assert "in training" in text
    assert "in test" in text


@pytest.mark.parametrize("name", ["Synthetic"])
def test_the_preparation_of_other_sets(open_page, name):
    at = open_page("datasets", dataset=name, tab="Preparation")
    assert "The leak-free split" in words(at)
