"""Shipped models segment images of any size and reproduce the golden masks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from models import SHIPPED, copy_of_shipped
from numpy.typing import NDArray

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.detector_training.library.arrays import TILE_THICKNESS
from wbcseg.detector_training.library.red_cell_tiles import draw_tile
from wbcseg.errors import ImageError
from wbcseg.inference import Catalog, Segmentation, Segmenter
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.io import open_image, open_mask
from wbcseg.labels import GREY_CODES
from wbcseg.metrics import score

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def segmenters() -> dict[str, Segmenter]:
    catalog = Catalog()
    return {name: catalog.load(name) for name in SHIPPED}


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(
    ("height", "width"), [(16, 16), (17, 480), (120, 120), (101, 119), (300, 260), (481, 40), (530, 700)]
)
def test_result_has_the_size_of_the_image(segmenters: dict[str, Segmenter], name: str, height: int, width: int) -> None:
    result = segmenters[name].predict(noise(height, width))
    assert result.labels.shape == (height, width)
    assert result.labels.dtype == np.uint8
    assert result.probabilities.shape == (height, width, 3)
    assert result.probabilities.dtype == np.float32
    np.testing.assert_allclose(result.probabilities.sum(axis=-1), 1, atol=1e-3)
    likeliest = result.probabilities.argmax(axis=-1)
    assert np.array_equal(
        result.labels,
        keep_main_cell(likeliest.astype(np.uint8)) if keeps_main_cell_only(name, result) else likeliest,
    )
    assert result.model == name


def keeps_main_cell_only(name: str, result: Segmentation) -> bool:
    """Return whether a model keeps only the main cell: a general model does, of a crop."""
    return Catalog().get(name).card.two_stage and not result.is_field_of_view


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5000), (15, 200)])
def test_image_that_is_too_small_is_rejected(segmenters: dict[str, Segmenter], height: int, width: int) -> None:
    with pytest.raises(ImageError, match=f"16×16 pixels. Received: {width}×{height}"):
        segmenters["unet-16"].predict(noise(height, width))


def test_array_that_is_not_an_image_is_rejected(segmenters: dict[str, Segmenter]) -> None:
    for array in (np.zeros((120, 120), np.uint8), np.zeros((120, 120, 4), np.uint8), np.zeros((120, 120, 3))):
        with pytest.raises(ImageError, match="must be uint8"):
            segmenters["unet-16"].predict(array)


def test_the_same_image_gives_the_same_result(segmenters: dict[str, Segmenter]) -> None:
    image = draw_sample(5, 0).image
    first = segmenters["unet-16"].predict(image)
    segmenters["unet-16"].predict(noise(600, 500))
    again = segmenters["unet-16"].predict(image)
    assert np.array_equal(first.probabilities, again.probabilities)


def test_threads_share_a_model(segmenters: dict[str, Segmenter]) -> None:
    images = [draw_sample(5, i).image for i in range(4)]
    expected_labels = [segmenters["unet-16"].predict(p).labels for p in images]
    results: dict[int, NDArray[np.uint8]] = {}

    def predict_repeatedly(number: int) -> None:
        for _ in range(5):
            results[number] = segmenters["unet-16"].predict(images[number]).labels

    threads = [threading.Thread(target=predict_repeatedly, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(results[i], expected_labels[i]) for i in range(4))


@pytest.mark.parametrize("index", range(3))
def test_cell_in_a_field_is_segmented_at_its_position(segmenters: dict[str, Segmenter], index: int) -> None:
    """A crop is pasted into empty plasma: its cell is detected, and nothing else."""
    cell = draw_sample(2, index, size=(120, 120), stain="yellow")
    assert cell.mask is not None
    plasma = np.median(cell.image[cell.mask == 0], axis=0)
    grain = np.random.default_rng(index).normal(0, 3, (900, 1000, 3))
    field = np.clip(plasma + grain, 0, 255).astype(np.uint8)
    field[400:520, 430:550] = cell.image
    labels = segmenters["unet-16"].predict(field).labels
    assert score(cell.mask, labels[400:520, 430:550]).dice["cell"] > 0.85
    labels[390:530, 420:560] = 0
    assert (labels > 0).mean() < 0.005


def list_golden_names() -> list[str]:
    return sorted(path.name.removesuffix(".image.png") for path in GOLDEN.glob("*.image.png"))


@pytest.mark.parametrize("model", SHIPPED)
@pytest.mark.parametrize("name", list_golden_names())
def test_shipped_models_reproduce_the_golden_masks(segmenters: dict[str, Segmenter], name: str, model: str) -> None:
    """The golden masks are the shipped models' results when ``golden/make.py`` was run."""
    image = open_image((GOLDEN / f"{name}.image.png").read_bytes()).pixels
    truth = open_mask((GOLDEN / f"{name}.mask.png").read_bytes())
    expected = open_mask((GOLDEN / f"{name}.{model}.png").read_bytes())
    labels = segmenters[model].predict(image).labels
    assert (labels == expected).mean() >= 0.999
    expected_dice = json.loads((GOLDEN / "dice.json").read_text(encoding="utf-8"))[name][model]
    dice = score(truth, labels).dice
    for region, value in expected_dice.items():
        assert dice[region] == pytest.approx(value, abs=0.005)


def test_golden_images_exist() -> None:
    assert len(list_golden_names()) >= 4
    assert set(np.unique(GREY_CODES)) == {0, 128, 255}


def test_predicting_never_imports_tensorflow() -> None:
    code = (
        "import sys, numpy as np\n"
        "from wbcseg.inference import Catalog\n"
        "for e in Catalog().usable: Catalog().load(e.name).predict(np.zeros((64, 64, 3), np.uint8))\n"
        "print([m for m in ('tensorflow', 'keras', 'streamlit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", SHIPPED)
def test_card_metrics_match_the_shipped_model(segmenters: dict[str, Segmenter], name: str, zheng_data: object) -> None:
    from wbcseg.datasets import open_dataset
    from wbcseg.evaluation import evaluate_heldout, summarise_scores

    measured = summarise_scores(evaluate_heldout(segmenters[name], open_dataset("zheng-1")))
    card = segmenters[name].card.test_metrics
    for region, scores in card.regions.items():
        assert measured.regions[region].n <= scores.n
        if measured.images == card.images:
            assert measured.regions[region].dice == pytest.approx(scores.dice, abs=0.002)


def test_unet_reaches_the_required_dice(segmenters: dict[str, Segmenter]) -> None:
    regions = segmenters["unet-16"].card.test_metrics.regions
    assert regions["nucleus"].dice >= 0.972
    assert regions["cytoplasm"].dice >= 0.938
    assert regions["cell"].dice >= 0.980


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")
def test_shipped_models_and_a_field_need_less_than_400_mb() -> None:
    code = (
        "import numpy as np\n"
        "from wbcseg.inference import Catalog\n"
        "catalog = Catalog()\n"
        "models = [catalog.load(e.name) for e in catalog.usable if e.shipped]\n"
        "for m in models: m.predict(np.zeros((120, 120, 3), np.uint8))\n"
        "for m in models: m.predict(np.zeros((700, 900, 3), np.uint8))\n"
        "print(next(x.split()[1] for x in open('/proc/self/status') if x.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 400_000


def test_general_model_uses_the_cell_fraction_of_its_card(tmp_path: Path) -> None:
    image = draw_sample(11, 2, size=(200, 200)).image
    large, small = (
        Segmenter(copy_of_shipped(tmp_path / str(fraction), "unet-general", cell_fraction=fraction))
        .predict(image)
        .probabilities
        for fraction in (0.4, 0.8)
    )
    assert np.abs(large - small).max() > 0.05
    assert (large.argmax(-1) == small.argmax(-1)).mean() > 0.97


@pytest.fixture(scope="module")
def two_cells() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A field with two synthetic cells, of which the left edge cuts one off, and its mask."""
    rng = np.random.default_rng(0)
    samples = [draw_sample(2, index, size=(120, 120), stain="white") for index in range(2)]
    first = samples[0]
    assert first.mask is not None
    plasma = np.median(first.image[first.mask == 0], axis=0)
    field = np.clip(plasma + rng.normal(0, 3, (500, 600, 3)), 0, 255).astype(np.uint8)
    mask = np.zeros((500, 600), np.uint8)
    for sample, (top, left) in zip(samples, ((40, -50), (200, 300)), strict=True):
        assert sample.mask is not None
        image, own = sample.image[:, max(0, -left) :], sample.mask[:, max(0, -left) :]
        rows, columns = slice(top, top + 120), slice(max(0, left), left + 120)
        field[rows, columns][own > 0] = image[own > 0]
        mask[rows, columns][own > 0] = own[own > 0]
    return field, mask


def test_a_cell_that_someone_points_at_is_segmented(
    segmenters: dict[str, Segmenter], two_cells: tuple[NDArray[np.uint8], NDArray[np.uint8]]
) -> None:
    field, mask = two_cells
    truth = np.where(np.arange(600) > 100, mask, 0)
    rows, columns = np.nonzero(truth)
    box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    for place in ({"point": (float(columns.mean()), float(rows.mean()))}, {"box": box}):
        cell = segmenters["unet-general"].segment_cell(field, **place)  # type: ignore[arg-type]
        assert cell is not None
        result = Segmentation.from_cells([cell], field.shape, "unet-general")
        assert score(truth.astype(np.uint8), result.labels).dice["cell"] > 0.9
        assert (cell.id, any(cell.edges)) == (1, False)
        assert ((result.instances == 1) == (result.labels > 0)).all()
        # The same cell again is not a second one; another gets the next id.
        assert segmenters["unet-general"].segment_cell(field, occupied=result.instances, **place) is None  # type: ignore[arg-type]
        left_cell = segmenters["unet-general"].segment_cell(field, point=(10, 100), occupied=result.instances)
        assert left_cell is not None
        assert (left_cell.id, left_cell.edges) == (2, (False, False, True, False))


@pytest.mark.parametrize("place", [{}, {"box": (5, 5, 5, 9)}, {"point": (1, 1), "box": (0, 0, 9, 9)}])
def test_a_cell_outside_the_image_cannot_be_segmented(
    segmenters: dict[str, Segmenter], place: dict[str, tuple[float, ...]]
) -> None:
    with pytest.raises(ValueError, match="box"):
        segmenters["unet-16"].segment_cell(noise(500, 600), **place)  # type: ignore[arg-type]


def test_an_empty_place_has_no_cell(
    segmenters: dict[str, Segmenter], two_cells: tuple[NDArray[np.uint8], NDArray[np.uint8]]
) -> None:
    assert segmenters["unet-general"].segment_cell(two_cells[0], point=(550, 50)) is None


@pytest.mark.parametrize("colour", [(0.1, 0.5, 0.3), (0.6, 0.5, 0.3)], ids=["pink", "slate blue"])
def test_a_red_cell_that_someone_points_at_is_refused(
    segmenters: dict[str, Segmenter], colour: tuple[float, float, float]
) -> None:
    thickness = draw_tile(np.random.default_rng(0))[..., None] / TILE_THICKNESS
    field = np.rint(240 * 10 ** (-0.7 * thickness * colour)).astype(np.uint8)
    for y, x in sample_places(thickness[..., 0] > 0.8) + sample_places(thickness[..., 0] == 0):
        assert segmenters["unet-general"].segment_cell(field, point=(x, y)) is None


def sample_places(is_wanted: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return row and column of three pixels."""
    places = np.argwhere(is_wanted)
    return [(int(y), int(x)) for y, x in places[:: len(places) // 3][:3]]
