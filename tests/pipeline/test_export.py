"""The export cache: what it keeps, what it trusts, and what becomes of exports that go wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from attnbench import artifacts
from attnbench.errors import BadArtifact, BadOption, ExportError, MissingTool
from attnbench.files import digest
from attnbench.pipeline import export as pipeline
from tests.pipeline.conftest import ROOT, SMALL

pytestmark = pytest.mark.usefixtures("cache", "plugin")

DAMAGES = {
    "artifact changed": ("*.quick", lambda path: path.write_bytes(b"x" + path.read_bytes()[1:])),
    "artifact cut": ("*.quick", lambda path: path.write_bytes(path.read_bytes()[:-1])),
    "artifact gone": ("*.quick", Path.unlink),
    "manifest cut": ("*.quick.json", lambda path: path.write_bytes(path.read_bytes()[:50])),
    "manifest gone": ("*.quick.json", Path.unlink),
    "manifest of another schema": ("*.quick.json", lambda path: path.write_text("{}")),
    "weights cut": ("*.safetensors", lambda path: path.write_bytes(path.read_bytes()[:-4])),
    "weights gone": ("*.safetensors", Path.unlink),
    "note gone": ("artifact.txt", Path.unlink),
    "note empty": ("artifact.txt", lambda path: path.write_bytes(b"")),
    "note names nothing": ("artifact.txt", lambda path: path.write_text('"absent"')),
}


@pytest.fixture
def no_process(monkeypatch):
    def run(*_, **__):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "run", run)


@pytest.fixture
def in_process(monkeypatch):
    """Workers without their process, where only the cache is in question."""

    def run(task, folder):
        from attnbench.pipeline import worker

        artifacts.save_manifest(worker.make(task))

    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    monkeypatch.setattr(pipeline, "_run_worker", run)


def entries(cache: Path) -> list[Path]:
    return [one for one in (cache / "exports").iterdir() if one.name[0] != "."]


def leftovers(cache: Path) -> list[Path]:
    return [one for one in (cache / "exports").iterdir() if one.name[0] == "."]


def test_a_second_export_starts_no_process(make, monkeypatch, request):
    first, ended = make()
    assert ended == {"export quick": "done"}
    request.getfixturevalue("no_process")
    second, ended = make()
    assert ended == {"export quick": "cached"}
    assert second == first


def test_what_is_published_is_whole_and_remembered(make, tmp_path):
    made = make()[0].artifacts[0]
    assert artifacts.load(Path(made.path)) == made
    assert artifacts.last(tmp_path / "out") == (made,)
    assert artifacts.weights_of(made).parent == tmp_path / "out"
    assert not [path for path in (tmp_path / "out").iterdir() if path.name[0] == "."]


def test_nothing_but_the_entry_stays_in_the_cache(make, cache, in_process):
    make()
    assert len(entries(cache)) == 1
    assert leftovers(cache) == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_made_again(make, cache, in_process, damage):
    first = make()[0].artifacts[0]
    pattern, spoil = DAMAGES[damage]
    [file] = entries(cache)[0].glob(pattern)
    spoil(file)
    again, ended = make()
    assert ended == {"export quick": "done"}
    assert again.artifacts == (first,)
    assert artifacts.load(Path(first.path)) == first
    assert make()[1] == {"export quick": "cached"}


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"no weights")])
def test_damaged_weights_in_the_cache_are_made_again(make, cache, in_process, spoil):
    first = make()[0].artifacts[0]
    [weights] = (cache / "weights").glob("*/weights.safetensors")
    spoil(weights)
    second = make(skip=("fold-batchnorm",))[0].artifacts[0]
    assert second.reference.sha256 == first.reference.sha256 == digest(weights)


def test_another_version_of_a_tool_is_another_export(make, plugin, in_process):
    first = make()[0].artifacts[0]
    plugin("1.1")
    again, ended = make()
    assert ended == {"export quick": "done"}
    assert (first.tools, again.artifacts[0].tools) == (
        {"attnbench-fakes": "1.0"},
        {"attnbench-fakes": "1.1"},
    )


@pytest.mark.parametrize(
    "change",
    [
        {"skip": ("fold-batchnorm",)},
        {"blocks": ("features.*.project",)},
        {"recipe": replace(SMALL, seed=1)},
        {"recipe": replace(SMALL, size=(32, 48))},
        {"recipe": replace(SMALL, width=0.5)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_was_asked_for_differently_is_another_export(make, in_process, change):
    first = make()[0].artifacts[0]
    made, ended = make(**change)
    assert ended == {"export quick": "done"}
    assert made.artifacts[0].path != first.path
    assert artifacts.load(Path(first.path)) == first


def test_extra_blocks_are_in_the_artifact(make, in_process):
    made = make(blocks=("features.*.project",))[0].artifacts[0]
    attention = [one.path for one in made.blocks if one.kind == "attention"]
    assert attention == [f"features.{number}.project" for number in range(17)]


def test_where_it_is_put_is_no_matter(make, tmp_path, in_process):
    make()
    made, ended = make(out=tmp_path / "elsewhere")
    assert ended == {"export quick": "cached"}
    assert Path(made.artifacts[0].path).parent == tmp_path / "elsewhere"


def test_a_folder_that_cannot_be_written_is_refused_at_once(make, tmp_path, no_process):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOption, match="cannot be written"):
        make(out=tmp_path / "file" / "out")
    with pytest.raises(BadOption, match="cannot be written"):
        make(out=Path("/proc/attnbench"))


def test_one_backends_refusal_does_not_stop_another(make):
    made, ended = make(backends=("refusing", "quick"))
    assert [one.backend for one in made.artifacts] == ["quick"]
    [failure] = made.failures
    assert (failure.backend, str(failure.error)) == ("refusing", "refusing: it was refused")
    assert isinstance(failure.error, ExportError)
    assert failure.error.hint == "try another"
    assert ended == {"export refusing": "failed", "export quick": "done"}


def test_a_process_that_crashes_names_the_signal_and_keeps_its_output(make, cache, tmp_path):
    made, _ = make("crashing")
    error = made.failures[0].error
    assert isinstance(error, ExportError)
    assert str(error) == "crashing: the export process was ended by SIGSEGV"
    log = Path(error.hint.removeprefix("its output is in "))
    assert "the last words of a converter" in log.read_text()
    assert entries(cache) == leftovers(cache) == []
    assert not (tmp_path / "out").exists()


def test_a_bug_keeps_its_traceback_in_the_log(make, cache):
    error = make("buggy")[0].failures[0].error
    assert str(error) == "buggy: the export process exited with 1"
    log = Path(error.hint.removeprefix("its output is in "))
    assert "ZeroDivisionError: a bug" in log.read_text()
    assert entries(cache) == leftovers(cache) == []


def test_a_missing_package_names_the_extra(make, monkeypatch):
    from attnbench.pipeline import identity

    def missing(name):
        raise identity.PackageNotFoundError(name)

    monkeypatch.setattr(identity, "version", missing)
    error = make("onnx")[0].failures[0].error
    assert isinstance(error, MissingTool)
    assert error.hint == "pip install 'attnbench[onnx]'"


def test_telemetry_is_off_in_every_export_process(make, monkeypatch):
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    made = make()[0].artifacts[0]
    assert Path(made.path).read_text().endswith("telemetry off: 1\n")


SCRIPT = """
from pathlib import Path
from attnbench.pipeline.export import Request, export
from attnbench.progress import Silent
from tests.pipeline.conftest import SMALL
made = export(Request(SMALL, ("{backend}",), Path("{out}")), Silent())
print([one.sha256 for one in made.artifacts], [str(one.error) for one in made.failures])
"""


def start(backend: str, out: Path, **environment: object) -> subprocess.Popen[str]:
    """An export in a process group of its own, as a shell would start it."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(backend=backend, out=out)],
        cwd=ROOT,
        env=os.environ | {key: str(value) for key, value in environment.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_an_export_that_is_killed_leaves_nothing_that_is_trusted(
    make, cache, tmp_path, monkeypatch
):
    wait = tmp_path / "wait"
    wait.touch()
    with start("slow", tmp_path / "out", ATTNBENCH_TEST_WAIT=wait) as process:
        while not wait.read_text():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert Path(wait.read_text()).read_text() == "half an artif"
    wait.unlink()
    assert entries(cache) == []
    assert not (tmp_path / "out").exists()
    monkeypatch.setenv("ATTNBENCH_TEST_WAIT", str(wait))
    made, ended = make("slow")
    assert ended == {"export slow": "done"}
    assert artifacts.load(Path(made.artifacts[0].path)) == made.artifacts[0]
    assert "half" not in Path(made.artifacts[0].path).read_text()


def test_two_exports_at_the_same_time_agree(cache, tmp_path):
    both = [start("quick", tmp_path / "out") for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert said[0][0].rstrip().endswith("] []")
    assert len(entries(cache)) == 1
    assert leftovers(cache) == []
    [made] = artifacts.last(tmp_path / "out")
    assert artifacts.weights_of(made).is_file()


class TestLoading:
    """What `parity` and `profile` take from the folder."""

    @pytest.fixture
    def made(self, make, in_process):
        return make()[0].artifacts[0]

    def test_a_changed_artifact_is_refused(self, made):
        with Path(made.path).open("ab") as file:
            file.write(b"\0")
        with pytest.raises(BadArtifact, match="has changed since its export") as caught:
            artifacts.load(Path(made.path))
        assert caught.value.exit_code == 2

    def test_missing_weights_are_named(self, made):
        weights = artifacts.weights_of(made)
        weights.unlink()
        with pytest.raises(BadArtifact, match=rf"{weights.name} is missing"):
            artifacts.weights_of(made)

    def test_changed_weights_are_refused(self, made):
        artifacts.weights_of(made).write_bytes(b"other weights")
        with pytest.raises(BadArtifact, match="has changed since"):
            artifacts.weights_of(made)

    def test_a_file_without_manifest_asks_for_its_reference(self, made):
        artifacts.manifest_of(Path(made.path)).unlink()
        with pytest.raises(BadArtifact, match="has no manifest") as caught:
            artifacts.load(Path(made.path))
        assert "--model" in caught.value.hint

    def test_nothing_exported_yet_says_how_to(self, tmp_path):
        with pytest.raises(BadArtifact, match="nothing was exported") as caught:
            artifacts.last(tmp_path / "empty")
        assert "attnbench export" in caught.value.hint
