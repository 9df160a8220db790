"""Pictures that are measured in the background."""

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
from wbcseg.errors import ImageError
from wbcseg.export import build_cell_rows, build_results_zip, encode_csv
from wbcseg.export.pdf import build_pdf_report
from wbcseg.export.text import SEE_TABLE, anonymise
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

PICTURE, LABELS = draw_cell(60, 70)
CELL = encode(PICTURE)


def uploads(**files):
    return [Upload(name.replace("_png", ".png"), lambda d=d: d, name) for name, d in files.items()]


def cells(count):
    return [Upload(f"{n}.png", lambda n=n: encode(draw_cell(60, 70, n)[0]), str(n)) for n in range(count)]


def batch_of(files, model=None, *, earlier=None, unseen=60, **how):
    return Batch(
        pair_uploads(files), PipelineConfig(model or Threshold("quick"), **how), previous=earlier, idle_timeout=unseen
    )


def done(batch):
    batch.start()
    batch.join(60)
    return batch.outcomes()


class Slow(Threshold):
    """Waits before every picture until it is let go."""

    def __init__(self):
        super().__init__("slow")
        self.go, self.looked = threading.Semaphore(0), 0

    def predict(self, image, **_):
        assert self.go.acquire(timeout=20)
        self.looked += 1
        return super().predict(image)


def wait_for(what):
    for _ in range(400):
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("It did not happen within 8 s")


def test_a_cell_is_measured_as_by_hand():
    (outcome,) = done(batch_of(uploads(a_png=CELL, a_mask_png=encode(to_grey(LABELS)))))
    (expected,) = analyze_cells("a.png", PICTURE, Threshold("quick").predict(PICTURE), mask=LABELS)
    (found,) = outcome.findings
    assert outcome.size == (60, 70)
    assert (found.image_name, found.model, found.dice) == ("a.png", "quick", expected.dice)
    assert found.features == expected.features
    for one, other in zip(found.load(), expected.load(), strict=True):
        assert (one == other).all()
    assert found.dice["cell"] > 0.8


def test_what_is_bad_has_a_row_of_its_own_and_stops_nothing():
    files = uploads(
        a_png=CELL,
        b_png=b"",
        c_png=b"<html>",
        d_png=CELL[:200],
        e_png=encode(np.zeros((8, 8, 3), np.uint8)),
        f_png=CELL,
        f_mask_png=encode(np.zeros((5, 5), np.uint8)),
        g_mask_png=CELL,
        z_png=CELL,
    )
    found = {one.name: one for one in done(batch_of(files))}
    assert [bool(found[name].findings) for name in ("a.png", "f.png", "z.png")] == [True, True, True]
    problems = {name: one.problem for name, one in found.items() if one.problem}
    assert "empty (0 bytes)" in problems["b.png"]
    assert "web page" in problems["c.png"]
    assert "truncated" in problems["d.png"]
    assert "no picture of its name" in problems["g_mask.png"]
    assert "must be of the same size" in found["f.png"].mask_problem
    assert not found["f.png"].findings[0].dice


def test_what_is_bad_is_taken_away_too_and_its_reasons_are_known_without_names():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "no pictures")
    files = uploads(
        qx_a_png=CELL,
        qx_b_png=b"",
        qx_c_png=b"<html>",
        qx_d_png=CELL[:200],
        qx_f_png=CELL,
        qx_f_mask_png=encode(np.zeros((5, 5), np.uint8)),
        qx_g_mask_png=CELL,
    )
    files += [Upload("qx.zip", buffer.getvalue, "zip"), Upload("qx2.zip", lambda: b"PK\x03\x04", "zip 2")]
    batch = batch_of(files)
    done(batch)
    pictures = batch.get_reports()
    assert [one.name for one in pictures] == [item.name for item in batch.input_images]
    used = {one.name: one for one in pictures if not one.problem}
    assert set(used) == {"qx_a.png", "qx_f.png"}
    assert used["qx_f.png"].mask_rejected
    assert "must be of the same size" in used["qx_f.png"].note
    head, *rows = build_cell_rows(pictures)
    assert [row[head.index("number")] for row in rows] == [str(n + 1) for n in range(len(batch.input_images))]
    for one in pictures:
        if one.problem:
            told = anonymise(one.problem)
            assert told != SEE_TABLE, one.problem
            assert "qx" not in told
    assert build_pdf_report(pictures, date=datetime.now(UTC), settings=[]).startswith(b"%PDF-")


def test_what_was_not_reached_is_taken_away_as_such():
    batch = batch_of(cells(3))
    one, two, three = batch.get_reports()
    assert {one.problem, two.problem, three.problem} == {"It was not looked at: the work was cancelled before."}
    assert anonymise(one.problem) == one.problem


class Broken(Threshold):
    """Fails in a way of its own for every shade of the first pixel."""

    def predict(self, image, **_):
        shade = int(image[0, 0, 0])
        errors = {1: MemoryError(), 2: RuntimeError("secret.png broke it"), 3: ImageError("It is too small.")}
        if shade in errors:
            raise errors[shade]
        return super().predict(image)


def test_an_error_of_the_model_is_the_pictures_own(caplog):
    files = [
        Upload(f"secret{n}.png", lambda n=n: encode(np.full((30, 30, 3), n, np.uint8)), str(n)) for n in range(1, 5)
    ]
    with caplog.at_level(logging.DEBUG):
        found = done(batch_of(files, Broken("broken")))
    assert "not enough memory" in found[0].problem
    assert "This picture could not be segmented" in found[1].problem
    assert found[2].problem == "It is too small."
    assert found[3].problem == ""
    assert "secret" not in caplog.text


def test_cancel_keeps_what_is_there_and_go_on_does_the_rest():
    model = Slow()
    batch = batch_of(cells(5), model)
    assert (batch.progress.done, batch.progress.total) == (0, 5)
    batch.start()
    model.go.release(2)
    wait_for(lambda: batch.progress.done == 2)
    assert batch.progress.state == "running"
    batch.cancel()
    model.go.release()  # The picture that was being looked at comes to its end.
    batch.join(20)
    assert batch.progress.state == "cancelled"
    assert not batch.progress.is_active
    kept = batch.get_results()
    assert len(kept) == 3
    model.go.release(10)
    batch.start()
    batch.join(20)
    assert batch.progress.state == "done"
    assert batch.get_results()[:3] == kept
    assert model.looked == 5
    batch.start()
    batch.cancel()
    assert batch.progress.state == "done"


def test_to_go_on_at_once_after_cancelling_looks_at_no_picture_twice():
    model = Slow()
    batch = batch_of(cells(3), model)
    batch.start()
    wait_for(lambda: batch.progress.state == "running")
    batch.cancel()
    batch.start()
    model.go.release(10)
    wait_for(lambda: batch.progress.state == "done")
    assert [one.name for one in batch.get_results()] == ["0.png", "1.png", "2.png"]
    assert model.looked == 3


def test_one_batch_at_a_time_and_the_other_says_that_it_waits():
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
    model.go.release(2)
    second.join(20)
    assert second.progress.state == "done"


def test_a_batch_that_nobody_looks_at_pauses_until_somebody_does():
    model = Slow()
    batch = batch_of(cells(4), model, unseen=0.3)
    batch.start()
    wait_for(lambda: batch.progress.state == "running")
    time.sleep(0.5)
    model.go.release(10)
    batch.join(5)
    assert batch.progress.state == "paused"
    assert batch.progress.is_active
    left = batch.progress.done
    assert left < 4
    batch.record_heartbeat()
    batch.join(20)
    assert batch.progress.state == "done"


def test_nothing_keeps_the_pictures():
    seen = []

    class Watched(Threshold):
        def predict(self, image, **_):
            seen.append(weakref.ref(image if image.base is None else image.base))
            return super().predict(image)

    batch = batch_of(cells(6), Watched("watched"))
    found = done(batch)
    gc.collect()
    assert [ref() for ref in seen] == [None] * 6
    assert all(outcome.findings[0].load()[0].shape == (60, 70, 3) for outcome in found)
    with batch.cache_last_image():
        found[0].findings[0].load()
        assert batch._image_cache._pixels is not None
    assert batch._image_cache._pixels is None


def test_more_files_do_not_begin_anew():
    model = Slow()
    model.go.release(10)
    files = cells(3)
    first = batch_of(files, model)
    done(first)
    more = batch_of([Upload("0.png", files[0].load, "another"), *files], model, earlier=first)
    found = done(more)
    assert model.looked == 4
    assert [one.name for one in found] == ["0.png", "0 (2).png", "1.png", "2.png"]
    assert [one.findings[0].image_name for one in found] == [one.name for one in found]


class OfFields(Threshold):
    """Finds two cells in every field of view."""

    def predict(self, image, **_):
        return as_field(super().predict(image), (BBox(40, 30, 160, 150), FAR))


FAR = BBox(300, 350, 420, 470)


@pytest.fixture
def field():
    """A field of view with two drawn cells on plain plasma, and its labels."""
    image = np.full((450, 500, 3), (236, 226, 190), np.uint8)
    labels = np.zeros((450, 500), np.uint8)
    for number, place in enumerate((BBox(40, 30, 160, 150), FAR)):
        sample = draw_sample(3, number, size=(120, 120))
        cell = sample.mask > 0
        image[place.slices][cell] = sample.image[cell]
        labels[place.slices] = sample.mask
    return image, labels


def test_a_field_of_view_gives_several_cells(field):
    image, labels = field
    reads = []
    data = encode(image)
    files = [
        Upload("field.png", lambda: reads.append(1) or data, "f"),
        Upload("field_mask.png", lambda: encode_png(to_grey(labels)), "m"),
    ]
    batch = batch_of(files, OfFields("fields"))
    (outcome,) = done(batch)
    assert outcome.whole_field
    assert [(one.cell_index, one.offset) for one in outcome.findings] == [(1, (30, 40)), (2, (350, 300))]
    assert outcome.boxes == ((30, 40, 150, 160), (350, 300, 470, 420))
    assert len(outcome.thumbnails) == 3
    assert all(0.5 < one.dice["cell"] <= 1 for one in outcome.findings)
    reads.clear()
    whole, found = outcome.load()
    assert (whole == image).all()
    for one in outcome.findings:
        crop, cell = one.load()
        left, top = one.offset
        assert (crop == image[top : top + 120, left : left + 120]).all()
        assert (found[top : top + 120, left : left + 120] >= cell).all()
    assert len(reads) == 3
    reads.clear()
    with batch.cache_last_image():
        assert build_results_zip(batch.get_reports())
    assert len(reads) == 1
    assert len(encode_csv(build_cell_rows(batch.get_reports())).splitlines()) == 3
    (picture,) = batch.get_reports()
    small = picture.field_renderers["fields"]()
    assert small.shape == image.shape
    assert (small[:, :, 0] == 0).sum() > (image[:, :, 0] == 0).sum() + 500  # The boxes' black borders.


def test_a_picture_that_one_model_could_use_is_used_and_says_what_the_other_met():
    (item,) = pair_uploads(uploads(a_png=CELL))
    good = analyze_image(item, PipelineConfig(Threshold("good")), LastImageCache())
    bad, worse = (ImageResult(item, problem=sentence) for sentence in ("It is bad.", "It is worse."))
    both = merge_results([bad, good])
    assert (both.models, both.problem, both.note) == (("good",), "", "It is bad.")
    neither = merge_results([bad, worse])
    assert (neither.models, neither.problem, neither.note) == ((), "It is bad.", "It is worse.")


class Nothing(Threshold):
    """Finds no cell in any field of view."""

    def predict(self, image, **_):
        return as_field(super().predict(image), ())


def test_a_field_of_view_without_cells_is_taken_away(field):
    batch = batch_of([Upload("field.png", lambda: encode(field[0]), "f")], Nothing("nothing"))
    done(batch)
    head, row = build_cell_rows(batch.get_reports())
    found = dict(zip(head, row, strict=True))
    assert (found["status"], found["model"], found["width"]) == ("no white cell found", "nothing", "500")


def test_small_pictures_are_small(field):
    image, _ = field
    (outcome,) = done(batch_of([Upload("field.png", lambda: encode(image), "f")], OfFields("fields")))
    for png in outcome.thumbnails:
        assert max(open_image(png).pixels.shape) == 72
        assert len(png) < 20_000


def test_a_page_of_a_stack():
    frames = [Image.fromarray(draw_cell(60, 70, seed)[0]) for seed in (1, 2)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    files = [Upload("stack.tif", buffer.getvalue, "s"), Upload("a.png", lambda: CELL, "a")]
    for page in (0, 1):
        picture, stack = done(batch_of(files, page=page))
        assert picture.page == 0
        assert stack.page == page
        assert (stack.findings[0].load()[0] == np.asarray(frames[page])).all()
        assert stack.notices == (f"The file has 2 pages; page {page + 1} is used.",)
    assert "Page 3 was asked for" in done(batch_of(files, page=2))[1].problem
