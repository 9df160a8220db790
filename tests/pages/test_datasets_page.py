"""Data sets: a gallery with filters, an enlarged image, and the preparation step by step."""

from quick_app import count_images, go_to, page_text

from wbcseg.datasets import open_dataset
from wbcseg.errors import ImageError
from wbcseg.ui import cache
from wbcseg.ui.datasets.gallery import PER_PAGE


def test_the_selected_image_is_shown_with_mask_overlay_and_class_fractions(open_page):
    at = open_page("datasets", image="003")
    text = page_text(at)
    assert "Synthetic\\, 003" in text
    for heading in ("Image", "Exact mask", "Overlay", "Class fractions"):
        assert f"**{heading}**" in text
    mask = open_dataset("synthetic").read("synthetic/003").mask
    assert f"**{(mask == 2).mean() * 100:.1f}%** · " in text


def test_the_gallery_shows_one_page_at_a_time(open_page):
    at = open_page("datasets")
    assert count_images(at) == 3 + PER_PAGE
    assert "60 images" in page_text(at)


def test_the_gallery_has_pages(open_page):
    at = open_page("datasets", page="3")
    assert any(button.key == "show_synthetic/060" for button in at.button)


def test_filters_by_cell_type_and_size(open_page):
    infos = open_dataset("synthetic").sample_infos
    at = open_page("datasets", type="basophil")
    count = sum(info.cell_type == "basophil" for info in infos)
    assert f"{count} of 60 images" in page_text(at)
    at.selectbox(key="size").select("300 × 300").run()
    both = sum(info.cell_type == "basophil" and info.size == (300, 300) for info in infos)
    assert count_images(at) == 3 + both
    assert not at.exception


def test_a_click_in_the_gallery_selects_the_image(open_page):
    at = open_page("datasets")
    at.button(key="show_synthetic/005").click().run()
    assert "Synthetic\\, 005" in page_text(at)
    at.button(key="next_image").click().run()
    assert "Synthetic\\, 006" in page_text(at)


def test_the_selected_image_stays_selected_on_the_page_segment(open_page):
    at = open_page("datasets", image="004")
    assert at.page_link[0].value == "Segment this image"
    go_to(at, "segment")
    at.run()
    assert at.title[0].value == "Segment an image"
    assert "Synthetic\\, 004" in page_text(at)


def test_an_unreadable_image_affects_only_its_own_tile(open_page, monkeypatch):
    load_image = cache.load_image

    def load_image_with_damage(name, sample_id):
        if sample_id == "synthetic/002":
            raise ImageError("002.png ends too early. Copy the file again.")
        return load_image(name, sample_id)

    monkeypatch.setattr(cache, "load_image", load_image_with_damage)
    at = open_page("datasets")
    assert count_images(at) == 3 + PER_PAGE - 1
    at.button(key="show_synthetic/002").click().run()
    assert not at.exception
    assert "ends too early" in at.error[0].value


def test_a_missing_data_set_is_offered_for_download(open_page, no_data):
    at = open_page("datasets", dataset="Zheng 1")
    assert [button.key for button in at.button] == ["download_zheng-1"]
    assert at.selectbox(key="dataset").value == "zheng-1"


def test_the_thesis_preparation_of_the_real_images(open_page, zheng_data):
    at = open_page("datasets", dataset="Zheng 1", tab="Splits and leakage")
    text = page_text(at)
    assert "**224 of " in text
    assert "224 images become **448**" in text
    assert [metric.value for metric in at.metric] == ["417", "1", "30"]
    assert "**24 of the 30** test images" in text
    assert "**5 folds**" in text
    assert "orange-badge[training]" in text
    assert "blue-badge[test]" in text


def test_the_leak_free_split_of_another_data_set(open_page):
    at = open_page("datasets", dataset="Synthetic", tab="Splits and leakage")
    assert "Leak-free split" in page_text(at)
