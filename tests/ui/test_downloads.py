"""What the pages pass on to downloads."""

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
from wbcseg.io.mask_meaning import NO_CYTOPLASM_NOTICE
from wbcseg.results import CellResult, ImageReport, build_in_memory_loader
from wbcseg.ui import cache
from wbcseg.ui.components import downloads, pixel_size
from wbcseg.ui.segment import cell_features
from wbcseg.ui.state import save_widget


def test_zip_has_the_chosen_formats(monkeypatch):
    offered, state = {}, {}
    monkeypatch.setattr(downloads.st, "download_button", lambda label, make, *_, **__: offered.update({label: make}))
    monkeypatch.setattr(downloads.st, "session_state", state)
    entries = {"unet-16": entry("unet-16", "U-Net 16")}
    downloads.show_download_buttons(lambda: [ImageReport("a.png", (60, 70), (), ("unet-16",))], entries, tta=False)

    def list_outlines():
        names = zipfile.ZipFile(io.BytesIO(offered["Download all (zip)"]())).namelist()
        return [name for name in names if "outlines" in name]

    assert len(list_outlines()) == 5
    state["export_formats"] = ["labels"]
    save_widget("export_formats")
    assert list_outlines() == ["outlines/a-unet-16.labels.png", "outlines/a-unet-16.labels.tif"]
    state["export_formats"] = []
    save_widget("export_formats")
    assert list_outlines() == []


def test_field_of_view_without_cells_is_downloaded_too():
    image = np.full((300, 500, 3), 230, np.uint8)
    sample = Sample(id="upload/1", image=image, mask=None, source="Uploaded image")
    loaded_image = cache.LoadedImage(
        sample, "digest", is_upload=True, filename="field.png", notices=("Its 16-bit grey is scaled.",)
    )
    results = {name: SimpleNamespace(labels=np.zeros((300, 500), np.uint8)) for name in ("unet-16", "segnet-16")}
    view = SimpleNamespace(predictions=results, cells=dict.fromkeys(results, ()), corrected={}, is_field_of_view=True)
    card = SimpleNamespace(trained_on=lambda *_: False)
    entries = {name: SimpleNamespace(card=card) for name in results}
    report = cell_features._build_image_report(loaded_image, view, entries)
    assert (report.name, report.size, report.models) == ("field.png", (300, 500), ("unet-16", "segnet-16"))
    assert report.field_renderers["segnet-16"]().shape == (300, 500, 3)
    head, *rows = build_cell_rows([report])
    assert [row[head.index("status")] for row in rows] == ["no_cell"] * 2
    assert rows[0][head.index("note")] == "Its 16-bit grey is scaled."


def test_dice_of_a_cell_ignores_its_neighbours():
    cell = np.zeros((40, 40), np.uint8)
    cell[10:30, 10:30], cell[15:25, 15:25] = 1, 2
    mask = np.zeros((300, 600), np.uint8)
    for left in (100, 125):
        mask[100:140, left : left + 40] = np.maximum(mask[100:140, left : left + 40], cell)
    image = np.full((300, 600, 3), 230, np.uint8)
    sample = Sample(id="upload/1", image=image, mask=mask, source="Uploaded image")
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
    view = SimpleNamespace(predictions={"m": SimpleNamespace(labels=mask)}, cells={"m": cells})
    scored = cell_features._score_cells(cache.LoadedImage(sample, "digest", is_upload=True, filename="f.png"), view)
    assert [item.dice["cell"] for item in scored["m"]] == [1.0, 1.0]


def test_mask_without_cytoplasm_has_a_notice_in_segment():
    mask = np.zeros((60, 60), np.uint8)
    mask[20:40, 20:40] = 255
    png = encode_png(np.full((60, 60, 3), 200, np.uint8))
    item = InputImage("a.png", "a", lambda: png, "a_mask.png", lambda: encode_png(mask))
    shown = cache.load_uploaded_image.__wrapped__("a", "a.png", 0, item)
    assert shown.sample.mask is not None
    assert shown.notices == (NO_CYTOPLASM_NOTICE,)
    assert cache.load_uploaded_image.__wrapped__("a", "a.png", 0, InputImage("a.png", "a", lambda: png)).notices == ()


def entry(name, title):
    card = SimpleNamespace(
        files={"model": SimpleNamespace(sha256="1a2b3c4d5e")}, created="2026-11-23T09:30", title=title
    )
    return ModelEntry(name, Path(name), card, True)


def test_report_names_models_second_opinion_and_tiff_page():
    first, second = entry("unet-16", "U-Net 16"), entry("segnet-16", "SegNet 16")
    nothing = [ImageReport("field.png", (300, 500), (), ("unet-16",))]
    entries = {"unet-16": first, "segnet-16": second}
    settings = downloads._list_settings(nothing, entries, tta=False, page=0, second_entry=None)
    assert settings == [
        ("Model", "unet-16: U-Net 16, file 1a2b3c4d, created 2026-11-23"),
        ("Prediction", "single pass"),
    ]
    settings = downloads._list_settings(nothing, entries, tta=True, page=2, second_entry=second)
    assert settings[1] == ("Second opinion", "segnet-16: SegNet 16, file 1a2b3c4d, created 2026-11-23")
    assert settings[2:] == [("Prediction", "test-time averaging"), ("TIFF page", "3")]


def test_downloads_use_the_latest_pixel_size(monkeypatch):
    offered, state = {}, {}

    def button(label, make, *_, **__):
        offered[label] = make

    monkeypatch.setattr(downloads.st, "download_button", button)
    monkeypatch.setattr(downloads.st, "session_state", state)
    entries = {"unet-16": entry("unet-16", "U-Net 16")}
    downloads.show_download_buttons(lambda: [ImageReport("a.png", (60, 70), (), ("unet-16",))], entries, tta=False)
    assert b"cell_area_px2" in offered["Download measurements (CSV)"]()
    # The user sets the pixel size and clicks at once: the button is still that of the previous run.
    state["batch_pixel_size"] = 0.1
    pixel_size.save_current_pixel_size("batch_pixel_size")
    assert b"cell_area_um2" in offered["Download measurements (CSV)"]()
    archive = zipfile.ZipFile(io.BytesIO(offered["Download all (zip)"]()))
    assert b"cell_area_um2" in archive.read("cells.csv")
    state["batch_pixel_size"] = None
    pixel_size.save_current_pixel_size("batch_pixel_size")
    assert b"cell_area_px2" in offered["Download measurements (CSV)"]()
