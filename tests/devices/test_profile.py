"""Profiles are data that people write by hand: every slip is named, with the file and the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from attnbench.devices import DEVICES, lookup
from attnbench.devices.profile import DeviceProfile, overridden, read
from attnbench.errors import BadOption, UnknownName

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((ROOT / "device_profiles").glob("*.toml"))

GOOD = """
name = "board"
transport = "ssh:board"
model = "Board"
soc = "SoC"
workdir = "/home/me/attnbench"
threads = 2
cpus = [2, 3]

[[clusters]]
name = "big"
cpus = [2, 3]
max_khz = 1800000
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "board.toml") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_profile_is_good_and_called_like_its_file(path):
    assert read(path).name == path.stem


def test_the_shipped_profiles():
    names = {"host", "pixel4", "rpi4", "rpi5", "rpi5-emulated", "pixel4-emulated"}
    assert {path.stem for path in SHIPPED} == names
    assert set(DEVICES.names()) >= names


def test_masks_are_those_of_taskset():
    masks = {one.name: one.mask for one in read(ROOT / "device_profiles/pixel4.toml").clusters}
    assert masks == {"silver": "f", "gold": "70", "prime": "80"}


def test_a_good_profile(write):
    profile = read(write(GOOD))
    assert (profile.wire, profile.address, profile.cpus) == ("ssh", "board", (2, 3))
    assert profile.cooldown_s == 0
    assert profile.start_temperature_c is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("threads", "treads", "unknown key 'treads'"),
        ("max_khz", "max_mhz", r"clusters\[0\]: unknown key 'max_mhz'"),
        ('soc = "SoC"', "", "missing key 'soc'"),
        ("cpus = [2, 3]\nmax", "max", r"clusters\[0\]: missing key 'cpus'"),
        ("threads = 2", 'threads = "2"', "threads: Expected int, got str"),
        ("threads = 2", "threads = 1.5", "threads: Expected int, got float"),
        ("threads = 2", "threads = true", "threads: Expected int, got bool"),
        ("threads = 2", "threads = 0", "threads: at least 1"),
        ("threads = 2", "threads = 3", "threads: 3 are more than there are cpus, 2"),
        ("cpus = [2, 3]\n\n", "cpus = [1, 2]\n\n", r"cpus: \[1\] are in no cluster"),
        ("cpus = [2, 3]\n\n", "cpus = [2, 2]\n\n", "cpus: each once"),
        ("max_khz = 1800000", "max_khz = 0", "max_khz: above 0"),
        ("cpus = [2, 3]\nmax", "cpus = []\nmax", "cpus: at least one"),
        ("cpus = [2, 3]\nmax", "cpus = [2, -3]\nmax", "cpus: numbers from 0"),
        ('name = "board"', 'name = "../board"', "name: small letters"),
        ('name = "board"', 'name = "-board"', "name: small letters"),
        ("ssh:board", "telnet:board", "transport: one of local, ssh:HOST"),
        ("ssh:board", "ssh:-oProxyCommand=id", "transport: one of"),
        ("ssh:board", "ssh:a b", "transport: one of"),
        ("ssh:board", "ssh:", "transport: one of"),
        ("ssh:board", "adb:-s", "transport: one of"),
        ("ssh:board", "adb:a;id", "transport: one of"),
        ("ssh:board", "emulated:../x", "transport: one of"),
        ("ssh:board", "local:here", "transport: one of"),
        ("/home/me/attnbench", "/", "workdir: a folder of its own"),
        ("/home/me/attnbench", "~", "workdir: a folder of its own"),
        ("/home/me/attnbench", "attnbench", "workdir: a folder of its own"),
        ("/home/me/attnbench", "/home/../etc", "workdir: a folder of its own"),
        ("/home/me/attnbench", "/home/a:b", "workdir: without colons"),
        ("/home/me/attnbench", r"/home/a\nb", "workdir: without colons and control"),
        ("threads = 2", 'governor = "a; id"', "governor: a name"),
        ("threads = 2", "cooldown_s = -1", "cooldown_s: from 0"),
        ("threads = 2", "cooldown_s = nan", "cooldown_s: from 0"),
        ("threads = 2", "cooldown_s = inf", "cooldown_s: from 0"),
        ("threads = 2", "start_temperature_c = 400", "start_temperature_c: between"),
        ("threads = 2", "private_loader = 1", "private_loader: Expected bool"),
    ],
)
def test_a_slip_is_named(write, old, new, said):
    assert old in GOOD
    path = write(GOOD.replace(old, new, 1))
    with pytest.raises(BadOption, match=said) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint


def test_the_nearest_key_is_suggested(write):
    with pytest.raises(BadOption) as caught:
        read(write(GOOD.replace("workdir", "work_dir")))
    assert caught.value.hint == "did you mean 'workdir'?"


def test_what_is_no_toml_is_named(write, tmp_path):
    with pytest.raises(BadOption, match=r"board\.toml is not TOML"):
        read(write("name ="))
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(BadOption, match="is not TOML"):
        read(tmp_path / "bytes.toml")
    with pytest.raises(BadOption, match="No such file"):
        read(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("transport=ssh:pi@10.0.0.7", "transport", "ssh:pi@10.0.0.7"),
        ("transport=ssh://pi@board:2222", "transport", "ssh://pi@board:2222"),
        ("transport=adb:9A1AY1", "transport", "adb:9A1AY1"),
        ("transport=adb:127.0.0.1:5555", "transport", "adb:127.0.0.1:5555"),
        ("threads=1", "threads", 1),
        ("cpus=[3]", "cpus", (3,)),
        ("cooldown_s=2.5", "cooldown_s", 2.5),
        ("workdir=/home/me/a b's $HOME", "workdir", "/home/me/a b's $HOME"),
        ("private_loader=true", "private_loader", True),
        ("model=2001", "model", "2001"),
        ("governor=", "governor", ""),
    ],
)
def test_settings_go_over_the_profile(write, setting, key, value):
    profile = read(write(GOOD.replace("threads = 2", "threads = 1")))
    if key == "model":
        with pytest.raises(BadOption, match="model: Expected str, got int"):
            overridden(profile, [setting])
        return
    assert getattr(overridden(profile, [setting]), key) == value


@pytest.mark.parametrize(
    "setting", ["threads", "=1", "nothing=1", "threads=x", "threads=1\nname='x'", "workdir=/"]
)
def test_a_setting_that_does_not_fit_is_named(write, setting):
    with pytest.raises(BadOption, match="--set"):
        overridden(read(write(GOOD)), [setting])


def test_no_setting_changes_nothing(write):
    profile = read(write(GOOD))
    assert overridden(profile, []) is profile
    assert isinstance(overridden(profile, ["threads=1"]), DeviceProfile)


def test_profiles_are_looked_for_in_order(write, tmp_path, monkeypatch):
    write(GOOD.replace('name = "board"', 'name = "rpi5"'), "rpi5.toml")
    assert lookup.find("rpi5").soc == "BCM2712"
    monkeypatch.setenv("ATTNBENCH_DEVICES", f"/nowhere:{tmp_path}")
    assert lookup.find("rpi5").soc == "SoC"
    assert lookup.find(str(ROOT / "device_profiles" / "rpi5.toml")).soc == "BCM2712"


def test_a_path_is_taken_as_it_is(write, monkeypatch, tmp_path):
    write(GOOD, "mine.toml")
    monkeypatch.chdir(tmp_path)
    assert DEVICES.get("./mine.toml").name == "board"
    assert DEVICES.get("mine.toml", ["name=other"]).name == "other"


def test_a_profile_under_another_name_is_refused(write, monkeypatch, tmp_path):
    write(GOOD, "other.toml")
    monkeypatch.setenv("ATTNBENCH_DEVICES", str(tmp_path))
    with pytest.raises(BadOption, match="'board' is not the file's"):
        lookup.find("other")


def test_an_unknown_device_has_suggestions():
    with pytest.raises(UnknownName, match="device 'rpi6'") as caught:
        DEVICES.get("rpi6")
    assert "did you mean 'rpi" in caught.value.hint


def test_the_host_has_a_profile_too():
    assert DEVICES.get("host").name == "host"
    assert DEVICES.get("host", ["threads=2"]).threads == 2
    with pytest.raises(BadOption, match="unknown key 'thread'"):
        DEVICES.get("host", ["thread=2"])


def test_a_dot_leads_into_a_cluster(write):
    changed = overridden(read(write(GOOD)), ["clusters.big.max_khz=1500000"])
    assert changed.clusters[0].max_khz == 1500000


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("clusters.bg.max_khz=1", "--set clusters.bg.max_khz: there is no 'bg'"),
        ("cluster.big.max_khz=1", "--set cluster.big.max_khz: there is no 'cluster'"),
        ("threads.big=1", "--set threads.big: there is no 'threads' that has keys of its own"),
        ("clusters.big.max_mhz=1", r"clusters\[0\]: unknown key 'max_mhz'"),
        ("clusters.big.max_khz=fast", r"clusters\[0\].max_khz: Expected `?int"),
        ("stay_awake=7", "stay_awake: Expected bool"),
    ],
)
def test_a_slip_in_a_setting_is_named(write, setting, said):
    with pytest.raises(BadOption, match=said) as caught:
        overridden(read(write(GOOD)), [setting])
    assert caught.value.hint


def test_a_damaged_profile_does_not_hide_the_others(write, tmp_path, monkeypatch):
    write("nonsense", "broken.toml")
    monkeypatch.setenv("ATTNBENCH_DEVICES", str(tmp_path))
    said = dict(DEVICES.summaries())
    assert said["broken"].startswith("cannot be used: ")
    assert said["rpi5"] == "Raspberry Pi 5, BCM2712, ssh:rpi5"
