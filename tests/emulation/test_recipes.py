"""What goes into images."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from attnbench.emulation import keys, tools
from attnbench.emulation.recipes import cpio, pixel4, rpi5

GOLDEN = Path(pixel4.__file__).parent / "root/system/etc/golden"
TEXTS = sorted(GOLDEN.glob("*/*.txt"))


class TestFirstRoot:
    def test_is_what_cpio_reads(self, tmp_path):
        entries = [
            cpio.file("bin/script", b"#!/bin/sh\n"),
            cpio.file("etc/text", b"odd", 0o600),
            cpio.link("lib", "usr/lib"),
            cpio.folder("data", 0o771),
        ]
        packed = cpio.pack(entries)
        assert len(packed) % 4 == 0
        members = dict(self.members(packed))
        assert members["bin/script"] == (0o100755, b"#!/bin/sh\n")
        assert members["etc/text"] == (0o100600, b"odd")
        assert members["lib"] == (0o120777, b"usr/lib")
        assert members["data"][0] == 0o040771
        assert members["etc"][0] == members["."][0] == 0o040755
        assert list(members)[-1] == "TRAILER!!!"

    def members(self, packed: bytes):
        """By the description in cpio(5), so that the reader is not the writer turned around."""
        at = 0
        while at < len(packed):
            assert packed[at : at + 6] == b"070701"
            fields = [int(packed[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
            size, name_size = fields[6], fields[11]
            name = packed[at + 110 : at + 110 + name_size - 1].decode()
            start = at + 110 + name_size
            start += -start % 4
            yield name, (fields[1], packed[start : start + size])
            at = start + size
            at += -at % 4

    def test_keys_are_the_client_s_and_the_machine_s(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tools, "tool", lambda name: name)
        entries = {one.path: one for one in keys.make(tmp_path, 40022)}
        known = (tmp_path / "known_hosts").read_text()
        assert known.startswith("[127.0.0.1]:40022 ssh-ed25519 ")
        assert entries["boot/ssh_host_ed25519_key"].mode == 0o100600
        assert entries["boot/authorized_keys"].data == (tmp_path / "identity.pub").read_bytes()
        assert stat.S_IMODE((tmp_path / "identity").stat().st_mode) == 0o600


class TestGoldenTexts:
    def test_there_are_three_of_each_release(self):
        names = {(path.parent.name, path.stem) for path in TEXTS}
        services = ("battery", "power", "thermalservice")
        assert names == {(release, one) for release in ("10", "12", "13") for one in services}

    @pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
    def test_each_says_where_its_format_is_from_and_is_small(self, path):
        lines = path.read_text().splitlines()
        release = f"Android {path.parent.name}"
        assert lines[0].startswith("# In the format of ")
        assert release in lines[0]
        assert f"/tags/android-{path.parent.name}.0.0_r1/" in lines[1]
        assert len(lines) < 60

    @pytest.mark.parametrize("recipe", [pixel4, rpi5])
    def test_no_script_needs_bash(self, recipe):
        folder = Path(recipe.__file__).parent
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.read_bytes().startswith(b"#!"):
                assert path.read_text().split("\n")[0] in (
                    "#!/system/bin/sh",
                    "#!/bin/sh",
                    "#!/bin/busybox sh",
                )
