"""Predict: panels, scores, marks, uploads and links."""

import io

import numpy as np
import pytest
from PIL import Image
from quick_app import PROBLEM, FailingCatalog, Threshold, pictures, words

from wbcseg.classes import PALETTES
from wbcseg.datasets import open_dataset
from wbcseg.datasets.sample import Sample
from wbcseg.drawing import colorize, fit
from wbcseg.images import open_image, open_mask
from wbcseg.metrics import score
from wbcseg.ui import store
from wbcseg.ui.store import Shown, View
from wbcseg.ui.words import as_text


def png(array, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG", **options)
    return buffer.getvalue()


def a_cell(shade=60, side=40):
    picture = np.full((side, side, 3), 230, np.uint8)
    picture[10:30, 10:30] = 150
    picture[15:25, 15:25] = shade
    return picture


def test_every_model_beside_the_expert(open_page):
    at = open_page("predict", picture="003")
    text = words(at)
    assert pictures(at) == 4
    for heading in ("Picture", "Exact mask", "U\\-Net 16", "SegNet 16"):
        assert f"**{heading}**" in text


def test_the_scores_are_those_of_the_core(open_page):
    at = open_page("predict", picture="003")
    sample = open_dataset("synthetic").read("synthetic/003")
    green = sample.image[..., 1]
    expected = score(sample.mask, (green < 110).astype(np.uint8) + (green < 180).astype(np.uint8))
    tables = [element.value for element in at.markdown if element.value.startswith("|")]
    assert len(tables) == 2
    for table, values in zip(tables, (expected.dice, expected.jaccard), strict=True):
        for row, key in (("Nucleus", "nucleus"), ("Cytoplasm", "cytoplasm"), ("Whole cell", "cell")):
            assert f"| {row} | {values[key]:.3f} | {values[key]:.3f} |" in table


def test_an_absent_class_is_neither_0_nor_1(open_page, monkeypatch):
    empty = Shown(Sample("synthetic/003", np.full((40, 40, 3), 255, np.uint8), np.zeros((40, 40), np.uint8)), "x")
    monkeypatch.setattr(store, "shown", lambda *_: empty)
    at = open_page("predict", picture="003")
    table = next(element.value for element in at.markdown if element.value.startswith("|"))
    assert "| Nucleus | n/a – class absent | n/a – class absent |" in table
    assert "| Background | 1.000 | 1.000 |" in table


def test_a_score_on_a_training_picture_is_marked(open_page):
    text = words(open_page("predict", picture="001"))
    assert ":material/school: Trained on this cell" in text
    assert "or on another of the same cell: U\\-Net 16\\; SegNet 16. A score here flatters such a model" in text
    text = words(open_page("predict", picture="002"))
    assert "Not in its training" in text
    assert "flatters such a model" not in text


def test_a_model_with_a_problem_says_so_and_the_others_serve(open_page):
    at = open_page("predict", picture="003")
    assert as_text(PROBLEM) in at.warning[0].value
    assert pictures(at) == 4


def test_a_model_that_fails_when_it_is_opened(open_page, monkeypatch):
    monkeypatch.setattr(store, "Catalog", FailingCatalog)
    at = open_page("predict", picture="003")
    assert pictures(at) == 3
    assert any("segnet\\-16 cannot be read" in warning.value for warning in at.warning)


def test_next_and_previous(open_page):
    at = open_page("predict")
    assert at.button(key="previous_picture").disabled
    at.button(key="next_picture").click().run()
    assert at.session_state["picture"] == "synthetic/002"
    assert at.query_params["picture"] == "002"
    at.button(key="previous_picture").click().run()
    assert at.session_state["picture"] == "synthetic/001"
    at = open_page("predict", picture="060")
    assert at.button(key="next_picture").disabled


def test_a_link_restores_the_view(open_page):
    at = open_page(
        "predict", picture="007", view="Colours", palette="Colour-blind safe", opacity="75", models="segnet-16"
    )
    assert at.session_state["picture"] == "synthetic/007"
    assert at.session_state["view"] == "Colours"
    assert at.session_state["opacity"] == 75
    assert at.session_state["models"] == ["segnet-16"]
    assert pictures(at) == 3
    assert PALETTES["safe"].hex(2) in words(at)


@pytest.mark.parametrize("nonsense", [{"picture": "999"}, {"set": "Nothing"}, {"opacity": "x"}, {"view": "<b>"}])
def test_a_link_that_is_wrong_falls_back(open_page, nonsense):
    assert pictures(open_page("predict", **nonsense)) == 4


def test_another_set_begins_at_its_first_picture(open_page, zheng_data):
    at = open_page("predict", picture="007")
    at.selectbox(key="set").select("zheng-2").run()
    assert not at.exception
    assert at.session_state["picture"] == open_dataset("zheng-2").ids[0]


def test_ones_own_picture(open_page):
    at = open_page("predict", source="Your own picture")
    assert "never stored" in words(at)
    at.file_uploader[0].upload("cell.png", png(a_cell())).run()
    assert not at.exception
    assert pictures(at) == 3
    assert "40 × 40 pixels" in words(at)
    assert "nothing to measure" in words(at)
    assert "Not in its training" not in words(at)


def test_a_name_with_html_is_only_text(open_page):
    name = "<img src=x onerror=alert(1)> **bold** :red[x].png"
    at = open_page("predict", source="Your own picture")
    at.file_uploader[0].upload(name, png(a_cell())).run()
    shown = next(element.value for element in at.markdown if "onerror" in element.value)
    assert shown.startswith(as_text(name))
    assert "\\<img src\\=x" in shown


@pytest.mark.parametrize("data", [b"", b"not a picture", b"<html><script>alert(1)</script></html>", png(a_cell())[:90]])
def test_what_is_no_picture_is_refused_in_words(open_page, data):
    at = open_page("predict", source="Your own picture")
    at.file_uploader[0].upload("cell.png", data).run()
    assert not at.exception
    assert as_text("cell.png") in at.error[0].value
    assert pictures(at) == 0


def test_a_picture_that_is_too_small_for_the_models(open_page, monkeypatch):
    def refuse(self, image):
        from wbcseg.errors import ImageError

        raise ImageError("A picture must have at least 16×16 pixels to be segmented. Received: 1×1")

    monkeypatch.setattr("quick_app.Threshold.predict", refuse)
    at = open_page("predict", source="Your own picture")
    at.file_uploader[0].upload("dot.png", png(np.zeros((1, 1, 3), np.uint8))).run()
    assert not at.exception
    assert pictures(at) == 1
    assert any("at least 16×16" in warning.value for warning in at.warning)


def test_what_a_file_says_besides_its_pixels_goes_nowhere():
    exif = Image.Exif()
    exif[0x010E] = "Jane Patient, born 1950"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    data = png(a_cell(), exif=exif)
    assert b"Jane Patient" in data
    picture = open_image(data)
    shown = Shown(Sample("own/x", picture.pixels), "digest", own=False)
    for made in (store.drawn(shown, View()), store.mask_file(np.zeros((4, 4), np.uint8))):
        assert b"Jane" not in made
        assert b"eXIf" not in made


def test_two_readers_never_get_each_others_picture(open_page):
    first, second = (open_page("predict", source="Your own picture") for _ in range(2))
    dark, light = a_cell(shade=20, side=40), a_cell(shade=140, side=44)
    first.file_uploader[0].upload("cell.png", png(dark)).run()
    second.file_uploader[0].upload("cell.png", png(light)).run()
    first.run()
    assert "40 × 40 pixels" in words(first)
    assert "44 × 44 pixels" in words(second)
    nuclei = [images_alt(at) for at in (first, second)]
    assert nuclei[0] != nuclei[1]


def images_alt(at):
    return [image.proto.imgs[0].alt for image in at.image]


def test_a_saved_mask_reads_back():
    labels = np.array([[0, 1], [2, 2]], np.uint8)
    assert (open_mask(store.mask_file(labels)) == labels).all()


def test_drawn_pictures_keep_every_pixel():
    labels = np.arange(9, dtype=np.uint8).reshape(3, 3) % 3
    picture = Shown(Sample("synthetic/x", np.zeros((3, 3, 3), np.uint8), labels), "three by three")
    made = open_image(store.drawn(picture, View("colours", 1.0, "thesis"), labels)).pixels
    assert (made == colorize(fit(labels, store.PANEL_SIDE), PALETTES["thesis"])).all()


def test_the_next_picture_is_prepared_while_this_one_is_looked_at(open_page, monkeypatch):
    whole, segmented = Threshold.predict, []

    def watched(self, image):
        segmented.append((self.name, image.tobytes()))
        return whole(self, image)

    monkeypatch.setattr("quick_app.Threshold.predict", watched)
    at = open_page("predict", picture="020")
    at.session_state["ahead"].result(60)
    following = open_dataset("synthetic").read("synthetic/021").image.tobytes()
    assert [name for name, image in segmented if image == following] == ["unet-16", "segnet-16"]
    at.button(key="next_picture").click().run()
    assert pictures(at) == 4
    assert len([name for name, image in segmented if image == following]) == 2  # none was segmented again
