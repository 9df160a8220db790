"""Fill the README's tables from the shipped cards and the committed measurements: ``python -m benchmarks.readme``."""

from __future__ import annotations

import json
import re
from pathlib import Path

from wbcseg.cli.models import format_markdown_table
from wbcseg.cli.train import format_duration
from wbcseg.evaluation import cross_site, reproduction, robustness
from wbcseg.evaluation.comparison import MODE_LABELS, collect_metric, compare_results, summarise_values
from wbcseg.evaluation.cross_validation import list_study_files, load_study_results
from wbcseg.evaluation.metric_specs import ALL_CLASSES
from wbcseg.evaluation.thesis import SCORED_CLASSES
from wbcseg.inference import Catalog
from wbcseg.models import ARCHITECTURES

PROJECT_ROOT = Path(__file__).resolve().parents[1]
README_PATH = PROJECT_ROOT / "README.md"
MACRO_DICE = ("macro_dice", ALL_CLASSES)


def fill_tables(text: str) -> str:
    """Return the README's text with its tables made anew."""
    cards = [entry.card for entry in Catalog().entries if entry.shipped and entry.card]
    tables = (
        ("results", format_markdown_table(cards)),
        ("unseen", build_unseen_table()),
        ("thesis", build_thesis_table()),
        ("leak", build_leakage_table()),
        ("cross_site", build_cross_site_table()),
        ("edges", build_edges_table()),
        ("robustness", build_robustness_table()),
        ("training", build_training_table()),
        ("runtimes", build_runtimes_table()),
    )
    for name, table in tables:
        block = re.compile(rf"(<!-- {name}[^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = block.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)
    return text


def build_unseen_table() -> str:
    """Return the Dice of cross-validations, for one look and for careful predictions, as a table."""
    lines = [
        "| test | network | Dice nucleus | Dice cytoplasm | Dice whole cell | mean of the three classes |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for result in load_study_results(list_study_files()):
        if result["study"].endswith("-leaking"):
            continue
        cells = []
        for metric, region in (*(("dice", region) for region in ("nucleus", "cytoplasm", "cell")), MACRO_DICE):
            means = [
                summarise_values(list(collect_metric(result, metric, region, mode).values())).mean
                for mode in MODE_LABELS
            ]
            cells.append(" / ".join(f"{mean:.4f}" for mean in means))
        lines.append(f"| {result['study']} | {result['title']} | {' | '.join(cells)} |")
    return _join_table(lines)


def build_thesis_table() -> str:
    """Return the published figures of the test pictures beside those of the repeated trainings as a table."""
    results = reproduction.load_experiment_results(reproduction.list_experiment_files())
    lines = [
        '| network | | accuracy | "Dice cytoplasm" | "Dice nucleus" | Dice cytoplasm | Dice nucleus '
        "| time | processor time |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for experiment in reproduction.EXPERIMENTS.values():
        if experiment.kind == "annex" or experiment.name not in results:
            continue
        line_by_metric = {
            line.metric: line for line in reproduction.compare_with_thesis(experiment, results[experiment.name])
        }
        selected = [
            line_by_metric[name]
            for name in ("accuracy, test", *(f'"Dice" as published, {class_name}' for class_name in SCORED_CLASSES))
        ]
        selected += [line_by_metric[f"Dice, {class_name}"] for class_name in SCORED_CLASSES]
        wall_time, cpu_time = line_by_metric[reproduction.WALL_SECONDS], line_by_metric[reproduction.CPU_SECONDS]
        published = (
            "published",
            [*(_format_score(line.thesis) for line in selected), format_duration(wall_time.thesis), "–"],
        )
        reproduced = (
            "here",
            [
                *(_format_score(line.final) for line in selected),
                format_duration(wall_time.final),
                format_duration(cpu_time.final),
            ],
        )
        for title, cells in [published, reproduced] if experiment.kind == "tables" else [reproduced]:
            lines.append(f"| {experiment.title} | {title} | {' | '.join(cells)} |")
    return _join_table(lines)


def _format_score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def build_leakage_table() -> str:
    """Return what copies of the test pictures in training add to the Dice as a table."""
    result_by_study = {
        (result["study"], result["architecture"]): result for result in load_study_results(list_study_files())
    }
    lines = [
        "| network | Dice nucleus | Dice cytoplasm | Dice whole cell |",
        "|---|---:|---:|---:|",
    ]
    for (study, architecture), leaking in result_by_study.items():
        leak_free = result_by_study.get((study.removesuffix("-leaking"), architecture))
        if not study.endswith("-leaking") or leak_free is None:
            continue
        effects = [compare_results(leaking, leak_free, "dice", region) for region in ("nucleus", "cytoplasm", "cell")]
        cells = [f"{effect.difference:+.4f} ({effect.ci_low:+.4f} to {effect.ci_high:+.4f})" for effect in effects]
        lines.append(f"| {leaking['title']} | {' | '.join(cells)} |")
    return _join_table(lines)


def build_cross_site_table() -> str:
    """Return the Dice in a laboratory that was not trained on, and how well results are judged there, as tables."""
    results = load_study_results(list_study_files(cross_site.CROSS_SITE_FOLDER))
    if not results:
        return _join_table([])
    lines = [
        "| network | learned from | tested on | Dice nucleus | Dice cytoplasm | Dice whole cell | calibration error |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    for result in results:
        for test in cross_site.summarise_cross_site(result)["tests"]:
            dice = [
                " / ".join(f"{test[mode][region]['dice']:.3f}" for mode in MODE_LABELS)
                for region in cross_site.FOREGROUND_REGIONS
            ]
            sites = [test["trained_on"], f"{test['tested_on']}, {test['tested']} pictures"]
            cells = [result["title"], *sites, *dice, f"{test['calibration']['error']:.3f}"]
            lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "| network | no smears told from smears (AUROC) | crops with a cell's Dice below .8 marked | others marked | "
        "of copies in another stain, light and focus: the same | others |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for result in results:
        quality = result["quality"]
        cells = [result["title"], f"{quality['out_of_range_auroc']:.4f}"]
        for kind in ("", "varied_"):
            bad_count, total = quality[f"{kind}bad"], quality[f"{kind}pictures"]
            cells += [
                _format_fraction(quality[f"{kind}bad_caught"], bad_count),
                _format_fraction(quality[f"{kind}good_marked"], total - bad_count),
            ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def build_edges_table() -> str:
    """Return the Dice with outlines as networks left them and along the picture's edges as a table."""
    lines = [
        "| network | held-out pictures | Dice nucleus | Dice cytoplasm | Dice whole cell | more time |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in json.loads((PROJECT_ROOT / "benchmarks" / "edges.json").read_text(encoding="utf-8"))["rows"]:
        dice = [
            " / ".join(f"{score:.3f}" for score in row["dice"][region]) for region in ("nucleus", "cytoplasm", "cell")
        ]
        cells = [row["model"], f"{row['dataset']}, {row['images']}", *dice, f"{row['milliseconds']:.0f} ms"]
        lines.append(f"| {' | '.join(cells)} |")
    return _join_table(lines)


def build_robustness_table() -> str:
    """Return the Dice on held-out pictures in other light, focus or stain, or of other cells, as a table."""
    results = robustness.load_robustness()
    lines = [
        f"| held-out pictures | {' | '.join(result['model'] for result in results)} |",
        "|---|" + "---:|" * len(results),
    ]
    for rows in zip(*(result["changes"] for result in results), strict=True):
        cells = [" / ".join(f"{row[region]['dice']:.3f}" for region in robustness.FOREGROUND_REGIONS) for row in rows]
        lines.append(f"| {rows[0]['name']} ({rows[0]['images']}) | {' | '.join(cells)} |")
    return _join_table(lines)


def _format_fraction(fraction: float | None, total: int) -> str:
    return "–" if fraction is None else f"{100 * fraction:.0f} % of {total}"


def _join_table(lines: list[str]) -> str:
    """Return a table, or a sentence where it would have nothing but its head."""
    return "\n".join(lines) if len(lines) > 2 else "Not measured yet."


def build_training_table() -> str:
    """Return seconds an epoch, beside Keras as it comes, as a table."""
    results = json.loads((PROJECT_ROOT / "benchmarks" / "training.json").read_text(encoding="utf-8"))
    lines = [
        "| network | this program | Keras as it comes | ratio, median (least to greatest) |",
        "|---|---:|---:|---:|",
    ]
    for row in results["results"]:
        seconds, speedup = row["seconds_per_epoch"], row["speedup"][row["auto_precision"]]
        name = f"{ARCHITECTURES[row['architecture']].title}, width {row['base_filters']}"
        spread = f"{speedup['median']:.2f} ({speedup['min']:.2f} to {speedup['max']:.2f})"
        lines.append(f"| {name} | {seconds[row['auto_precision']]:.1f} s | {seconds['keras']:.1f} s | {spread} |")
    environment = results["environment"]
    lines += [
        "",
        f"On {environment['processor']}, {environment['cores']} cores, {environment['precision']}; an epoch of "
        f"{results['images_per_epoch']} pictures of {results['input_size']}×{results['input_size']}, "
        f"{results['batch_size']} a batch.",
    ]
    return "\n".join(lines)


def build_runtimes_table() -> str:
    """Return the comparison of runtimes as a table."""
    results = json.loads((PROJECT_ROOT / "benchmarks" / "runtimes.json").read_text(encoding="utf-8"))
    models = results["models"]
    head = " | ".join(f"{name}: ms, Dice nucleus / cytoplasm" for name in models)
    lines = [f"| runtime | {head} | same pixels as Keras | MB in all |", "|---|" + "---|" * len(models) + "---:|---:|"]
    for format_name in next(iter(models.values()))["formats"]:
        rows = [model["formats"][format_name] for model in models.values()]
        cells = [f"{r['milliseconds']:.1f}, {r['dice_nucleus']:.3f} / {r['dice_cytoplasm']:.3f}" for r in rows]
        size = sum(row["megabytes"] for row in rows)
        agreement = min(row["agreement"] for row in rows)
        lines.append(f"| {format_name} | {' | '.join(cells)} | {agreement:.4f} | {f'{size:.1f}' if size else '–'} |")
    start = results["start"]
    import_costs = ", ".join(
        f"{title} {start[module]['seconds']:.2f} s and {start[module]['megabytes']:.0f} MB"
        for title, module in (
            ("LiteRT", "ai_edge_litert.interpreter"),
            ("ONNX Runtime", "onnxruntime"),
            ("TensorFlow", "tensorflow"),
        )
    )
    sides = ", ".join(f"{model['side']} for {name}" for name, model in models.items())
    avx512 = "with" if results["avx512"] else "without"
    lines += [
        "",
        f"On {results['processor']}, {avx512} AVX-512; pixels a side: {sides}.",
        f"Importing costs a fresh process: {import_costs}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    README_PATH.write_text(fill_tables(README_PATH.read_text(encoding="utf-8")), encoding="utf-8")
