"""Home takes images, opens examples with one click, and says what the app does."""

import pytest
from builders import draw_cell, encode
from quick_app import count_images, go_to, page_text, tables, viewer_props

from wbcseg.datasets import DatasetStatus
from wbcseg.datasets.examples import list_examples
from wbcseg.errors import DownloadError
from wbcseg.labels import to_grey
from wbcseg.ui import cache
from wbcseg.ui.components import dataset_status
from wbcseg.ui.home import examples

IMAGE, LABELS = draw_cell(60, 70)
CELL, MASK = encode(IMAGE), encode(to_grey(LABELS))


@pytest.fixture
def open_home(open_page):
    """Return a function that opens Home with what is on this computer in sight."""

    def open_it():
        at = open_page("home")
        at.session_state["installed"] = True
        at.run()
        assert not at.exception
        return at

    return open_it


def drop(at, *files):
    for name, data in files:
        at.file_uploader[0].upload(name, data, "application/octet-stream")
    at.run()
    assert not at.exception
    return at


def get_title(at):
    return at.title[0].value


def test_it_begins_with_the_drop_area_and_says_what_the_app_is_not_for(open_page):
    at = open_page("home")
    assert get_title(at) == "White blood cell segmentation"
    assert at.file_uploader[0].label == "Drop blood-smear images here, or choose files"
    assert "For research and teaching only" in page_text(at)
    assert [link.label for link in at.page_link] == [
        "How the networks are built",
        "How well they do",
        "Draw a cell yourself",
        "Train one",
        "Browse images and masks",
    ]


def test_nothing_is_said_about_missing_data_sets_at_first(open_page, no_data):
    at = open_page("home")
    assert "download" not in page_text(at).lower().replace("tables to download", "")
    assert not [button for button in at.button if str(button.key).startswith("download")]


def test_one_image_opens_segment_and_leads_back(open_page):
    at = drop(open_page("home"), ("cell.png", CELL))
    assert get_title(at) == "Segment an image"
    assert viewer_props(at)["file_stem"] == "cell"
    go_to(at, "home")
    at.run()
    at.button(key="back_to_image").click().run()
    assert get_title(at) == "Segment an image"
    assert viewer_props(at)["file_stem"] == "cell"


def test_an_image_with_its_mask_is_one_image(open_page):
    at = drop(open_page("home"), ("cell.png", CELL), ("cell_mask.png", MASK))
    assert get_title(at) == "Segment an image"
    assert "Expert mask" in [panel["title"] for panel in viewer_props(at)["panels"]]


def test_several_images_open_batch_and_lead_back(open_page):
    at = drop(open_page("home"), ("a.png", CELL), ("b.png", CELL))
    assert get_title(at) == "Batch"
    assert [item.name for item in at.session_state["uploads"].input_images] == ["a.png", "b.png"]
    go_to(at, "home")
    at.run()
    assert "Back to the batch of 2 images" in [link.label for link in at.page_link]


def test_a_broken_file_opens_batch_which_says_why(open_page):
    at = drop(open_page("home"), ("cells.zip", b"PK no zip"))
    assert get_title(at) == "Batch"
    at.session_state["batch"][1].join(60)
    at.run()
    assert "not a zip" in at.get("html")[-1].proto.body


def test_images_dropped_later_are_added(open_page):
    at = drop(open_page("home"), ("a.png", CELL), ("b.png", CELL))
    go_to(at, "home")
    at.run()
    other = encode(IMAGE[::-1])
    drop(at, ("c.png", other))
    # Only one is new: it opens alone, and the table has all.
    assert get_title(at) == "Segment an image"
    assert viewer_props(at)["file_stem"] == "c"
    go_to(at, "batch")
    at.run()
    assert [item.name for item in at.session_state["uploads"].input_images] == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize("example", list_examples()[: examples.COUNT], ids=lambda example: example.file)
def test_a_click_on_an_example_segments_it(open_page, example):
    at = open_page("home")
    assert count_images(at) == examples.COUNT
    at.button(key=f"example_{example.file.removesuffix('.jpg')}").click().run()
    assert not at.exception
    assert get_title(at) == "Segment an image"
    assert viewer_props(at)["image_id"] == example.sample_id


def test_examples_are_credited_on_the_page(open_page):
    text = page_text(open_page("home")).replace("\\", "")
    assert "Acevedo" in text
    assert "CC BY 4.0" in text


def test_it_shows_the_models_and_why_one_cannot_be_loaded(open_home):
    at = open_home()
    assert ["U\\-Net 16", "0.975 ±\u00a00.002", "0.975 ±\u00a00.002", "–"] in tables(at)[0]
    assert "is damaged or was replaced" in page_text(at)


def test_scores_from_a_leaky_split_are_marked(open_home):
    at = open_home()
    names = [row[0] for row in tables(at)[0]]
    assert names == ["Model", "U\\-Net 16", "SegNet 16 :orange[:material/content_copy:]"]
    assert "flipped copies of most held-out images were in the training set" in page_text(at)


def test_it_says_so_if_there_is_no_model(open_home, monkeypatch):
    class EmptyCatalog:
        entries = usable = broken = ()

    monkeypatch.setattr(cache, "Catalog", EmptyCatalog)
    assert "No models yet" in page_text(open_home())


def test_a_missing_data_set_is_offered_for_download(open_home, no_data):
    at = open_home()
    assert "Not downloaded yet" in page_text(at)
    assert {"download_zheng-1", "download_zheng-2"} <= {button.key for button in at.button}


def test_a_download_shows_its_progress(open_home, no_data, monkeypatch):
    calls = []

    def fail_after_one_file(name, *, download, progress):
        progress(1, 4, "Dataset 1/001.bmp")
        calls.append((name, download))
        raise DownloadError("The connection was lost after 1 of 4 files.")

    monkeypatch.setattr(dataset_status, "open_dataset", fail_after_one_file)
    at = open_home()
    at.button(key="download_zheng-1").click().run()
    assert not at.exception
    assert calls == [("zheng-1", True)]
    assert "The connection was lost after 1 of 4 files" in at.error[0].value


def test_after_a_download_the_data_is_ready(open_home, no_data, monkeypatch):
    downloaded = []
    missing = DatasetStatus("zheng-1", "Zheng 1", False, "", None, "Fetch it.")
    ready = DatasetStatus("zheng-1", "Zheng 1", True, "cache", 300, "")
    monkeypatch.setattr(dataset_status, "open_dataset", lambda name, **_: downloaded.append(name))
    monkeypatch.setattr("wbcseg.datasets.list_datasets", lambda: [ready if downloaded else missing])
    at = open_home()
    at.button(key="download_zheng-1").click().run()
    assert not at.exception
    assert "300 images" in page_text(at)


@pytest.mark.parametrize("term", ["Dice", "Held-out", "±"])
def test_technical_terms_are_explained(open_home, term):
    assert f"**{term}** · " in page_text(open_home())


def test_earlier_images_are_said_and_can_be_removed_and_brought_back(open_page):
    at = drop(open_page("home"), ("a.png", CELL))
    go_to(at, "home")
    at.run()
    drop(at, ("b.png", encode(IMAGE[::-1])), ("c.png", encode(IMAGE[:, ::-1])))
    assert get_title(at) == "Batch"

    def list_names():
        return [item.name for item in at.session_state["uploads"].input_images]

    assert list_names() == ["a.png", "b.png", "c.png"]
    go_to(at, "batch")
    at.run()
    at.button(key="earlier_remove").click().run()
    assert list_names() == ["b.png", "c.png"]
    at.button(key="earlier_undo").click().run()
    assert list_names() == ["a.png", "b.png", "c.png"]
    at.button(key="earlier_remove").click().run()
    at.button(key="earlier_ok").click().run()
    assert list_names() == ["b.png", "c.png"]
    assert not [button for button in at.button if str(button.key).startswith("earlier")]


def test_the_first_images_and_those_added_on_batch_raise_no_question(open_page):
    at = drop(open_page("home"), ("a.png", CELL), ("b.png", encode(IMAGE[::-1])))
    assert not [button for button in at.button if str(button.key).startswith("earlier")]
    go_to(at, "batch")
    at.run()
    drop(at, ("c.png", encode(IMAGE[:, ::-1])))
    assert len(at.session_state["uploads"].input_images) == 3
    assert not [button for button in at.button if str(button.key).startswith("earlier")]
