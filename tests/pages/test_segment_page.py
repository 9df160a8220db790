"""Segment page: panels, scores, badges, uploads and links."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from quick_app import (
    PROBLEM,
    TWO_MODELS,
    CatalogWithGeneral,
    FailingCatalog,
    Threshold,
    as_field,
    card,
    cell_list,
    go_to,
    page_text,
    payloads,
    replace_quality_models,
    tables,
    viewer_props,
)

from wbcseg.datasets import open_dataset, open_zip
from wbcseg.datasets.sample import Sample
from wbcseg.datasets.uploads import InputImage
from wbcseg.features import FEATURES, extract_features
from wbcseg.inference import BBox, ModelEntry
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.io import open_image
from wbcseg.labels import PALETTES
from wbcseg.metrics import score
from wbcseg.models.card import NOTICE
from wbcseg.pipeline.cells import DISAGREEMENT_REASON
from wbcseg.quality import EMPTY_FIELD_REASON, OK, REVIEW, STATUS_DESCRIPTIONS, STATUS_LABELS, STATUSES, QualityResult
from wbcseg.ui import cache
from wbcseg.ui.cache import LoadedImage
from wbcseg.ui.components import image_panels
from wbcseg.ui.components.image_panels import OverlayStyle
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.segment import edited_masks, view
from wbcseg.ui.viewer.props import StripItem
from wbcseg.visualization import colorize, resize_for_display


def png(array, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG", **options)
    return buffer.getvalue()


def read_png(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


def count_panels(at):
    """Return how many panels the viewer shows at first."""
    return len(viewer_props(at)["default_panels"])


def find_table(at, title):
    """Return the table with a title, as rows of cells."""
    texts = [element.value for element in at.markdown if f'aria-label="{title}"' in element.value]
    return [
        [cell.strip() for cell in line[1:-1].split("|")]
        for text in texts
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def upload(at, name, data):
    """Upload a file, in place of the one before."""
    for button in at.button:
        if button.label == "Upload another":
            button.click().run()
    at.file_uploader[0].upload(name, data).run()


def draw_test_cell(shade=60, side=40):
    image = np.full((side, side, 3), 230, np.uint8)
    image[10:30, 10:30] = 150
    image[15:25, 15:25] = shade
    return image


def test_recommended_model_is_beside_the_mask_at_first(open_page):
    props = viewer_props(open_page("segment", image="003"))
    titles = {panel["key"]: panel["title"] for panel in props["panels"]}
    assert [titles[key] for key in props["default_panels"]] == ["Exact mask", "U-Net 16"]


def test_viewer_shows_image_mask_and_every_model(open_page):
    at = open_page("segment", image="003", models=TWO_MODELS)
    props = viewer_props(at)
    titles = {panel["key"]: panel["title"] for panel in props["panels"]}
    assert [titles[key] for key in props["default_panels"]] == ["Exact mask", "U-Net 16", "SegNet 16"]
    assert titles["image"] == "Image"
    assert {"agreement", "errors.unet-16", "uncertainty.segnet-16"} <= set(titles)
    _, parts = payloads(at)[props["digest"]]
    assert list(parts) == ["image", "mask", "unet-16", "segnet-16"]
    sample = open_dataset("synthetic").read("synthetic/003")
    assert (open_image(parts["image"]).pixels == sample.image).all()
    assert (read_png(parts["mask"]) == sample.mask).all()
    assert (read_png(parts["unet-16"])[..., 0] == Threshold("x").predict(sample.image).labels).all()


def test_score_tables_show_scores_of_the_metrics_module(open_page):
    at = open_page("segment", image="003", models=TWO_MODELS)
    sample = open_dataset("synthetic").read("synthetic/003")
    green = sample.image[..., 1]
    expected = score(sample.mask, (green < 110).astype(np.uint8) + (green < 180).astype(np.uint8))
    for title, values in (("Dice", expected.dice), ("Jaccard", expected.jaccard)):
        table = find_table(at, title)
        for row, key in (("Nucleus", "nucleus"), ("Cytoplasm", "cytoplasm"), ("Whole cell", "cell")):
            assert [row, *[f"{values[key]:.3f}"] * 2] in table


def test_absent_class_has_no_score(open_page, monkeypatch):
    empty = LoadedImage(Sample("synthetic/003", np.full((40, 40, 3), 255, np.uint8), np.zeros((40, 40), np.uint8)), "x")
    monkeypatch.setattr(cache, "load_image", lambda *_: empty)
    at = open_page("segment", image="003", models=TWO_MODELS)
    table = find_table(at, "Dice")
    assert ["Nucleus", *["n/a – class absent"] * 2] in table
    assert ["Background", "1.000", "1.000"] in table


def test_score_on_training_image_is_marked(open_page):
    at = open_page("segment", image="001", models=TWO_MODELS)
    assert [panel["badge"]["text"] for panel in viewer_props(at)["panels"] if panel["badge"]] == [
        "Seen in training"
    ] * 2
    assert "Scores may be optimistic (seen in training): U\\-Net 16\\; SegNet 16" in page_text(at)
    at = open_page("segment", image="002", models=TWO_MODELS)
    assert not any(panel["badge"] for panel in viewer_props(at)["panels"])
    assert "Scores may be optimistic" not in page_text(at)


def test_broken_model_is_reported_and_others_are_used(open_page):
    at = open_page("segment", image="003", models=TWO_MODELS)
    assert escape_markdown(PROBLEM) in at.warning[0].value
    assert count_panels(at) == 3


def test_model_that_fails_to_load_is_reported(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", FailingCatalog)
    at = open_page("segment", image="003", models=["U-Net 16", "SegNet 16, damaged"])
    assert count_panels(at) == 2
    assert any("segnet\\-16 cannot be read" in warning.value for warning in at.warning)


def test_viewer_gets_neighbouring_images(open_page):
    props = viewer_props(open_page("segment"))  # starts with the sample image
    assert (props["previous_id"], props["next_id"]) == ("synthetic/031", "synthetic/033")
    props = viewer_props(open_page("segment", image="001"))
    assert (props["previous_id"], props["next_id"]) == (None, "synthetic/002")
    assert [item["title"] for item in props["strip"]] == ["001", "002", "003", "004", "005", "006", "007"]
    props = viewer_props(open_page("segment", image="060"))
    assert (props["previous_id"], props["next_id"]) == ("synthetic/059", None)
    props = viewer_props(open_page("segment", image="030"))
    assert len(props["strip"]) == 13


@pytest.mark.parametrize("asked", ["synthetic/999", "../../etc/passwd", "zheng-1/001", 7, None, {"a": 1}])
def test_unknown_image_from_the_browser_is_ignored(open_page, monkeypatch, asked):
    state = {
        "viewer": {"image": asked},
        "viewer_state": ("x", None, SimpleNamespace(strip=[StripItem("synthetic/002", "002")])),
    }
    monkeypatch.setattr(view.st, "session_state", state)
    view.on_image_selected()
    assert "image" not in state
    state["viewer"]["image"] = "synthetic/002"
    view.on_image_selected()
    assert state["image"] == "synthetic/002"


def test_link_restores_choices(open_page):
    at = open_page("segment", image="007", models="SegNet 16", tta="true")
    assert at.session_state["image"] == "synthetic/007"
    assert at.session_state["models"] == ["segnet-16"]
    assert at.session_state["speed"] == image_panels.AVERAGED
    assert viewer_props(at)["default_panels"] == ["mask", "segnet-16"]


def test_speed_is_chosen_in_plain_words(open_page, monkeypatch):
    segment, used, cell = Threshold.predict, [], draw_test_cell(shade=77)

    def record_and_predict(self, image, *, tta=False):
        if np.array_equal(image, cell):
            used.append(tta)
        return segment(self, image, tta=tta)

    monkeypatch.setattr(Threshold, "predict", record_and_predict)
    at = open_page("segment", source="Upload an image", speed=image_panels.SPEED_LABELS[image_panels.AVERAGED])
    upload(at, "cell.png", png(cell))
    assert used == [True]
    choice = at.segmented_control(key="speed")
    assert "averag" not in choice.label + "".join(choice.options)
    assert "test-time averaging" in choice.help
    choice.set_value(image_panels.FAST).run()
    assert used == [True, False]


def test_a_link_without_a_data_set_shows_an_example(open_page):
    at = open_page("segment", dataset="")
    assert viewer_props(at)["image_id"] == "examples/neutrophil"
    assert "CC BY 4\\.0" in page_text(at)


@pytest.mark.parametrize(
    ("link", "noun"),
    [({"dataset": "No*thing"}, "data set"), ({"dataset": "Synthetic", "image": "9<b>99"}, "image")],
)
def test_a_link_to_something_unknown_says_so_and_shows_nothing_else(open_page, link, noun):
    at = open_page("segment", **link)
    (warning,) = at.warning
    assert f"the {noun} " in warning.value
    assert "<b>" not in warning.value
    assert "o*t" not in warning.value
    assert not [item for item in at.get("bidi_component") if item.proto.component_name.endswith("wbcseg.viewer")]
    at.selectbox(key=noun.replace(" ", "")).select_index(0).run()
    assert "not here" not in page_text(at)
    assert viewer_props(at)["image_id"]


@pytest.mark.parametrize("nonsense", [{"tta": "x"}, {"view": "<b>"}])
def test_invalid_link_falls_back_to_defaults(open_page, nonsense):
    assert viewer_props(open_page("segment", **nonsense))["default_panels"] == ["mask", "unet-16"]


def test_another_data_set_starts_at_its_first_image(open_page, zheng_data):
    at = open_page("segment", image="007")
    at.selectbox(key="dataset").select("zheng-2").run()
    assert not at.exception
    assert at.session_state["image"] == open_dataset("zheng-2").ids[0]


def test_upload_is_segmented(open_page):
    at = open_page("segment", source="Upload an image")
    assert "never stored on the server" in page_text(at)
    at.file_uploader[0].upload("cell.png", png(draw_test_cell())).run()
    assert not at.exception
    assert viewer_props(at)["default_panels"] == ["image", "unet-16"]
    assert not at.file_uploader
    assert "40 × 40 pixels" in page_text(at)
    assert "no expert mask" in page_text(at)
    assert not viewer_props(at)["strip"]
    assert viewer_props(at)["file_stem"] == "cell"


def test_html_in_a_file_name_is_shown_literally(open_page):
    name = "<img src=x onerror=alert(1)> **bold** :red[x].png"
    at = open_page("segment", source="Upload an image")
    at.file_uploader[0].upload(name, png(draw_test_cell())).run()
    shown = next(element.value for element in at.markdown if "onerror" in element.value)
    assert shown.startswith(escape_markdown(name))
    assert "\\<img src\\=x" in shown


@pytest.mark.parametrize("data", [b"", b"not an image", b"<html><script>alert(1)</script>", png(draw_test_cell())[:90]])
def test_file_that_is_not_an_image_is_rejected_with_a_message(open_page, data):
    at = open_page("segment", source="Upload an image")
    at.file_uploader[0].upload("cell.png", data).run()
    assert not at.exception
    assert escape_markdown("cell.png") in at.error[0].value
    assert not [item for item in at.get("bidi_component") if item.proto.component_name.endswith("wbcseg.viewer")]


def test_image_too_small_for_the_models_is_shown_with_a_warning(open_page, monkeypatch):
    def refuse(self, image, *, tta=False):
        from wbcseg.errors import ImageError

        raise ImageError("A image must have at least 16×16 pixels to be segmented. Received: 1×1")

    monkeypatch.setattr("quick_app.Threshold.predict", refuse)
    at = open_page("segment", source="Upload an image")
    at.file_uploader[0].upload("dot.png", png(np.zeros((1, 1, 3), np.uint8))).run()
    assert not at.exception
    assert count_panels(at) == 1
    assert any("at least 16×16" in warning.value for warning in at.warning)


def test_metadata_is_not_passed_on():
    exif = Image.Exif()
    exif[0x010E] = "Jane Patient, born 1950"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    data = png(draw_test_cell(), exif=exif)
    assert b"Jane Patient" in data
    image = open_image(data)
    shown = LoadedImage(Sample("own/x", image.pixels), "digest", is_upload=False)
    for made in (image_panels.render_png(shown, OverlayStyle()), cache.encode_image(shown)):
        assert b"Jane" not in made
        assert b"eXIf" not in made


def test_sessions_do_not_share_uploads(open_page):
    first, second = (open_page("segment", source="Upload an image") for _ in range(2))
    dark, light = draw_test_cell(shade=20, side=40), draw_test_cell(shade=140, side=44)
    first.file_uploader[0].upload("cell.png", png(dark)).run()
    second.file_uploader[0].upload("cell.png", png(light)).run()
    first.run()
    assert "40 × 40 pixels" in page_text(first)
    assert "44 × 44 pixels" in page_text(second)
    for at, image in ((first, dark), (second, light)):
        ((_, parts),) = payloads(at).values()
        assert (open_image(parts["image"]).pixels == image).all()
        assert (read_png(parts["unet-16"])[..., 0] == Threshold("x").predict(image).labels).all()


def test_rendered_labels_keep_every_pixel():
    labels = np.arange(9, dtype=np.uint8).reshape(3, 3) % 3
    image = LoadedImage(Sample("synthetic/x", np.zeros((3, 3, 3), np.uint8), labels), "three by three")
    made = open_image(image_panels.render_png(image, OverlayStyle("colours", 1.0, "thesis"), labels)).pixels
    assert (made == colorize(resize_for_display(labels, image_panels.MIN_PANEL_SIDE), PALETTES["thesis"])).all()


def test_neighbouring_images_are_prefetched(open_page, monkeypatch):
    whole, segmented = Threshold.predict, []

    def record_and_predict(self, image, *, tta=False):
        segmented.append((self.name, image.tobytes()))
        return whole(self, image)

    monkeypatch.setattr("quick_app.Threshold.predict", record_and_predict)
    at = open_page("segment", image="020", models=TWO_MODELS)
    for job in at.session_state["prefetch_jobs"]:
        job.result(60)
    following = open_dataset("synthetic").read("synthetic/021").image.tobytes()
    assert [name for name, image in segmented if image == following] == ["unet-16", "segnet-16"]
    at.run()
    props, sent = viewer_props(at), payloads(at)
    images = {parts["image"] for _, parts in sent.values() if "unet-16" in parts}
    assert len(images) == 3  # this image, the one before and the one after
    (sheet,) = [head for head, _ in sent.values() if "positions" in head]
    assert set(sheet["lowest_dice"]) == {item["id"] for item in props["strip"]}
    sample = open_dataset("synthetic").read("synthetic/021")
    dice = score(sample.mask, whole(Threshold("x"), sample.image).labels).dice
    assert sheet["lowest_dice"]["synthetic/021"] == pytest.approx(
        min(dice[r] for r in ("nucleus", "cytoplasm", "cell")), abs=1e-4
    )
    at.selectbox(key="image").select("synthetic/021").run()
    assert len([name for name, image in segmented if image == following]) == 2  # not segmented again


CELL_BOX = BBox(0, 0, 40, 40)


class FixedQualityModel:
    """Gives every result the same status."""

    def __init__(self, status):
        self.status = self.failure_model = self.out_of_range_model = status

    def assess(self, image, probabilities, cell, *, image_edges=None):
        self.image_edges = image_edges
        assert image.shape[:2] == probabilities.shape[:2] == cell.shape
        return QualityResult(self.status, () if self.status == OK else ("Unusual staining.",), 0.5, 0.1)


@pytest.mark.parametrize("status", STATUSES)
def test_quality_status_is_shown_for_models_with_a_quality_check(open_page, monkeypatch, status):
    quality_models = {"U-Net 16": FixedQualityModel(status)}
    replace_quality_models(monkeypatch, lambda card: quality_models.get(card.title))
    at = open_page("segment", source="Upload an image", models=TWO_MODELS)
    at.file_uploader[0].upload("cell.png", png(draw_test_cell(shade=40 + len(status)))).run()
    text = [
        item.value
        for item in at.markdown
        if escape_markdown("U-Net 16") in item.value and f"{STATUS_LABELS[status]}." in item.value
    ]
    assert len(text) == 1
    assert (escape_markdown("Unusual staining.") in text[0]) == (status != OK)
    (other,) = [item.value for item in at.markdown if escape_markdown("SegNet 16") + "**:" in item.value]
    assert "No quality check for this model" in other
    badges = {panel["key"]: panel["quality"] for panel in viewer_props(at)["panels"] if panel["kind"] == "model"}
    assert (badges["unet-16"]["kind"], badges["unet-16"]["text"]) == (status, STATUS_LABELS[status])
    assert ("Unusual staining." in badges["unet-16"]["help"]) == (status != OK)
    assert badges["unet-16"]["help"][-1] == STATUS_DESCRIPTIONS[status]
    assert badges["segnet-16"]["kind"] == ""


def test_disagreeing_models_are_flagged(open_page, monkeypatch):
    replace_quality_models(monkeypatch, lambda _: FixedQualityModel(OK))
    segment = Threshold.predict

    def other(self, image, *, tta=False):
        result = segment(self, image, tta=tta)
        if self.name == "segnet-16":
            result.labels[:] = np.roll(result.labels, 15, axis=1)
        return result

    monkeypatch.setattr(Threshold, "predict", other)
    at = open_page("segment", source="Upload an image", models=TWO_MODELS)
    at.file_uploader[0].upload("cell.png", png(draw_test_cell(shade=61))).run()
    assert len([item for item in at.markdown if escape_markdown(DISAGREEMENT_REASON) in item.value]) == 2
    disagreement = viewer_props(at)["disagreement"]
    assert "nucleus and whole cell" in disagreement["text"]
    points = np.concatenate([np.array(outline) for outline in disagreement["outlines"]])
    assert points.min() >= 0
    assert points.max() <= 40
    (line,) = [item.value for item in at.warning if "disagree" in item.value]
    assert escape_markdown("U-Net 16") in line
    at.pills(key="models").set_value(["unet-16"]).run()
    assert viewer_props(at)["disagreement"] is None
    assert not [item for item in at.warning if "disagree" in item.value]


def test_cells_of_a_field_of_view_are_counted(open_page, monkeypatch):
    field = np.full((300, 700, 3), 230, np.uint8)
    field[:40, :40] = field[100:140, 300:340] = draw_test_cell()
    boxes = (BBox(0, 0, 40, 40), BBox(100, 300, 140, 340))
    segment = Threshold.predict

    def predict_field(self, image, *, tta=False):
        return as_field(segment(self, image, tta=tta), boxes if self.name == "unet-16" else ())

    monkeypatch.setattr(Threshold, "predict", predict_field)
    quality_model = FixedQualityModel(REVIEW)
    replace_quality_models(monkeypatch, lambda card: quality_model if card.title == "U-Net 16" else None)
    at = open_page("segment", source="Upload an image", models=TWO_MODELS)
    at.file_uploader[0].upload("field.png", png(field)).run()
    assert not at.exception
    assert f"**{escape_markdown('U-Net 16')}**: 2 white blood cells found; all to review." in page_text(at)
    assert quality_model.image_edges == (False, False, False, False)
    assert f"**SegNet 16**: {EMPTY_FIELD_REASON}" in page_text(at)
    panels = {panel["key"]: panel for panel in viewer_props(at)["panels"]}
    assert [badge["kind"] for badge in panels["unet-16"]["status_badges"]] == list(STATUSES)
    assert panels["segnet-16"]["quality"]["help"] == [EMPTY_FIELD_REASON]
    assert viewer_props(at)["disagreement"]["text"] == "Models disagree on 2 cells"


def test_page_does_not_wait_for_thumbnails(open_page, monkeypatch):
    monkeypatch.setattr(view, "prefetch", lambda *_: False)
    monkeypatch.setattr(view, "get_lowest_dice", lambda *_: None)
    read = []
    shown = cache.load_image
    monkeypatch.setattr(cache, "load_image", lambda name, sample_id: read.append(sample_id) or shown(name, sample_id))
    at = open_page("segment", image="003")
    assert not {"synthetic/002", "synthetic/004", "synthetic/009"} & set(read)
    (sheet,) = (head for head, _ in payloads(at).values() if "positions" in head)
    assert sheet["positions"] == sheet["lowest_dice"] == {}


def test_identical_images_are_sent_once(open_page, monkeypatch):
    same = LoadedImage(Sample("synthetic/003", draw_test_cell(), np.zeros((40, 40), np.uint8)), "x")
    monkeypatch.setattr(cache, "load_image", lambda *_: same)
    monkeypatch.setattr(view, "get_lowest_dice", lambda *_: 1.0)
    at = open_page("segment", image="003")
    assert len([1 for _, parts in payloads(at).values() if "unet-16" in parts]) == 1


def test_mask_is_sent_as_class_ids(open_page):
    at = open_page("segment", image="003")
    sample = open_dataset("synthetic").read("synthetic/003")
    sent = [parts["mask"] for _, parts in payloads(at).values() if "mask" in parts]
    assert any(np.array_equal(read_png(item), sample.mask) for item in sent)


def test_edited_mask_is_kept_for_download_and_training(open_page, monkeypatch):
    at = open_page("segment", image="003")
    sample = open_dataset("synthetic").read("synthetic/003")
    height, width = sample.size
    state = {"viewer": {"mask": {"digest": "d", "rle": f"{height * width}x1"}}}
    props = SimpleNamespace(name="=Synthetic, 003", file_stem="003")
    state["viewer_state"] = ("d", LoadedImage(sample, sample.compute_digest()), props)
    monkeypatch.setattr(view.st, "session_state", state)
    view.on_mask_edited()
    (edited_mask,) = edited_masks.get_edited_masks().values()
    assert (edited_mask.labels == 1).all()
    assert (edited_mask.image == sample.image).all()
    state["viewer"]["mask"] = {"digest": "d", "rle": "1x1"}
    view.on_mask_edited()
    assert "must have" in state["edited_masks_problem"]
    state["viewer"]["mask"] = {"digest": "another", "rle": ""}
    view.on_mask_edited()
    data = edited_masks.build_zip()
    (back,) = open_zip(data, "corrected.zip")
    assert (back.mask == 1).all()
    monkeypatch.undo()
    at.session_state["edited_masks"] = {sample.compute_digest(): edited_mask}
    at.run()
    assert "1 edited mask in this session" in page_text(at)
    assert at.download_button[-1].label == "Download masks and images (zip)"
    at = at.switch_page("pages/train.py")
    at.query_params["upload"] = "edited"
    at.run()
    assert at.segmented_control(key="train_preset").value == "adapt"
    assert at.selectbox(key="train_dataset").value == "upload"
    assert at.toggle(key="train_corrected").value is True


def test_measurements_are_those_of_the_features_module(open_page):
    at = open_page("segment", image="003", pixel_size="0.5", models=TWO_MODELS)
    sample = open_dataset("synthetic").read("synthetic/003")
    features = extract_features(sample.image, keep_main_cell(Threshold("x").predict(sample.image).labels)).to_units(0.5)
    exact = extract_features(sample.image, keep_main_cell(sample.mask)).to_units(0.5)
    table = find_table(at, "Measurements")
    assert table[0] == ["", "Exact mask", "U\\-Net 16", "SegNet 16"]
    rows = {name: cells for name, *cells in table[1:]}
    area = [cell.replace("\u202f", "") for cell in rows["Cell area (µm²)"]]
    assert area == [f"{item['cell_area']:.1f}" for item in (exact, features, features)]
    assert rows[FEATURES["nucleus_to_cell"].title][1] == f"{features['nucleus_to_cell']:.3f}"
    assert rows[FEATURES["nucleus_lobes"].title][0] == f"{exact['nucleus_lobes']:.0f}"
    labels = [button.label for button in at.get("download_button")]
    assert labels == [
        "Download measurements (CSV)",
        "Download workbook (XLSX)",
        "Download report (PDF)",
        "Download all (zip)",
    ]


def test_no_measurements_without_draw_test_cell(open_page, monkeypatch):
    empty = LoadedImage(Sample("synthetic/003", np.full((40, 40, 3), 255, np.uint8), np.zeros((40, 40), np.uint8)), "y")
    monkeypatch.setattr(cache, "load_image", lambda *_: empty)
    at = open_page("segment", image="003")
    assert "Measurements" in [heading.value for heading in at.subheader]
    assert "No white blood cell found, so there are no measurements." in page_text(at)
    assert "Nucleus area" not in str(tables(at))
    assert not at.get("download_button")


def test_model_without_a_cell_has_dashes_beside_the_expert(open_page, monkeypatch):
    sample = open_dataset("synthetic").read("synthetic/003")
    white = LoadedImage(Sample("synthetic/003", np.full_like(sample.image, 255), sample.mask), "w")
    monkeypatch.setattr(cache, "load_image", lambda *_: white)
    at = open_page("segment", image="003", models=TWO_MODELS)
    rows = {name: cells for name, *cells in find_table(at, "Measurements")[1:]}
    for title in ("Nucleus area (px²)", "Mean nucleus colour (RGB)", FEATURES["touches_edge"].title):
        assert rows[title][0] != "–"
        assert rows[title][1:] == ["–", "–"]


def test_field_of_view_without_a_cell_has_no_measurements(open_page):
    at = open_page("segment", source="Upload an image")
    field = np.full((300, 700, 3), 217, np.uint8)
    at.file_uploader[0].upload("field.png", png(field)).run()
    assert "No white blood cell found, so there are no measurements." in page_text(at)
    assert not at.get("download_button")


def test_wide_tables_are_stacked_on_a_phone(open_page, monkeypatch):
    def kinds(at):
        return [
            item for table in at.markdown for item in ("numbers", "numbers stacked") if f'class="{item}"' in table.value
        ]

    assert kinds(open_page("segment", image="003")) == ["numbers"] * 3
    monkeypatch.setattr(cache, "Catalog", CatalogWithGeneral)
    at = open_page("segment", image="003")
    at.pills(key="models").set_value(["unet-16", "segnet-16", "unet-general"]).run()
    assert kinds(at) == ["numbers stacked"] * 3
    at.pills(key="models").set_value(["unet-16", "segnet-16"]).run()
    assert kinds(at) == ["numbers stacked", "numbers", "numbers"]  # the first one has the exact mask's besides


def test_measurements_are_defined_with_a_notice(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", CatalogWithGeneral)
    at = open_page("segment", source="Upload an image")
    at.file_uploader[0].upload("cell.png", png(draw_test_cell())).run()
    assert NOTICE in page_text(at)
    assert page_text(at).count("**How reliable the check is for General.**") == 2  # here and in the glossary
    assert escape_markdown(FEATURES["nucleus_perimeter"].description) in page_text(at)
    assert "**Mean colour (RGB)**" in page_text(at)


def a_stack(*shades):
    frames = [Image.fromarray(draw_test_cell(shade)) for shade in shades]
    buffer = io.BytesIO()
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def test_tiff_page_can_be_selected(open_page):
    at = open_page("segment", source="Upload an image")
    at.file_uploader[0].upload("stack.tif", a_stack(20, 40, 60)).run()
    page = at.number_input[0]
    assert (page.label, page.value, page.max) == ("Page", 1, 3)
    at.number_input[0].set_value(3).run()
    assert "Page 3 of 3 is used" in page_text(at)
    at.pills(key="models").set_value(["unet-16"]).run()
    assert at.number_input[0].value == 3
    ((_, parts),) = payloads(at).values()
    assert (open_image(parts["image"]).pixels == draw_test_cell(60)).all()
    upload(at, "other.tif", a_stack(30, 50))
    assert at.number_input[0].value == 1
    upload(at, "cell.png", png(draw_test_cell()))
    assert "Page" not in [box.label for box in at.number_input]


def test_tiff_page_of_an_opened_image_is_kept(open_page):
    data = a_stack(20, 40, 60)
    at = open_page("segment", source="Upload an image")
    at.session_state["opened_image"] = (InputImage("s.tif", "s", lambda: data), 1)
    at.run()
    assert at.number_input[0].value == 2
    at.number_input[0].set_value(3).run()
    go_to(at, "batch")
    at.run()
    go_to(at, "segment")
    at.query_params["source"] = "Upload an image"
    at.run()
    assert at.number_input[0].value == 3
    assert "Page 3 of 3 is used" in page_text(at)


def test_failed_model_is_not_offered_for_cells_of_a_field(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", FailingCatalog)
    field = np.full((300, 700, 3), 215, np.uint8)
    field[:40, :40] = draw_test_cell()
    segment = Threshold.predict
    monkeypatch.setattr(
        Threshold, "predict", lambda self, image, **more: as_field(segment(self, image, **more), [CELL_BOX])
    )
    at = open_page("segment", source="Upload an image", models=["U-Net 16", "SegNet 16, damaged"])
    at.file_uploader[0].upload("field.png", png(field)).run()
    assert "cannot be read" in at.warning[0].value
    assert "No white blood cell found." not in page_text(at)
    (listed,) = cell_list(at)["models"]
    assert (listed["key"], [cell["number"] for cell in listed["cells"]]) == ("unet-16", [1])


def test_default_is_the_general_model_of_the_first_network(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", CatalogLikeShipped)
    at = open_page("segment", image="003")
    assert at.pills(key="models").value == ["unet-general"]
    assert at.pills(key="models").options[0] == "General"
    at.segmented_control(key="source").set_value("Upload an image").run()
    upload(at, "cell.png", png(draw_test_cell()))
    assert at.pills(key="models").value == ["unet-general"]


def test_titles_of_models_are_the_same_everywhere(open_page):
    at = open_page("segment", image="003", models=TWO_MODELS)
    assert at.pills(key="models").options == TWO_MODELS
    assert [panel["title"] for panel in viewer_props(at)["panels"] if panel["kind"] == "model"] == TWO_MODELS
    escaped = [escape_markdown(title) for title in TWO_MODELS]
    assert find_table(at, "Measurements")[0][2:] == escaped
    assert [title.replace("\u2011", "-") for title in find_table(at, "Dice")[0][1:]] == TWO_MODELS


class CatalogLikeShipped(CatalogWithGeneral):
    """One network has a model of this data set; both have a general model."""

    def __init__(self):
        super().__init__()
        first, _, _, general = self.entries
        second = ModelEntry("segnet-general", Path("segnet-general"), card("SegNet, any", two_stage=True), True)
        self.entries = (first, general, second)


def test_link_selects_models(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", CatalogLikeShipped)
    at = open_page("segment", image="003", models="SegNet, any")
    assert at.pills(key="models").value == ["segnet-general"]


def test_link_with_the_name_of_before_selects_models(open_page, monkeypatch):
    monkeypatch.setattr(cache, "Catalog", CatalogLikeShipped)
    at = open_page("segment", image="003", general_models="SegNet, any")
    assert at.pills(key="models").value == ["segnet-general"]


def test_every_cell_of_a_field_is_measured(open_page, monkeypatch):
    field = np.full((300, 700, 3), 225, np.uint8)
    field[:40, :40] = field[100:140, 300:340] = draw_test_cell()
    boxes = (BBox(0, 0, 40, 40), BBox(100, 300, 140, 340))
    segment = Threshold.predict

    def predict_field(self, image, *, tta=False):
        return as_field(segment(self, image, tta=tta), boxes if self.name == "unet-16" else boxes[:1])

    monkeypatch.setattr(Threshold, "predict", predict_field)
    at = open_page("segment", source="Upload an image", pixel_size="0.5", models=TWO_MODELS)
    at.file_uploader[0].upload("field.png", png(field)).run()
    assert not at.exception
    labels = keep_main_cell(segment(Threshold("x"), draw_test_cell()).labels)
    expected = extract_features(draw_test_cell(), labels).to_units(0.5)["cell_area"]

    listed = cell_list(at)
    first, second = listed["models"]
    assert [cell["number"] for cell in first["cells"]] == [1, 2]
    assert [cell["number"] for cell in second["cells"]] == [1]
    position = listed["labels"].index("Cell area (µm²)")
    area = f"{expected:,.1f}".replace(",", "\u202f")
    assert [cell["values"][position] for cell in first["cells"]] == [area, area]
    assert first["cells"][1]["bbox"] == [300, 100, 40, 40]
    assert [button.label for button in at.get("download_button")][-1] == "Download all (zip)"
    assert escape_markdown(FEATURES["nucleus_lobes"].description) in page_text(at)
    assert NOTICE in page_text(at)


def test_field_of_view_is_not_measured_as_one_cell(open_page, monkeypatch):
    field = LoadedImage(Sample("synthetic/003", np.full((600, 700, 3), 100, np.uint8)), "z")
    monkeypatch.setattr(cache, "load_image", lambda *_: field)
    segment = Threshold.predict
    monkeypatch.setattr(Threshold, "predict", lambda *args, **options: as_field(segment(*args, **options), ()))
    at = open_page("segment", image="003")
    assert "Nucleus area" not in str(tables(at))


def test_upload_survives_a_visit_to_another_page(open_page):
    at = open_page("segment", source="Upload an image")
    at.file_uploader[0].upload("cell.png", png(draw_test_cell())).run()
    for page in ("batch", "segment"):
        go_to(at, page)
        at.query_params["source"] = "Upload an image"
        at.run()
        assert not at.exception
    assert viewer_props(at)["file_stem"] == "cell"
    assert any(heading.value == "Measurements" for heading in at.subheader)
    next(button for button in at.button if button.label == "Upload another").click().run()
    assert not [item for item in at.get("bidi_component") if item.proto.component_name.endswith("wbcseg.viewer")]
    assert "Measurements" not in [heading.value for heading in at.subheader]
    assert at.file_uploader
    # The image is closed, not discarded.
    assert "Back to the batch of 1 image" in [link.label for link in at.page_link]


def test_several_uploads_lead_to_the_table(open_page):
    at = open_page("segment", source="Upload an image")
    for name in ("a.png", "b.png"):
        at.file_uploader[0].upload(name, png(draw_test_cell()))
    at.run()
    assert not at.exception
    assert "Back to the batch of 2 images" in [link.label for link in at.page_link]


def test_pixel_size_of_uploads_does_not_apply_to_data_sets(open_page):
    at = open_page("segment", source="Upload an image")
    at.file_uploader[0].upload("mine.png", png(draw_test_cell())).run()
    at.number_input(key="pixel_size").set_value(0.5).run()
    assert any("µm²" in row[0] for row in find_table(at, "Measurements"))
    at.segmented_control(key="source").set_value("From a data set").run()
    assert at.number_input(key="pixel_size").value is None
    assert not any("µm²" in row[0] for row in find_table(at, "Measurements"))
    at.segmented_control(key="source").set_value("Upload an image").run()
    assert at.number_input(key="pixel_size").value == 0.5
