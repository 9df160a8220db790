"""Run a study: train its networks, evaluate them and write the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wbcseg.datasets import open_dataset
from wbcseg.errors import ConfigError
from wbcseg.evaluation import cross_site, cross_validation
from wbcseg.evaluation.cross_validation import Study
from wbcseg.evaluation.methods import cross_validate_method
from wbcseg.evaluation.result_store import write_result
from wbcseg.evaluation.study_result import CrossSiteResult, CrossValidationResult
from wbcseg.inference import Catalog, ModelEntry, Segmenter
from wbcseg.quality.fit import fit_quality_model
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.jobs.until_done import train_until_done

PER_TRAINING_SETTINGS = ("epochs", "clean_epochs", "cell_fraction")
"""Settings that a cross-site result stores with each training, because they may differ between the sites."""


def run_cross_validation(
    study: Study, out: Path | None = None, requested: Iterable[str] = ()
) -> CrossValidationResult | None:
    """Train and evaluate the networks of a cross-validation, unless there is a result.

    Args:
        study: The study.
        out: Folder of results; ``None`` to write nothing.
        requested: Settings that the user gave, which an existing result must have.

    Returns:
        The result, or ``None`` if a training was stopped.

    Raises:
        ConfigError: If there is a result with other settings.
    """
    target = out and out / f"{study.result_name}.json"
    if target and target.exists():
        (result,) = cross_validation.load_study_results([target])
        _refuse_mismatches(_list_mismatches(study, result.config, requested), target)
        print(f"{study.result_name}: there is already a result ({target}).", flush=True)
        return result
    runs = _train_study(study)
    if runs is None:
        return None
    result = cross_validation.evaluate_study(study, runs, open_dataset(study.configs[0].dataset, download=True))
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_result(target, result.to_dict())
    return result


def run_method(method: str, study: str, dataset: str, folds: int, out: Path | None = None) -> CrossValidationResult:
    """Train and evaluate a method without a deep network on the folds of a study, unless there is a result.

    Args:
        method: Name of the method.
        study: Name of the study.
        dataset: Name of a data set, or path of a folder or zip.
        folds: Number of folds.
        out: Folder of results; ``None`` to write nothing.
    """
    target = out and out / f"{study}-{method}.json"
    if target and target.exists():
        (result,) = cross_validation.load_study_results([target])
        print(f"{study}-{method}: there is already a result ({target}).", flush=True)
        return result
    result = cross_validate_method(method, open_dataset(dataset, download=True), study=study, folds=folds)
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_result(target, result.to_dict())
    return result


def list_trainings(studies: Iterable[Study], out: Path | None) -> list[tuple[str, TrainingConfig]]:
    """Return name and settings of the runs that studies without a result need.

    Args:
        studies: The studies.
        out: Folder of results; ``None`` if none are kept.
    """
    return [
        training
        for study in studies
        if not (out and (out / f"{study.result_name}.json").exists())
        for training in zip(study.run_names, study.configs, strict=True)
    ]


def run_cross_site(
    study: Study, out: Path | None = None, quality_folder: Path | None = None, *, update_cards: bool = False
) -> CrossSiteResult | None:
    """Train a network on each site, test it on the other one and fit its quality model, unless there is a result.

    Args:
        study: The study.
        out: Folder of results; ``None`` to write nothing.
        quality_folder: Folder of quality models, if ``out`` is given.
        update_cards: Whether to test the shipped general model of the same network on held-out images of both sites,
            and to write the result into its card.

    Returns:
        The result, or ``None`` if a training was stopped.

    Raises:
        ConfigError: If there is a result with other settings.
    """
    target = out and out / f"{study.architecture}.json"
    datasets = [open_dataset(name, download=True) for name in cross_site.SITES]
    if target and quality_folder and target.exists() and (quality_folder / target.name).exists():
        result = cross_site.load_cross_site_result(target)
        check_settings(study, result, target)
        print(f"{study.result_name}: there is already a result ({target}).", flush=True)
    else:
        runs = _train_study(study)
        if runs is None:
            return None
        result, examples = cross_site.evaluate_cross_site(study, runs, datasets)
        quality_model = fit_quality_model(examples)
        result = replace(result, quality=quality_model.metrics)
        if target and quality_folder:
            quality_model.write(study.architecture, quality_folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            write_result(target, result.to_dict())
    entry = _find_general_model(result.architecture, result.config["base_filters"]) if update_cards else None
    if target and entry:
        result = replace(result, in_domain=cross_site.evaluate_in_domain(Segmenter(entry.folder), datasets))
        replace(entry.card, cross_site=cross_site.summarise_cross_site(result)).write(entry.folder)
        write_result(target, result.to_dict())
        print(f"{entry.name}: the card now has these results.")
    return result


def check_settings(study: Study, result: CrossSiteResult, path: Path) -> None:
    """Raise an error if a cross-site result has other settings than a study.

    Raises:
        ConfigError: With the settings of the result that differ.
    """
    mismatches = _list_mismatches(study, result.config, result.config)
    for training, config in zip(result.trainings, study.configs, strict=True):
        mismatches += [
            f"{name} {getattr(training, name)}"
            for name in PER_TRAINING_SETTINGS
            if getattr(training, name) != getattr(config, name)
        ]
    _refuse_mismatches(mismatches, path)


def _list_mismatches(study: Study, actual: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    expected = study.configs[0].to_dict()
    return [f"{name} {actual[name]}" for name in names if name in actual and actual[name] != expected[name]]


def _refuse_mismatches(mismatches: Sequence[str], path: Path) -> None:
    if mismatches:
        raise ConfigError(
            f"File {path.name} has a result with other settings: {', '.join(mismatches)}. Choose another folder with "
            "--out, or delete the file to train again."
        )


def _find_general_model(architecture: str, base_filters: int) -> ModelEntry | None:
    """Return the shipped general model of a network, or ``None``."""
    for entry in Catalog().usable:
        card = entry.card
        if entry.shipped and card.two_stage and (card.architecture, card.base_filters) == (architecture, base_filters):
            return entry
    return None


def _train_study(study: Study) -> list[Run] | None:
    """Return the finished runs of a study, or ``None`` if one was stopped."""
    runs = []
    for name, config in zip(study.run_names, study.configs, strict=True):
        run = train_until_done(name, config)
        if run is None:
            return None
        runs.append(run)
    return runs
