"""Another version of a runtime: had without installing it, and told apart in the record."""

import base64
import hashlib
import platform
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import pytest

from attnbench.devices import DEVICES
from attnbench.errors import BadOption, MissingTool
from attnbench.pipeline.effort import INTERLEAVED
from attnbench.pipeline.noise import artifact_in
from attnbench.pipeline.runtimes import Runtime, check_used, place_with
from attnbench.pipeline.trial import Experiment, Plan, Side
from attnbench.progress import Silent
from attnbench.runner import find
from attnbench.runner.shipped import shipped

HOST = DEVICES.get("host")
OTHER = "9.9.9"
MACHINE = platform.machine()


@pytest.fixture
def links(tmp_path, monkeypatch):
    """A folder with a package that has the installed library under another version's name.

    Two true versions cannot be had without a network; the library itself says which one it is.
    """
    folder = tmp_path / "links"
    folder.mkdir()
    (library,) = find("onnxruntime").libraries
    content = library.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    name, info = f"onnxruntime/capi/libonnxruntime.so.{OTHER}", f"onnxruntime-{OTHER}.dist-info"
    path = folder / f"onnxruntime-{OTHER}-cp311-cp311-manylinux_2_28_{MACHINE}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(name, content)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: onnxruntime\nVersion: {OTHER}\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-none\n")
        wheel.writestr(f"{info}/RECORD", f"{name},sha256={digest},{len(content)}\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_and_b_run_in_their_own_runtimes(cache, links, tmp_path):
    other = Runtime.parse(f"onnxruntime=={OTHER}").on(HOST)
    assert other.version == OTHER
    assert cache in other.package.parents
    assert set(shipped(other).values()) == set(shipped(find("onnxruntime")).values())
    effort = replace(INTERLEAVED, paired_launches=0, iterations=1, warmup=0)
    artifact = artifact_in(tmp_path)
    sides = Side(artifact, effort), Side(artifact, replace(effort, runtime=other))
    pair = Experiment(*sides, HOST, Plan(seed=1, rounds=1)).run(Silent())
    opened = [set(one.measurement.libraries) for one in (pair.a, pair.b)]
    assert opened == [{find("onnxruntime").libraries[0].name}, {"libonnxruntime.so.1"}]
    assert all("binary" not in one.measurement.validity.reasons for one in (pair.a, pair.b))


def test_a_runtime_is_for_its_own_engine(links, cache):
    effort = replace(INTERLEAVED, runtime=Runtime.parse(f"onnxruntime=={OTHER}").on(HOST))
    assert effort.runtime_of("onnxruntime") is effort.runtime
    assert effort.runtime_of("litert") is None


def test_the_installed_version_needs_no_other(cache):
    installed = find("onnxruntime")
    assert Runtime.parse(f"onnxruntime=={installed.version}").on(HOST) == installed


def test_one_that_cannot_be_had_says_so(cache, links):
    with pytest.raises(MissingTool, match=r"onnxruntime==0\.0\.1 for .* cannot be downloaded"):
        Runtime.parse("onnxruntime==0.0.1").on(HOST)


@pytest.mark.parametrize("text", ["onnxruntime", "onnxruntime==", "numpy==2.0", "==1"])
def test_what_names_no_runtime_is_refused(text):
    with pytest.raises(BadOption, match="is not PACKAGE==VERSION"):
        Runtime.parse(text)


def unpacked(cache, engine, version):
    """The installed package, put where one of that version would be."""
    package = find(engine).package
    folder = cache / "wheels" / MACHINE / f"{find(engine).engine.distribution}-{version}"
    folder.mkdir(parents=True)
    (folder / package.name).symlink_to(package)
    return folder / package.name


def test_one_that_the_runner_is_not_made_for_is_refused_before_anything_runs(cache):
    unpacked(cache, "litert", "2.1.5")
    with pytest.raises(
        MissingTool, match=r"ai-edge-litert==2\.1\.5: the runner is made for LiteRT"
    ):
        Runtime.parse("ai-edge-litert==2.1.5").on(HOST)


def test_one_without_what_the_runner_opens_is_refused(cache):
    package = unpacked(cache, "executorch", "1.4.1")
    package.unlink()
    (package / "lib").mkdir(parents=True)
    with pytest.raises(MissingTool, match=r"executorch==1\.4\.1 has no libexecutorch\.so"):
        Runtime.parse("executorch==1.4.1").on(HOST)


def test_a_runner_of_the_users_own_has_one_executorch(tmp_path):
    device = SimpleNamespace(place=HOST.place, name="phone", runner_sha256="0" * 64)
    place_with(find("litert"), device)
    with pytest.raises(BadOption, match="beside --runner is made for one version"):
        place_with(find("executorch"), device)


def test_one_that_nothing_runs_in_is_refused(tmp_path):
    onnx = artifact_in(tmp_path)
    check_used([None, find("onnxruntime")], [onnx, onnx])
    with pytest.raises(BadOption, match="neither A nor B runs in ai-edge-litert"):
        check_used([find("litert")], [onnx, onnx])


def test_without_a_runtime_the_place_is_the_devices_own():
    assert place_with(None, HOST) is HOST.place
