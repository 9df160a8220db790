"""Tables of study results as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from wbcseg.cli.formatting import format_duration
from wbcseg.evaluation import comparison, cross_site, cross_validation
from wbcseg.evaluation.comparison import MODE_LABELS
from wbcseg.evaluation.cross_validation import LEAKY_SUFFIX
from wbcseg.evaluation.metric_specs import ALL_CLASSES, CELL_CLASSES, METRICS, WHOLE_IMAGE
from wbcseg.evaluation.study_result import CrossSiteResult, CrossValidationResult, PredictionMode, ScoredImages

COLUMNS = (
    ("nucleus", "dice", "nucleus"),
    ("cytoplasm", "dice", "cytoplasm"),
    ("cell", "dice", "cell"),
    ("3 classes", "macro_dice", ALL_CLASSES),
    ("2 classes", "macro_dice", CELL_CLASSES),
    ("accuracy", "accuracy", WHOLE_IMAGE),
)
HEADER = f"  {'Dice ± standard error':52}" + "".join(f"{title:>18}" for title, *_ in COLUMNS)


def format_cross_validations(results: Sequence[CrossValidationResult]) -> str:
    """Return the tables of cross-validations."""
    if not results:
        return "There are no results yet. To train: wbcseg cross-validate --folds 5 --dataset zheng-1"
    studies = {name: list(group) for name, group in groupby(results, key=lambda result: result.study)}
    lines = [line for name, study_results in studies.items() for line in (*_format_study(name, study_results), "")]
    for name, study_results in studies.items():
        if not name.endswith(LEAKY_SUFFIX):
            continue
        leak_free = {result.architecture: result for result in studies.get(name.removesuffix(LEAKY_SUFFIX), [])}
        pairs = [
            (result, leak_free[result.architecture]) for result in study_results if result.architecture in leak_free
        ]
        lines += [*_format_leakage(name, pairs), ""]
    return "\n".join(lines).rstrip()


def format_cross_site(results: Sequence[CrossSiteResult]) -> str:
    """Return the tables of cross-site studies."""
    if not results:
        return "There are no results yet. To train: wbcseg cross-site"
    return "\n\n".join("\n".join(_format_cross_site_result(result)) for result in results)


def _format_cross_site_result(result: CrossSiteResult) -> Iterator[str]:
    for index, training in enumerate(result.trainings):
        yield (
            f"{result.title}: trained on {training.trained_on} ({training.trained} images, {training.epochs} epochs), "
            f"tested on {training.tested_on} ({training.tested} images)"
        )
        yield from _format_means(result.select_training(index))
        yield f"  expected calibration error {result.calibration[training.tested_on].ece:.4f}"
    yield from _format_in_domain(result)
    quality = result.quality
    if quality:
        yield (
            f"  smears against other images: AUROC {quality.out_of_range_auroc:.4f} "
            f"({quality.smears} and {quality.negatives} images)"
        )
        yield (
            f"  flagged results with a Dice of the cell below 0.8: {_format_percent(quality.bad_flagged)} of "
            f"{quality.bad}; all others: {_format_percent(quality.good_flagged)}"
        )
        yield (
            "  same on copies with other stain, light and focus: "
            f"{_format_percent(quality.varied_bad_flagged)} of {quality.varied_bad}; all others: "
            f"{_format_percent(quality.varied_good_flagged)}"
        )


def _format_in_domain(result: CrossSiteResult) -> Iterator[str]:
    """Yield the results of the general model, compared with networks trained on a single site."""
    if result.in_domain is None:
        return
    for index, site in enumerate(cross_site.SITES):
        part = result.in_domain.select_training(index)
        yield f"{part.model} on held-out images of {site} ({len(part.images)} images)"
        yield from _format_means(part)
        path = cross_validation.get_study_file(site, result.architecture)
        if not path.exists():
            continue
        (single_site,) = cross_validation.load_study_results([path])
        for title, metric, region in COLUMNS[:3]:
            effect = comparison.compare_results(part, single_site, metric, region, "tta")
            yield (
                f"  {METRICS[metric].title}, {title}, minus a network trained on this site only, on the same images: "
                f"{effect.difference:+.4f} ({effect.ci_low:+.4f} to {effect.ci_high:+.4f})"
            )


def _format_study(name: str, results: Sequence[CrossValidationResult]) -> Iterator[str]:
    first = results[0]
    training = first.trainings[0]
    yield (
        f"{name}: {len({image.id for image in first.images})} images of {first.config['dataset']} tested, "
        f"{len(first.trainings)} trainings for each network ({training.trained} images, {training.epochs} epochs)"
    )
    yield HEADER
    for result in results:
        for mode, title in MODE_LABELS.items():
            yield _format_row(f"{result.title}, {title}", result, mode)
    for result in results:
        cpu_seconds = [seconds for training in result.trainings if (seconds := training.cpu_seconds) is not None]
        total = sum(cpu_seconds) if len(cpu_seconds) == len(result.trainings) else None
        yield f"  {result.title}: {format_duration(total)} CPU time for all trainings, {result.parameters:,} parameters"
    for title, metric, region in COLUMNS[:3]:
        for pair in comparison.compare_pairs(results, metric, region, "tta"):
            summary = pair.comparison
            yield (
                f"  {METRICS[metric].title}, {title}: {pair.first} minus {pair.second} {summary.difference:+.4f} "
                f"({summary.ci_low:+.4f} to {summary.ci_high:+.4f}), p = {pair.corrected_p:.2g}, "
                f"higher on {summary.n_larger} of {summary.n_pairs}"
            )


def _format_leakage(name: str, pairs: Sequence[tuple[CrossValidationResult, CrossValidationResult]]) -> Iterator[str]:
    yield f"{name}: effect of copies of the test images in training (with minus without, single pass)"
    for leaky, leak_free in pairs:
        for title, metric, region in COLUMNS[:3]:
            effect = comparison.compare_results(leaky, leak_free, metric, region)
            yield (
                f"  {leaky.title}, {METRICS[metric].title}, {title}: {effect.difference:+.4f} "
                f"({effect.ci_low:+.4f} to {effect.ci_high:+.4f}), p = {effect.p_value:.2g}, {effect.n_pairs} images"
            )


def _format_means(result: ScoredImages) -> Iterator[str]:
    yield HEADER
    for mode, title in MODE_LABELS.items():
        yield _format_row(title, result, mode)


def _format_row(label: str, result: ScoredImages, mode: PredictionMode) -> str:
    cells = []
    for _, metric, region in COLUMNS:
        values = comparison.collect_metric(result, metric, region, mode).values()
        summary = comparison.summarise_values(list(values))
        cells.append(f"{summary.mean:>9.4f} ± {summary.standard_error:.4f}")
    return f"  {label:52}{''.join(cells)}"


def _format_percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.1f}%"
