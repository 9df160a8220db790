"""Measure: many pictures, their table, and what can be taken away."""

import io
import re
import zipfile
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from builders import draw_cell, encode
from PIL import Image
from quick_app import (
    CatalogWithGeneral,
    FailingCatalog,
    QuickCatalog,
    Threshold,
    as_field,
    card,
    go_to,
    page_text,
    tables,
    viewer_props,
)

from wbcseg.datasets import Sample
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ModelError
from wbcseg.evaluation.feature_agreement import FeaturePairs
from wbcseg.export import build_cell_rows, encode_csv, format_mean_dice
from wbcseg.features import FEATURES, extract_features
from wbcseg.inference import BBox, Catalog, ModelEntry, Segmentation
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import to_grey
from wbcseg.metrics import score
from wbcseg.pipeline import ImageResult
from wbcseg.pipeline.analyze import TRAINED_ON_NOTICE
from wbcseg.pipeline.cells import DISAGREEMENT_REASON
from wbcseg.quality import OK, REVIEW, QualityResult, load_quality_model
from wbcseg.results import CellResult, build_in_memory_loader
from wbcseg.ui import cache
from wbcseg.ui.batch import batch_view
from wbcseg.ui.batch import upload as bringing
from wbcseg.ui.compare import feature_agreement
from wbcseg.ui.components import quality_badges, quality_help
from wbcseg.ui.components.cell_table import (
    build_rows,
    format_cell_count,
    render_table_html,
    select_rows_to_review,
    summarize_results,
)
from wbcseg.ui.formatting import escape_markdown

PICTURE, LABELS = draw_cell(60, 70)
CELL, MASK = encode(PICTURE), encode(to_grey(LABELS))


def bring(at, *files):
    """Upload files and let their batch come to its end."""
    upload(at, *files)
    return finished(at)


def upload(at, *files):
    for name, data, kind in files:
        at.file_uploader[0].upload(name, data, kind)
    at.run()
    assert not at.exception


def finished(at):
    assert not at.exception
    batch = at.session_state["batch"][1]
    batch.join(60)
    at.run()
    assert not at.exception
    return at


def table(at):
    """The rows of the table as lists of texts."""
    (shown,) = at.get("html")
    return cells_of(shown.proto.body)


def cells_of(html):
    rows = re.findall("<tr.*?</tr>", html)
    cells = [re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[unescape(re.sub("<[^>]*>", " ", cell)).replace("\u202f", "").strip() for cell in row] for row in cells]


def test_an_empty_page_says_what_to_bring(open_page):
    at = open_page("batch")
    for what in ("whole fields of view", "Expert masks", "Nothing is stored", "Not a medical device"):
        assert what in page_text(at)
    assert at.selectbox(key="batch_model").value == "unet-16"
    assert not at.get("html")


@pytest.mark.parametrize("source", ["Folder", "Camera"])
def test_other_ways_to_bring_pictures(open_page, source):
    at = open_page("batch")
    at.session_state["batch_source"] = source
    at.run()
    assert not at.exception
    assert len(at.file_uploader) == (source == "Folder")
    assert len(at.get("camera_input")) == (source == "Camera")


def test_pictures_with_masks_are_measured(open_page):
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"), ("a_mask.png", MASK, "image/png"))
    head, row = table(at)
    found = Threshold("x").predict(PICTURE).labels
    figures, dice = extract_features(PICTURE, keep_main_cell(found)).values, score(LABELS, found).dice
    assert head[-3:] == ["Dice nucleus", "Dice cytoplasm", "Dice cell"]
    assert row[1:] == [
        "a.png",
        f"{figures['nucleus_to_cell']:.3f}",
        f"{figures['nucleus_area']:.0f}",
        f"{figures['cell_area']:.0f}",
        "1",
        *(f"{dice[region]:.3f}" for region in ("nucleus", "cytoplasm", "cell")),
    ]
    assert "1 cell with a mask" in page_text(at)
    labels = [button.label for button in at.get("download_button")]
    assert labels == ["Figures (CSV)", "Report (PDF)", "Everything (zip)"]


def test_what_is_bad_has_a_row_of_its_own(open_page):
    at = bring(
        open_page("batch"),
        ("a.png", CELL, "image/png"),
        ("<b>.png", b"", "image/png"),
        ("c.png", CELL[:99], "image/png"),
        ("c.zip", b"PK no zip", "application/zip"),
    )
    # Each has the number that it has in the files to take away.
    found = {row[1].split()[1]: row[1] for row in table(at)[1:]}
    assert [row[1].split()[0] for row in table(at)[1:]] == ["1", "2", "3", "4"]
    assert set(found) == {"a.png", "<b>.png", "c.png", "c.zip"}
    assert "Not used.  It is empty (0 bytes)." in found["<b>.png"]
    assert "truncated" in found["c.png"]
    assert "no zip, or is damaged" in found["c.zip"]
    assert "**1 picture\\, 1 cell**; 3 could not be used" in page_text(at)
    assert "<b>.png" not in at.get("html")[0].proto.body


def test_a_scale_changes_the_figures_and_does_not_begin_anew(open_page):
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"))
    batch = at.session_state["batch"][1]
    area = float(table(at)[1][4])
    at.number_input(key="batch_pixel_size").set_value(0.5).run()
    head, row = table(at)
    assert head[3] == "Cell area (µm²)"
    assert float(row[4]) == pytest.approx(area / 4, abs=0.05)
    assert at.session_state["batch"][1] is batch


def test_another_model_begins_anew(open_page):
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"))
    at.selectbox(key="batch_model").select("segnet-16").run()
    finished(at)
    (finding,) = at.session_state["batch"][1].get_results()[0].cells
    assert finding.model == "segnet-16"


def test_a_model_for_any_laboratory_comes_first(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", CatalogWithGeneral)
    assert open_page("batch").selectbox(key="batch_model").value == "unet-general"


class Blind(Threshold):
    """Sees no cell anywhere."""

    def predict(self, image, *, tta=False):
        return super().predict(np.full_like(image, 255), tta=tta)


class WithSecond(CatalogWithGeneral):
    """Two models are for any laboratory; the second one is blind."""

    def __init__(self):
        super().__init__()
        second = ModelEntry("segnet-general", Path("segnet-general"), card("SegNet, blind", two_stage=True), True)
        self.entries = (*self.entries, second)

    def load(self, name):
        return Blind(name) if name == "segnet-general" else super().load(name)


def test_a_second_opinion_is_there_where_another_model_for_any_laboratory_is(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", CatalogWithGeneral)
    assert "batch_second" not in [one.key for one in open_page("batch").selectbox]
    monkeypatch.setattr(cache, "Catalog", WithSecond)
    at = open_page("batch")
    assert at.selectbox(key="batch_second").options == ["none", "SegNet, blind"]
    at.selectbox(key="batch_model").select("unet-16").run()
    assert "batch_second" not in [one.key for one in at.selectbox], "results of this model are not judged"


def test_a_second_opinion_begins_anew_and_says_where_the_models_disagree(open_page, monkeypatch):
    fine = SimpleNamespace(assess=lambda *_, **__: QualityResult(OK, (), 0.0, 0.0))
    monkeypatch.setattr(batch_view, "load_quality_model", lambda _: fine)
    monkeypatch.setattr(cache, "Catalog", WithSecond)
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"))
    (alone,) = at.session_state["batch"][1].get_results()[0].cells
    assert (alone.status, alone.reasons) == (OK, ())
    at.selectbox(key="batch_second").select("segnet-general").run()
    (disputed,) = finished(at).session_state["batch"][1].get_results()[0].cells
    assert (disputed.model, disputed.status, disputed.reasons) == ("unet-general", REVIEW, (DISAGREEMENT_REASON,))
    assert disputed.features.values == pytest.approx(alone.features.values, nan_ok=True)


def test_a_judge_that_is_damaged_is_told_and_nothing_is_lost(open_page, monkeypatch):
    def damaged(_):
        raise ModelError("The judge unet.json cannot be used: it is empty.")

    monkeypatch.setattr(batch_view, "load_quality_model", damaged)
    at = open_page("batch")
    at.file_uploader[0].upload("a.png", CELL, "image/png").run()
    assert not at.exception
    assert [one.value for one in at.error] == [escape_markdown("The judge unet.json cannot be used: it is empty.")]


def test_a_model_that_fails_says_so(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", FailingCatalog)
    at = open_page("batch")
    at.selectbox(key="batch_model").select("segnet-16").run()
    at.file_uploader[0].upload("a.png", CELL, "image/png").run()
    assert not at.exception
    assert "segnet\\-16 cannot be read" in at.error[0].value


def test_without_a_model_there_is_nothing_to_do(open_page, monkeypatch):
    from quick_app import QuickCatalog

    class Empty(QuickCatalog):
        def __init__(self):
            self.entries = ()

    monkeypatch.setattr(cache, "Catalog", Empty)
    assert "no model that can be used" in page_text(open_page("batch"))


def test_pages_are_asked_for_where_there_are_some(open_page):
    buffer = io.BytesIO()
    frames = [Image.fromarray(draw_cell(60, 70, seed)[0]) for seed in (1, 2)]
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    at = bring(open_page("batch"), ("s.tif", buffer.getvalue(), "image/tiff"))
    assert "page 1 is used" in table(at)[1][1]
    at.number_input(key="batch_page").set_value(2).run()
    assert "page 2 is used" in table(finished(at))[1][1]


def test_drawn_cells_to_try_it_with(open_page):
    at = open_page("batch")
    at.button(key="batch_try").click().run()
    assert len(table(finished(at))) == 9
    assert "8 pictures" in page_text(at)
    # None of them was in a shipped model's training: their Dice flatters nobody.
    seen = {digest for entry in Catalog().usable for digest in entry.card.training_digests}
    drawn = [draw_sample(bringing.SYNTHETIC_SEED, number) for number in range(bringing.SYNTHETIC_COUNT)]
    assert seen
    assert not seen & {Sample("any/name", one.image, one.mask).compute_digest() for one in drawn}
    assert at.session_state["batch"][1].input_images[0].load() == encode(drawn[0].image)
    at.button(key="batch_start_over").click().run()
    assert not at.get("html")
    assert "batch" not in at.session_state


def look_elsewhere(at):
    for page in ("segment", "batch"):
        go_to(at, page)
        at.run()


def names_of(at):
    return [row[1].split()[-1] for row in table(at)[1:]]


def test_what_comes_after_a_look_at_another_page_is_added(open_page):
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"), ("b.png", CELL, "image/png"))
    first = [outcome.cells for outcome in at.session_state["batch"][1].get_results()]
    look_elsewhere(at)
    assert names_of(at) == ["a.png", "b.png"]
    bring(at, ("c.png", CELL, "image/png"))
    assert names_of(at) == ["a.png", "b.png", "c.png"]
    assert "Added to the 2 files that you brought before" in page_text(at)
    # What was known is not looked at again.
    again = [outcome.cells for outcome in at.session_state["batch"][1].get_results()[:2]]
    assert [one[0].features for one in again] == [one[0].features for one in first]
    # The same file brought again is there once; another one of its name is another picture.
    look_elsewhere(at)
    bring(at, ("b.png", CELL, "image/png"), ("c.png", encode(PICTURE[::-1]), "image/png"))
    assert [row[1].partition("  ")[2] for row in table(at)[1:]] == ["a.png", "b.png", "c.png", "c (2).png"]
    at.button(key="batch_start_over").click().run()
    bring(at, ("d.png", CELL, "image/png"))
    assert names_of(at) == ["d.png"]


def test_drawn_cells_make_way_for_what_is_brought(open_page):
    at = open_page("batch")
    at.button(key="batch_try").click().run()
    assert len(table(finished(at))) > 8
    bring(at, ("mine.png", CELL, "image/png"))
    assert names_of(at) == ["mine.png"]


class Trained(QuickCatalog):
    """The first model was trained on the test's cell, whatever its file is called."""

    def __init__(self):
        super().__init__()
        self.entries[0].card.training_digests = frozenset({Sample("any/name", PICTURE, LABELS).compute_digest()})


def test_dice_on_a_picture_that_the_model_was_trained_on_is_marked(open_page, monkeypatch):
    other = encode(PICTURE[::-1])
    monkeypatch.setattr(cache, "Catalog", Trained)
    at = bring(
        open_page("batch"),
        *(("a.png", CELL, "image/png"), ("a_mask.png", MASK, "image/png")),
        *(("b.png", other, "image/png"), ("b_mask.png", encode(to_grey(LABELS[::-1])), "image/png")),
        ("c.png", CELL, "image/png"),
    )
    rows = {row[1].split()[1]: row[1] for row in table(at)[1:]}
    assert f"unet-16 {TRAINED_ON_NOTICE}" in rows["a.png"]
    assert TRAINED_ON_NOTICE not in rows["b.png"]
    # Without a mask there is no Dice to flatter.
    assert TRAINED_ON_NOTICE not in rows["c.png"]
    assert "2 cells with a mask, 1 of them in the model's training, which flatters" in page_text(at).replace("\\", "")
    batch = at.session_state["batch"][1]
    text = encode_csv(build_cell_rows(batch.get_results())).decode()
    assert text.count(TRAINED_ON_NOTICE) == 1
    cells = [cell for picture in batch.get_results() for cell in picture.cells]
    assert "(2 cells with a mask, 1 of them in the model's training, which flatters)" in format_mean_dice(cells)


def test_a_mask_without_cytoplasm_is_told(open_page):
    whole = encode(((LABELS > 0) * 255).astype(np.uint8))
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"), ("a_mask.png", whole, "image/png"))
    assert "The expert's mask has no cytoplasm" in table(at)[1][1]


@pytest.mark.parametrize(("micrometres", "doubted"), [(0.25, False), (0.005, True), (5.0, True), (None, False)])
def test_a_scale_that_makes_no_white_cells_is_doubted(open_page, micrometres, doubted):
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"))
    at.number_input(key="batch_pixel_size").set_value(micrometres).run()
    assert any("Check the scale" in one.value for one in at.warning) == doubted


def test_a_model_whose_results_are_not_judged_says_so(open_page):
    at = open_page("batch")
    assert "not judged" in page_text(at)


def test_many_rows_are_turned_like_pages(open_page):
    at = bring(open_page("batch"), *((f"{n}.png", CELL, "image/png") for n in range(30)))
    assert len(table(at)) == 26
    assert [row[1] for row in table(at)[1:3]] == ["1  0.png", "2  1.png"]
    at.button(key="batch_next").click().run()
    assert [row[1] for row in table(at)[1:]] == [f"{n + 1}  {n}.png" for n in range(25, 30)]
    assert "Rows 26 to 30 of 30" in page_text(at)


class JudgeOfSome:
    """Says that every third result should be checked."""

    def __init__(self):
        self.asked = 0

    def assess(self, image, probabilities, cell, *, sides):  # noqa: ARG002 (as the real one)
        self.asked += 1
        fine = self.asked % 3
        return QualityResult(OK, (), 0.1, 0.1) if fine else QualityResult(REVIEW, ("The stain is odd.",), 0.9, 0.1)


def test_only_those_to_check(open_page, monkeypatch):
    monkeypatch.setattr(batch_view, "load_quality_model", lambda _: JudgeOfSome())
    at = bring(open_page("batch"), *((f"{n}.png", CELL, "image/png") for n in range(30)))
    assert "20 look fine\\, 10 should be checked" in page_text(at)
    at.button(key="batch_next").click().run()
    at.toggle(key="batch_flagged_only").set_value(True).run()
    assert [row[1] for row in table(at)[1:]] == [f"{n + 1}  {n}.png" for n in range(2, 30, 3)]
    assert not [button for button in at.button if button.key == "batch_next"]
    go_to(at, "segment")
    at.run()
    go_to(at, "batch")
    at.run()
    assert at.toggle(key="batch_flagged_only").value is True
    assert len(table(at)) == 11
    at.toggle(key="batch_flagged_only").set_value(False).run()
    assert "Rows 1 to 25 of 30" in page_text(at)


def test_nothing_to_check(open_page, monkeypatch):
    class Content:
        def assess(self, *_, **__):
            return QualityResult(OK, (), 0.1, 0.1)

    monkeypatch.setattr(batch_view, "load_quality_model", lambda _: Content())
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"))
    at.toggle(key="batch_flagged_only").set_value(True).run()
    assert not at.get("html")
    assert "Nothing to check" in page_text(at)


def test_without_a_judge_there_is_nothing_to_choose(open_page):
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"))
    assert "batch_flagged_only" not in [toggle.key for toggle in at.toggle]


def test_figures_and_statuses_are_explained(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", CatalogWithGeneral)
    at = open_page("batch")
    said = page_text(at)
    for word in ("N:C", "Lobes", "Circularity", "Solidity", "Eccentricity", "Looks fine", "Check"):
        assert f"**{word}** ·" in said
    assert "**Unlike the training data** ·" in said
    for name in ("nucleus_to_cell", "nucleus_to_cytoplasm", "nucleus_lobes", "nucleus_solidity"):
        assert FEATURES[name].description in said
    judge = load_quality_model(CatalogWithGeneral().entries[-1].card)
    assert judge is not None
    figures = judge.metrics
    caught = round(figures["varied_bad_caught"] * figures["varied_bad"])
    assert "**How reliable that is for General.**" in said
    assert f"{caught} of {figures['varied_bad']} bad results (Dice of the whole cell below 0.8) were marked" in said
    assert f"of {figures['smears']} smears {round(figures['unlike_smears'] * figures['smears'])}." in said


def test_where_no_result_was_bad_none_is_said_to_be_caught():
    judge = load_quality_model(CatalogWithGeneral().entries[-1].card)
    assert judge is not None
    figures = {**judge.metrics, "pictures": 40, "bad": 0, "bad_flagged": None, "good_flagged": 0.1}
    said = quality_help._format_quality_accuracy("General", figures)
    assert "no result was bad (Dice of the whole cell below 0.8), and 4 of 40 others were marked." in said


def test_a_judge_is_spoken_of_once_and_only_if_there_is_one():
    entries = CatalogWithGeneral().entries
    assert len(quality_help.describe_quality_accuracy(entries)) == 1
    assert len(quality_help.describe_quality_accuracy([entries[-1], entries[-1]])) == 1
    assert quality_help.describe_quality_accuracy(entries[:2]) == []


def agreement(model, tta):
    pairs = dict.fromkeys(("nucleus_to_cell", "nucleus_area"), ((0.5, 0.6), (0.5, 0.4)))
    return FeaturePairs(model, tta, ("zheng-1/001", "zheng-2/001"), {**pairs, "nucleus_lobes": ((2, 2), (3, 2))})


def test_how_far_figures_agree_is_one_sentence_and_a_link(open_page, monkeypatch):
    found = {"segnet-16": agreement("segnet-16", False), "unet-16, careful": agreement("unet-16", True)}
    monkeypatch.setattr(feature_agreement, "_load_results", lambda: found)
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"))
    assert "on 2 pictures of Zheng 1 and Zheng 2" in page_text(at)
    assert f"nucleus / cell by {escape_markdown('U-Net 16')} (careful) differs" in page_text(at)
    assert "by 0.100 on average" in page_text(at)
    assert "the same in 50% of the cells" in page_text(at)
    (link,) = [one.proto for one in at.get("page_link") if "masks" in one.proto.label]
    assert link.page == "compare"
    assert link.query_string == "tab=Figures+of+cells&agreement_model=unet-16%2C+careful"


def test_a_model_that_was_not_measured_says_so(open_page, monkeypatch):
    monkeypatch.setattr(feature_agreement, "_load_results", lambda: {"deconvnet-16": agreement("deconvnet-16", False)})
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"))
    assert f"was measured for {escape_markdown('deconvnet-16')}, and not for this model." in page_text(at)
    assert [one for one in at.get("page_link") if one.proto.query_string == "tab=Figures+of+cells"]


def test_looking_closer_shows_the_picture_as_it_was_beside_its_classes(open_page):
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"))
    alts = [image.alt for one in at.image for image in one.proto.imgs]
    assert alts == ["a.png, as it was photographed", "a.png, with its classes laid over it"]
    rows = {name: cells for name, *cells in tables(at)[-1][1:]}
    figures = extract_features(PICTURE, keep_main_cell(Threshold("x").predict(PICTURE).labels)).values
    assert rows["Nucleus perimeter (px)"] == [f"{figures['nucleus_perimeter']:.1f}"]
    red, green, blue = (round(figures[f"cytoplasm_{name}"]) for name in ("red", "green", "blue"))
    (colour,) = rows["Cytoplasm, mean colour (RGB)"]
    assert f'background="#{red:02x}{green:02x}{blue:02x}"' in colour
    assert colour.endswith(f"{red}, {green}, {blue}")


def test_a_cancelled_batch_can_go_on(open_page, monkeypatch):
    import threading

    go, begun = threading.Semaphore(1), threading.Event()

    def slowly(self, image, **_):
        begun.set()
        assert go.acquire(timeout=20)
        labels = (image[..., 1] < 110).astype(np.uint8) + (image[..., 1] < 180).astype(np.uint8)
        return Segmentation(labels, np.eye(3, dtype=np.float32)[labels], self.name)

    monkeypatch.setattr(Threshold, "predict", slowly)
    at = open_page("batch")
    upload(at, *((f"{n}.png", CELL, "image/png") for n in range(4)))
    assert begun.wait(20)
    at.button(key="batch_toggle").click().run()
    go.release()
    at = finished(at)
    assert 0 < len(table(at)) - 1 < 4
    go.release(9)
    at.button(key="batch_toggle").click().run()
    assert len(table(finished(at))) == 5


def test_a_picture_goes_to_predict_and_the_table_is_still_there(open_page):
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"))
    at.number_input(key="batch_pixel_size").set_value(0.5).run()
    at.session_state["opened_image"] = (InputImage("a.png", "a", lambda: CELL), 0)
    go_to(at, "segment")
    at.query_params["source"] = "Upload an image"
    at.run()
    assert not at.exception
    assert viewer_props(at)["file"] == "a"
    assert "A picture from the page Measure" in page_text(at)
    go_to(at, "batch")
    at.run()
    assert not at.exception
    head, row = table(at)
    assert row[1] == "a.png"
    assert "µm²" in head[3]
    go_to(at, "segment")
    at.query_params["source"] = "Upload an image"
    at.run()
    next(button for button in at.button if button.label == "Bring another").click().run()
    assert len(at.file_uploader) == 1


def test_a_picture_that_goes_to_predict_takes_its_mask_along(open_page):
    at = bring(open_page("batch"), ("a.png", CELL, "image/png"), ("a_mask.png", MASK, "image/png"))
    next(button for button in at.button if button.label == "Open in Predict").click().run()
    item, page = at.session_state["opened_image"]
    assert (item.load(), item.load_mask(), page) == (CELL, MASK, 0)
    go_to(at, "segment")
    at.query_params["source"] = "Upload an image"
    at.run()
    assert not at.exception
    assert "mask" in [panel["key"] for panel in viewer_props(at)["panels"]]
    assert "nothing to measure" not in page_text(at)
    assert "Dice against the expert mask" in [heading.value for heading in at.subheader]


def test_a_mask_that_will_not_do_is_said_in_predict(open_page):
    small = encode(np.zeros((5, 5), np.uint8))
    at = open_page("segment", source="Upload an image")
    at.session_state["opened_image"] = (InputImage("a.png", "b", lambda: CELL, "a_mask.png", lambda: small), 0)
    at.run()
    assert not at.exception
    assert "nothing to measure" in page_text(at)
    assert "5×5" in page_text(at)


def a_field():
    finding = CellResult(
        "f.png", build_in_memory_loader(PICTURE, LABELS), "m", extract_features(PICTURE, LABELS), (600, 700), (0, 0), 1
    )
    other = CellResult(
        *(
            "f.png",
            build_in_memory_loader(PICTURE, LABELS),
            "m",
            extract_features(PICTURE, LABELS),
            (600, 700),
            (9, 9),
            2,
        ),
        status="check",
        reasons=("The cell is <cut>.",),
    )
    return ImageResult(InputImage("f.png", "f", bytes), (600, 700), True, (finding, other), (b"1", b"2", b"3"))


def test_a_field_of_view_has_a_row_and_one_for_each_cell():
    rows = build_rows([a_field(), ImageResult(InputImage("x", "x", bytes), problem="Broken & <gone>.")])
    head, field, first, second, bad = cells_of(render_table_html(rows, rows, None, "Cells"))
    assert "Trust" in head
    assert field[1] == "f.png Field of view: 2 white cells"
    assert first[1] == "Cell 1"
    assert second[2].split() == ["error", "check", "The", "cell", "is", "<cut>."]
    assert bad[1] == "x  Not used.  Broken & <gone>."
    assert summarize_results([rows[0].result]) == ("1 picture, 2 cells", "1 should be checked")
    assert summarize_results([rows[0].result, rows[-1].result])[1] == "1 could not be used; 1 should be checked"


def test_a_cell_says_its_picture_where_the_row_above_does_not():
    rows = build_rows([a_field()])
    assert [row[1] for row in cells_of(render_table_html(rows[1:], rows, None, "Cells"))[1:]] == [
        "Cell 1 f.png",
        "Cell 2",
    ]
    assert cells_of(render_table_html(rows[1:], rows, None, "Cells", with_name=False))[1][1] == "Cell 1"


def test_on_a_phone_every_figure_stands_beside_its_title():
    rows = build_rows([a_field()])
    html = render_table_html(rows, rows, None, "Cells")
    share = rows[1].cell.features.values["nucleus_to_cell"]
    assert f'<td data-title="Nucleus / cell">{share:.3f}</td>' in html
    assert html.count('data-title="Lobes"') == 2
    assert "@container (max-width: 640px)" in html
    assert "attr(data-title)" in html


def test_statuses_have_the_marks_that_predict_gives_them():
    rows = build_rows([a_field()])
    html = render_table_html(rows, rows, None, "Cells")
    assert '<span class="mark orange" aria-hidden="true">error</span> <b>check</b>' in html
    assert quality_badges.STATUS_ICONS["check"] == ":orange[:material/error:]"


def no_cell(name="n.png", status="unlike the training data"):
    empty = np.zeros_like(LABELS)
    finding = CellResult(
        name,
        build_in_memory_loader(PICTURE, empty),
        "m",
        None,
        (60, 70),
        status=status,
        reasons=("No cell was found.",),
    )
    return ImageResult(InputImage(name, "n", bytes), (60, 70), cells=(finding,), thumbnails=(b"1",))


def test_what_is_to_be_checked():
    mask = ImageResult(
        InputImage("o_mask.png", "o", bytes), problem="Mask o_mask.png is not used: there is no picture of its name."
    )
    rows = build_rows([a_field(), no_cell(), no_cell("fine.png", "looks fine"), mask])
    found = select_rows_to_review(rows)
    assert [row.title for row in found] == ["f.png, cell 2", "n.png", "o_mask.png"]
    _, cell, empty, unused = cells_of(render_table_html(found, rows, None, "Cells"))
    assert cell[1] == "Cell 2 f.png"
    assert " ".join(empty[1].split()) == "n.png No white cell was found. help unlike the training data"
    assert " ".join(unused[1].split()) == "o_mask.png Not used. There is no picture of its name."


@pytest.mark.parametrize(
    ("cells", "text"), [(0, "no white cell was found"), (1, "1 white cell"), (1200, "1\u202f200 white cells")]
)
def test_the_cells_of_a_field_in_words(cells, text):
    assert format_cell_count(cells) == text


def test_the_table_is_one_for_screen_readers_and_keys():
    rows = build_rows([a_field()])
    html = render_table_html(rows, rows, None, "Pictures & cells")
    assert "<caption>Pictures &amp; cells</caption>" in html
    assert 'role="region" tabindex="0" aria-label="Pictures &amp; cells"' in html
    assert html.count('scope="row"') == 3
    assert html.count("<th ") == html.count("scope=")
    assert html.count("alt=") == html.count("<img ") == 3


class OfFields(Threshold):
    def predict(self, image, **_):
        return as_field(super().predict(image), (BBox(0, 0, 60, 70), BBox(90, 100, 150, 170)))


def test_a_field_of_view_on_the_page(open_page, monkeypatch):
    monkeypatch.setattr("quick_app.QuickCatalog.load", lambda _, name: OfFields(name))
    cache._load_segmenter.clear()
    image = np.full((200, 500, 3), 235, np.uint8)
    for top, left in ((0, 0), (90, 100)):
        image[top : top + 60, left : left + 70] = PICTURE
    at = bring(open_page("batch"), ("field.png", encode(image), "image/png"))
    cache._load_segmenter.clear()
    assert [row[1] for row in table(at)[1:]] == ["field.png Field of view: 2 white cells", "Cell 1", "Cell 2"]
    assert "numbered from top to bottom" in page_text(at)
    at.selectbox(key="batch_detail").select(2).run()
    assert "field\\.png\\, cell 2" in page_text(at)


def test_a_zip(open_page):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for n in range(3):
            archive.writestr(f"images/{n}.png", CELL)
            archive.writestr(f"masks/{n}.png", MASK)
    at = bring(open_page("batch"), ("cells.zip", buffer.getvalue(), "application/zip"))
    assert len(table(at)) == 4
    assert "3 cells with a mask" in page_text(at)
