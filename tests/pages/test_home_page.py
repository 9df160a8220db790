"""Home says what this is, what is ready, and leads to a sample in one click."""

import pytest
from quick_app import pictures, tables, viewer, words

from wbcseg.datasets import DatasetStatus
from wbcseg.errors import DownloadError
from wbcseg.ui import cache
from wbcseg.ui.components import dataset_status


def test_it_says_what_it_is_and_what_it_is_not_for(open_page):
    at = open_page("home")
    assert at.title[0].value == "White blood cell segmentation"
    assert "For research and teaching only" in words(at)
    assert pictures(at) == 2


def test_it_shows_the_models_and_why_one_cannot_be_used(open_page):
    at = open_page("home")
    assert ["U\\-Net 16", "0.975 ±\u00a00.002", "0.975 ±\u00a00.002", "–"] in tables(at)[0]
    assert "is damaged or was replaced" in words(at)


def test_figures_on_pictures_with_a_copy_in_training_are_marked(open_page):
    at = open_page("home")
    names = [row[0] for row in tables(at)[0]]
    assert names == ["Model", "U\\-Net 16", "SegNet 16 :orange[:material/content_copy:]"]
    assert "most of these held-out pictures have a flipped copy" in words(at)


def test_it_says_so_where_there_is_no_model(open_page, monkeypatch):
    class Nothing:
        entries = usable = ()

    monkeypatch.setattr(cache, "Catalog", Nothing)
    assert "There is no model yet" in words(open_page("home"))


def test_one_click_leads_to_a_segmented_sample(open_page):
    at = open_page("home")
    next(button for button in at.button if button.label == "Segment a sample picture").click().run()
    assert not at.exception
    assert at.title[0].value == "Segment a picture"
    assert viewer(at)["id"].startswith("synthetic/")


def test_one_click_leads_to_the_readers_own_picture(open_page):
    at = open_page("home")
    next(button for button in at.button if button.label == "Use your own picture").click().run()
    assert at.title[0].value == "Segment a picture"
    assert at.file_uploader


def test_data_that_is_not_here_is_offered(open_page, no_data):
    at = open_page("home")
    assert "Not on this computer yet" in words(at)
    assert {"download_zheng-1", "download_zheng-2"} <= {button.key for button in at.button}


def test_a_download_shows_its_progress(open_page, no_data, monkeypatch):
    seen = []

    def fetch(name, *, fetch, progress):
        progress(1, 4, "Dataset 1/001.bmp")
        seen.append((name, fetch))
        raise DownloadError("The connection broke after 1 of 4 files. Try again: what is here is kept.")

    monkeypatch.setattr(dataset_status, "open_dataset", fetch)
    at = open_page("home")
    at.button(key="download_zheng-1").click().run()
    assert not at.exception
    assert seen == [("zheng-1", True)]
    assert "The connection broke after 1 of 4 files" in at.error[0].value


def test_after_a_download_the_data_is_ready(open_page, no_data, monkeypatch):
    here = []
    missing = DatasetStatus("zheng-1", "Zheng 1", False, "", None, "Fetch it.")
    ready = DatasetStatus("zheng-1", "Zheng 1", True, "cache", 300, "")
    monkeypatch.setattr(dataset_status, "open_dataset", lambda name, **_: here.append(name))
    monkeypatch.setattr("wbcseg.datasets.list_datasets", lambda: [ready if here else missing])
    at = open_page("home")
    at.button(key="download_zheng-1").click().run()
    assert not at.exception
    assert "300 pictures" in words(at)


@pytest.mark.parametrize("word", ["Dice", "Held-out", "±"])
def test_technical_words_are_explained(open_page, word):
    assert f"**{word}** · " in words(open_page("home"))
