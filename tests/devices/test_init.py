"""`device init`: what it writes is what it found, can be read, and is used."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from attnbench.cli import main
from attnbench.devices import DEVICES
from attnbench.devices.init import explore, measured, named, tried
from attnbench.devices.profile import DeviceProfile, read
from attnbench.devices.reach import Reached
from attnbench.devices.tables import Cluster, Found, Peak, Peaks
from attnbench.devices.toml import render, written
from attnbench.errors import BadOption, DeviceError
from attnbench.runner import Finished

ROW = {
    "cluster": "big",
    "threads": 2,
    "simd": "neon",
    "fp32_gflop_s": 76.8,
    "fp32_spread": 0.01,
    "copy_gb_s": 11.5,
    "copy_spread": 0.0,
    "triad_gb_s": 12.25,
    "triad_spread": 0.125,
}
FULL = DeviceProfile(
    name="board",
    transport="ssh://me@board:2222",
    model='A "board"\\ with ünusual\t\x7f words',
    soc="SoC # not a comment",
    workdir="~/work dir",
    threads=2,
    cpus=(2, 3),
    clusters=(
        Cluster(name="little", cpus=(0, 1)),
        Cluster(name="big", cpus=(2, 3), max_khz=2400000),
    ),
    governor="performance",
    cooldown_s=120.0,
    start_temperature_c=47.5,
    private_loader=True,
    stay_awake=True,
    found=Found(machine="aarch64", features=("asimd",), page_bytes=16384, settable=("governor",)),
    peaks=Peaks(measured=(Peak(**ROW),)),
)


def attnbench(*words: str):
    return CliRunner().invoke(main, ["device", "init", *words])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"peaks": Peaks(unknown="emulated: and so on")},
        {"peaks": None, "found": None, "clusters": (), "cpus": ()},
        {"start_temperature_c": None, "governor": "", "found": Found()},
    ],
    ids=["all", "unknown peaks", "little", "no settings"],
)
def test_what_is_written_is_read_back(tmp_path, changes):
    import msgspec

    profile = msgspec.structs.replace(FULL, **changes)
    path = tmp_path / "board.toml"
    assert written(path, profile) == profile
    assert read(path) == profile


def test_every_remark_is_a_comment(tmp_path):
    text = render(FULL, head="one\ntwo", remarks={"cpus": "why", "clusters.1.cpus": "mask c"})
    assert text.startswith("# one\n# two\n")
    assert "cpus = [2, 3]  # why\n" in text
    assert "cpus = [2, 3]  # mask c\n" in text
    assert tomllib.loads(text)["name"] == "board"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cluster": "small"}, "peaks: of clusters that there are"),
        ({"threads": 3}, "peaks: of clusters that there are"),
        ({"threads": 0}, "threads: at least 1"),
        ({"fp32_gflop_s": 0.0}, "fp32_gflop_s: above 0"),
        ({"copy_gb_s": float("inf")}, "copy_gb_s: above 0"),
        ({"triad_spread": -0.1}, "triad_spread: at least 0"),
    ],
)
def test_peaks_that_cannot_be_are_refused(tmp_path, changes, said):
    path = tmp_path / "board.toml"
    text = render(FULL, head="", remarks={})
    for key, value in changes.items():
        new = f'"{value}"' if isinstance(value, str) else value
        old = f'"{ROW[key]}"' if isinstance(value, str) else ROW[key]
        before, head, rows = text.partition("[[peaks.measured]]")
        text = before + head + rows.replace(f"{key} = {old}", f"{key} = {new}")
    path.write_text(text)
    with pytest.raises(BadOption, match=said):
        read(path)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("[peaks]\n", "either measured, or unknown"),
        ('[peaks]\nunkown = "typo"\n', "unknown key 'unkown'"),
        ("[found]\npage_bites = 1\n", "unknown key 'page_bites'"),
        ('[found]\npage_bytes = "4k"\n', "found.page_bytes: Expected"),
    ],
)
def test_the_tables_are_strict(tmp_path, lines, said):
    path = tmp_path / "board.toml"
    head = 'name = "board"\ntransport = "local"\nmodel = "m"\nsoc = "s"\nworkdir = "/w"\n'
    path.write_text(head + lines)
    with pytest.raises(BadOption, match=said):
        read(path)


@pytest.mark.parametrize(
    ("transport", "model", "name"),
    [
        ("ssh:pi@raspberrypi.local", "", "raspberrypi"),
        ("ssh:rpi5", "", "rpi5"),
        ("ssh://pi@board.lan:2222", "", "board"),
        ("ssh:pi@192.168.1.20", "", "192.168.1.20"),
        ("ssh:My_Board", "", "my-board"),
        ("adb", "Pixel 8 Pro", "pixel-8-pro"),
        ("adb:1A2B", "", "device"),
        ("local", "whatever", "this-machine"),
        ("emulated:rpi5", "qemu", "rpi5-emulated"),
    ],
)
def test_names(transport, model, name):
    assert named(transport, model) == name
    DeviceProfile(name=name, transport="local", model="", soc="", workdir="/w")


class TestThisMachine:
    def test_what_is_found_is_true(self, tmp_path):
        profile = explore("local").profile
        assert profile.name == "this-machine"
        assert {cpu for one in profile.clusters for cpu in one.cpus} == os.sched_getaffinity(0)
        assert profile.found.page_bytes == os.sysconf("SC_PAGESIZE")
        assert profile.found.machine == os.uname().machine
        assert set(profile.cpus) <= set(profile.clusters[-1].cpus)

    def test_settings_are_as_before(self, tmp_path):
        looked = explore("local", workdir=str(tmp_path / "work"))
        governors = sorted(Path("/sys/devices/system/cpu").glob("cpu*/cpufreq/scaling_governor"))
        before = [one.read_text() for one in governors]
        found = tried(looked).profile
        assert [one.read_text() for one in governors] == before
        assert (found.governor == "performance") == ("governor" in found.found.settable)
        assert not (tmp_path / "work" / "restore").exists()

    def test_of_an_emulated_device_peaks_are_unknown(self, tmp_path):
        from dataclasses import replace

        looked = explore("local", workdir=str(tmp_path / "work"))
        emulated = Reached(looked.reached.transport, emulated="cortex-a76")
        peaks = measured(replace(looked, reached=emulated), wanted=True).profile.peaks
        assert peaks.measured == ()
        assert peaks.unknown.startswith("emulated")
        assert measured(looked, wanted=False).profile.peaks == Peaks(unknown="not asked for")

    @pytest.mark.slow
    def test_from_nothing_to_a_profile_that_is_used(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        given = ["--host", "--name", "mine", "--workdir", str(tmp_path / "work"), "--no-peaks"]
        result = attnbench(*given, "--json")
        assert result.exit_code == 0, result.output
        (row,) = json.loads(result.stdout)["devices"]
        assert (row["name"], row["path"]) == ("mine", "mine.toml")
        device = DEVICES.get("./mine.toml")
        assert device.place("", ["about"], 60).code == 0
        again = attnbench(*given)
        assert again.exit_code == 2
        assert "--force" in again.stderr
        assert attnbench(*given, "--force").exit_code == 0

    @pytest.mark.slow
    def test_peaks_are_measured_per_cluster_and_number_of_threads(self, tmp_path, monkeypatch):
        """The whole way, over small arrays: how large they must be is tested with the runner."""
        import attnbench.devices.init as module
        from attnbench.runner import peaks

        def small(place, cpus, threads):
            def smaller(engine, words, timeout_s) -> Finished:
                return place(engine, [*words, "--array-kib", "4096"], timeout_s)

            return peaks(smaller, cpus, threads, repeats=2)

        monkeypatch.setattr(module, "peaks", small)
        looked = explore("local", workdir=str(tmp_path / "work"))
        profile = measured(looked, wanted=True).profile
        rows = {(one.cluster, one.threads) for one in profile.peaks.measured}
        assert rows == {
            (one.name, threads) for one in profile.clusters for threads in {1, len(one.cpus)}
        }
        assert written(tmp_path / "this-machine.toml", profile) == profile


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "exactly one of"),
        (["--host", "--adb"], "exactly one of"),
        (["--ssh", "a b"], "transport"),
        (["--ssh", "-oProxyCommand=id"], "transport"),
        (["--emulated", "rpi6"], "unknown emulated device"),
        (["--host", "--name", "A B"], "name"),
        (["--host", "--out", "x.json"], "ends in .toml"),
        (["--host", "--out", "x.toml", "--name", "y"], "not what x.toml is called"),
        (["--host", "--workdir", "relative"], "workdir"),
    ],
)
def test_what_cannot_be_asked_for(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = attnbench(*words)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = attnbench("--ssh", "pi@nowhere.invalid")
    assert result.exit_code == DeviceError.exit_code
    assert "nowhere.invalid" in result.stderr
    assert list(tmp_path.iterdir()) == []
