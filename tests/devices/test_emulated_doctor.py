"""`device init` and the doctor's ladder on arm64, behind a real sshd and a real adbd."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import PurePosixPath

import msgspec
import pytest
from click.testing import CliRunner

from attnbench.cli import main
from attnbench.devices.bundle import LIB, assemble
from attnbench.devices.diagnosis import diagnosed
from attnbench.devices.ladder import _run, climb, steps_of
from attnbench.devices.profile import read
from attnbench.devices.remote import Remote
from attnbench.pipeline.tiny import TINY
from attnbench.progress import Silent
from attnbench.runner.build import compiler_for
from attnbench.runner.peaks import read as read_peaks
from tests.devices.artifacts import make
from tests.emulation.machines import said

pytestmark = [pytest.mark.emulated, pytest.mark.slow]


def changed(device: Remote, **changes) -> Remote:
    """The same machine by another profile."""
    return Remote(msgspec.structs.replace(device.profile, **changes), device.reached)


def first_failure(device: Remote):
    return next(rung for rung in climb(steps_of(device)[:3], Silent()) if rung.state == "failed")


def attnbench(*words: str):
    return CliRunner().invoke(main, words)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """What the doctor exports is in the cache."""
    make(tmp_path_factory.mktemp("tiny"), TINY)


@pytest.mark.parametrize(
    ("name", "library", "settable", "clusters"),
    [
        ("rpi5", "glibc 2.36", ["governor"], [4]),
        ("pixel4", "bionic (Android 13)", ["stay_awake"], [4, 3, 1]),
    ],
)
def test_from_init_to_a_model(
    request, exported, tmp_path, monkeypatch, name, library, settable, clusters
):
    request.getfixturevalue(name)
    monkeypatch.chdir(tmp_path)
    result = attnbench("device", "init", "--emulated", name, "--out", "new.toml", "--json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["devices"]
    assert row["found"]["machine"] == "aarch64"
    assert row["found"]["c_library"] == library
    assert row["found"]["settable"] == settable
    assert row["private_loader"] == (name == "pixel4")
    assert [len(one["cpus"]) for one in row["clusters"]] == clusters
    profile = read(tmp_path / "new.toml")
    assert profile.cpus == (profile.clusters[-1].cpus[-1],)
    assert profile.peaks.measured == ()
    assert "emulated" in profile.peaks.unknown
    assert profile.start_temperature_c > 30

    done = attnbench("doctor", "--device", "./new.toml", "--bundle", "b.zip", "--json")
    assert done.exit_code == 0, done.output
    checks = json.loads(done.stdout)["checks"]
    assert all(one["ok"] for one in checks)
    assert sum(one["name"].startswith("model ") for one in checks) == 3


def test_peaks_count_the_same_there(pi, phone):
    for device in (pi, phone):
        words = ["peaks", "--threads", "1", "--iterations", "1", "--array-kib", "1024"]
        done = device.place("", words, 300)
        assert done.code == 0, done.stderr
        document = json.loads(done.stdout)
        assert read_peaks(done.stdout).simd == "neon"
        assert document["multiply_add"]["flop"] % (2 * 4 * 16 << 18) == 0
        assert document["copy"]["bytes"] == 2 << 20
        assert document["triad"]["bytes"] == 3 << 20


@pytest.fixture
def mounted(rpi5):
    """A file system of its own on the Pi, by its mount options."""
    folder = "/mnt/attnbench"

    def mount(options: str) -> str:
        said(rpi5, f"sudo mkdir -p {folder} && sudo mount -t tmpfs -o {options} none {folder}")
        return folder

    yield mount
    said(rpi5, f"sudo umount {folder}")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("mode=777,noexec", "may not be run"),
        ("mode=777,size=256k", "is full"),
        ("mode=777,ro", "is read-only"),
        ("mode=755", "is not ours to write"),
    ],
)
def test_a_workdir_that_will_not_do(pi, mounted, options, words):
    rung = first_failure(changed(pi, workdir=f"{mounted(options)}/work"))
    assert rung.name == "static binary"
    assert words in rung.found
    assert rung.exit_code == 5
    assert "workdir" in rung.hint


def test_a_phone_without_the_loader(phone):
    rung = first_failure(changed(phone, private_loader=False))
    assert rung.name == "loader"
    assert "not glibc" in rung.found
    assert "private_loader" in rung.hint


def test_what_a_phone_says_to_a_program_for_glibc(phone):
    done = _run(phone, assemble("", "aarch64"), "about")
    assert done.code in (126, 127)
    error = diagnosed(done, "the runner", "phone", phone.root)
    assert "finds no loader" in str(error)
    assert "private_loader" in error.hint


def test_a_library_that_misses_a_symbol(pi, tmp_path):
    source = tmp_path / "broken.cpp"
    source.write_text("void nowhere(); void (*pointer)() = nowhere;\n")
    broken = tmp_path / "libLiteRt.so"
    argv = [*compiler_for("aarch64"), "-shared", "-fPIC", source, "-o", broken]
    subprocess.run(argv, check=True)
    bundle = assemble("litert", "aarch64")
    content = dict(bundle.content) | {f"{LIB}/libLiteRt.so": broken}
    done = _run(pi, replace(bundle, content=content), "load", "litert")
    error = diagnosed(done, "the runner for litert", "pi", PurePosixPath("/x"))
    assert "misses a symbol" in str(error)
    assert "nowhere" in str(error)


def test_an_emulated_device_that_is_down(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNBENCH_EMULATED", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    result = attnbench("doctor", "--device", "rpi5-emulated", "--json")
    assert result.exit_code == 5
    first, *rest = json.loads(result.stdout)["checks"]
    assert (first["name"], first["ok"]) == ("reach", False)
    assert "attnbench emulate rpi5 up" in first["hint"]
    assert {one["ok"] for one in rest} == {None}
    assert (tmp_path / "doctor-rpi5-emulated.zip").is_file()
