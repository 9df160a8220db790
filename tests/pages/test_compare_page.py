"""Compare: what was published, what the same training gives here, and unseen cells."""

import json
import math
import re

import numpy as np
import pytest
from quick_app import tables, words

from wbcseg.evaluation import comparison, cross_validation, reproduction
from wbcseg.evaluation.comparison import PairwiseComparison
from wbcseg.evaluation.feature_agreement import FeaturePairs
from wbcseg.evaluation.metric_specs import METRICS
from wbcseg.evaluation.reproduction import EXPERIMENTS
from wbcseg.metrics import Comparison
from wbcseg.training import PRESETS
from wbcseg.ui.compare import cross_site, feature_agreement, unseen_cells
from wbcseg.ui.compare.selection import Selection
from wbcseg.ui.components import charts

UNSEEN = "Unseen cells"
REGIONS = ("background", "cytoplasm", "nucleus", "cell")
MEANS = {"unet": 0.96, "segnet": 0.93, "deconvnet": 0.93}
TITLES = {"unet": "U-Net", "segnet": "SegNet-Basic", "deconvnet": "DeconvNet"}


def made_result(architecture, mean, *, study="zheng-1-compact-cv5", pictures=40, preset="compact", **changes):
    """A result like those of a cross-validation, with made figures around a mean."""
    rng = np.random.default_rng([3, len(architecture)])
    rows = []
    for i in range(pictures):
        number = round(min(1.0, mean + float(rng.normal(0, 0.01)) - (0.2 if i == 7 else 0.0)), 5)
        shares = dict.fromkeys(REGIONS, number)
        scores = {
            "accuracy": number,
            "dice": shares,
            "surface_dice": dict.fromkeys(REGIONS[1:], number),
            "hausdorff_95": dict.fromkeys(REGIONS[1:], 20 * (1 - number)),
        }
        kind = ("neutrophil", "lymphocyte", "eosinophil")[i % 3]
        rows.append(
            {"id": f"zheng-1/{i:03}", "cell_type": kind, "training": i % 5, "single": scores, "careful": scores}
        )
    config = PRESETS[preset].replace(architecture=architecture, base_filters=16, **changes).to_dict()
    del config["fold"], config["split_seed"]
    training = {"fold": 0, "split_seed": 2, "trained": 32, "tested": 8, "epochs": 120, "seconds": 60.0}
    return {
        "study": study,
        "architecture": architecture,
        "title": f"{TITLES[architecture]}, width 16",
        "parameters": 1_646_227,
        "config": config,
        "environment": {"processor": "a processor", "features": ["avx2"], "cores": 2, "precision": "float32"},
        "manifest_digest": "0",
        "trainings": [{**training, "cpu_seconds": 100.0 + len(architecture), "model_bytes": 1}] * 5,
        "images": rows,
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Folders for results, empty at first."""
    for module, name in ((cross_validation, "crossvalidation"), (reproduction, "reproduction")):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(module, "FOLDER", tmp_path / name)
    return tmp_path


def write(folder, *results):
    for one in results:
        path = folder / "crossvalidation" / f"{one['study']}-{one['architecture']}.json"
        path.write_text(json.dumps(one), encoding="utf-8")


@pytest.fixture
def studied(folder):
    """A cross-validation of three networks."""
    write(folder, *(made_result(name, mean) for name, mean in MEANS.items()))
    return folder


def cells(table):
    """The cells of a table's rows by their first one."""
    return {name: row for name, *row in table}


def test_without_results_it_shows_what_was_published_and_how_to_get_the_rest(open_page, folder):
    at = open_page("compare")
    rows = cells(tables(at)[0])
    assert rows["Published (of other pixels)"][0] == "0.988 ± 0.001"
    assert set(rows["Repeated here"]) == {"–"}
    at = open_page("compare", tab=UNSEEN)
    assert "There is no cross-validation yet" in words(at)
    assert any("evaluate --cv 5" in code.value for code in at.code)
    at = open_page("compare", tab="The thesis, repeated")
    assert any("python -m wbcseg reproduce unet segnet deconvnet" in code.value for code in at.code)
    at = open_page("compare", tab="What the leak is worth")
    assert "This was not measured yet" in words(at)


def test_in_short_the_three_answers_stand_side_by_side(open_page, studied):
    at = open_page("compare")
    rows = cells(tables(at)[0])
    assert list(rows) == [
        "",
        "Published (of other pixels)",
        "Repeated here, scored likewise",
        "Repeated here",
        "**Unseen cells, thesis' recipe**",
        "**Unseen cells, our recipe**",
    ]
    assert rows["Published (of other pixels)"] == ["0.988 ± 0.001", "0.970 ± 0.003", "0.973 ± 0.003"]
    mean = np.mean(list(comparison.collect_metric(made_result("unet", 0.96), "dice", "nucleus").values()))
    assert rows["**Unseen cells, our recipe**"][0].startswith(f"**{mean:.3f} ±")
    told = "A dash: not measured yet" in words(at)
    assert told == any("–" in cell for table in tables(at)[:2] for row in table for cell in row)


def test_in_short_has_no_note_on_dashes_where_every_figure_is_there(open_page):
    at = open_page("compare")
    assert not any("–" in cell for table in tables(at)[:2] for row in table for cell in row)
    assert "A dash" not in words(at)


def test_only_times_of_one_machine_are_drawn_beside_each_other(open_page, folder):
    unet, segnet, deconvnet = (made_result(name, 0.95) for name in ("unet", "segnet", "deconvnet"))
    for one in (segnet, deconvnet):
        one["environment"] |= {"features": ["avx2", "avx512f"], "precision": "bfloat16"}
    write(folder, unet, segnet)
    at = open_page("compare", tab=UNSEEN)
    assert "Only times of one machine compare" in words(at)
    assert "SegNet\\-Basic on a processor\\, AVX\\-512\\, 2 cores\\, bfloat16" in words(at)
    assert len(at.get("plotly_chart")) == 3
    write(folder, deconvnet)
    at = open_page("compare", tab=UNSEEN)
    assert "Only times of one machine compare" in words(at)
    drawn = at.get("plotly_chart")[-1].proto.alt
    assert "DeconvNet" in drawn
    assert "U-Net" not in drawn


def test_it_says_which_is_better_by_how_much_and_how_sure(open_page, studied):
    at = open_page("compare", tab=UNSEEN)
    text = words(at)
    assert "U\\-Net is better than SegNet\\-Basic" in text
    assert "of 40 pictures" in text
    assert "95 % confidence" in text
    assert "p < .001" in text
    assert len(at.get("plotly_chart")) == 4
    assert "Zheng 1 · our recipe, width 16 · 5 folds" in at.selectbox(key="study").options
    assert METRICS["dice"].description in text


def test_every_figure_and_region_can_be_asked_for_by_a_link(open_page, studied):
    for name, figure in METRICS.items():
        at = open_page("compare", tab=UNSEEN, figure=figure.title)
        assert figure.description in words(at)
        region = next(box for box in at.selectbox if box.key.startswith("region"))
        region.select(figure.regions[-1]).run()
        assert not at.exception, name


def test_the_hardest_pictures_come_first_and_lead_to_predict(open_page, studied):
    at = open_page("compare", tab=UNSEEN)
    worst = tables(at)[-1]
    assert worst[1][0] == "[007](predict?set=Zheng%201&picture=007)"
    assert len(worst) == 1 + 10
    at.segmented_control(key="worst").set_value(25).run()
    assert len(tables(at)[-1]) == 1 + 25


def test_everything_can_be_taken_away(open_page, studied):
    at = open_page("compare", tab=UNSEEN)
    assert [button.label for button in at.download_button] == [
        "Every picture (CSV)",
        "Differences of the networks (CSV)",
    ]


def test_a_new_result_is_found_without_a_restart(open_page, studied):
    at = open_page("compare", tab=UNSEEN)
    assert len(at.selectbox(key="study").options) == 1
    write(
        studied, made_result("unet", 0.95, study="zheng-splits3", preset="thesis", split="leak-free", thesis_bugs=False)
    )
    at.run()
    assert len(at.selectbox(key="study").options) == 2


def test_what_the_leak_is_worth(open_page, studied):
    fair = {"preset": "thesis", "thesis_bugs": False, "split": "leak-free"}
    write(
        studied,
        made_result("unet", 0.94, study="zheng-1-thesis-cv5", **fair),
        made_result("unet", 0.95, study="zheng-1-thesis-cv5-leaky", **{**fair, "split": "leaky"}),
    )
    at = open_page("compare", tab="What the leak is worth")
    assert "**U-Net, nucleus**: +0.0100" in words(at)
    at = open_page("compare", tab=UNSEEN)
    assert not any("leaky" in option for option in at.selectbox(key="study").options)


def question(figure="dice"):
    return Selection("made", (), METRICS[figure], "nucleus", "careful")


@pytest.mark.parametrize(
    ("difference", "low", "high", "p", "figure", "said"),
    [
        (0.02, 0.01, 0.03, 0.0001, "dice", "**A is better than B** by **0.0200** (95 % confidence: 0.0100 to 0.0300)"),
        (-0.02, -0.03, -0.01, 0.01, "dice", "**B is better than A** by **0.0200** (95 % confidence: 0.0100 to 0.0300)"),
        (
            -2.0,
            -3.0,
            -1.0,
            0.01,
            "hausdorff_95",
            "**A is better than B** by **2.00 px** (95 % confidence: 1.00 to 3.00)",
        ),
        (0.001, -0.01, 0.02, 0.3, "dice", "**No clear difference** between A and B"),
        (0.001, -0.01, 0.02, 0.01, "dice", "**A is ahead of B more often, but not clearly on average**"),
        (0.02, 0.01, 0.03, 0.2, "dice", "**No clear difference** between A and B"),
    ],
)
def test_the_sentence_follows_from_interval_and_test(difference, low, high, p, figure, said):
    pair = PairwiseComparison("A", "B", Comparison(difference, low, high, p, 40, 30, 10), p)
    assert unseen_cells.format_comparison(pair, question(figure)).startswith(said)


def test_the_side_that_wins_more_pictures_is_counted():
    pair = PairwiseComparison("A", "B", Comparison(-0.02, -0.03, -0.01, 0.01, 40, 9, 31), 0.01)
    assert "on 31 of 40 pictures" in unseen_cells.format_comparison(pair, question())


def test_who_is_ahead_more_often_can_be_behind_on_average():
    # Less is better: the first is larger on 46 pictures, and smaller on average.
    pair = PairwiseComparison("A", "B", Comparison(-0.44, -1.2, 0.3, 0.0001, 70, 46, 20), 0.0001)
    said = unseen_cells.format_comparison(pair, question("hausdorff_95"))
    assert said.startswith("**B is ahead of A more often, but not clearly on average**: on 46 of 70 pictures;")
    assert "the mean difference in its favour is −0.44 px (95 % confidence: −1.20 to 0.30)" in said


def test_the_interval_has_the_sign_of_the_difference_that_is_told():
    pair = PairwiseComparison("A", "B", Comparison(-0.0028, -0.0057, 0.0016, 0.3, 70, 30, 40), 0.3)
    said = unseen_cells.format_comparison(pair, question())
    assert said.startswith("**No clear difference** between B and A: 0.0028 in favour of the first")
    assert "−0.0016 to 0.0057), on 40 of 70 pictures" in said


def test_chance_is_said_in_words():
    assert "less than 1 of 1,000" in unseen_cells.format_p_value(0.0001)
    assert "about 30 of 100" in unseen_cells.format_p_value(0.3)
    assert "same everywhere" in unseen_cells.format_p_value(math.nan)


def test_networks_keep_their_colour_and_shape():
    assert len({charts.get_style(name, place) for place, name in enumerate(TITLES.values())}) == 3
    assert charts.get_style("U-Net, width 64") == charts.get_style("U-Net", 5)


def test_the_thesis_repeated_has_published_last_and_best(open_page, folder):
    history = [
        {
            "binary_accuracy": 0.97,
            "val_binary_accuracy": 0.98,
            "loss": 0.05,
            "val_loss": 0.07,
        },
        {"binary_accuracy": 0.97, "val_binary_accuracy": 0.96, "loss": 0.05, "val_loss": 0.07},
    ]
    scores = {
        "dice": {"cytoplasm": 0.9, "nucleus": 0.93},
        "thesis_dice": {"cytoplasm": 0.96, "nucleus": 0.98},
        "thesis_jaccard": {"cytoplasm": 0.99, "nucleus": 1.0},
    }
    result = {
        "experiment": "unet",
        "config": EXPERIMENTS["unet"].config.to_dict(),
        "environment": {"processor": "a * processor", "features": [], "cores": 2, "precision": "float32"},
        "seconds": 100.0,
        "history": history,
        "images": [{"id": "a", "copy_in_training": True, "accuracy": 0.9, **scores}],
    }
    (folder / "reproduction" / "unet.json").write_text(json.dumps(result), encoding="utf-8")
    at = open_page("compare", tab="The thesis, repeated")
    accuracy, printed, dice = (cells(tables(at)[place]) for place in (0, 2, 5))
    assert accuracy["Test, published"][0] == "0.9880"
    assert accuracy["Test, here"] == ["0.9600", "–", "–"]
    assert accuracy["Test, here, best"] == ["0.9800", "–", "–"]
    assert printed["Nucleus, published"][0].startswith("0.9882 ±")
    assert printed["Nucleus, here"][0] == "0.9800 ± 0.0000"
    assert "Nucleus, published" not in dice
    assert dice["Nucleus, here"][0] == "0.9300 ± 0.0000"
    assert "Nucleus, here, best" not in dice
    assert "Cytoplasm, here, best" not in dice
    assert "a \\* processor\\, 2 cores\\, float32" in words(at)
    assert len(at.get("vega_lite_chart")) == 2
    assert "reproduce segnet deconvnet" in at.code[0].value
    assert "another start" not in words(at)
    for name, accuracy in (("segnet", 0.95), ("segnet-again", 0.97)):
        last = {**history[-1], "val_binary_accuracy": accuracy}
        again = {**result, "experiment": name, "history": [last], "config": EXPERIMENTS[name].config.to_dict()}
        (folder / "reproduction" / f"{name}.json").write_text(json.dumps(again), encoding="utf-8")
    at = open_page("compare", tab="The thesis, repeated")
    (both,) = (cells(one) for one in tables(at) if "here, another start" in one[0])
    assert both["Accuracy, test"] == ["0.9713", "0.9500", "0.9700"]


def test_figures_of_cells_against_the_experts(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr(feature_agreement, "FEATURE_AGREEMENT_FOLDER", tmp_path)
    at = open_page("compare", tab="Figures of cells")
    assert "This was not measured yet" in words(at)
    pairs = tuple((0.3 + 0.01 * n, 0.31 + 0.01 * n) for n in range(12))
    figures = {"nucleus_to_cell": pairs, "cell_area": tuple((100.0 + n, 97.0 + n) for n in range(12))}
    FeaturePairs("unet-16", True, tuple(f"zheng-1/{n:03}" for n in range(12)), figures).write(tmp_path)
    at = open_page("compare", tab="Figures of cells")
    assert "**N:C, nucleus / cell** is **0.01 higher**" in words(at)
    assert len(at.get("plotly_chart")) == 1
    assert [row[:2] for row in tables(at)[-1][1:]] == [["N:C, nucleus / cell", "0.01"], ["Cell area (px²)", "-3"]]
    at.selectbox(key="agreement").select("Cell area").run()
    assert "**3 (px²) lower**" in words(at)


def test_other_laboratories(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr(cross_site, "CROSS_SITE_FOLDER", tmp_path)
    at = open_page("compare", tab="Other laboratories")
    assert "not measured yet" in words(at)
    result = made_result("unet", 0.93, study="laboratories", preset="general")
    for row in result["images"]:
        row["training"] %= 2
    training = {"trained": 300, "epochs": 80, "seconds": 9.0}
    result["trainings"] = [
        {**training, "trained_on": "zheng-1+synthetic", "tested_on": "zheng-2", "tested": 24},
        {**training, "trained_on": "zheng-2+synthetic", "tested_on": "zheng-1", "tested": 16},
    ]
    bins = [{"pixels": 10, "sure": 0.6, "right": 0.5}, {"pixels": 90, "sure": 0.97, "right": 0.98}]
    one = {"error": 0.0123, "temperature": 1.1, "ece_scaled": 0.004, "bins": bins}
    result["calibration"] = {"zheng-2": one, "zheng-1": {**one, "error": 0.0071}}
    result["trust"] = {
        **{
            "negatives": 200,
            "smears": 40,
            "unlike_strangers": 0.99,
            "unlike_smears": 0.01,
            "out_of_range_auroc": 0.9987,
        },
        **{"images": 40, "bad": 4, "bad_flagged": 1.0, "good_flagged": 0.08},
        **{"varied_images": 80, "varied_bad": 9, "varied_bad_caught": None, "varied_good_marked": 0.31},
    }
    result["home"] = {"model": "unet-general", "images": result["images"]}
    (tmp_path / "unet.json").write_text(json.dumps(result))
    (tmp_path / "special").mkdir()
    (tmp_path / "special" / "zheng-1-compact-cv5-unet.json").write_text(json.dumps(made_result("unet", 0.95)))
    monkeypatch.setattr(cross_validation, "CROSS_VALIDATION_FOLDER", tmp_path / "special")
    at = open_page("compare", tab="Other laboratories")
    assert not at.exception
    scores, home, trust = tables(at)
    assert [row[:3] for row in home[1:]] == [["unet-general", "Zheng 1", "24"], ["unet-general", "Zheng 2", "16"]]
    assert re.fullmatch(r"0\.9\d\d \(\u22120\.020, \u22120\.02\d to \u22120\.0[12]\d\)", home[1][3])
    assert re.fullmatch(r"0\.9\d\d", home[2][3])
    assert [row[:4] for row in scores[1:]] == [
        ["U-Net, width 16", "Zheng 1", "Zheng 2", "24"],
        ["U-Net, width 16", "Zheng 2", "Zheng 1", "16"],
    ]
    assert all("±" in cell for cell in scores[1][4:])
    assert trust[1] == ["U-Net, width 16", "99 % of 200", "1 % of 40", "0.9987", "100 % of 4", "8 % of 36"]
    assert "0.012" in words(at)
    assert "0.007" in words(at)
    assert at.get("plotly_chart")
