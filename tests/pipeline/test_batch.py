"""Images that are segmented in the background."""

import gc
import io
import logging
import threading
import time
import weakref
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest
from builders import draw_cell, encode
from PIL import Image
from quick_app import Threshold, as_field

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.datasets.uploads import Upload, pair_uploads
from wbcseg.errors import ErrorCode, ImageError, Problem
from wbcseg.export import build_cell_rows, build_results_zip, encode_csv
from wbcseg.export.pdf import build_pdf_report
from wbcseg.inference import BBox
from wbcseg.io import encode_png, open_image
from wbcseg.labels import to_grey
from wbcseg.pipeline import (
    Batch,
    ImageResult,
    LastImageCache,
    PipelineConfig,
    analyze_cells,
    analyze_image,
    merge_results,
)
from wbcseg.turns import pause

IMAGE, LABELS = draw_cell(60, 70)
CELL = encode(IMAGE)
MASK = encode(to_grey(LABELS))


def uploads(**files):
    return [Upload(name.replace("_png", ".png"), lambda d=d: d, name) for name, d in files.items()]


def cells(count):
    return [Upload(f"{n}.png", lambda n=n: encode(draw_cell(60, 70, n)[0]), str(n)) for n in range(count)]


def batch_of(files, model=None, *, previous=None, idle_timeout=60, **config):
    return Batch(
        pair_uploads(files),
        PipelineConfig(model or Threshold("quick"), **config),
        previous=previous,
        idle_timeout=idle_timeout,
    )


def done(batch):
    batch.start()
    batch.join(60)
    return batch.get_results()


class Slow(Threshold):
    """Waits before each image until it is released."""

    def __init__(self):
        super().__init__("slow")
        self.permits, self.n_predicted = threading.Semaphore(0), 0

    def predict(self, image, **_):
        assert self.permits.acquire(timeout=20)
        self.n_predicted += 1
        return super().predict(image)


def wait_for(what):
    for _ in range(400):
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("It did not happen within 8 s")


def test_batch_gives_the_same_results_as_analyze_cells():
    (result,) = done(batch_of(uploads(a_png=CELL, a_mask_png=encode(to_grey(LABELS)))))
    (expected,) = analyze_cells("a.png", IMAGE, Threshold("quick").predict(IMAGE), mask=LABELS)
    (processed,) = result.cells
    assert result.size == (60, 70)
    assert (processed.image_name, processed.model, processed.dice) == ("a.png", "quick", expected.dice)
    assert processed.features == expected.features
    for item_result, other in zip(processed.load(), expected.load(), strict=True):
        assert (item_result == other).all()
    assert processed.dice["cell"] > 0.8


def test_bad_files_are_reported_and_the_others_are_segmented():
    files = uploads(
        a_png=CELL,
        b_png=b"",
        c_png=b"<html>",
        d_png=CELL[:200],
        e_png=encode(np.zeros((8, 8, 3), np.uint8)),
        f_png=CELL,
        f_mask_png=encode(np.zeros((5, 5), np.uint8)),
        g_mask_png=MASK,
        z_png=CELL,
    )
    processed = {item_result.name: item_result for item_result in done(batch_of(files))}
    assert [bool(processed[name].cells) for name in ("a.png", "f.png", "z.png")] == [True, True, True]
    codes = {name: item_result.problem.code for name, item_result in processed.items() if item_result.problem}
    assert codes == {
        "b.png": ErrorCode.EMPTY,
        "c.png": ErrorCode.UNSUPPORTED_FORMAT,
        "d.png": ErrorCode.TRUNCATED,
        "g_mask.png": ErrorCode.MASK_WITHOUT_IMAGE,
    }
    assert processed["f.png"].mask_problem.code == ErrorCode.SIZE_MISMATCH
    assert not processed["f.png"].cells[0].dice


def test_bad_files_are_exported_with_reasons_that_name_no_file():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "no images")
    files = uploads(
        qx_a_png=CELL,
        qx_b_png=b"",
        qx_c_png=b"<html>",
        qx_d_png=CELL[:200],
        qx_f_png=CELL,
        qx_f_mask_png=encode(np.zeros((5, 5), np.uint8)),
        qx_g_mask_png=MASK,
    )
    files += [Upload("qx.zip", buffer.getvalue, "zip"), Upload("qx2.zip", lambda: b"PK\x03\x04", "zip 2")]
    batch = batch_of(files)
    done(batch)
    reports = batch.get_reports()
    assert [item_result.name for item_result in reports] == [item.name for item in batch.input_images]
    used = {item_result.name: item_result for item_result in reports if not item_result.problem}
    assert set(used) == {"qx_a.png", "qx_f.png"}
    assert used["qx_f.png"].mask_rejected
    assert "qx_f_mask.png" in used["qx_f.png"].note
    head, *rows = build_cell_rows(reports)
    assert [row[head.index("image_index")] for row in rows] == [str(n + 1) for n in range(len(batch.input_images))]
    for item_result in reports:
        if item_result.problem:
            assert item_result.problem.text_without_names
            assert "qx" not in item_result.problem.text_without_names
    assert build_pdf_report(reports, date=datetime.now(UTC), settings=[]).startswith(b"%PDF-")


def test_images_that_were_not_reached_are_reported_as_cancelled():
    batch = batch_of(cells(3))
    assert [report.problem.code for report in batch.get_reports()] == [ErrorCode.CANCELLED] * 3


class Broken(Threshold):
    """Fails in a different way for each shade of the first pixel."""

    def predict(self, image, **_):
        shade = int(image[0, 0, 0])
        errors = {
            1: MemoryError(),
            2: RuntimeError("secret.png broke it"),
            3: ImageError("It is too small.", code=ErrorCode.TOO_SMALL),
        }
        if shade in errors:
            raise errors[shade]
        return super().predict(image)


def test_error_in_a_model_is_reported_for_its_image_only(caplog):
    files = [
        Upload(f"secret{n}.png", lambda n=n: encode(np.full((30, 30, 3), n, np.uint8)), str(n)) for n in range(1, 5)
    ]
    with caplog.at_level(logging.DEBUG):
        processed = done(batch_of(files, Broken("broken")))
    codes = [result.problem and result.problem.code for result in processed]
    assert codes == [ErrorCode.OUT_OF_MEMORY, ErrorCode.INTERNAL, ErrorCode.TOO_SMALL, None]
    assert "secret" not in str(processed[1].problem)
    assert "secret" not in caplog.text


def test_cancelled_batch_keeps_its_results_and_can_be_resumed():
    model = Slow()
    batch = batch_of(cells(5), model)
    assert (batch.progress.done, batch.progress.total) == (0, 5)
    batch.start()
    model.permits.release(2)
    wait_for(lambda: batch.progress.done == 2)
    assert batch.progress.state == "running"
    batch.cancel()
    model.permits.release()  # The image in progress is given up.
    batch.join(20)
    assert batch.progress.state == "cancelled"
    assert not batch.progress.is_active
    results_so_far = batch.get_results()
    assert len(results_so_far) == 2
    model.permits.release(10)
    batch.start()
    batch.join(20)
    assert batch.progress.state == "done"
    assert batch.get_results()[:2] == results_so_far
    assert model.n_predicted == 6
    batch.start()
    batch.cancel()
    assert batch.progress.state == "done"


def test_resuming_at_once_after_cancelling_repeats_no_image():
    model = Slow()
    batch = batch_of(cells(3), model)
    batch.start()
    wait_for(lambda: batch.progress.state == "running")
    batch.cancel()
    batch.start()
    model.permits.release(10)
    wait_for(lambda: batch.progress.state == "done")
    assert [item_result.name for item_result in batch.get_results()] == ["0.png", "1.png", "2.png"]
    assert model.n_predicted <= 4


def test_second_batch_waits_for_the_first():
    model = Slow()
    first, second = batch_of(cells(2), model), batch_of(cells(2))
    first.start()
    wait_for(lambda: first.progress.state == "running")
    second.start()
    time.sleep(0.5)
    assert second.progress == type(second.progress)("waiting", 0, 2)
    third = batch_of(cells(1))
    third.start()
    third.cancel()
    third.join(5)
    assert third.progress.state == "cancelled"
    model.permits.release(2)
    second.join(20)
    assert second.progress.state == "done"


def test_batch_without_heartbeat_pauses_until_the_next():
    model = Slow()
    batch = batch_of(cells(4), model, idle_timeout=0.3)
    batch.start()
    wait_for(lambda: batch.progress.state == "running")
    time.sleep(0.5)
    model.permits.release(10)
    batch.join(5)
    assert batch.progress.state == "paused"
    assert batch.progress.is_active
    left = batch.progress.done
    assert left < 4
    batch.record_heartbeat()
    batch.join(20)
    assert batch.progress.state == "done"


def test_images_are_not_kept_in_memory():
    image_refs = []

    class Recording(Threshold):
        def predict(self, image, **_):
            image_refs.append(weakref.ref(image if image.base is None else image.base))
            return super().predict(image)

    batch = batch_of(cells(6), Recording("watched"))
    processed = done(batch)
    gc.collect()
    assert [ref() for ref in image_refs] == [None] * 6
    assert all(result.cells[0].load()[0].shape == (60, 70, 3) for result in processed)
    with batch.cache_last_image():
        processed[0].cells[0].load()
        assert batch.image_cache._pixels is not None
    assert batch.image_cache._pixels is None


def test_results_of_the_previous_batch_are_reused():
    model = Slow()
    model.permits.release(10)
    files = cells(3)
    first = batch_of(files, model)
    done(first)
    more = batch_of([Upload("0.png", files[0].load, "another"), *files], model, previous=first)
    processed = done(more)
    assert model.n_predicted == 4
    assert [item_result.name for item_result in processed] == ["0.png", "0 (2).png", "1.png", "2.png"]
    assert [item_result.cells[0].image_name for item_result in processed] == [
        item_result.name for item_result in processed
    ]


class TwoCells(Threshold):
    """Finds two cells in every field of view."""

    def predict(self, image, **_):
        return as_field(super().predict(image), (BBox(40, 30, 160, 150), FAR))


FAR = BBox(300, 350, 420, 470)


@pytest.fixture
def field():
    """A field of view with two synthetic cells on plain plasma, and its labels."""
    image = np.full((450, 500, 3), (236, 226, 190), np.uint8)
    labels = np.zeros((450, 500), np.uint8)
    for number, bbox in enumerate((BBox(40, 30, 160, 150), FAR)):
        sample = draw_sample(3, number, size=(120, 120))
        cell = sample.mask > 0
        image[bbox.slices][cell] = sample.image[cell]
        labels[bbox.slices] = sample.mask
    return image, labels


def test_field_of_view_has_several_cells(field):
    image, labels = field
    reads = []
    data = encode(image)
    files = [
        Upload("field.png", lambda: reads.append(1) or data, "f"),
        Upload("field_mask.png", lambda: encode_png(to_grey(labels)), "m"),
    ]
    batch = batch_of(files, TwoCells("fields"))
    (result,) = done(batch)
    assert result.is_field_of_view
    assert [(item_result.cell_index, item_result.offset) for item_result in result.cells] == [
        (1, (30, 40)),
        (2, (350, 300)),
    ]
    assert len(result.thumbnails) == 3
    assert all(0.5 < item_result.dice["cell"] <= 1 for item_result in result.cells)
    reads.clear()
    whole, processed = result.load()
    assert (whole == image).all()
    for item_result in result.cells:
        crop, cell = item_result.load()
        left, top = item_result.offset
        assert (crop == image[top : top + 120, left : left + 120]).all()
        assert (processed[top : top + 120, left : left + 120] >= cell).all()
    assert len(reads) == 3
    reads.clear()
    with batch.cache_last_image():
        assert build_results_zip(batch.get_reports())
    assert len(reads) == 1
    assert len(encode_csv(build_cell_rows(batch.get_reports())).splitlines()) == 3
    (report,) = batch.get_reports()
    small = report.field_renderers["fields"]()
    assert small.shape == image.shape
    assert (small[:, :, 0] == 0).sum() > (image[:, :, 0] == 0).sum() + 500  # The black borders of the outlines.


def test_image_that_one_model_could_segment_is_used_with_a_note_on_the_other():
    (item,) = pair_uploads(uploads(a_png=CELL))
    good = analyze_image(item, PipelineConfig(Threshold("good")), LastImageCache())
    bad, worse = (ImageResult(item, problem=Problem(sentence)) for sentence in ("It is bad.", "It is worse."))
    both = merge_results([bad, good])
    assert (both.models, both.problem, both.note) == (("good",), None, "It is bad.")
    neither = merge_results([bad, worse])
    assert (neither.models, neither.problem, neither.note) == ((), Problem("It is bad."), "It is worse.")


class NoCells(Threshold):
    """Finds no cell in any field of view."""

    def predict(self, image, **_):
        return as_field(super().predict(image), ())


def test_field_of_view_without_cells_is_exported(field):
    batch = batch_of([Upload("field.png", lambda: encode(field[0]), "f")], NoCells("nothing"))
    done(batch)
    head, row = build_cell_rows(batch.get_reports())
    processed = dict(zip(head, row, strict=True))
    assert (processed["status"], processed["model"], processed["width"]) == ("no_cell", "nothing", "500")


def test_thumbnails_are_small(field):
    image, _ = field
    (result,) = done(batch_of([Upload("field.png", lambda: encode(image), "f")], TwoCells("fields")))
    for png in result.thumbnails:
        assert max(open_image(png).pixels.shape) == 72
        assert len(png) < 20_000


def test_requested_page_of_a_stack_is_used():
    frames = [Image.fromarray(draw_cell(60, 70, seed)[0]) for seed in (1, 2)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    files = [Upload("stack.tif", buffer.getvalue, "s"), Upload("a.png", lambda: CELL, "a")]
    for page in (0, 1):
        crop, stack = done(batch_of(files, page=page))
        assert crop.page is None
        assert stack.page == page
        assert (stack.cells[0].load()[0] == np.asarray(frames[page])).all()
        assert stack.notices == (f"Page {page + 1} of 2 is used.",)
    assert done(batch_of(files, page=2))[1].problem.code == ErrorCode.NO_SUCH_PAGE


class Pausing(Threshold):
    """Lets others work until it is released."""

    def __init__(self, name="pausing"):
        super().__init__(name)
        self.began, self.may_end = threading.Event(), threading.Event()

    def predict(self, image, **_):
        self.began.set()
        while not self.may_end.is_set():
            time.sleep(0.01)
            pause()
        return super().predict(image)


class GatedModel(Threshold):
    """Segments an image as soon as it may."""

    def __init__(self):
        super().__init__("gated")
        self.permits = threading.Semaphore(0)

    def predict(self, image, *, tta=False):
        assert self.permits.acquire(timeout=60)
        return super().predict(image, tta=tta)


def test_the_time_left_follows_from_the_last_images():
    model = GatedModel()
    batch = batch_of(cells(4), model)
    batch.start()
    batch.wait_for_result(0.01)
    assert not batch.get_results()
    assert batch.progress.seconds_left is None
    model.permits.release()
    batch.wait_for_result(60)
    assert len(batch.get_results()) == 1
    assert batch.progress.seconds_left is None, "one image says little"
    time.sleep(0.2)
    model.permits.release()
    while len(batch.get_results()) < 2:
        time.sleep(0.01)
    # Two images are left, and the second one took 0.2 s.
    assert batch.progress.seconds_left >= 0.2
    model.permits.release(2)
    batch.join(60)
    assert batch.progress.seconds_left is None


def test_cancelling_ends_the_work_within_an_image_and_resuming_does_it_again():
    model = Pausing()
    batch = batch_of(cells(2), model)
    batch.start()
    assert model.began.wait(10)
    batch.cancel()
    batch.join(2)
    assert not batch.get_results()
    assert batch.progress.state == "cancelled"
    model.may_end.set()
    assert [bool(item_result.cells) for item_result in done(batch)] == [True, True]


def test_a_batch_does_not_wait_for_the_large_image_of_another_one():
    model = Pausing()
    first, second = batch_of(cells(1), model), batch_of(cells(2))
    first.start()
    assert model.began.wait(10)
    assert len(done(second)) == 2
    assert first.progress.is_active
    model.may_end.set()
    first.join(10)
    assert first.progress.state == "done"
