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
from wbcseg.evaluation.entries.entry import build_groups, read_results
from wbcseg.evaluation.entries.ranking import RankedEntry, Ranking, collect_scores, rank_entries
from wbcseg.evaluation.fields import load_fields_result
from wbcseg.evaluation.metric_specs import ALL_CLASSES
from wbcseg.evaluation.reproduction import ThesisComparison
from wbcseg.evaluation.thesis import SCORED_CLASSES
from wbcseg.evaluation.types import load_types_result
from wbcseg.inference import Catalog
from wbcseg.labels import CYTOPLASM
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


def build_ranking_table() -> str:
    """Return the ranking of each study by the Dice of the cytoplasm, the hardest class, in a single pass."""
    lines = [
        "| study | place | network | Dice cytoplasm | 95% interval | average rank | behind the best by |",
        "|---|---:|---|---:|---:|---:|---|",
    ]
    for group in build_groups(read_results(list_study_files())).values():
        if len(group.entries) < 2:
            continue
        scores = collect_scores(group.entries, "dice", CYTOPLASM.name, "single")
        ranking = rank_entries(scores, {entry.key: entry.title for entry in group.entries}, "dice")
        for place, entry in enumerate(ranking.entries, start=1):
            summary = entry.summary
            lines.append(
                f"| {group.name} | {place} | {entry.title} | {summary.mean:.4f} | "
                f"{summary.ci_low:.4f} to {summary.ci_high:.4f} | {entry.average_rank:.2f} | "
                f"{_format_gap(ranking, entry)} |"
            )
    return "\n".join(lines)


def _format_gap(ranking: Ranking, entry: RankedEntry) -> str:
    if entry.key == ranking.best.key:
        return ""
    comparison = ranking.pairs[ranking.best.key, entry.key].comparison
    gap = f"{comparison.difference:.4f} ({comparison.ci_low:.4f} to {comparison.ci_high:.4f})"
    return f"{gap}, a tie" if entry.is_tied else gap


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


def build_laboratories_table() -> str:
    """Return what a quality check flags of a laboratory that it was not fitted to."""
    lines = ["| network | laboratory | good results flagged | bad results flagged |", "|---|---|---:|---:|"]
    for result in cross_site.load_cross_site_results():
        for test in result.quality.laboratories if result.quality else ():
            flagged = [
                _format_fraction(test.bad_flagged, test.bad)
                if is_bad
                else _format_fraction(test.good_flagged, test.good)
                for is_bad in (False, True)
            ]
            lines.append(f"| {' | '.join([result.title, test.name, *flagged])} |")
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


def build_types_table() -> str:
    """Return how well the type model and others tell cells that they did not learn from."""
    result = load_types_result()
    if result is None:
        return ""
    head = ("model", "test", "prior", "cells", "accuracy", "macro F1", "ECE", "typed", "accuracy of the typed")
    lines = [f"| {' | '.join(head)} |", f"|---|---|---|{'---:|' * 6}"]
    for model, scores in {"shipped": result.scores, **result.comparison}.items():
        for score in scores:
            shares = (score.accuracy, score.macro_f1, score.ece, score.typed, score.typed_accuracy)
            cells = [model, score.name, score.prior, str(score.cells), *map(_format_three_digits, shares)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _format_three_digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


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


def build_pages_table() -> str:
    """Return what a visitor waits for, and the memory of the page, before and after the last change."""
    results = json.loads((PROJECT_ROOT / "benchmarks" / "pages.json").read_text(encoding="utf-8"))
    labels = list(results)
    lines = [f"| measured | {' | '.join(labels)} |", f"|---|{'---:|' * len(labels)}"]

    def add(title: str, read: Callable[[dict[str, Any]], str]) -> None:
        lines.append(f"| {title} | {' | '.join(read(results[label]) for label in labels)} |")

    for visit in results[labels[-1]]["first_visit"]:
        for title, key in (("first content", "content"), ("document", "document")):
            add(f"{visit}: {title}", lambda r, v=visit, k=key: f"{r['first_visit'][v][k]:.1f} s")  # type: ignore[misc]
    for visit in ("Home, wide, 4 Mbit/s", "Segment, wide, 4 Mbit/s"):
        add(f"{visit}: bytes until then", lambda r, v=visit: _format_bytes(r["first_visit"][v]["bytes"]))  # type: ignore[misc]
        add(f"{visit}: all bytes", lambda r, v=visit: _format_bytes(r["first_visit"][v]["all_bytes"]))  # type: ignore[misc]
    for screen in results[labels[-1]]["next_image"]:
        for title, key in (("image", "median_image_ms"), ("result", "median_result_ms")):
            add(f"next, {screen}: {title}", lambda r, s=screen, k=key: f"{r['next_image'][s][k]:.0f} ms")  # type: ignore[misc]
    for visit in results[labels[-1]].get("layout_shift", {}):
        add(f"layout shift, upload of {visit}", lambda r, v=visit: _format_shift(r.get("layout_shift", {}).get(v)))  # type: ignore[misc]
    for title, key in (
        ("heap with buffers, zoomed in", "zoomed_heap"),
        ("page's process, whole image", "whole_page_process"),
        ("page's process, zoomed in", "zoomed_page_process"),
        ("page's process, at most", "peak_page_process"),
    ):
        add(f"6000×4000: {title}", lambda r, k=key: f"{r['field_6000x4000_mb'][k]} MB")  # type: ignore[misc]
    return "\n".join(lines)


def build_workbench_table() -> str:
    """Return how fast the workbench of a batch responds."""
    result = json.loads((PROJECT_ROOT / "benchmarks" / "workbench.json").read_text(encoding="utf-8"))
    lines = ["| cells | response | median | 95th percentile | longest |", "|---:|---|---:|---:|---:|"]
    for entry in result["results"]:
        for key, title in WORKBENCH_RESPONSES.items():
            values = (f"{entry[key][name]:.0f} ms" for name in ("median", "p95", "max"))
            lines.append(f"| {entry['cells']} | {title} | {' | '.join(values)} |")
    return "\n".join(lines)


def _format_shift(shift: float | None) -> str:
    return "–" if shift is None else f"{shift:.3f}"


def _format_bytes(bytes_by_kind: dict[str, int]) -> str:
    return ", ".join(f"{kind} {size / 1e3:.0f} kB" for kind, size in bytes_by_kind.items())


WORKBENCH_RESPONSES: Final = {
    "scroll_to_anywhere_ms": "scroll to anywhere",
    "select_next_ms": "select the next cell",
    "select_all_ms": "select all cells",
    "file_1_shown_ms": "file 1 cell: shown",
    "file_1_confirmed_ms": "file 1 cell: Python's counts",
    "file_100_shown_ms": "file 100 cells: shown",
    "file_100_confirmed_ms": "file 100 cells: Python's counts",
}

TABLES: Final[dict[str, Callable[[], str]]] = {
    "models": build_models_table,
    "cross_validation": build_cross_validation_table,
    "ranking": build_ranking_table,
    "thesis": build_thesis_table,
    "leakage": build_leakage_table,
    "cross_site": build_cross_site_table,
    "quality": build_quality_table,
    "laboratories": build_laboratories_table,
    "fields": build_fields_table,
    "field_speed": build_field_speed_table,
    "types": build_types_table,
    "edges": build_edges_table,
    "robustness": build_robustness_table,
    "training": build_training_table,
    "runtimes": build_runtimes_table,
    "pages": build_pages_table,
    "workbench": build_workbench_table,
}
"""The tables by the name of their block."""


if __name__ == "__main__":
    RESULTS_PATH.write_text(fill_tables(RESULTS_PATH.read_text(encoding="utf-8")), encoding="utf-8")
