"""Batch page: uploads, the table, downloads and details."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

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
    parse_rows,
    replace_quality_models,
    tables,
    viewer_props,
)

from wbcseg.datasets import Sample
from wbcseg.datasets.examples import list_examples
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ErrorCode, ModelError, Problem
from wbcseg.evaluation.feature_agreement import FeaturePairs
from wbcseg.export import build_cell_rows, encode_csv, format_mean_dice
from wbcseg.features import FEATURES, extract_features
from wbcseg.inference import BBox, Catalog, ModelEntry, Segmentation
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.io.mask_meaning import NO_CYTOPLASM_NOTICE
from wbcseg.labels import to_grey
from wbcseg.metrics import score
from wbcseg.pipeline import ImageResult
from wbcseg.pipeline.analyze import TRAINED_ON_NOTICE
from wbcseg.pipeline.cells import DISAGREEMENT_REASON
from wbcseg.quality import OK, OUT_OF_RANGE, REVIEW, STATUS_LABELS, QualityResult, load_quality_model
from wbcseg.results import CellResult, build_in_memory_loader
from wbcseg.ui import cache, routes
from wbcseg.ui.batch import images as batch_images
from wbcseg.ui.compare import feature_agreement
from wbcseg.ui.components import quality_badges, quality_help
from wbcseg.ui.components.cell_table import (
    build_rows,
    render_table_html,
    select_rows_to_review,
    summarize_results,
)
from wbcseg.ui.formatting import escape_markdown, format_cell_count

IMAGE, LABELS = draw_cell(60, 70)
CELL, MASK = encode(IMAGE), encode(to_grey(LABELS))


def upload_and_wait(at, *files):
    """Upload files and let their batch come to its end."""
    upload(at, *files)
    return wait_for_batch(at)


def upload(at, *files):
    for name, data, kind in files:
        at.file_uploader[0].upload(name, data, kind)
    at.run()
    assert not at.exception


def wait_for_batch(at):
    assert not at.exception
    batch = at.session_state["batch"][1]
    batch.join(60)
    at.run()
    assert not at.exception
    return at


def table(at):
    """The rows of the table as lists of texts."""
    (html,) = [each.proto.body for each in at.get("html") if 'class="cells"' in each.proto.body]
    return parse_rows(html)


def test_empty_page_explains_what_to_upload(open_page):
    at = open_page("batch")
    for what in ("whole fields of view", "expert masks", "never stored on the server", "Not a medical device"):
        assert what in page_text(at)
    assert at.selectbox(key="batch_model").value == "unet-16"
    assert not at.get("html")


def test_photos_are_uploads_too(open_page):
    at = open_page("batch")
    assert not at.get("camera_input")
    at.session_state["batch_camera"] = True
    at.run()
    assert not at.exception
    assert len(at.get("camera_input")) == 1


def test_images_with_masks_are_measured_and_scored(open_page):
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"), ("a_mask.png", MASK, "image/png"))
    head, row = table(at)
    assert head[:2] == ["Image", "Type"]
    assert row[2]
    predicted = Threshold("x").predict(IMAGE).labels
    values, dice = extract_features(IMAGE, keep_main_cell(predicted)).values, score(LABELS, predicted).dice
    assert head[-3:] == ["Dice nucleus", "Dice cytoplasm", "Dice cell"]
    assert [row[1], *row[3:]] == [
        "a.png",
        f"{values['nucleus_to_cell']:.3f}",
        f"{values['nucleus_area']:.0f}",
        f"{values['cell_area']:.0f}",
        "1",
        *(f"{dice[region]:.3f}" for region in ("nucleus", "cytoplasm", "cell")),
    ]
    assert "1 cell with a mask" in page_text(at)
    labels = [button.label for button in at.get("download_button")]
    assert labels[:4] == [
        "Download measurements (CSV)",
        "Download workbook (XLSX)",
        "Download report (PDF)",
        "Download all (zip)",
    ]


def test_unreadable_files_have_rows_with_the_reason(open_page):
    at = upload_and_wait(
        open_page("batch"),
        ("a.png", CELL, "image/png"),
        ("<b>.png", b"", "image/png"),
        ("c.png", CELL[:99], "image/png"),
        ("c.zip", b"PK no zip", "application/zip"),
    )
    # Each has the same number as in the downloaded files.
    rows = {row[1].split()[1]: row[1] for row in table(at)[1:]}
    assert [row[1].split()[0] for row in table(at)[1:]] == ["1", "2", "3", "4"]
    assert set(rows) == {"a.png", "<b>.png", "c.png", "c.zip"}
    assert "Could not be read.  The file is empty (0 bytes)." in rows["<b>.png"]
    assert "truncated" in rows["c.png"]
    assert "not a zip, or is damaged" in rows["c.zip"]
    assert "**1 image\\, 1 cell**; 3 could not be read" in page_text(at)
    assert "<b>.png" not in at.get("html")[0].proto.body


def test_pixel_size_changes_measurements_without_a_new_batch(open_page):
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"))
    batch = at.session_state["batch"][1]
    area = float(table(at)[1][5])
    at.number_input(key="batch_pixel_size").set_value(0.5).run()
    head, row = table(at)
    assert head[4] == "Cell area (µm²)"
    assert float(row[5]) == pytest.approx(area / 4, abs=0.05)
    assert at.session_state["batch"][1] is batch


def test_another_model_starts_a_new_batch(open_page):
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"))
    at.selectbox(key="batch_model").select("segnet-16").run()
    wait_for_batch(at)
    (finding,) = at.session_state["batch"][1].get_results()[0].cells
    assert finding.model == "segnet-16"


def test_general_model_is_the_default(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", CatalogWithGeneral)
    assert open_page("batch").selectbox(key="batch_model").value == "unet-general"


class BlindModel(Threshold):
    """Finds no cells."""

    def predict(self, image, *, tta=False):
        return super().predict(np.full_like(image, 255), tta=tta)


class CatalogWithSecond(CatalogWithGeneral):
    """Two general models; the second one finds no cells."""

    def __init__(self):
        super().__init__()
        second = ModelEntry("segnet-general", Path("segnet-general"), card("SegNet, blind", two_stage=True), True)
        self.entries = (*self.entries, second)

    def load(self, name):
        return BlindModel(name, self.get(name).card) if name == "segnet-general" else super().load(name)


def test_second_opinion_is_offered_if_there_is_another_general_model(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", CatalogWithGeneral)
    assert "batch_second" not in [item.key for item in open_page("batch").selectbox]
    monkeypatch.setattr(cache, "Catalog", CatalogWithSecond)
    at = open_page("batch")
    assert at.selectbox(key="batch_second").options == ["none", "SegNet, blind"]
    at.selectbox(key="batch_model").select("unet-16").run()
    assert "batch_second" not in [item.key for item in at.selectbox], "this model has no quality check"


def test_second_opinion_starts_a_new_batch_and_flags_disagreements(open_page, monkeypatch):
    fine = SimpleNamespace(assess=lambda *_, **__: QualityResult(OK, (), 0.0, 0.0))
    replace_quality_models(monkeypatch, lambda _: fine)
    monkeypatch.setattr(cache, "Catalog", CatalogWithSecond)
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"))
    (alone,) = at.session_state["batch"][1].get_results()[0].cells
    assert (alone.status, alone.reasons) == (OK, ())
    at.selectbox(key="batch_second").select("segnet-general").run()
    (disputed,) = wait_for_batch(at).session_state["batch"][1].get_results()[0].cells
    assert (disputed.model, disputed.status, disputed.reasons) == ("unet-general", REVIEW, (DISAGREEMENT_REASON,))
    assert disputed.features.values == pytest.approx(alone.features.values, nan_ok=True)


def test_damaged_quality_model_is_reported(open_page, monkeypatch):
    def damaged(_):
        raise ModelError("Quality model unet.json is empty.")

    replace_quality_models(monkeypatch, damaged)
    at = open_page("batch")
    at.file_uploader[0].upload("a.png", CELL, "image/png").run()
    assert not at.exception
    assert [item.value for item in at.error] == [escape_markdown("Quality model unet.json is empty.")]


def test_model_that_fails_to_load_is_reported(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", FailingCatalog)
    at = open_page("batch")
    at.selectbox(key="batch_model").select("segnet-16").run()
    at.file_uploader[0].upload("a.png", CELL, "image/png").run()
    assert not at.exception
    assert "segnet\\-16 cannot be read" in at.error[0].value


def test_page_without_models_says_so(open_page, monkeypatch):
    from quick_app import QuickCatalog

    class Empty(QuickCatalog):
        def __init__(self):
            self.entries = ()

    monkeypatch.setattr(cache, "Catalog", Empty)
    assert "no usable model" in page_text(open_page("batch"))


def test_tiff_page_can_be_selected(open_page):
    buffer = io.BytesIO()
    frames = [Image.fromarray(draw_cell(60, 70, seed)[0]) for seed in (1, 2)]
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    at = upload_and_wait(open_page("batch"), ("s.tif", buffer.getvalue(), "image/tiff"))
    assert "Page 1 of 2 is used" in table(at)[1][1]
    at.number_input(key="batch_page").set_value(2).run()
    assert "Page 2 of 2 is used" in table(wait_for_batch(at))[1][1]


def test_synthetic_cells_to_try_it_with(open_page):
    at = open_page("batch")
    at.button(key="batch_try").click().run()
    assert len(table(wait_for_batch(at))) == 9
    assert "8 images" in page_text(at)
    # None of them was in a shipped model's training: their Dice flatters nobody.
    seen = {digest for entry in Catalog().usable for digest in entry.card.training_digests}
    drawn = [draw_sample(batch_images.SYNTHETIC_SEED, number) for number in range(batch_images.SYNTHETIC_COUNT)]
    assert seen
    assert not seen & {Sample("any/name", item.image, item.mask).compute_digest() for item in drawn}
    assert at.session_state["batch"][1].input_images[0].load() == encode(drawn[0].image)
    at.button(key="batch_start_over").click().run()
    assert not at.get("html")
    assert "batch" not in at.session_state


def visit_another_page(at):
    for page in ("segment", "batch"):
        go_to(at, page)
        at.run()


def list_names(at):
    return [row[1].split()[-1] for row in table(at)[1:]]


def test_uploads_after_a_visit_to_another_page_are_added(open_page):
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"), ("b.png", CELL, "image/png"))
    first = [outcome.cells for outcome in at.session_state["batch"][1].get_results()]
    visit_another_page(at)
    assert list_names(at) == ["a.png", "b.png"]
    upload_and_wait(at, ("c.png", CELL, "image/png"))
    assert list_names(at) == ["a.png", "b.png", "c.png"]
    # What was known is not looked at again.
    again = [outcome.cells for outcome in at.session_state["batch"][1].get_results()[:2]]
    assert [item[0].features for item in again] == [item[0].features for item in first]
    # The same file uploaded again is listed once; another file with its name is another image.
    visit_another_page(at)
    upload_and_wait(at, ("b.png", CELL, "image/png"), ("c.png", encode(IMAGE[::-1]), "image/png"))
    assert [row[1].partition("  ")[2] for row in table(at)[1:]] == ["a.png", "b.png", "c.png", "c (2).png"]
    at.button(key="batch_start_over").click().run()
    upload_and_wait(at, ("d.png", CELL, "image/png"))
    assert list_names(at) == ["d.png"]


def test_an_image_can_be_removed(open_page):
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"), ("b.png", CELL, "image/png"))
    at.selectbox(key="batch_detail").select(1).run()
    at.button(key="batch_remove").click().run()
    assert list_names(wait_for_batch(at)) == ["a.png"]
    at.button(key="batch_remove").click().run()
    assert not at.get("html")
    assert "batch" not in at.session_state


def test_examples_to_try_it_with(open_page):
    at = open_page("batch")
    at.button(key="batch_examples").click().run()
    names = {item.name for item in at.session_state["uploads"].input_images}
    assert names == {example.file for example in list_examples()}
    assert "batch_remove" not in [button.key for button in at.button]


def test_uploads_replace_synthetic_cells(open_page):
    at = open_page("batch")
    at.button(key="batch_try").click().run()
    assert len(table(wait_for_batch(at))) > 8
    upload_and_wait(at, ("mine.png", CELL, "image/png"))
    assert list_names(at) == ["mine.png"]


class CatalogTrainedOnImage(QuickCatalog):
    """The first model was trained on the test's cell, whatever its file is called."""

    def __init__(self):
        super().__init__()
        # Another checksum, so that no segmenter of an earlier test comes from the cache.
        trained = ModelEntry("unet-16", Path("unet-16"), card("U-Net 16, trained on the image"), True)
        trained.card.training_digests = frozenset({Sample("any/name", IMAGE, LABELS).compute_digest()})
        self.entries = (trained, *self.entries[1:])


def test_dice_on_training_images_is_marked(open_page, monkeypatch):
    other = encode(IMAGE[::-1])
    monkeypatch.setattr(cache, "Catalog", CatalogTrainedOnImage)
    at = upload_and_wait(
        open_page("batch"),
        *(("a.png", CELL, "image/png"), ("a_mask.png", MASK, "image/png")),
        *(("b.png", other, "image/png"), ("b_mask.png", encode(to_grey(LABELS[::-1])), "image/png")),
        ("c.png", CELL, "image/png"),
    )
    rows = {row[1].split()[1]: row[1] for row in table(at)[1:]}
    assert f"unet-16 {TRAINED_ON_NOTICE}" in rows["a.png"]
    assert TRAINED_ON_NOTICE not in rows["b.png"]
    # Without a mask there is no Dice.
    assert TRAINED_ON_NOTICE not in rows["c.png"]
    assert "2 cells with a mask, 1 seen in training, so optimistic" in page_text(at).replace("\\", "")
    batch = at.session_state["batch"][1]
    text = encode_csv(build_cell_rows(batch.get_reports())).decode()
    assert text.count(TRAINED_ON_NOTICE) == 1
    cells = [cell for image in batch.get_results() for cell in image.cells]
    assert "(2 cells with a mask, 1 seen in training, so optimistic)" in format_mean_dice(cells)


def test_mask_without_cytoplasm_has_a_notice(open_page):
    whole = encode(((LABELS > 0) * 255).astype(np.uint8))
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"), ("a_mask.png", whole, "image/png"))
    assert NO_CYTOPLASM_NOTICE in table(at)[1][1]


def test_a_class_that_a_mask_does_not_mark_is_not_in_the_mean(open_page):
    whole = encode((LABELS > 0).astype(np.uint8))
    at = upload_and_wait(
        open_page("batch"),
        *(("a.png", CELL, "image/png"), ("a_mask.png", whole, "image/png")),
        *(("b.png", encode(IMAGE[::-1]), "image/png"), ("b_mask.png", encode(to_grey(LABELS[::-1])), "image/png")),
    )
    whole_cell, both = (image.cells[0] for image in at.session_state["batch"][1].get_results())
    mean = format_mean_dice([whole_cell, both])
    assert f"nucleus {both.dice['nucleus']:.3f}" in mean
    assert "the mask of 1 cell has no nucleus, which is not scored there" in mean
    assert mean in page_text(at).replace("\\", "")


@pytest.mark.parametrize(("pixel_size", "is_implausible"), [(0.25, False), (0.005, True), (5.0, True), (None, False)])
def test_implausible_pixel_size_has_a_warning(open_page, pixel_size, is_implausible):
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"))
    at.number_input(key="batch_pixel_size").set_value(pixel_size).run()
    assert any("Check the pixel size" in item.value for item in at.warning) == is_implausible


def test_model_without_a_quality_check_says_so(open_page):
    at = open_page("batch")
    assert "No quality check for this model" in page_text(at)


def test_long_tables_have_pages(open_page):
    at = upload_and_wait(open_page("batch"), *((f"{n}.png", CELL, "image/png") for n in range(30)))
    assert len(table(at)) == 11
    assert [row[1] for row in table(at)[1:3]] == ["1  0.png", "2  1.png"]
    for _ in range(2):
        at.button(key="batch_next").click().run()
    assert [row[1] for row in table(at)[1:]] == [f"{n + 1}  {n}.png" for n in range(20, 30)]
    assert "Rows 21 to 30 of 30" in page_text(at)


class EveryThirdToReview:
    """A quality model that flags every third result."""

    def __init__(self):
        self.count = 0

    def assess(self, image, probabilities, cell, *, image_edges):  # noqa: ARG002 (as the real one)
        self.count += 1
        fine = self.count % 3
        return QualityResult(OK, (), 0.1, 0.1) if fine else QualityResult(REVIEW, ("Unusual staining.",), 0.9, 0.1)


def test_flagged_rows_can_be_shown_alone(open_page, monkeypatch):
    replace_quality_models(monkeypatch, lambda _: EveryThirdToReview())
    at = upload_and_wait(open_page("batch"), *((f"{n}.png", CELL, "image/png") for n in range(30)))
    assert "20 without issues\\, 10 to review" in page_text(at)
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
    assert "Rows 1 to 10 of 30" in page_text(at)


def test_no_flagged_rows(open_page, monkeypatch):
    class AlwaysOk:
        def assess(self, *_, **__):
            return QualityResult(OK, (), 0.1, 0.1)

    replace_quality_models(monkeypatch, lambda _: AlwaysOk())
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"))
    at.toggle(key="batch_flagged_only").set_value(True).run()
    assert not [each for each in at.get("html") if 'class="cells"' in each.proto.body]
    assert "No flagged results" in page_text(at)


def test_no_filter_without_a_quality_check(open_page):
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"))
    assert "batch_flagged_only" not in [toggle.key for toggle in at.toggle]


def test_measurements_and_statuses_are_explained(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", CatalogWithGeneral)
    at = open_page("batch")
    text = page_text(at)
    for word in ("N:C ratio", "Nuclear lobes", "Circularity", "Solidity", "Eccentricity", *STATUS_LABELS.values()):
        assert f"**{word}** ·" in text
    for name in ("nucleus_to_cell", "nucleus_to_cytoplasm", "nucleus_lobes", "nucleus_solidity"):
        assert FEATURES[name].description in text
    quality_model = load_quality_model(CatalogWithGeneral().entries[-1].card)
    assert quality_model is not None
    metrics = quality_model.metrics
    caught = round(metrics.varied_bad_flagged * metrics.varied_bad)
    assert "**How reliable the check is for General.**" in text
    assert f"{caught} of {metrics.varied_bad} bad results (Dice of the whole cell below 0.8) were flagged" in text
    assert f"of {metrics.smears} smears, {round(metrics.out_of_range_smears * metrics.smears)}." in text


def test_reliability_without_bad_results(monkeypatch):
    quality_model = load_quality_model(CatalogWithGeneral().entries[-1].card)
    assert quality_model is not None
    metrics = replace(quality_model.metrics, images=40, bad=0, bad_flagged=None, good_flagged=0.1)
    monkeypatch.setattr(quality_help, "load_quality_model", lambda _: replace(quality_model, metrics=metrics))
    (text,) = quality_help.describe_quality_accuracy(CatalogWithGeneral().usable[-1:])
    assert "no result was bad (Dice of the whole cell below 0.8), and 4 of 40 others were flagged" in text


def test_quality_model_is_described_once():
    entries = CatalogWithGeneral().usable
    assert len(quality_help.describe_quality_accuracy(entries)) == 1
    assert len(quality_help.describe_quality_accuracy([entries[-1], entries[-1]])) == 1
    assert quality_help.describe_quality_accuracy(entries[:2]) == []


def make_feature_pairs(model, tta):
    pairs = dict.fromkeys(("nucleus_to_cell", "nucleus_area"), ((0.5, 0.6), (0.5, 0.4)))
    return FeaturePairs(model, tta, ("zheng-1/001", "zheng-2/001"), {**pairs, "nucleus_lobes": ((2, 2), (3, 2))})


def test_expected_error_is_one_sentence_with_a_link(open_page, monkeypatch):
    pairs_by_title = {
        "segnet-16": make_feature_pairs("segnet-16", False),
        "unet-16, test-time averaging": make_feature_pairs("unet-16", True),
    }
    monkeypatch.setattr(feature_agreement, "_load_results", lambda: pairs_by_title)
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"))
    assert "2 held-out cells of Zheng 1 and Zheng 2" in page_text(at)
    assert "nucleus/cell ±0.100 on average, nuclear lobe count correct in 50% of cells" in page_text(at)
    assert f"({escape_markdown('U-Net 16')}, test-time averaging, " in page_text(at)
    (link,) = [item.proto for item in at.get("page_link") if "masks" in item.proto.label]
    assert link.page == "compare"
    assert link.query_string == urlencode(
        {"tab": routes.COMPARE_FEATURES_TAB, "agreement_model": "unet-16, test-time averaging"}
    )


def test_model_without_a_known_error_says_so(open_page, monkeypatch):
    monkeypatch.setattr(
        feature_agreement, "_load_results", lambda: {"deconvnet-16": make_feature_pairs("deconvnet-16", False)}
    )
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"))
    expected = f"not known for this model; it was measured for {escape_markdown('deconvnet-16')}."
    assert expected in page_text(at)
    query = urlencode({"tab": routes.COMPARE_FEATURES_TAB})
    assert [link for link in at.get("page_link") if link.proto.query_string == query]


def test_details_show_the_original_beside_the_overlay(open_page):
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"))
    alts = [image.alt for item in at.image for image in item.proto.imgs]
    assert alts == ["a.png, original", "a.png, with overlay"]
    rows = {name: cells for name, *cells in tables(at)[-1][1:]}
    values = extract_features(IMAGE, keep_main_cell(Threshold("x").predict(IMAGE).labels)).values
    assert rows["Nucleus perimeter (px)"] == [f"{values['nucleus_perimeter']:.1f}"]
    red, green, blue = (round(values[f"cytoplasm_{name}"]) for name in ("red", "green", "blue"))
    (colour,) = rows["Mean cytoplasm colour (RGB)"]
    assert f'background="#{red:02x}{green:02x}{blue:02x}"' in colour
    assert colour.endswith(f"{red}, {green}, {blue}")


def test_cancelled_batch_can_be_resumed(open_page, monkeypatch):
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
    at = wait_for_batch(at)
    assert 0 < len(table(at)) - 1 < 4
    go.release(9)
    at.button(key="batch_toggle").click().run()
    assert len(table(wait_for_batch(at))) == 5


def test_table_is_kept_while_an_image_is_open_in_segment(open_page):
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"))
    at.number_input(key="batch_pixel_size").set_value(0.5).run()
    at.session_state["opened_image"] = (InputImage("a.png", "a", lambda: CELL), 0)
    go_to(at, "segment")
    at.query_params["source"] = "Upload an image"
    at.run()
    assert not at.exception
    assert viewer_props(at)["file_stem"] == "a"
    assert "Batch" in [link.label for link in at.page_link]
    go_to(at, "batch")
    at.run()
    assert not at.exception
    head, row = table(at)
    assert row[1] == "a.png"
    assert "µm²" in head[3]
    go_to(at, "segment")
    at.query_params["source"] = "Upload an image"
    at.run()
    next(button for button in at.button if button.label == "Upload another").click().run()
    assert len(at.file_uploader) == 1


def test_image_opened_in_segment_has_its_mask(open_page):
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"), ("a_mask.png", MASK, "image/png"))
    next(button for button in at.button if button.label == "Open in Segment").click().run()
    item, page = at.session_state["opened_image"]
    assert (item.load(), item.load_mask(), page) == (CELL, MASK, None)
    go_to(at, "segment")
    at.query_params["source"] = "Upload an image"
    at.run()
    assert not at.exception
    assert "mask" in [panel["key"] for panel in viewer_props(at)["panels"]]
    assert "no expert mask" not in page_text(at)
    assert "Dice against the expert mask" in [heading.value for heading in at.subheader]


def test_unusable_mask_is_reported_in_segment(open_page):
    small = encode(np.zeros((5, 5), np.uint8))
    at = open_page("segment", source="Upload an image")
    at.session_state["opened_image"] = (InputImage("a.png", "b", lambda: CELL, "a_mask.png", lambda: small), 0)
    at.run()
    assert not at.exception
    assert "no expert mask" in page_text(at)
    assert "5×5" in page_text(at)


def make_field_result():
    finding = CellResult(
        "f.png", build_in_memory_loader(IMAGE, LABELS), "m", extract_features(IMAGE, LABELS), (600, 700), (0, 0), 1
    )
    other = CellResult(
        *(
            "f.png",
            build_in_memory_loader(IMAGE, LABELS),
            "m",
            extract_features(IMAGE, LABELS),
            (600, 700),
            (9, 9),
            2,
        ),
        status=REVIEW,
        reasons=("The cell is <cut>.",),
    )
    return ImageResult(InputImage("f.png", "f", bytes), (600, 700), True, (finding, other), (b"1", b"2", b"3"))


def test_field_of_view_has_a_row_and_one_for_each_cell():
    rows = build_rows(
        [make_field_result(), ImageResult(InputImage("x", "x", bytes), problem=Problem("Broken & <gone>."))]
    )
    head, field, first, second, bad = parse_rows(render_table_html(rows, rows, None, "Cells"))
    assert "Quality check" in head
    assert field[1] == "f.png Field of view: 2 white blood cells"
    assert first[1] == "Cell 1"
    assert second[2].split() == ["error", "Review", "The", "cell", "is", "<cut>."]
    assert bad[1] == "x  Could not be read.  Broken & <gone>."
    assert summarize_results([rows[0].result]) == ("1 image, 2 cells", "1 to review")
    assert summarize_results([rows[0].result, rows[-1].result])[1] == "1 could not be read; 1 to review"


def test_cell_row_names_its_image_if_the_row_above_does_not():
    rows = build_rows([make_field_result()])
    assert [row[1] for row in parse_rows(render_table_html(rows[1:], rows, None, "Cells"))[1:]] == [
        "Cell 1 f.png",
        "Cell 2",
    ]
    assert parse_rows(render_table_html(rows[1:], rows, None, "Cells", with_name=False))[1][1] == "Cell 1"


def test_measurements_are_beside_their_titles_on_a_phone():
    rows = build_rows([make_field_result()])
    html = render_table_html(rows, rows, None, "Cells")
    share = rows[1].cell.features.values["nucleus_to_cell"]
    assert f'<td data-title="Nuclear fraction">{share:.3f}</td>' in html
    assert html.count('data-title="Lobes"') == 2
    assert "@container (max-width: 640px)" in html
    assert "attr(data-title)" in html


def test_statuses_have_the_icons_of_the_segment_page():
    rows = build_rows([make_field_result()])
    html = render_table_html(rows, rows, None, "Cells")
    assert '<span class="status-icon orange" aria-hidden="true">error</span> <b>Review</b>' in html
    assert quality_badges.STATUS_ICONS[REVIEW] == ":orange[:material/error:]"


def make_empty_result(name="n.png", status=OUT_OF_RANGE):
    empty = np.zeros_like(LABELS)
    finding = CellResult(
        name,
        build_in_memory_loader(IMAGE, empty),
        "m",
        None,
        (60, 70),
        status=status,
        reasons=("No cell was found.",),
    )
    return ImageResult(InputImage(name, "n", bytes), (60, 70), cells=(finding,), thumbnails=(b"1",))


def test_rows_to_review():
    mask = ImageResult(
        InputImage("o_mask.png", "o", bytes),
        problem=Problem("Mask o_mask.png is not used.", reason="No image has its name."),
    )
    rows = build_rows([make_field_result(), make_empty_result(), make_empty_result("fine.png", OK), mask])
    flagged_rows = select_rows_to_review(rows)
    assert [row.title for row in flagged_rows] == ["f.png, cell 2", "n.png", "o_mask.png"]
    _, cell, empty, unused = parse_rows(render_table_html(flagged_rows, rows, None, "Cells"))
    assert cell[1] == "Cell 2 f.png"
    assert " ".join(empty[1].split()) == "n.png No white blood cell found. help Outside training range"
    assert " ".join(unused[1].split()) == "o_mask.png Could not be read. No image has its name."


@pytest.mark.parametrize(
    ("cells", "text"), [(0, "no white blood cells"), (1, "1 white blood cell"), (1200, "1\u202f200 white blood cells")]
)
def test_cell_count_in_words(cells, text):
    assert format_cell_count(cells) == text


def test_table_is_accessible():
    rows = build_rows([make_field_result()])
    html = render_table_html(rows, rows, None, "Images & cells")
    assert "<caption>Images &amp; cells</caption>" in html
    assert 'role="region" tabindex="0" aria-label="Images &amp; cells"' in html
    assert html.count('scope="row"') == 3
    assert html.count("<th ") == html.count("scope=")
    assert html.count("alt=") == html.count("<img ") == 3


class FieldModel(Threshold):
    def predict(self, image, **_):
        return as_field(super().predict(image), (BBox(0, 0, 60, 70), BBox(90, 100, 150, 170)))


def test_a_field_of_view_on_the_page(open_page, monkeypatch):
    monkeypatch.setattr("quick_app.QuickCatalog.load", lambda self, name: FieldModel(name, self.get(name).card))
    cache._load_segmenter.clear()
    image = np.full((200, 500, 3), 235, np.uint8)
    for top, left in ((0, 0), (90, 100)):
        image[top : top + 60, left : left + 70] = IMAGE
    at = upload_and_wait(open_page("batch"), ("field.png", encode(image), "image/png"))
    cache._load_segmenter.clear()
    assert [row[1] for row in table(at)[1:]] == ["field.png Field of view: 2 white blood cells", "Cell 1", "Cell 2"]
    assert "**2 white blood cells**" in page_text(at)
    (panel,) = [panel for panel in viewer_props(at)["panels"] if panel["cells"]]
    assert [cell["number"] for cell in panel["cells"]] == [1, 2]
    at.selectbox(key="batch_detail").select(2).run()
    assert "field\\.png\\, cell 2" in page_text(at)


def test_a_zip(open_page):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for n in range(3):
            archive.writestr(f"images/{n}.png", CELL)
            archive.writestr(f"masks/{n}.png", MASK)
    at = upload_and_wait(open_page("batch"), ("cells.zip", buffer.getvalue(), "application/zip"))
    assert len(table(at)) == 4
    assert "3 cells with a mask" in page_text(at)


def test_a_swapped_mask_is_not_scored_until_someone_says_what_it_means(open_page):
    swapped = encode(np.array([0, 255, 128], np.uint8)[LABELS])
    at = upload_and_wait(open_page("batch"), ("a.png", CELL, "image/png"), ("a_mask.png", swapped, "image/png"))
    (result,) = at.session_state["batch"][1].get_results()
    assert result.mask_problem.code == ErrorCode.MASK_SWAPPED
    assert not result.cells[0].dice
    at.selectbox(key="batch_mask_correction").set_value("swap").run()
    at.session_state["batch"][1].join(60)
    (result,) = at.session_state["batch"][1].get_results()
    assert result.mask_problem is None
    assert result.cells[0].dice["nucleus"] > 0.5


def test_the_page_of_each_file_can_be_chosen(open_page):
    buffer = io.BytesIO()
    pages = [Image.fromarray(channel) for channel in np.moveaxis(IMAGE, -1, 0)]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    at = upload_and_wait(open_page("batch"), ("rgb.tif", buffer.getvalue(), "image/tiff"))
    (result,) = at.session_state["batch"][1].get_results()
    assert result.problem.code == ErrorCode.CHANNELS_AS_PAGES
    (box,) = [box for box in at.selectbox if str(box.key).startswith("batch_page_of_")]
    box.set_value("rgb").run()
    at.session_state["batch"][1].join(60)
    (result,) = at.session_state["batch"][1].get_results()
    assert result.problem is None
    assert result.page == "rgb"


def test_the_pixel_size_that_a_file_states_is_offered_and_applied_only_on_a_click(open_page):
    buffer = io.BytesIO()
    Image.fromarray(IMAGE).save(buffer, "TIFF", resolution_unit=3, x_resolution=100_000, y_resolution=100_000)
    at = upload_and_wait(open_page("batch"), ("a.tif", buffer.getvalue(), "image/tiff"))
    assert at.number_input(key="batch_pixel_size").value is None
    at.button(key="batch_pixel_size_offer").click().run()
    assert at.number_input(key="batch_pixel_size").value == pytest.approx(0.1)
