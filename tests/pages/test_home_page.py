"""Home says what the app does and what is ready, and opens a sample image with one click."""

import pytest
from quick_app import count_images, page_text, tables, viewer_props

from wbcseg.datasets import DatasetStatus
from wbcseg.errors import DownloadError
from wbcseg.ui import cache
from wbcseg.ui.components import dataset_status


def test_it_says_what_the_app_is_and_is_not_for(open_page):
    at = open_page("home")
    assert at.title[0].value == "White blood cell segmentation"
    assert "For research and teaching only" in page_text(at)
    assert count_images(at) == 2


def test_it_shows_the_models_and_why_one_cannot_be_loaded(open_page):
    at = open_page("home")
    assert ["U\\-Net 16", "0.975 ±\u00a00.002", "0.975 ±\u00a00.002", "–"] in tables(at)[0]
    assert "is damaged or was replaced" in page_text(at)


def test_scores_from_a_leaky_split_are_marked(open_page):
    at = open_page("home")
    names = [row[0] for row in tables(at)[0]]
    assert names == ["Model", "U\\-Net 16", "SegNet 16 :orange[:material/content_copy:]"]
    assert "flipped copies of most held-out images were in the training set" in page_text(at)


def test_it_says_so_if_there_is_no_model(open_page, monkeypatch):
    class EmptyCatalog:
        entries = usable = broken = ()

    monkeypatch.setattr(cache, "Catalog", EmptyCatalog)
    assert "No models yet" in page_text(open_page("home"))


def test_one_click_segments_a_sample_image(open_page):
    at = open_page("home")
    next(button for button in at.button if button.label == "Segment a sample image").click().run()
    assert not at.exception
    assert at.title[0].value == "Segment an image"
    assert viewer_props(at)["image_id"].startswith("synthetic/")


def test_one_click_opens_the_upload(open_page):
    at = open_page("home")
    next(button for button in at.button if button.label == "Upload an image").click().run()
    assert at.title[0].value == "Segment an image"
    assert at.file_uploader


def test_a_missing_data_set_is_offered_for_download(open_page, no_data):
    at = open_page("home")
    assert "Not downloaded yet" in page_text(at)
    assert {"download_zheng-1", "download_zheng-2"} <= {button.key for button in at.button}


def test_a_download_shows_its_progress(open_page, no_data, monkeypatch):
    calls = []

    def fail_after_one_file(name, *, download, progress):
        progress(1, 4, "Dataset 1/001.bmp")
        calls.append((name, download))
        raise DownloadError("The connection was lost after 1 of 4 files.")

    monkeypatch.setattr(dataset_status, "open_dataset", fail_after_one_file)
    at = open_page("home")
    at.button(key="download_zheng-1").click().run()
    assert not at.exception
    assert calls == [("zheng-1", True)]
    assert "The connection was lost after 1 of 4 files" in at.error[0].value


def test_after_a_download_the_data_is_ready(open_page, no_data, monkeypatch):
    downloaded = []
    missing = DatasetStatus("zheng-1", "Zheng 1", False, "", None, "Fetch it.")
    ready = DatasetStatus("zheng-1", "Zheng 1", True, "cache", 300, "")
    monkeypatch.setattr(dataset_status, "open_dataset", lambda name, **_: downloaded.append(name))
    monkeypatch.setattr("wbcseg.datasets.list_datasets", lambda: [ready if downloaded else missing])
    at = open_page("home")
    at.button(key="download_zheng-1").click().run()
    assert not at.exception
    assert "300 images" in page_text(at)


@pytest.mark.parametrize("term", ["Dice", "Held-out", "±"])
def test_technical_terms_are_explained(open_page, term):
    assert f"**{term}** · " in page_text(open_page("home"))
