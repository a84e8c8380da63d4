"""Both machines, really booted, and left as they were: other tests use them too."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace

import pytest
from click.testing import CliRunner

from attnbench.cli import main
from attnbench.emulation import MACHINES, running, state, tools, up
from attnbench.emulation.archive import Archive
from attnbench.emulation.process import find
from attnbench.errors import DeviceError
from attnbench.files import cache_dir
from attnbench.progress import Silent
from tests.emulation.machines import OLD_PHONE, machines_in, own_machines, run, said

pytestmark = [pytest.mark.emulated, pytest.mark.slow]

CPU7 = "/sys/devices/system/cpu/cpu7/cpufreq"


def attnbench(*words: str):
    return CliRunner().invoke(main, ["emulate", *words])


@pytest.fixture
def others(emulation, tmp_path):
    """Another set of machines, which ends with the test."""
    with own_machines(tmp_path):
        yield


@pytest.fixture
def old_phone(old_machines):
    """By the user's command."""
    with machines_in(old_machines):
        done = attnbench("pixel4", "up", *OLD_PHONE.options.split())
        assert done.exit_code == 0, done.stderr
        yield running("pixel4")


class TestRaspberryPi:
    def test_is_a_board_of_four_arm_cores(self, rpi5):
        assert said(rpi5, "uname -m; nproc; id -un") == "aarch64\n4\npi"
        assert 'PRETTY_NAME="Debian GNU/Linux 12' in said(rpi5, "cat /etc/os-release")

    def test_is_up_in_time(self, rpi5):
        assert 0 < state.load("rpi5").boot_s < MACHINES["rpi5"].boot_deadline_s

    def test_clocks_and_temperature_can_be_read(self, rpi5):
        folder = "/sys/devices/system/cpu/cpu3/cpufreq"
        assert said(rpi5, f"cat {folder}/scaling_cur_freq") == "2400000"
        assert said(rpi5, "cat /sys/class/thermal/thermal_zone0/temp") == "45250"
        assert said(rpi5, "vcgencmd get_throttled; vcgencmd measure_temp") == (
            "throttled=0x0\ntemp=45.2'C"
        )

    def test_only_root_sets_the_governor(self, rpi5):
        governor = "/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor"
        assert run(rpi5, f"echo performance >{governor}").returncode != 0
        for value in ("performance", said(rpi5, f"cat {governor}")):
            said(rpi5, f"echo {value} | sudo -n tee {governor}")
            assert said(rpi5, "cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") == value

    def test_copies_files_by_sftp(self, rpi5, tmp_path):
        (tmp_path / "file").write_bytes(os.urandom(100_000))
        argv = ["scp", "-q", *rpi5.ssh_options, tmp_path / "file", "pi@127.0.0.1:copied file"]
        subprocess.run(argv, check=True, timeout=60)
        assert said(rpi5, "stat -c %s 'copied file'") == "100000"

    def test_nobody_else_s_key_gets_in(self, rpi5, tmp_path):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"]
        subprocess.run(argv, check=True)
        other = run(replace(rpi5, identity=tmp_path / "key"), "true")
        assert other.returncode == 255
        assert "Permission denied" in other.stderr


class TestPhone:
    def test_is_what_a_phone_is_to_a_program(self, pixel4):
        assert said(pixel4, "uname -m; nproc; id -u; id -un") == "aarch64\n8\n2000\nshell"
        for path in ("/lib", "/lib64", "/usr", "/tmp"):
            assert run(pixel4, f"ls {path}").returncode != 0, path
        for path in ("/", "/system/bin", "/data", "/sys", "/mnt"):
            assert run(pixel4, f"touch {path}/x").returncode != 0, path
        said(pixel4, "touch /data/local/tmp/x && rm /data/local/tmp/x")
        assert "ro," in next(line for line in said(pixel4, "mount").split("\n") if " / " in line)

    def test_has_the_clusters_of_a_snapdragon_855(self, pixel4):
        command = "cat /sys/devices/system/cpu/cpu?/cpufreq/cpuinfo_max_freq"
        clocks = said(pixel4, command).split()
        assert clocks == 4 * ["1785600"] + 3 * ["2419200"] + ["2841600"]
        assert said(pixel4, "cat /sys/devices/system/cpu/cpufreq/policy4/related_cpus") == "4 5 6"
        assert said(pixel4, "taskset 80 nproc") == "1"

    def test_is_locked(self, pixel4):
        for command in (
            f"echo performance >{CPU7}/scaling_governor",
            f"chmod 666 {CPU7}/scaling_governor",
            "cat /sys/class/thermal/thermal_zone0/temp",
            "cat /sys/class/thermal/thermal_zone0/type",
        ):
            assert run(pixel4, command).returncode != 0, command

    def test_a_program_for_another_linux_is_not_found(self, pixel4, tmp_path):
        archive = Archive(cache_dir("emulation", "archive"))
        (package,) = (
            one for one in archive.resolve(["adbd", "mksh", "toybox"]) if one.name == "mksh"
        )
        (deb,) = archive.fetch([package])
        subprocess.run([tools.tool("dpkg-deb"), "--extract", deb, tmp_path], check=True)
        for name, path in {"plain": "bin/mksh", "static": "bin/lksh"}.items():
            push = [*pixel4.adb, "push", tmp_path / path, f"/data/local/tmp/{name}"]
            subprocess.run(push, check=True, stdout=subprocess.DEVNULL, timeout=60)
        refused = run(pixel4, "/data/local/tmp/plain -c 'echo hello'")
        # mksh's answer, and so Android's, where other shells say 127.
        assert refused.returncode == 126
        assert "No such file or directory" in refused.stderr
        assert run(pixel4, "/data/local/tmp/nothing").returncode == 127
        assert said(pixel4, "/data/local/tmp/static -c 'echo hello'") == "hello"

    def test_answers_as_the_release_does(self, pixel4):
        assert said(pixel4, "getprop ro.build.version.release; getprop ro.product.model") == (
            "13\nPixel 4"
        )
        thermal = said(pixel4, "dumpsys thermalservice")
        assert thermal.startswith("IsStatusOverride: false\n")
        assert "Temperature static thresholds from HAL:" in thermal
        assert "  Dock powered: false\n" in said(pixel4, "dumpsys battery")
        assert "  mWakefulness=" in said(pixel4, "dumpsys power")
        said(pixel4, "cmd power set-fixed-performance-mode-enabled true")

    def test_remembers_settings(self, pixel4):
        key = "global stay_on_while_plugged_in"
        assert said(pixel4, f"settings get {key}") == "0"
        assert said(pixel4, f"settings put {key} 3; settings get {key}") == "3"
        assert said(pixel4, "settings get global nothing") == "null"
        said(pixel4, f"settings put {key} 0")

    def test_up_again_finds_it_even_without_its_adb_server(self, pixel4):
        state.load("pixel4").adb.end()
        again = up(MACHINES["pixel4"], Silent())
        assert again.boot_id == pixel4.boot_id == said(again, "cat /proc/sys/kernel/random/boot_id")
        assert again.serial == pixel4.serial


class TestCommand:
    def test_status_is_one_document(self, rpi5):
        done = attnbench("rpi5", "status", "--json")
        (row,) = json.loads(done.stdout)["emulations"]
        assert (row["name"], row["up"], row["clock"]) == ("rpi5", True, "monotonic")
        assert row["boot_id"] == rpi5.boot_id
        assert row["command"] == rpi5.argv

    def test_up_is_idempotent_but_does_not_change_a_machine(self, rpi5):
        done = attnbench("rpi5", "up")
        assert done.exit_code == 0
        assert running("rpi5").boot_id == rpi5.boot_id
        done = attnbench("rpi5", "up", "--cpu", "max")
        assert done.exit_code == 2
        assert "hint: attnbench emulate rpi5 down" in done.stderr

    def test_a_phone_unlocked_of_another_release_that_is_ended(self, old_phone):
        said(old_phone, f"echo performance >{CPU7}/scaling_governor")
        assert said(old_phone, f"cat {CPU7}/scaling_governor") == "performance"
        assert said(old_phone, "cat /sys/class/thermal/thermal_zone0/temp") == "31000"
        assert "static thresholds" not in said(old_phone, "dumpsys thermalservice")
        assert run(old_phone, "cmd power set-fixed-performance-mode-enabled true").returncode == 255

        known = state.load("pixel4")
        for _ in range(2):  # what is not up needs no ending, and that is no mistake
            assert attnbench("pixel4", "down").exit_code == 0
        assert find(known.qemu.pid) is None
        assert find(known.adb.pid) is None

    def test_one_that_does_not_come_up_says_why(self, others):
        hopeless = replace(MACHINES["rpi5"], ready="never", boot_deadline_s=1.0)
        with pytest.raises(DeviceError, match=r"is not up after 1 s; its console:"):
            up(hopeless, Silent())
        assert state.load("rpi5") is None

    def test_one_that_qemu_refuses_says_why(self, others):
        with pytest.raises(DeviceError, match="qemu did not start"):
            up(replace(MACHINES["rpi5"], cpu="cortex-a1"), Silent())

    def test_options_of_up_are_refused_elsewhere(self, others):
        assert attnbench("rpi5", "down", "--cpu", "max").exit_code == 2
        assert attnbench("rpi5", "up", "--unlocked").exit_code == 2
        assert attnbench("pixel5", "up").exit_code == 2
