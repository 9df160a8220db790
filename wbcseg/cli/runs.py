"""List, show, stop, resume and delete training runs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Final

from wbcseg.cli.formatting import format_duration
from wbcseg.errors import ErrorCode, RunError
from wbcseg.training import Run
from wbcseg.training.jobs import manager
from wbcseg.training.runs.progress import load_progress
from wbcseg.training.runs.summary import RunSummary, list_summaries, summarise_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in ACTION_HELP.items():
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name == "show":
            action.add_argument("run", metavar="RUN", help="name of a run")
        elif name in ACTION_FUNCTIONS:
            action.add_argument("run", nargs="+", metavar="RUN", help="name of a run")
        if name == "delete":
            action.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        action.add_argument("--json", action="store_true", help="print JSON")


def run_command(options: argparse.Namespace) -> int:
    """Run the command; the exit code is 1 if the action failed for one of the runs."""
    if options.action == "list":
        summaries = list_summaries()
        if options.json:
            print(json.dumps([row.to_dict() for row in summaries], indent=1))
        elif not summaries:
            print("No runs. To start one, see: wbcseg train --help")
        else:
            print("\n".join(_format_line(row) for row in summaries))
        return 0
    if options.action == "show":
        _show_run(manager.get_run(options.run), as_json=options.json)
        return 0
    runs = [manager.get_run(name) for name in options.run]
    if options.action == "delete" and not options.yes and not _confirm_deletion([run.name for run in runs]):
        raise RunError("Nothing was deleted.", code=ErrorCode.CANCELLED)
    results = []
    for run in runs:
        error = None
        try:
            ACTION_FUNCTIONS[options.action](run)
        except RunError as problem:
            error = str(problem)
        is_deleted = options.action == "delete" and error is None
        results.append({"name": run.name, "status": None if is_deleted else summarise_run(run).status, "error": error})
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        for row in results:
            print(f"{row['name']:32} {row['error'] or row['status'] or 'deleted'}")
    return 1 if any(row["error"] for row in results) else 0


def _show_run(run: Run, *, as_json: bool) -> None:
    summary, progress = summarise_run(run), load_progress(run)
    if as_json:
        details = {"metrics": run.load_metrics(), "notes": run.load_notes()}
        progress_values = {"progress": progress.to_dict() if progress else None}
        print(json.dumps({**summary.to_dict(), **progress_values, **details}, indent=1))
        return
    print(_format_line(summary))
    if summary.reason:
        print(f"  {summary.reason}")
    if run.load_notes():
        print(f"  Notes: {run.load_notes()}")
    if summary.is_active and progress and progress.steps:
        time_left = format_duration(progress.seconds_left)
        print(f"  epoch {summary.epoch + 1}, batch {progress.step}/{progress.steps}, {time_left} left")
    for name, value in (summary.config.to_dict() if summary.config else {}).items():
        print(f"  {name:16} {value}")
    print(f"  folder           {run.folder}")


def _format_line(summary: RunSummary) -> str:
    queue_text = f" ({summary.queue_position})" if summary.queue_position else ""
    dice = ", ".join(f"{name} {value:.3f}" for name, value in (summary.heldout_dice or summary.fast_dice).items())
    leakage_note = " (leaky split)" if summary.config and summary.config.is_leaky else ""
    # While a run trains, only the Dice of what the network sees is known.
    fast_title = f"fast Dice at {summary.config.input_size} px" if summary.config else "fast Dice"
    dice_note = f"{'held-out Dice' if summary.heldout_dice else fast_title}: {dice}{leakage_note}" if dice else ""
    if summary.heldout_interval:
        low, high = summary.heldout_interval
        dice_note += f" (cell: 95 % interval {low:.3f} to {high:.3f}, {summary.heldout_images} images)"
    epochs = f"epoch {summary.epoch}/{summary.epochs}"
    return (
        f"{summary.name:32} {summary.status + queue_text:12} {epochs}  {format_duration(summary.seconds)}  {dice_note}"
    )


def _confirm_deletion(names: list[str]) -> bool:
    try:
        return input(f"Delete {', '.join(names)} with models and checkpoints? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _stop_and_wait(run: Run) -> None:
    manager.stop_run(run, wait=True)


ACTION_HELP: Final = {
    "list": "list all runs, newest first",
    "show": "show a run's settings, status and metrics",
    "stop": "stop runs after the current batch, and wait until they have stopped",
    "resume": "resume runs in the background, one after the other",
    "delete": "delete runs permanently",
}
ACTION_FUNCTIONS: Final[dict[str, Callable[[Run], None]]] = {
    "stop": _stop_and_wait,
    "resume": manager.resume_run,
    "delete": manager.delete_run,
}
