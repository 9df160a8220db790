"""What the pages hand on to the files that are taken away."""

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from wbcseg.datasets.sample import Sample
from wbcseg.datasets.uploads import InputImage
from wbcseg.export import build_cell_rows
from wbcseg.inference import ModelEntry
from wbcseg.io import encode_png
from wbcseg.pipeline.analyze import NO_CYTOPLASM_NOTICE
from wbcseg.results import CellResult, ImageReport, build_in_memory_loader
from wbcseg.ui import cache
from wbcseg.ui.components import downloads
from wbcseg.ui.segment import cell_features


def test_a_field_of_view_in_predict_is_taken_away_also_without_cells():
    image = np.full((300, 500, 3), 230, np.uint8)
    sample = Sample(id="own/1", image=image, mask=None, source="A reader's own picture")
    picture = cache.LoadedImage(
        sample, "digest", is_upload=True, filename="field.png", notices=("Its 16-bit grey is scaled.",)
    )
    results = {name: SimpleNamespace(labels=np.zeros((300, 500), np.uint8)) for name in ("unet-16", "segnet-16")}
    look = SimpleNamespace(results=results, findings=dict.fromkeys(results, ()))
    found = cell_features._build_image_report(picture, look, {name: SimpleNamespace(card=None) for name in results})
    assert (found.name, found.size, found.models) == ("field.png", (300, 500), ("unet-16", "segnet-16"))
    assert found.field_renderers["segnet-16"]().shape == (300, 500, 3)
    head, *rows = build_cell_rows([found])
    assert [row[head.index("status")] for row in rows] == ["no white cell found"] * 2
    assert rows[0][head.index("note")] == "Its 16-bit grey is scaled."


def test_the_dice_of_a_cell_of_a_field_is_none_of_its_neighbours():
    cell = np.zeros((40, 40), np.uint8)
    cell[10:30, 10:30], cell[15:25, 15:25] = 1, 2
    mask = np.zeros((300, 600), np.uint8)
    for left in (100, 125):
        mask[100:140, left : left + 40] = np.maximum(mask[100:140, left : left + 40], cell)
    image = np.full((300, 600, 3), 230, np.uint8)
    sample = Sample(id="own/1", image=image, mask=mask, source="A reader's own picture")
    cells = [
        CellResult(
            "f.png",
            build_in_memory_loader(image[:40, :40], cell),
            "m",
            None,
            mask.shape,
            offset=(left, 100),
            cell_index=number,
        )
        for number, left in enumerate((100, 125), start=1)
    ]
    look = SimpleNamespace(results={"m": SimpleNamespace(labels=mask)}, findings={"m": cells})
    scored = cell_features._score_cells(cache.LoadedImage(sample, "digest", is_upload=True, filename="f.png"), look)
    assert [one.dice["cell"] for one in scored] == [1.0, 1.0]


def test_a_mask_without_cytoplasm_is_said_of_a_picture_that_is_opened_in_predict():
    mask = np.zeros((60, 60), np.uint8)
    mask[20:40, 20:40] = 255
    picture = encode_png(np.full((60, 60, 3), 200, np.uint8))
    item = InputImage("a.png", "a", lambda: picture, "a_mask.png", lambda: encode_png(mask))
    shown = cache.load_uploaded_image.__wrapped__("a", "a.png", 0, item)
    assert shown.sample.mask is not None
    assert shown.notices == (NO_CYTOPLASM_NOTICE,)
    assert (
        cache.load_uploaded_image.__wrapped__("a", "a.png", 0, InputImage("a.png", "a", lambda: picture)).notices == ()
    )


def entry(name, title):
    card = SimpleNamespace(
        files={"model": SimpleNamespace(sha256="1a2b3c4d5e")}, created="2026-11-23T09:30", title=title
    )
    return ModelEntry(name, Path(name), card, True)


def test_the_report_names_the_models_that_looked_the_second_opinion_and_the_page():
    first, second = entry("unet-16", "U-Net 16"), entry("segnet-16", "SegNet 16")
    nothing = [ImageReport("field.png", (300, 500), (), ("unet-16",))]
    entries = {"unet-16": first, "segnet-16": second}
    told = downloads._list_settings(nothing, entries, tta=False, page=0, second_entry=None)
    assert told == [("Model", "unet-16: U-Net 16, file 1a2b3c4d, of 2026-11-23"), ("Prediction", "one look")]
    told = downloads._list_settings(nothing, entries, tta=True, page=2, second_entry=second)
    assert told[1] == ("Second opinion", "segnet-16: SegNet 16, file 1a2b3c4d, of 2026-11-23")
    assert told[2:] == [("Prediction", "careful"), ("TIFF page", "3")]


def test_a_file_is_in_the_scale_that_was_given_last(monkeypatch):
    offered, state = {}, {}

    def button(label, make, *_, **__):
        offered[label] = make

    monkeypatch.setattr(downloads, "st", SimpleNamespace(session_state=state, download_button=button))
    entries = {"unet-16": entry("unet-16", "U-Net 16")}
    downloads.show_download_buttons(lambda: [ImageReport("a.png", (60, 70), (), ("unet-16",))], entries, tta=False)
    assert b"cell_area_px2" in offered["Figures (CSV)"]()
    # A reader types a scale and clicks at once: the button is still that of the run before.
    state["batch_pixel_size"] = 0.1
    downloads._save_pixel_size("batch_pixel_size")
    assert b"cell_area_um2" in offered["Figures (CSV)"]()
    archive = zipfile.ZipFile(io.BytesIO(offered["Everything (zip)"]()))
    assert b"cell_area_um2" in archive.read("measurements.csv")
    state["batch_pixel_size"] = None
    downloads._save_pixel_size("batch_pixel_size")
    assert b"cell_area_px2" in offered["Figures (CSV)"]()
