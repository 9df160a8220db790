"""Layers: each package imports only from the layers below it. Importing is cheap. Modules and folders stay small."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wbcseg.errors

ROOT = Path(wbcseg.__file__ or "").parent

LAYERS = [
    {"printable"},
    {"errors", "eyepiece", "hosting", "labels", "native_output", "paths", "turns"},
    {"interpreters", "io", "registry", "results"},
    {"datasets", "metrics", "transforms"},
    {"splitting"},
    {"models"},
    {"training"},
    {"counting", "features", "inference", "quality", "visualization"},
    {"celltypes"},
    {"celltype_training", "detector_training", "self_training"},
    {"differential"},
    {"export", "pipeline"},
    {"benchmarking", "evaluation"},
    {"api"},
    {"scale"},
    {"cli", "ui"},
    {"__main__"},
]
TENSORFLOW = {
    "models": {
        "blocks.py",
        "describe.py",
        "layers.py",
        "vgg.py",
        *(p.name for p in (ROOT / "models" / "networks").glob("*.py")),
    },
    "training": {"critic.py", "heads.py", "step_timer.py", "trainer.py", "losses.py", "optimizers.py", "export.py"},
    "detector_training": {"networks.py", "losses.py", "trainer.py", "restore.py", "export.py"},
    "celltype_training": {"augment.py", "efficientnet.py", "networks.py", "losses.py", "export.py", "head.py"},
    "benchmarking": {"training_worker.py"},
}


def layer_of(package: str) -> int:
    return next(number for number, packages in enumerate(LAYERS) if package in packages)


def imports(path: Path) -> set[str]:
    """Every module that a file imports at run time, by its full name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {
        id(node)
        for check in ast.walk(tree)
        if isinstance(check, ast.If) and getattr(check.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(check)
    }
    imported: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= (
                {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "wbcseg" else {node.module}
            )
    return imported


FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_from_the_layers_below(path: Path) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    package, names = parts[0], imports(path)
    for name in names:
        first, *rest = name.split(".")
        if first == "wbcseg" and rest and rest[0] not in ("__version__", package):
            assert layer_of(rest[0]) < layer_of(package), f"{name} is not below {package}"
    if package != "ui":
        assert not any(name.split(".")[0] == "streamlit" for name in names)
    if path.name not in TENSORFLOW.get(package, set()):
        assert not any(name.split(".")[0] in ("tensorflow", "keras") for name in names)


def test_only_the_api_configures_the_pipeline() -> None:
    users = [path for path in FILES if "PipelineConfig(" in path.read_text(encoding="utf-8")]
    assert [path.relative_to(ROOT).as_posix() for path in users] == ["api/segmentation.py"]


def test_importing_the_package_is_cheap() -> None:
    code = "import sys, wbcseg.inference, wbcseg.models; list(wbcseg.models.ARCHITECTURES); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("'tensorflow'", "'keras'", "'streamlit'", "'sklearn'", "'scipy'"):
        assert heavy not in done.stdout


def test_the_errors_are_those_of_the_tree_in_their_module() -> None:
    tree = wbcseg.errors.__doc__ or ""
    for name, value in vars(wbcseg.errors).items():
        if isinstance(value, type) and issubclass(value, Exception):
            assert name in tree
            assert issubclass(value, wbcseg.errors.WbcsegError)


def test_modules_have_at_most_320_lines() -> None:
    long = {p.name: n for p in FILES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 320}
    assert not long


def test_outdated_words_are_not_used() -> None:
    words = r"pictures?|brought|careful(ly)?|looks fine|micrometres|(one|second) look|any laboratory|drawn (cell|smear)"
    outdated = re.compile(rf"(?<!-)\b({words}|tak(e|en) away|quirks?|twins?)\b", re.IGNORECASE)
    for folder in (ROOT, ROOT.parent / "pages", ROOT.parent / "docs"):
        for path in (p for p in folder.rglob("*") if p.suffix in (".py", ".js", ".md") and p.name != "pairing.py"):
            assert not outdated.search(path.read_text(encoding="utf-8")), path


def test_folders_hold_at_most_sixteen_modules() -> None:
    modules: dict[Path, int] = {}
    for path in FILES:
        modules[path.parent] = modules.get(path.parent, 0) + (path.name != "__init__.py")
    assert max(modules.values()) <= 16
