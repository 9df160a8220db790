"""Cross-validations and tests in another laboratory for the terminal: train what is missing, score, print tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from wbcseg.cli.train import format_duration
from wbcseg.cli.train_process import train_until_done
from wbcseg.datasets import open_dataset
from wbcseg.errors import ConfigError
from wbcseg.evaluation import comparison, cross_site, cross_validation
from wbcseg.evaluation.comparison import MODE_LABELS, PredictionMode
from wbcseg.evaluation.cross_validation import Study
from wbcseg.evaluation.metric_specs import ALL_CLASSES, CELL_CLASSES, METRICS, WHOLE_IMAGE
from wbcseg.evaluation.result_store import write_result
from wbcseg.inference import Catalog, ModelEntry, Segmenter
from wbcseg.quality.fit import fit_quality_model
from wbcseg.training import Run

PER_TRAINING_SETTINGS = ("epochs", "clean_epochs", "cell_fraction")
"""Settings that stand with each training of a result: they may differ between two laboratories."""

COLUMNS = (
    ("nucleus", "dice", "nucleus"),
    ("cytoplasm", "dice", "cytoplasm"),
    ("cell", "dice", "cell"),
    ("mean of 3", "macro_dice", ALL_CLASSES),
    ("mean of 2", "macro_dice", CELL_CLASSES),
    ("accuracy", "accuracy", WHOLE_IMAGE),
)


def run_study(study: Study, out: Path, requested: Iterable[str] = ()) -> bool:
    """Train a study's networks to their end, unless its result is there; write its result. Return whether it ended.

    Args:
        study: The study.
        out: Folder of results.
        requested: Settings that were asked for, which a result that is there must have, too.

    Raises:
        ConfigError: If it has others.
    """
    target = out / f"{study.result_name}.json"
    if target.exists():
        (result,) = cross_validation.load_study_results([target])
        _refuse_mismatches(_list_mismatches(study, result["config"], requested), target)
        print(f"{study.result_name}: there is a result already ({target}).", flush=True)
        return True
    runs = _train_study(study)
    if runs is None:
        return False
    dataset = open_dataset(study.configs[0].dataset, download=True)
    result = cross_validation.evaluate_study(study, runs, dataset)
    out.mkdir(parents=True, exist_ok=True)
    write_result(target, result)
    return True


def run_cross_site_study(study: Study, out: Path, quality_folder: Path) -> bool:
    """Train on each laboratory and test on the other; write the result and the judge. Return whether it ended.

    Where there is a result, nothing is trained. If a model of the same kind for any laboratory is shipped, it is tested
    at home, and its card told the figures.

    Raises:
        ConfigError: If there is a result with other settings.
    """
    target = out / f"{study.architecture}.json"
    datasets = [open_dataset(name, download=True) for name in cross_site.SITES]
    if target.exists() and (quality_folder / f"{study.architecture}.json").exists():
        (result,) = cross_validation.load_study_results([target])
        _check_settings(study, result, target)
        print(f"{study.result_name}: there is a result already ({target}).", flush=True)
    else:
        runs = _train_study(study)
        if runs is None:
            return False
        result, examples = cross_site.evaluate_cross_site(study, runs, datasets)
        quality_model = fit_quality_model(examples)
        quality_model.write(study.architecture, quality_folder)
        result["quality"] = dict(quality_model.metrics)
        out.mkdir(parents=True, exist_ok=True)
        write_result(target, result)
    entry = (
        _find_general_model(result["architecture"], result["config"]["base_filters"])
        if out == cross_site.CROSS_SITE_FOLDER
        else None
    )
    if entry is not None and entry.card is not None:
        result["in_domain"] = cross_site.evaluate_in_domain(Segmenter(entry.folder), datasets)
        replace(entry.card, cross_site=cross_site.summarise_cross_site(result)).write(entry.folder)
        write_result(target, result)
        print(f"{entry.name}: the card has the figures now.")
    return True


def _check_settings(study: Study, result: Mapping[str, Any], path: Path) -> None:
    """Refuse a result that other settings gave."""
    mismatches = _list_mismatches(study, result["config"], result["config"])
    for training, config in zip(result["trainings"], study.configs, strict=True):
        mismatches += [
            f"{name} {training[name]}" for name in PER_TRAINING_SETTINGS if training[name] != getattr(config, name)
        ]
    _refuse_mismatches(mismatches, path)


def _list_mismatches(study: Study, actual: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Return the settings among ``names`` that are other than wanted, as they were found."""
    expected = study.configs[0].to_dict()
    return [f"{name} {actual[name]}" for name in names if name in actual and actual[name] != expected[name]]


def _refuse_mismatches(mismatches: Sequence[str], path: Path) -> None:
    """Refuse a result that has other settings."""
    if mismatches:
        raise ConfigError(
            f"File {path.name} has a result with other settings: {', '.join(mismatches)}. Choose another folder with --out, "
            "or delete the file to measure anew."
        )


def _find_general_model(architecture: str, base_filters: int) -> ModelEntry | None:
    """Return the shipped model for any laboratory of a network and width, or ``None``."""
    for entry in Catalog().usable:
        card = entry.card
        if (
            entry.shipped
            and card
            and card.two_stage
            and (card.architecture, card.base_filters) == (architecture, base_filters)
        ):
            return entry
    return None


def _train_study(study: Study) -> list[Run] | None:
    """Train a study's networks to their end. Return their runs, or ``None`` where one was stopped."""
    runs = []
    for name, config in zip(study.run_names, study.configs, strict=True):
        run = train_until_done(name, config)
        if run is None:
            return None
        runs.append(run)
    return runs


def format_cross_site_report(folder: Path) -> str:
    """Return the tables of all results on other laboratories as text."""
    lines = []
    for result in _read_results(folder, cross_site.STUDY_NAME):
        for number, training in enumerate(result["trainings"]):
            lines.append(
                f"{result['title']}: trained on {training['trained_on']} ({training['trained']} pictures, "
                f"{training['epochs']} epochs), tested on {training['tested_on']} ({training['tested']} pictures)"
            )
            lines += _format_means(cross_site.select_training(result, number))
            calibration = result["calibration"][training["tested_on"]]
            lines.append(f"  expected calibration error {calibration['error']:.4f}")
        lines += _format_in_domain(result)
        quality = result["quality"]
        lines += [
            f"  pictures that are no smear told from smears: AUROC {quality['out_of_range_auroc']:.4f} "
            f"({quality['negatives']} and {quality['smears']} pictures)",
            f"  crops with a cell's Dice below .8 that are marked: {_format_percent(quality['bad_flagged'])} of {quality['bad']}; "
            f"of the others {_format_percent(quality['good_flagged'])}",
            f"  the same on copies in another stain, light and focus: {_format_percent(quality['varied_bad_flagged'])} of "
            f"{quality['varied_bad']}; of the others {_format_percent(quality['varied_good_flagged'])}",
            "",
        ]
    return "\n".join(lines).rstrip()


def _format_in_domain(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield how the model for any laboratory does at home, beside networks of the one laboratory alone."""
    for number, name in enumerate(cross_site.SITES if "in_domain" in result else ()):
        part = cross_site.select_training(result["in_domain"], number)
        yield f"{result['in_domain']['model']} on held-out pictures of {name} ({len(part['images'])} pictures)"
        yield from _format_means(part)
        path = cross_validation.get_study_file(name, result["architecture"])
        if not path.exists():
            continue
        (specialised,) = cross_validation.load_study_results([path])
        for title, metric, region in COLUMNS[:3]:
            effect = comparison.compare_results(part, specialised, metric, region, "tta")
            yield (
                f"  {METRICS[metric].title}, {title}, minus a network of this laboratory alone on the same pictures: "
                f"{effect.difference:+.4f} ({effect.ci_low:+.4f} to {effect.ci_high:+.4f})"
            )


def _format_means(result: dict[str, Any]) -> Iterator[str]:
    yield f"  {'Dice ± standard error':38}" + "".join(f"{title:>18}" for title, *_ in COLUMNS)
    for mode, title in MODE_LABELS.items():
        summaries = [_summarise_metric(result, metric, region, mode) for _, metric, region in COLUMNS]
        yield f"  {title:38}" + "".join(f"{summary.mean:>9.4f} ± {summary.standard_error:.4f}" for summary in summaries)


def _read_results(folder: Path, study: str | None = None) -> list[dict[str, Any]]:
    """Return the results of a folder: those of a study, or of all cross-validations."""
    all_results = cross_validation.load_study_results(cross_validation.list_study_files(folder))
    return [
        result
        for result in all_results
        if (result["study"] == study if study else result["study"] != cross_site.STUDY_NAME)
    ]


def _format_percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.1f} %"


def format_report(folder: Path) -> str:
    """Return the tables of all results of a folder as text."""
    results = _read_results(folder)
    if not results:
        return "There is no result yet. Train: python -m wbcseg evaluate --cv 5 --dataset zheng-1"
    studies = {name: list(group) for name, group in groupby(results, key=lambda result: str(result["study"]))}
    lines = [line for name, study_results in studies.items() for line in (*_format_study(name, study_results), "")]
    for name, study_results in studies.items():
        leak_free = {
            study_result["architecture"]: study_result for study_result in studies.get(name.removesuffix("-leaky"), [])
        }
        if name.endswith("-leaky"):
            lines += [
                *_format_leakage(
                    name,
                    [
                        (study_result, leak_free[study_result["architecture"]])
                        for study_result in study_results
                        if study_result["architecture"] in leak_free
                    ],
                ),
                "",
            ]
    return "\n".join(lines).rstrip()


def _format_study(name: str, results: Sequence[dict[str, Any]]) -> Iterator[str]:
    first = results[0]
    trainings = first["trainings"]
    yield (
        f"{name}: {len({row['id'] for row in first['images']})} pictures of {first['config']['dataset']} tested, "
        f"{len(trainings)} trainings each ({trainings[0]['trained']} pictures, {trainings[0]['epochs']} epochs)"
    )
    yield f"  {'Dice ± standard error':38}" + "".join(f"{title:>18}" for title, *_ in COLUMNS)
    for result in results:
        for mode, title in MODE_LABELS.items():
            summaries = [_summarise_metric(result, metric, region, mode) for _, metric, region in COLUMNS]
            cells = "".join(f"{summary.mean:>9.4f} ± {summary.standard_error:.4f}" for summary in summaries)
            label = f"{result['title']}, {title}"
            yield f"  {label:38}{cells}"
    for result in results:
        cpu_seconds = [summary["cpu_seconds"] for summary in result["trainings"]]
        duration_text = "unknown time" if None in cpu_seconds else format_duration(sum(cpu_seconds))
        yield f"  {result['title']}: {duration_text} of processor time for all trainings, {result['parameters']:,} parameters"
    for title, metric, region in COLUMNS[:3]:
        for pair in comparison.compare_pairs(results, metric, region, "tta"):
            summary = pair.comparison
            yield (
                f"  {METRICS[metric].title}, {title}: {pair.first} minus {pair.second} {summary.difference:+.4f} "
                f"({summary.ci_low:+.4f} to {summary.ci_high:+.4f}), p = {pair.corrected_p:.2g}, better on {summary.n_larger} of {summary.n_pairs}"
            )


def _format_leakage(name: str, result_pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> Iterator[str]:
    yield f"{name}: what copies of the test pictures in training add (with minus without, one look)"
    for leaking, leak_free in result_pairs:
        for title, metric, region in COLUMNS[:3]:
            effect = comparison.compare_results(leaking, leak_free, metric, region)
            yield (
                f"  {leaking['title']}, {METRICS[metric].title}, {title}: {effect.difference:+.4f} "
                f"({effect.ci_low:+.4f} to {effect.ci_high:+.4f}), p = {effect.p_value:.2g}, {effect.n_pairs} pictures"
            )


def _summarise_metric(
    result: dict[str, Any], metric: str, region: str, mode: PredictionMode
) -> comparison.MetricSummary:
    return comparison.summarise_values(list(comparison.collect_metric(result, metric, region, mode).values()))
