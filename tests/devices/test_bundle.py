"""What is sent can be loaded there."""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from attnbench.devices import bundle as module
from attnbench.devices import elf, wheels
from attnbench.devices.bundle import LARGEST_BYTES, PAGE_BYTES, Bundle, assemble
from attnbench.errors import BadOption, MissingTool
from attnbench.runner import ENGINES, find

HERE = platform.machine()
CROSS = shutil.which("aarch64-linux-gnu-g++")
needs_cross = pytest.mark.skipif(
    CROSS is None, reason="no cross compiler; apt-get install g++-aarch64-linux-gnu"
)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bundle_for_this_machine(engine):
    bundle = assemble(engine, HERE)
    assert bundle.version == find(engine).version
    assert bundle.bytes <= LARGEST_BYTES
    assert bundle.command(PurePosixPath("/d")) == ("/d/attnbench-runner",)
    assert assemble(engine, HERE).key == bundle.key


@needs_cross
@pytest.mark.slow
@pytest.mark.parametrize("private_loader", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_bundle_for_arm(engine, private_loader):
    bundle = assemble(engine, "aarch64", private_loader=private_loader)
    assert bundle.version == find(engine).version
    assert bundle.bytes <= LARGEST_BYTES
    for path in bundle.content.values():
        kind = elf.read(path)
        assert kind.machine == "aarch64"
        assert kind.alignment_bytes % PAGE_BYTES == 0, path
    assert ("libattnbench_executorch.so" in bundle.content) == (engine == "executorch")
    assert ("lib/libc.so.6" in bundle.content) == private_loader
    assert len({bundle.key, assemble(engine, HERE).key}) == 2


@needs_cross
@pytest.mark.slow
def test_what_is_linked_to_is_in_the_bundle_or_the_system():
    bundle = assemble("executorch", "aarch64", private_loader=True)
    names = {Path(name).name for name in bundle.content}
    for path in bundle.content.values():
        done = subprocess.run(
            ["aarch64-linux-gnu-readelf", "-d", path], capture_output=True, text=True, check=True
        )
        for line in done.stdout.splitlines():
            if "(NEEDED)" in line:
                assert line.partition("[")[2].rstrip("]") in names, path


def test_the_private_loader_comes_first():
    bundle = Bundle("litert", "1", "aarch64", {}, "ld-linux-aarch64.so.1")
    home = PurePosixPath("/data/local/tmp/a b")
    assert bundle.command(home) == (
        f"{home}/lib/ld-linux-aarch64.so.1",
        "--library-path",
        f"{home}/lib",
        f"{home}/attnbench-runner",
    )
    assert f"{home}/lib" in bundle.options(home)


def test_without_a_cross_compiler_its_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "wheel_for", lambda name, machine, version="": find(name))
    with pytest.raises(MissingTool, match="no C\\+\\+ compiler for aarch64") as caught:
        assemble("litert", "aarch64")
    assert caught.value.hint == "apt install g++-aarch64-linux-gnu"


def bundle_of(tmp_path, **files: bytes) -> Bundle:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return Bundle("litert", "1", "aarch64", {name: tmp_path / name for name in files})


def binary(machine: int = 183, alignment: int = 0x10000, bits: int = 2, stored: int = 0) -> bytes:
    header = struct.pack(
        "<4sBB10xHHIQQQIHHHHHH", b"\x7fELF", bits, 1, 3, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, stored, stored, alignment)


def test_another_content_is_another_key(tmp_path):
    keys = {
        bundle_of(tmp_path / str(number), runner=content).key
        for number, content in enumerate((b"a", b"b"))
        if not (tmp_path / str(number)).mkdir()
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (binary(machine=243), "the device is aarch64, this is for machine 243"),
        (b"#!/bin/sh\n", "the device is aarch64, this is no binary"),
        (binary(alignment=4096), "aligned for pages of 4096 bytes, and the device's have 16384"),
        (binary(bits=1), "the device is aarch64, this is for a machine of 32 bits"),
        (binary(bits=3), "damaged: not a little-endian binary"),
        (binary(stored=1 << 20), "damaged: cut off"),
        (binary()[:80], "damaged"),
        (b"\x7fELF", "damaged"),
        (b"\0" * (LARGEST_BYTES + 1), "more than 32"),
    ],
)
def test_what_would_fail_there_fails_here(tmp_path, content, said):
    with pytest.raises(MissingTool, match=said):
        module._check(bundle_of(tmp_path, runner=content))
    if len(content) <= LARGEST_BYTES:  # a mistake in an option, if it is the user's
        with pytest.raises(BadOption, match=rf"--runner .*/runner: .*{said}"):
            module._check_own(tmp_path / "runner", "aarch64", PAGE_BYTES)


def test_a_runner_of_ones_own_needs_no_larger_pages_than_the_device(tmp_path):
    (tmp_path / "runner").write_bytes(binary(alignment=4096))
    module._check_own(tmp_path / "runner", "aarch64", 4096)
    with pytest.raises(BadOption, match="the device's have 16384") as caught:
        module._check_own(tmp_path / "runner", "aarch64", PAGE_BYTES)
    assert "max-page-size=16384" in caught.value.hint


def test_the_reader_of_binaries(tmp_path):
    (tmp_path / "good").write_bytes(binary())
    assert elf.read(tmp_path / "good") == elf.Elf("aarch64", 0x10000)
    assert elf.read(Path(sys.executable)).machine == HERE
    assert elf.read(Path(__file__)) is None


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "attnbench" / "wheels" / "aarch64"


def test_without_a_network_the_error_says_what_to_do(fresh_cache, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    with pytest.raises(MissingTool, match=r"onnxruntime==.* for aarch64 cannot be down") as caught:
        wheels.wheel_for("onnxruntime", "aarch64")
    assert "needed once" in caught.value.hint
    assert not list(fresh_cache.glob("*"))


def test_another_machine_has_no_runtimes(fresh_cache):
    with pytest.raises(MissingTool, match="no runtimes for riscv64"):
        wheels.wheel_for("litert", "riscv64")


def test_a_wheel_in_a_folder_needs_no_network(fresh_cache, monkeypatch, tmp_path):
    import zipfile

    version = find("litert").version
    name = f"ai_edge_litert-{version}"
    links = tmp_path / "links"
    links.mkdir()
    info = f"{name}.dist-info"
    with zipfile.ZipFile(links / f"{name}-cp311-cp311-manylinux_2_27_aarch64.whl", "w") as wheel:
        wheel.writestr("ai_edge_litert/libLiteRt.so", binary())
        wheel.writestr("ai_edge_litert/interpreter.py", b"")
        wheel.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: ai-edge-litert\nVersion: {version}\n",
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-none\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    found = wheels.wheel_for("litert", "aarch64")
    assert [path.name for path in found.libraries] == ["libLiteRt.so"]
    assert not (found.package / "interpreter.py").exists()
    shutil.rmtree(links)
    assert wheels.wheel_for("litert", "aarch64") == found
