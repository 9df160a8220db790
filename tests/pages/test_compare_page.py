"""Compare: the thesis, its reproduction, unseen cells, data leakage, other laboratories and cell measurements."""

import json
import math
import re
from dataclasses import asdict

import numpy as np
import pytest
from comparison_results import make_many, write_entries
from quick_app import page_text, tables
from sample_runs import ENVIRONMENT, make_run

from wbcseg.evaluation import comparison, cross_validation, reproduction
from wbcseg.evaluation.comparison import PairwiseComparison
from wbcseg.evaluation.entries.own_runs import HELDOUT_FILE
from wbcseg.evaluation.feature_agreement import FeaturePairs
from wbcseg.evaluation.metric_specs import METRICS
from wbcseg.evaluation.reproduction import EXPERIMENTS
from wbcseg.evaluation.result_store import write_result
from wbcseg.evaluation.study_result import CrossValidationResult
from wbcseg.features import FEATURES
from wbcseg.metrics import Comparison
from wbcseg.models import ARCHITECTURES, get_spec
from wbcseg.models.method_registry import METHODS
from wbcseg.training import PRESETS
from wbcseg.ui import routes
from wbcseg.ui.compare import cross_site, feature_agreement, leakage, summary, thesis
from wbcseg.ui.compare.ranking import sentences, view
from wbcseg.ui.compare.ranking.selection import Selection
from wbcseg.ui.components import charts
from wbcseg.ui.formatting import escape_markdown

RANKING = view.TAB_TITLE
SUMMARY_ROWS = [
    "Thesis (scored on the wrong region)",
    "Reproduced here, scored the thesis' way",
    "Reproduced here, scored correctly",
    "**Unseen cells, thesis' recipe**",
    "**Unseen cells, our recipe**",
]
REGIONS = ("background", "cytoplasm", "nucleus", "cell")
MEANS = {"unet": 0.96, "segnet": 0.93, "deconvnet": 0.93}


def make_result(architecture, mean, *, study="zheng-1-compact-cv5", n_images=40, preset="compact", **changes):
    """Make a result like those of a cross-validation, with values around a mean."""
    rng = np.random.default_rng([3, len(architecture)])
    rows = []
    for i in range(n_images):
        value = round(min(1.0, mean + float(rng.normal(0, 0.01)) - (0.2 if i == 7 else 0.0)), 5)
        scores = {
            "accuracy": value,
            "dice": dict.fromkeys(REGIONS, value),
            "surface_dice": dict.fromkeys(REGIONS[1:], value),
            "hausdorff_95": dict.fromkeys(REGIONS[1:], 20 * (1 - value)),
        }
        cell_type = ("neutrophil", "lymphocyte", "eosinophil")[i % 3]
        rows.append(
            {"id": f"zheng-1/{i:03}", "cell_type": cell_type, "training": i % 5, "single": scores, "tta": scores}
        )
    config = PRESETS[preset].replace(architecture=architecture, base_filters=16, **changes).to_dict()
    del config["fold"], config["split_seed"]
    training = {"fold": 0, "split_seed": 2, "trained": 32, "tested": 8, "epochs": 120, "seconds": 60.0}
    return {
        "study": study,
        "architecture": architecture,
        "title": f"{get_spec(architecture).title}, 16 base filters",
        "parameters": 1_646_227,
        "config": config,
        "environment": {**asdict(ENVIRONMENT), "features": ["avx2"]},
        "manifest_digest": "0",
        "trainings": [{**training, "cpu_seconds": 100.0 + len(architecture), "model_bytes": 1}] * 5,
        "images": rows,
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Folders for results, empty at first."""
    for module, name in ((cross_validation, "cross_validation"), (reproduction, "reproduction")):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(module, f"{name.upper()}_FOLDER", tmp_path / name)
    return tmp_path


def write_results(folder, *results):
    for result in results:
        path = folder / "cross_validation" / f"{result['study']}-{result['architecture']}.json"
        path.write_text(json.dumps(result), encoding="utf-8")


@pytest.fixture
def study_folder(folder):
    """A cross-validation of three networks."""
    write_results(folder, *(make_result(architecture, mean) for architecture, mean in MEANS.items()))
    return folder


def index_rows(table):
    """Return the cells of a table's rows by the first one."""
    return {name: row for name, *row in table}


def test_without_results_it_shows_the_thesis_and_the_commands(open_page, folder):
    at = open_page("compare", tab=summary.TAB_TITLE)
    rows = index_rows(tables(at)[0])
    assert rows[SUMMARY_ROWS[0]][0] == "0.988 ±\u00a00.001"
    assert set(rows[SUMMARY_ROWS[2]]) == {"–"}
    at = open_page("compare")
    assert any("wbcseg cross-validate" in code.value for code in at.code)
    at = open_page("compare", tab=thesis.TAB_TITLE)
    assert any("wbcseg reproduce unet segnet deconvnet" in code.value for code in at.code)
    at = open_page("compare", tab=leakage.TAB_TITLE)
    assert any("--leaky" in code.value for code in at.code)


def test_the_summary_has_thesis_reproduction_and_unseen_cells(open_page, study_folder):
    at = open_page("compare", tab=summary.TAB_TITLE)
    rows = index_rows(tables(at)[0])
    assert list(rows) == ["", *SUMMARY_ROWS]
    assert rows[SUMMARY_ROWS[0]] == ["0.988 ±\u00a00.001", "0.970 ±\u00a00.003", "0.973 ±\u00a00.003"]
    result = CrossValidationResult.from_dict(make_result("unet", 0.96))
    mean = np.mean(list(comparison.collect_metric(result, "dice", "nucleus").values()))
    assert rows["**Unseen cells, our recipe**"][0].startswith(f"**{mean:.3f} ±")
    has_note = "–: not computed yet" in page_text(at)
    assert has_note == any("–" in cell for table in tables(at)[:2] for row in table for cell in row)


def test_a_complete_summary_has_no_note_on_missing_values(open_page):
    at = open_page("compare", tab=summary.TAB_TITLE)
    assert not any("–" in cell for table in tables(at)[:2] for row in table for cell in row)
    assert "not computed yet" not in page_text(at)


def find_chart(at, beginning):
    """Return the text alternative of the chart that begins like this; empty if there is none."""
    alts = (chart.proto.alt for chart in at.get("plotly_chart"))
    return next((alt for alt in alts if alt.startswith(beginning)), "")


def test_only_times_on_the_same_hardware_are_compared(open_page, folder):
    unet, segnet, deconvnet = (make_result(architecture, 0.95) for architecture in MEANS)
    for result in (segnet, deconvnet):
        result["environment"] |= {"features": ["avx2", "avx512f"], "precision": "bfloat16"}
    write_results(folder, unet, segnet)
    at = open_page("compare")
    assert "SegNet\\-Basic \\(thesis\\) on a processor\\, AVX\\-512\\, 2 cores\\, bfloat16" in page_text(at)
    assert not find_chart(at, "Mean Dice, nucleus against CPU time")
    write_results(folder, deconvnet)
    at = open_page("compare")
    assert "U\\-Net on a processor\\, AVX2\\, 2 cores\\, float32" in page_text(at)
    alt = find_chart(at, "Mean Dice, nucleus against CPU time")
    assert "DeconvNet" in alt
    assert "U-Net" not in alt


def test_the_first_sentence_says_which_is_best_by_how_much_and_how_sure(open_page, study_folder):
    at = open_page("compare")
    text = page_text(at)
    assert "**U\\-Net is best**: it has the highest mean Dice of the nucleus" in text
    assert "95% confidence interval" in text
    assert " behind." in text
    # Of a pair that the reader chooses, there is more.
    assert "U\\-Net is better than SegNet\\-Basic" in text or "U\\-Net is better than DeconvNet" in text
    assert "of 40 images" in text
    assert "p\u00a0<\u00a0.001" in text
    assert "Zheng 1 · our recipe, 16 base filters · 5 folds" in at.selectbox(key="study").options
    alt = find_chart(at, "Mean Dice, nucleus with 95% confidence intervals, best first: U-Net ")
    assert "SegNet-Basic (thesis)" in alt
    ranks = find_chart(at, "Average ranks: U-Net 1.")
    assert "Not significantly different: " in ranks


def test_what_cannot_be_told_apart_is_called_a_tie(open_page, folder):
    write_results(folder, make_result("unet", 0.95), make_result("segnet", 0.95))
    at = open_page("compare")
    assert "**It is a tie between" in page_text(at)
    assert "is best" not in page_text(at)


def test_two_results_of_one_network_are_two_entries(open_page, folder):
    small = {**make_result("unet", 0.93), "title": "U-Net, 8 base filters"}
    write_entries(folder / "cross_validation", {"a-unet": make_result("unet", 0.96), "a-unet-8": small})
    at = open_page("compare")
    alt = find_chart(at, "Mean Dice")
    assert "U-Net, 16 base filters" in alt
    assert "U-Net, 8 base filters" in alt
    write_entries(folder / "cross_validation", {"a-unet-8": {**small, "title": "U-Net, 16 base filters"}})
    at = open_page("compare")
    assert "U-Net, 16 base filters (a-unet-8)" in find_chart(at, "Mean Dice")


def test_sixteen_entries_of_which_some_are_no_networks(open_page, folder):
    write_entries(folder / "cross_validation", make_many(60))
    at = open_page("compare")
    assert not at.exception
    for beginning in ("Mean Dice, nucleus with", "Average ranks", "Percentage of the images", "Mean Dice, nucleus by"):
        alt = find_chart(at, beginning)
        for title in (spec.title for registry in (METHODS, ARCHITECTURES) for spec in registry.values()):
            assert title in alt, (beginning, title)
    for beginning in ("Confusion matrix of", "Fraction of correct pixels", "Fast Dice of the whole cell by epoch"):
        assert find_chart(at, beginning), beginning
    text = page_text(at)
    assert "Not known: " in text
    means, outlines = tables(at)[-2:]
    assert [row[1] for row in means[1:]] == [row[1] for row in outlines[1:]]
    assert len(means) == 1 + len(METHODS) + len(ARCHITECTURES)
    assert {row[-1] for row in means[1:]} > {"–"}


def test_a_run_joins_the_study_that_it_may_be_compared_with(open_page, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    write_results(folder, *(make_result(architecture, mean) for architecture, mean in MEANS.items()))
    run = make_run("mine", config=PRESETS["compact"].replace(dataset="zheng-1", fold=1))
    result = make_result("unet", 0.97)
    result["config"] = run.load_config().to_dict()
    result["images"] = [{**row, "training": 0} for row in result["images"] if row["training"] == 1]
    write_result(run.folder / HELDOUT_FILE, {**result, "title": "mine", "trainings": result["trainings"][:1]})
    at = open_page("compare")
    study = at.selectbox(key="study").value
    assert "mine" not in find_chart(at, "Mean Dice")
    at.multiselect(key=f"own_{study}").set_value(["run:mine"]).run()
    assert not at.exception
    assert "mine" in find_chart(at, "Mean Dice")
    assert "32 images that only some were tested on are left out" in page_text(at)
    # It also stands alone, as what it is.
    (own,) = (option for option in at.selectbox(key="study").options if option.startswith("My runs"))
    assert "Zheng 1 · fold 2 of 5, 8 images" in own
    (run.folder / HELDOUT_FILE).write_text("{")
    assert not open_page("compare").exception


def test_every_metric_and_region_has_a_link(open_page, study_folder):
    for metric in comparison.list_available_metrics(
        cross_validation.load_study_results(cross_validation.list_study_files())
    ):
        at = open_page("compare", tab=RANKING, metric=metric.title)
        assert at.selectbox(key="metric").value == metric.name
        region = next(box for box in at.segmented_control if (box.key or "").startswith("region"))
        region.set_value(metric.regions[-1]).run()
        assert not at.exception, metric.name


def test_the_hardest_images_come_first_with_links_to_segment(open_page, study_folder):
    at = open_page("compare")
    links = re.findall(r"\[(\d+)\]\((segment\?[^)]*)\)", page_text(at))
    assert links[0] == ("007", "segment?dataset=Zheng%201&image=007")
    assert len(links) == 8
    at.segmented_control(key="hardest").set_value(24).run()
    assert len(re.findall(r"\[\d+\]\(segment\?", page_text(at))) == 24


def test_scores_and_differences_can_be_downloaded(open_page, study_folder):
    at = open_page("compare", tab=RANKING)
    assert [button.label for button in at.download_button] == [
        "Scores of all images (CSV)",
        "Differences between networks (CSV)",
    ]


def test_a_new_result_is_found_without_a_restart(open_page, study_folder):
    at = open_page("compare", tab=RANKING)
    assert len(at.selectbox(key="study").options) == 1
    write_results(
        study_folder,
        make_result("unet", 0.95, study="zheng-splits3", preset="thesis", split="leak-free", thesis_bugs=False),
    )
    at.run()
    assert len(at.selectbox(key="study").options) == 2


def test_the_effect_of_data_leakage(open_page, study_folder):
    leak_free = {"preset": "thesis", "thesis_bugs": False, "split": "leak-free"}
    write_results(
        study_folder,
        make_result("unet", 0.94, study="zheng-1-thesis-cv5", **leak_free),
        make_result("unet", 0.95, study="zheng-1-thesis-cv5-leaky", **{**leak_free, "split": "leaky"}),
    )
    at = open_page("compare", tab=leakage.TAB_TITLE)
    assert "**U-Net, nucleus**: +0.0100" in page_text(at)
    at = open_page("compare", tab=RANKING)
    assert not any("leaky" in option for option in at.selectbox(key="study").options)


def make_selection(metric="dice"):
    return Selection("study", (), METRICS[metric], "nucleus", "tta")


@pytest.mark.parametrize(
    ("difference", "low", "high", "p", "metric", "sentence"),
    [
        (
            0.02,
            0.01,
            0.03,
            0.0001,
            "dice",
            "**A is better than B** by **0.0200** (95% confidence interval 0.0100 to 0.0300)",
        ),
        (
            -0.02,
            -0.03,
            -0.01,
            0.01,
            "dice",
            "**B is better than A** by **0.0200** (95% confidence interval 0.0100 to 0.0300)",
        ),
        (
            -2.0,
            -3.0,
            -1.0,
            0.01,
            "hausdorff_95",
            "**A is better than B** by **2.00 px** (95% confidence interval 1.00 to 3.00)",
        ),
        (0.001, -0.01, 0.02, 0.3, "dice", "**No clear difference** between A and B"),
        (0.001, -0.01, 0.02, 0.01, "dice", "**A is better than B more often, but not clearly on average**"),
        (0.02, 0.01, 0.03, 0.2, "dice", "**No clear difference** between A and B"),
    ],
)
def test_the_sentence_follows_from_interval_and_test(difference, low, high, p, metric, sentence):
    pair = PairwiseComparison("A", "B", Comparison(difference, low, high, p, 40, 30, 10), p)
    assert sentences.format_comparison(pair, make_selection(metric)).startswith(sentence)


def test_the_sentence_counts_the_wins_of_the_better_network():
    pair = PairwiseComparison("A", "B", Comparison(-0.02, -0.03, -0.01, 0.01, 40, 9, 31), 0.01)
    assert "on 31 of 40 images" in sentences.format_comparison(pair, make_selection())


def test_a_network_that_wins_more_often_can_be_worse_on_average():
    # Lower is better: the first is larger on 46 images, and smaller on average.
    pair = PairwiseComparison("A", "B", Comparison(-0.44, -1.2, 0.3, 0.0001, 70, 46, 20), 0.0001)
    sentence = sentences.format_comparison(pair, make_selection("hausdorff_95"))
    assert sentence.startswith("**B is better than A more often, but not clearly on average**: on 46 of 70 images;")
    assert "the mean difference in its favour is −0.44 px (95% confidence interval −1.20 to 0.30)" in sentence


def test_the_interval_has_the_sign_of_the_difference():
    pair = PairwiseComparison("A", "B", Comparison(-0.0028, -0.0057, 0.0016, 0.3, 70, 30, 40), 0.3)
    sentence = sentences.format_comparison(pair, make_selection())
    assert sentence.startswith("**No clear difference** between B and A: 0.0028 in favour of the first")
    assert "−0.0016 to 0.0057), on 40 of 70 images" in sentence


def test_p_values_are_explained():
    assert "fewer than 1 of 1,000" in sentences.format_p_value(0.0001)
    assert "about 30 of 100" in sentences.format_p_value(0.3)
    assert "same result on every image" in sentences.format_p_value(math.nan)


def test_networks_differ_in_colour_and_marker():
    colours, symbols = zip(*map(charts.get_network_style, ARCHITECTURES), strict=True)
    assert len(set(colours)) == len(set(symbols)) == len(ARCHITECTURES)


def test_the_reproduction_has_thesis_last_and_best_epoch(open_page, folder):
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
        "environment": {**asdict(ENVIRONMENT), "processor": "a * processor", "features": []},
        "seconds": 100.0,
        "history": history,
        "images": [{"id": "a", "copy_in_training": True, "accuracy": 0.9, **scores}],
    }
    (folder / "reproduction" / "unet.json").write_text(json.dumps(result), encoding="utf-8")
    at = open_page("compare", tab=thesis.TAB_TITLE)
    accuracy, printed, dice = (index_rows(tables(at)[index]) for index in (0, 2, 5))
    assert accuracy["Test, thesis"][0] == "0.9880"
    assert accuracy["Test, here"] == ["0.9600", "–", "–"]
    assert accuracy["Test, here, best"] == ["0.9800", "–", "–"]
    assert printed["Nucleus, thesis"][0].startswith("0.9882 ±")
    assert printed["Nucleus, here"][0] == "0.9800 ±\u00a00.0000"
    assert "Nucleus, thesis" not in dice
    assert dice["Nucleus, here"][0] == "0.9300 ±\u00a00.0000"
    assert "Nucleus, here, best" not in dice
    assert "Cytoplasm, here, best" not in dice
    assert "a \\* processor\\, 2 cores\\, float32" in page_text(at)
    assert len(at.get("vega_lite_chart")) == 2
    assert "reproduce segnet deconvnet" in at.code[0].value
    assert "another seed" not in page_text(at)
    for name, test_accuracy in (("segnet", 0.95), ("segnet-again", 0.97)):
        last = {**history[-1], "val_binary_accuracy": test_accuracy}
        again = {**result, "experiment": name, "history": [last], "config": EXPERIMENTS[name].config.to_dict()}
        (folder / "reproduction" / f"{name}.json").write_text(json.dumps(again), encoding="utf-8")
    at = open_page("compare", tab=thesis.TAB_TITLE)
    (both,) = (index_rows(table) for table in tables(at) if "here, another seed" in table[0])
    assert both["Accuracy, test"] == ["0.9713", "0.9500", "0.9700"]


def test_cell_measurements_are_compared_with_the_experts(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr(feature_agreement, "FEATURE_AGREEMENT_FOLDER", tmp_path)
    at = open_page("compare", tab=routes.COMPARE_FEATURES_TAB)
    assert any("wbcseg agreement" in code.value for code in at.code)
    pairs = tuple((0.3 + 0.01 * n, 0.31 + 0.01 * n) for n in range(12))
    feature_values = {"nucleus_to_cell": pairs, "cell_area": tuple((100.0 + n, 97.0 + n) for n in range(12))}
    FeaturePairs("unet-16", True, tuple(f"zheng-1/{n:03}" for n in range(12)), feature_values).write(tmp_path)
    at = open_page("compare", tab=routes.COMPARE_FEATURES_TAB)
    assert f"**{FEATURES['nucleus_to_cell'].title}** is **0.01 higher**" in page_text(at)
    assert len(at.get("plotly_chart")) == 1
    assert [row[:2] for row in tables(at)[-1][1:]] == [
        [FEATURES["nucleus_to_cell"].title, "0.01"],
        ["Cell area (px²)", "\u22123"],
    ]
    at.selectbox(key="measurement").select("Cell area").run()
    assert "**3 (px²) lower**" in page_text(at)


def test_cross_site_scores_quality_and_calibration(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr(cross_site, "CROSS_SITE_FOLDER", tmp_path)
    at = open_page("compare", tab=cross_site.TAB_TITLE)
    assert any("wbcseg cross-site" in code.value for code in at.code)
    result = make_result("unet", 0.93, study="cross-site", preset="general")
    del result["manifest_digest"]
    for row in result["images"]:
        row["training"] %= 2
    training = {
        "trained": 300,
        "clean_epochs": 0,
        "cell_fraction": 0.6,
        "epochs": 80,
        "seconds": 9.0,
        "cpu_seconds": 9.0,
    }
    result["trainings"] = [
        {**training, "trained_on": "zheng-1+synthetic", "tested_on": "zheng-2", "tested": 24},
        {**training, "trained_on": "zheng-2+synthetic", "tested_on": "zheng-1", "tested": 16},
    ]
    bins = [{"pixels": 10, "confidence": 0.6, "accuracy": 0.5}, {"pixels": 90, "confidence": 0.97, "accuracy": 0.98}]
    calibration = {"ece": 0.0123, "temperature": 1.1, "ece_scaled": 0.004, "bins": bins}
    result["calibration"] = {"zheng-2": calibration, "zheng-1": {**calibration, "ece": 0.0071}}
    result["quality"] = {
        **{
            "negatives": 200,
            "smears": 40,
            "out_of_range_negatives": 0.99,
            "out_of_range_smears": 0.01,
            "out_of_range_auroc": 0.9987,
        },
        **{
            "images": 40,
            "bad": 4,
            "bad_flagged": 1.0,
            "good_flagged": 0.08,
            "bad_auroc": None,
            "varied_bad_auroc": None,
        },
        **{"varied_images": 80, "varied_bad": 9, "varied_bad_flagged": None, "varied_good_flagged": 0.31},
        "varied_bad_auroc": None,
    }
    result["in_domain"] = {"model": "unet-16", "images": result["images"]}
    (tmp_path / "unet.json").write_text(json.dumps(result))
    (tmp_path / "cross_validation").mkdir()
    (tmp_path / "cross_validation" / "zheng-1-compact-cv5-unet.json").write_text(json.dumps(make_result("unet", 0.95)))
    monkeypatch.setattr(cross_validation, "CROSS_VALIDATION_FOLDER", tmp_path / "cross_validation")
    at = open_page("compare", tab=cross_site.TAB_TITLE)
    assert not at.exception
    scores, in_domain, quality = tables(at)
    title = escape_markdown("U-Net 16")
    assert [row[:3] for row in in_domain[1:]] == [[title, "Zheng 1", "24"], [title, "Zheng 2", "16"]]
    assert re.fullmatch(r"0\.9\d\d \(\u22120\.020,\s\u22120\.02\d\sto\s\u22120\.0[12]\d\)", in_domain[1][3])
    assert re.fullmatch(r"0\.9\d\d", in_domain[2][3])
    assert [row[:4] for row in scores[1:]] == [
        [f"U-Net, 16 base filters (as in *{title}*)", "Zheng 1", "Zheng 2", "24"],
        [f"U-Net, 16 base filters (as in *{title}*)", "Zheng 2", "Zheng 1", "16"],
    ]
    assert all("±" in cell for cell in scores[1][4:])
    assert quality[1] == [
        "U-Net, 16 base filters",
        "99% of 200",
        "1% of 40",
        "0.9987",
        "100% of 4",
        "8% of 36",
    ]
    assert "0.012" in page_text(at)
    assert "0.007" in page_text(at)
    assert at.get("plotly_chart")
