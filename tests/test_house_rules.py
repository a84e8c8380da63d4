"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attnbench.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
TOOLKIT = ROOT / "toolkit" / "attnbench"
MODELS = ROOT / "models" / "attnbench_models"
FILES = sorted([*TOOLKIT.rglob("*.py"), *MODELS.rglob("*.py")])

# A module imports only from rows above its own: siblings do not know each other.
RANKS = (
    {"errors", "clock", "progress"},
    {"files", "records", "registry"},
    {"stats", "emulation"},
    {"store", "parity", "attribution", "rewrites", "emulation", "mlprogram"},
    {"artifacts", "backends", "graphs", "quantise", "runner"},
    {"devices", "calibration"},  # both start a runner
    {"pipeline", "report"},
    {"cli"},
    {"__main__"},
)
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}

HEAVY = {
    "PIL",
    "ai_edge_litert",
    "coremltools",
    "executorch",
    "jax",
    "litert_torch",
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "plotly",
    "rich",
    "safetensors",
    "torch",
}

SHOW_IMPORTS = """
import json, sys
{code}
print("\\n" + json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


def of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def unit(path: Path) -> str:
    return path.relative_to(TOOLKIT).parts[0].removesuffix(".py")


def imported_by(code: str) -> set[str]:
    argv = [sys.executable, "-c", SHOW_IMPORTS.format(code=code)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_module_has_a_rank():
    assert {unit(path) for path in TOOLKIT.rglob("*.py")} - {"__init__"} <= set(RANK)


@pytest.mark.parametrize("path", sorted(TOOLKIT.rglob("*.py")), ids=of)
def test_imports_point_down(path):
    names = [name.split(".") for name in imports(path)]
    theirs = {parts[1] for parts in names if parts[0] == "attnbench" and len(parts) > 1}
    mine = unit(path)
    for other in theirs & set(RANK) - {mine}:
        assert RANK[other] < RANK[mine], f"{mine} must not import {other}"


@pytest.mark.parametrize("path", sorted(MODELS.rglob("*.py")), ids=of)
def test_models_know_nothing_of_the_toolkit(path):
    assert not [name for name in imports(path) if name.split(".")[0] == "attnbench"]


def test_only_the_pipeline_knows_a_backend_and_a_device_at_once():
    both = set()
    for path in TOOLKIT.rglob("*.py"):
        names = {name.split(".")[1] for name in imports(path) if name.startswith("attnbench.")}
        if {"backends", "devices"} <= names:
            both.add(unit(path))
    assert both == {"pipeline"}


def test_python_never_loads_onnx_runtime():
    """
    It would start its telemetry; the runner switches that off before it loads the library.

    So does the process of an export, where alone its quantiser is imported.
    """
    loaders = {
        of(path) for path in FILES for name in imports(path) if name.startswith("onnxruntime")
    }
    assert loaders == {"toolkit/attnbench/backends/onnx_int8.py"}


@pytest.mark.parametrize("path", FILES, ids=of)
def test_files_and_functions_are_small(path):
    source = path.read_text()
    assert source.count("\n") <= 300
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 40, node.name


def test_importing_the_command_line_imports_nothing_heavy():
    assert imported_by("import attnbench.cli") & HEAVY == set()


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([c, "--help"] for c in COMMANDS)])
def test_help_imports_nothing_heavy(words):
    code = f"from attnbench.cli import main; main({words}, standalone_mode=False)"
    assert imported_by(code) & HEAVY == set()


def test_the_check_itself_sees_what_is_imported():
    assert "numpy" in imported_by("import numpy.linalg")
