"""Building on demand, with a compiler that only pretends."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.errors import MissingTool
from attnbench.files import STAGING
from attnbench.runner import find_all
from attnbench.runner.build import PLUGIN, build, build_static, source_key

# Writes its output file after a while, and a line into the log.
COMPILER = """#!/bin/sh
[ "$1" = --version ] && { echo "pretend $PRETEND_VERSION"; exit 0; }
[ -n "$PRETEND_ERROR" ] && { echo "x.cpp:1: error: no C++20" >&2; exit 1; }
case "$*" in
  *"${PRETEND_ERROR_IN:-nowhere}"*) echo "x.h:1: error: no such member" >&2; exit 1;;
esac
for word; do [ "$last" = -o ] && out=$word; last=$word; done
echo "$out" >> "$PRETEND_LOG"
: > "$out"
"""


@pytest.fixture
def module():
    # By its full name: as an attribute of the package, `build` is the function.
    return sys.modules["attnbench.runner.build"]


@pytest.fixture
def log(tmp_path, monkeypatch) -> Path:
    """A cache and a PATH of our own; the lines are the files that were compiled."""
    compiler = tmp_path / "bin" / "g++"
    compiler.parent.mkdir()
    compiler.write_text(COMPILER)
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "log").touch()
    monkeypatch.setenv("PATH", str(compiler.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PRETEND_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def compiled(log: Path) -> int:
    return len(log.read_text().splitlines())


def test_a_second_build_does_not_compile(log):
    first = build()
    count = compiled(log)
    assert count > 10
    assert first.is_file()
    assert first.with_name(PLUGIN).is_file()
    assert build() == first
    assert compiled(log) == count


def test_builds_at_the_same_time_agree(log, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(lambda _: build(), range(4)))
    assert len(set(built)) == 1
    assert built[0].is_file()
    left = [path.name for path in (tmp_path / "cache" / "attnbench" / "runner").iterdir()]
    assert left == [built[0].parent.name]


def test_what_a_killed_build_has_left_is_removed_by_the_next(log, tmp_path):
    left = tmp_path / "cache" / "attnbench" / "runner" / f"{STAGING}dead"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    assert build().is_file()
    assert not left.exists()


def test_without_executorch_there_is_no_plugin_and_no_error(log):
    wheels = {name: wheel for name, wheel in find_all().items() if name != "executorch"}
    runner = build(wheels=wheels)
    assert runner.is_file()
    assert not runner.with_name(PLUGIN).exists()


def test_another_compiler_version_builds_anew(log, monkeypatch):
    first = build()
    monkeypatch.setenv("PRETEND_VERSION", "2")
    assert build() != first


def test_changed_sources_build_anew(log, module, monkeypatch, tmp_path):
    first = build()
    copy = tmp_path / "attnbench" / "runner_src"
    shutil.copytree(module._sources(), copy)
    monkeypatch.setattr(module, "_SOURCE_FOLDERS", (copy,))
    assert build() == first
    (copy / "main.cpp").write_text("int main() {}")
    assert build() != first


def test_no_compiler_says_which_package_has_one(log, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingTool, match="no C\\+\\+ compiler") as caught:
        build()
    assert caught.value.hint == "apt install g++"


def test_another_machine_needs_its_own_compiler(log):
    with pytest.raises(MissingTool, match="aarch64-linux-gnu-g\\+\\+") as caught:
        build("aarch64")
    assert caught.value.hint == "apt install g++-aarch64-linux-gnu"


def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(log, monkeypatch, tmp_path):
    monkeypatch.setenv("PRETEND_ERROR", "1")
    with pytest.raises(MissingTool, match="error: no C\\+\\+20"):
        build()
    assert not list((tmp_path / "cache" / "attnbench" / "runner").iterdir())


def test_another_executorch_gets_a_plugin_of_its_own(log):
    other = replace(find_all()["executorch"], version="1.5.0")
    runner = build(wheels={**find_all(), "executorch": other})
    assert runner.with_name(PLUGIN).is_file()
    assert runner != build()


def test_headers_that_do_not_fit_are_blamed_on_their_version(log, monkeypatch):
    monkeypatch.setenv("PRETEND_ERROR_IN", "plugins")
    with pytest.raises(MissingTool, match=r"cannot build its plug-in with executorch==") as caught:
        build()
    assert "headers" in caught.value.hint


def test_a_prebuilt_runner_is_used_if_it_fits(log, module, monkeypatch, tmp_path):
    folder = tmp_path / "prebuilt" / os.uname().machine
    folder.mkdir(parents=True)
    (folder / "attnbench-runner").touch()
    (folder / "key").write_text(source_key(find_all()) + "\n")
    monkeypatch.setattr(module, "_PREBUILT", folder.parent)
    assert build() == folder / "attnbench-runner"
    assert compiled(log) == 0
    (folder / "key").write_text("made for another ExecuTorch")
    assert build() != folder / "attnbench-runner"


def test_a_prebuilt_runner_will_do_where_executorch_is_not_installed(
    log, module, monkeypatch, tmp_path
):
    made = build()
    shutil.copytree(made.parent, tmp_path / "prebuilt" / os.uname().machine)
    monkeypatch.setattr(module, "_PREBUILT", tmp_path / "prebuilt")
    count = compiled(log)
    wheels = {name: wheel for name, wheel in find_all().items() if name == "onnxruntime"}
    assert "prebuilt" in build(wheels=wheels).parts
    assert "prebuilt" in build_static(os.uname().machine).parts
    assert compiled(log) == count


@pytest.mark.slow
def test_the_real_one_compiles_without_a_warning(tmp_path, module, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "_FLAGS", (*module._FLAGS, "-Werror"))
    assert build().stat().st_size > 50_000
