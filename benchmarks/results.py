"""Fill the tables of docs/results.md from cards, study results and benchmarks: ``python -m benchmarks.results``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from wbcseg.cli.formatting import format_duration
from wbcseg.cli.models import format_markdown_table
from wbcseg.evaluation import cross_site, reproduction, robustness
from wbcseg.evaluation.comparison import MODE_LABELS, collect_metric, compare_results, summarise_values
from wbcseg.evaluation.cross_validation import LEAKY_SUFFIX, list_study_files, load_study_results
from wbcseg.evaluation.fields import load_fields_result
from wbcseg.evaluation.metric_specs import ALL_CLASSES
from wbcseg.evaluation.reproduction import ThesisComparison
from wbcseg.evaluation.thesis import SCORED_CLASSES
from wbcseg.inference import Catalog
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.models import get_spec

PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS_PATH: Final = PROJECT_ROOT / "docs" / "results.md"
MACRO_DICE: Final = ("macro_dice", ALL_CLASSES)
DICE_HEAD: Final = "Dice nucleus | Dice cytoplasm | Dice whole cell"


def fill_tables(text: str) -> str:
    """Return the text of docs/results.md with all tables made anew."""

    def fill(match: re.Match[str]) -> str:
        return f"{match[1]}{TABLES[match[2]]()}\n{match[3]}"

    return re.sub(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", fill, text, flags=re.DOTALL)


def build_models_table() -> str:
    """Return the shipped models with their Dice on held-out images."""
    return format_markdown_table([entry.card for entry in Catalog().entries if entry.shipped and entry.card])


def build_cross_validation_table() -> str:
    """Return the Dice of all cross-validations, for a single pass and for test-time averaging."""
    lines = [f"| study | network | {DICE_HEAD} | mean of the three classes |", "|---|---|---:|---:|---:|---:|"]
    for result in load_study_results(list_study_files()):
        if result.study.endswith(LEAKY_SUFFIX):
            continue
        cells = []
        for metric, region in (*(("dice", region) for region in FOREGROUND_REGIONS), MACRO_DICE):
            means = [
                summarise_values(list(collect_metric(result, metric, region, mode).values())).mean
                for mode in MODE_LABELS
            ]
            cells.append(" / ".join(f"{mean:.4f}" for mean in means))
        lines.append(f"| {result.study} | {result.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def build_thesis_table() -> str:
    """Return the thesis' scores of the test images beside those of the reproduction."""
    results = reproduction.load_experiment_results(reproduction.list_experiment_files())
    lines = [
        '| network | | accuracy | "Dice cytoplasm" | "Dice nucleus" | Dice cytoplasm | Dice nucleus '
        "| time | CPU time |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for experiment in reproduction.EXPERIMENTS.values():
        if experiment.kind == "annex" or experiment.name not in results:
            continue
        comparisons = reproduction.compare_with_thesis(experiment, results[experiment.name])
        by_metric = {comparison.metric: comparison for comparison in comparisons}
        names = ["accuracy, test", *(f'"Dice" as published, {class_name}' for class_name in SCORED_CLASSES)]
        scores = [by_metric[name] for name in (*names, *(f"Dice, {class_name}" for class_name in SCORED_CLASSES))]
        wall_time, cpu_time = by_metric[reproduction.WALL_SECONDS], by_metric[reproduction.CPU_SECONDS]
        sources: list[tuple[str, Callable[[ThesisComparison], float | None]]] = [("here", lambda item: item.final)]
        if experiment.kind == "tables":
            sources.insert(0, ("thesis", lambda item: item.thesis))
        for source, get in sources:
            times = [format_duration(seconds) if (seconds := get(item)) else "–" for item in (wall_time, cpu_time)]
            cells = [*(_format_score(get(item)) for item in scores), *times]
            lines.append(f"| {experiment.title} | {source} | {' | '.join(cells)} |")
    return "\n".join(lines)


def build_leakage_table() -> str:
    """Return the difference in Dice that copies of the test images in training make."""
    results = {(result.study, result.architecture): result for result in load_study_results(list_study_files())}
    lines = [f"| network | {DICE_HEAD} |", "|---|---:|---:|---:|"]
    for (study, architecture), leaky in results.items():
        leak_free = results.get((study.removesuffix(LEAKY_SUFFIX), architecture))
        if not study.endswith(LEAKY_SUFFIX) or leak_free is None:
            continue
        effects = [compare_results(leaky, leak_free, "dice", region) for region in FOREGROUND_REGIONS]
        cells = [f"{effect.difference:+.4f} ({effect.ci_low:+.4f} to {effect.ci_high:+.4f})" for effect in effects]
        lines.append(f"| {leaky.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def build_cross_site_table() -> str:
    """Return the Dice on the site that a network was not trained on."""
    lines = [
        f"| network | trained on | tested on | {DICE_HEAD} | calibration error |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    for result in cross_site.load_cross_site_results():
        for test in cross_site.summarise_cross_site(result).tests:
            dice = [f"{test.single[region].dice:.3f} / {test.tta[region].dice:.3f}" for region in FOREGROUND_REGIONS]
            sites = [test.trained_on, f"{test.tested_on}, {test.tested} images"]
            cells = [result.title, *sites, *dice, f"{test.calibration.ece:.3f}"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def build_quality_table() -> str:
    """Return how well quality models recognise bad results and images other than smears."""
    lines = [
        "| network | smears against other images (AUROC) | failures flagged | others flagged "
        "| altered copies: failures flagged | others flagged |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for result in cross_site.load_cross_site_results():
        quality = result.quality
        assert quality is not None
        cells = [
            result.title,
            f"{quality.out_of_range_auroc:.4f}",
            _format_fraction(quality.bad_flagged, quality.bad),
            _format_fraction(quality.good_flagged, quality.images - quality.bad),
            _format_fraction(quality.varied_bad_flagged, quality.varied_bad),
            _format_fraction(quality.varied_good_flagged, quality.varied_images - quality.varied_bad),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def build_fields_table() -> str:
    """Return how well the cell detector finds white cells."""
    result = load_fields_result()
    if result is None:
        return "Not measured yet."
    lines = [
        "| test | fields | white cells | detected | false | false in 20 fields | recall | precision |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for score in result.scores:
        shares = ["–" if share is None else f"{share:.3f}" for share in (score.recall, score.precision)]
        counts = [score.fields, score.cells, score.detected, score.false]
        cells = [score.name, *map(str, counts), f"{score.false_per_20_fields:.2f}", *shares]
        lines.append(f"| {' | '.join(cells)} |")
    overlaps = sorted({score.overlap for score in result.touching})
    lines += [
        "",
        f"| clusters of touching cells, all detected | {' | '.join(f'overlap {100 * o:.0f}%' for o in overlaps)} |",
        "|---|" + "---:|" * len(overlaps),
    ]
    for cells_per_cluster in sorted({score.cells for score in result.touching}):
        row = [score for score in result.touching if score.cells == cells_per_cluster]
        counts = " | ".join(f"{score.complete} of {score.clusters}" for score in row)
        lines.append(f"| {cells_per_cluster} cells | {counts} |")
    if result.instances is not None:
        instances = result.instances
        lines += [
            "",
            f"Outlines by {instances.model} of cells with exact or expert masks: {instances.matched} of "
            f"{instances.cells} matched, mean Dice {instances.mean_dice:.3f}.",
        ]
    return "\n".join(lines)


def build_field_speed_table() -> str:
    """Return the time for fields of view, beside the rule that the cell detector replaced."""
    results = _read_benchmark("fields")
    lines = ["| field | cell detector | old rule | ratio |", "|---|---:|---:|---:|"]
    for timing in results["timings"]:
        own, rule = (
            f"{1000 * timing[f'{prefix}seconds']:.0f} ms, {timing[f'{prefix}detected']} cells"
            for prefix in ("", "rule_")
        )
        lines.append(f"| {timing['name']} | {own} | {rule} | {timing['ratio']:.2f} |")
    lines += [
        "",
        f"Processor time of one thread, detection and segmentation with {results['model']}, on {results['processor']}. "
        f"Memory grows by {results['memory_growth_mb']:.0f} MB on the large field.",
    ]
    return "\n".join(lines)


def build_edges_table() -> str:
    """Return the Dice with and without refining outlines along the image's edges."""
    lines = [f"| model | held-out images | {DICE_HEAD} | more time |", "|---|---|---:|---:|---:|---:|"]
    for row in _read_benchmark("edges")["rows"]:
        dice = [" / ".join(f"{score:.3f}" for score in row["dice"][region]) for region in FOREGROUND_REGIONS]
        cells = [row["model"], f"{row['dataset']}, {row['images']}", *dice, f"{row['milliseconds']:.0f} ms"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def build_robustness_table() -> str:
    """Return the Dice on altered held-out images."""
    results = robustness.load_robustness()
    lines = [
        f"| alteration (images) | {' | '.join(result.model for result in results)} |",
        "|---|" + "---:|" * len(results),
    ]
    for changes in zip(*(result.changes for result in results), strict=True):
        cells = [
            " / ".join(f"{change.get_dice(region) or 0:.3f}" for region in FOREGROUND_REGIONS) for change in changes
        ]
        lines.append(f"| {changes[0].name} ({changes[0].images}) | {' | '.join(cells)} |")
    return "\n".join(lines)


def build_training_table() -> str:
    """Return the seconds of a training epoch, beside plain Keras."""
    results = _read_benchmark("training")
    lines = [
        "| network | precision | wbcseg | plain Keras, float32 | speed-up, median (minimum to maximum) |",
        "|---|---|---:|---:|---:|",
    ]
    for row in results["results"]:
        seconds = row["seconds_per_epoch"]
        name = f"{get_spec(row['architecture']).title}, {row['base_filters']} base filters"
        for precision, speedup in row["speedup"].items():
            spread = f"{speedup['median']:.2f} ({speedup['min']:.2f} to {speedup['max']:.2f})"
            cells = [name, precision, f"{seconds[precision]:.1f} s", f"{seconds['keras']:.1f} s", spread]
            lines.append(f"| {' | '.join(cells)} |")
    environment = results["environment"]
    lines += [
        "",
        f"On {environment['processor']}, {environment['cores']} cores; epochs of "
        f"{results['images_per_epoch']} images of {results['input_size']}×{results['input_size']} pixels in batches of "
        f"{results['batch_size']}.",
    ]
    return "\n".join(lines)


def build_runtimes_table() -> str:
    """Return the speed and accuracy of inference runtimes and number formats."""
    results = _read_benchmark("runtimes")
    models = results["models"]
    head = " | ".join(f"{name}: ms, Dice nucleus / cytoplasm" for name in models)
    lines = [f"| runtime | {head} | pixels as in Keras | MB in total |", "|---|" + "---|" * len(models) + "---:|---:|"]
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
        f"On {results['processor']}, {avx512} AVX-512; input size in pixels: {sides}.",
        f"Importing it into a fresh process takes: {import_costs}.",
    ]
    return "\n".join(lines)


def _read_benchmark(name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((PROJECT_ROOT / "benchmarks" / f"{name}.json").read_text(encoding="utf-8"))
    return values


def _format_score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _format_fraction(fraction: float | None, total: int) -> str:
    return "–" if fraction is None else f"{100 * fraction:.0f}% of {total}"


TABLES: Final[dict[str, Callable[[], str]]] = {
    "models": build_models_table,
    "cross_validation": build_cross_validation_table,
    "thesis": build_thesis_table,
    "leakage": build_leakage_table,
    "cross_site": build_cross_site_table,
    "quality": build_quality_table,
    "fields": build_fields_table,
    "field_speed": build_field_speed_table,
    "edges": build_edges_table,
    "robustness": build_robustness_table,
    "training": build_training_table,
    "runtimes": build_runtimes_table,
}
"""The tables by the name of their block."""


if __name__ == "__main__":
    RESULTS_PATH.write_text(fill_tables(RESULTS_PATH.read_text(encoding="utf-8")), encoding="utf-8")
