"""The wheel, as somebody gets it who has neither the checkout nor a compiler."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from attnbench.devices import elf

ROOT = Path(__file__).resolve().parents[2]
PREBUILT = f"attnbench/_prebuilt/{platform.machine()}"

pytestmark = pytest.mark.slow


def call(argv, **changes) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [str(word) for word in argv], capture_output=True, text=True, timeout=900, **changes
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index"]
    argv += ["--no-build-isolation", "--wheel-dir", folder, ROOT]
    call(argv, env={**os.environ, "ATTNBENCH_PREBUILT": "1"})
    (made,) = folder.glob("*.whl")
    return made


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel in it, and a folder and a home that were empty."""

    python: Path
    folder: Path
    environment: dict[str, str]

    def __call__(self, *words) -> str:
        command = self.python.with_name("attnbench")
        return call([command, *words], cwd=self.folder, env=self.environment).stdout


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Installed:
    root = tmp_path_factory.mktemp("installed")
    venv.create(root / "venv", symlinks=True)
    python = root / "venv" / "bin" / "python"
    argv = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"]
    call([*argv, wheel])
    # Dependencies come from this environment. A folder named in a .pth file has its own .pth
    # files ignored, so that the editable install in there does not count.
    (site,) = (root / "venv" / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for name in ("folder", "home"):
        (root / name).mkdir()
    environment = {"PATH": str(python.parent), "HOME": str(root / "home"), "COLUMNS": "200"}
    return Installed(python, root / "folder", environment)


def test_the_wheel_has_what_is_needed_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        "attnbench/py.typed",
        "attnbench_models/py.typed",
        "attnbench/report/page.css",
        "attnbench/report/page.js",
        "attnbench/runner_src/main.cpp",
        "attnbench/runner_src/engines/litert_api.h",
        "attnbench/runner_src/plugins/executorch.cpp",
        f"{PREBUILT}/attnbench-runner",
        f"{PREBUILT}/libattnbench_executorch.so",
        f"{PREBUILT}/attnbench-static",
        f"{PREBUILT}/key",
    } <= names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"attnbench", "attnbench_models", f"attnbench-{version('attnbench')}.dist-info"}
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_the_device_profiles_are_where_they_are_looked_up(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    profiles = {path.name for path in (ROOT / "device_profiles").glob("*.toml")}
    assert profiles
    assert {f"attnbench/device_profiles/{name}" for name in profiles} <= names


@pytest.mark.parametrize("home", ["toolkit/attnbench", "models/attnbench_models"])
def test_every_file_of_the_packages_is_in_the_wheel(wheel, home):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    top = (ROOT / home).parent
    files = {
        path.relative_to(top).as_posix() for path in (ROOT / home).rglob("*") if path.is_file()
    }
    assert not {name for name in files if "__pycache__" not in name} - names


def test_the_wheel_says_on_which_system_its_runner_runs(wheel):
    assert "-py3-none-manylinux_2_" in wheel.name
    assert wheel.name.endswith(f"_{platform.machine()}.whl")


def test_it_is_the_wheel_that_is_imported(installed):
    script = "import attnbench, attnbench_models as m; print(attnbench.__file__, m.__file__)"
    done = call([installed.python, "-c", script], cwd=installed.folder, env=installed.environment)
    venv_root = str(installed.python.parents[1])
    assert all(path.startswith(venv_root) for path in done.stdout.split())


def test_version_and_lists(installed):
    assert version("attnbench") in installed("--version")
    assert "coord" in installed("list", "blocks")


def test_doctor_finds_the_prebuilt_runner_and_no_compiler(installed):
    checks = {one["name"]: one for one in json.loads(installed("doctor", "--json"))["checks"]}
    assert all(one["ok"] for one in checks.values())
    assert f"{PREBUILT}/attnbench-runner" in checks["native runner"]["found"]


@pytest.mark.skipif(
    shutil.which("aarch64-linux-gnu-g++") is None,
    reason="no aarch64-linux-gnu-g++ to build a wheel with: apt install g++-aarch64-linux-gnu",
)
def test_phones_and_boards_need_no_compiler_either(installed):
    script = (
        "from attnbench.runner import build, build_static, find_all\n"
        "for engines in (find_all(), {}):\n"
        "    print(build('aarch64', engines))\n"
        "print(build_static('aarch64'))\n"
    )
    done = call([installed.python, "-c", script], cwd=installed.folder, env=installed.environment)
    found = [Path(line) for line in done.stdout.split()]
    assert [path.name for path in found] == ["attnbench-runner"] * 2 + ["attnbench-static"]
    assert {path.parent.name for path in found} == {"aarch64"}
    assert all("_prebuilt" in path.parts for path in found)
    kinds = [elf.read(path) for path in found]
    assert [kind.machine for kind in kinds if kind] == ["aarch64"] * 3


def test_a_model_is_exported_and_profiled_without_a_compiler(installed):
    recipe = ["--block", "se", "--width", "0.35", "--size", "32"]
    installed("export", *recipe, "--to", "onnx")
    (model,) = (installed.folder / "artifacts").glob("*.onnx")
    effort = ["--launches", "2", "--iterations", "5"]
    (one,) = json.loads(installed("profile", model, *effort, "--json"))["measurements"]
    assert one["engine"] == "onnxruntime"
    assert one["latency_ns"]["median"] > 0
    assert any(block["kind"] == "attention" for block in one["blocks"])
    assert not list(Path(installed.environment["HOME"]).glob(".cache/attnbench/runner/*"))
