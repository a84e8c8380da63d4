"""A phone's settings, asked for and put back, with stand-ins for its two programs."""

from __future__ import annotations

import os
from pathlib import PurePosixPath

import pytest

from attnbench.devices import settings
from attnbench.devices.local import LocalTransport
from attnbench.devices.settings import AWAKE, hold, restore
from attnbench.devices.shell import script
from attnbench.records import Wanted

BOTH = Wanted(stay_awake=True, fixed_performance=True)

# As SettingsService and PowerManagerShellCommand answer: null for what was never set.
SETTINGS = """#!/bin/sh
file={folder}/$3
case $1 in
get) if [ -f "$file" ]; then cat "$file"; else echo null; fi;;
put) echo "$4" >"$file";;
delete) rm "$file" && echo 'Deleted 1 rows';;
esac
"""
CMD = """#!/bin/sh
echo "$*" >>{folder}/said
exit {code}
"""


class Phone:
    def __init__(self, folder, *, code=0) -> None:
        self.folder = folder
        self.root = PurePosixPath(folder)
        self.transport = LocalTransport()
        for name, text in {"settings": SETTINGS, "cmd": CMD}.items():
            path = folder / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.format(folder=folder, code=code))
            path.chmod(0o755)

    @property
    def awake(self) -> str | None:
        path = self.folder / "stay_on_while_plugged_in"
        return path.read_text().strip() if path.exists() else None

    @property
    def said(self) -> list[str]:
        return [line.split()[-1] for line in (self.folder / "said").read_text().splitlines()]


@pytest.fixture
def phone(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return Phone(tmp_path)


@pytest.mark.parametrize("found", [None, "0", "3"])
def test_both_are_asked_for_and_put_back(phone, found):
    if found is not None:
        (phone.folder / "stay_on_while_plugged_in").write_text(f"{found}\n")
    for _ in range(2):  # the second time as after a lost connection: nothing is forgotten
        assert hold(phone.transport, phone.root, BOTH, (0,)) == ()
    assert phone.awake == AWAKE
    restore(phone.transport, phone.root)
    assert phone.awake == found
    assert phone.said[:2] == ["true", "true"]
    assert set(phone.said[2:]) == {"false"}
    assert not (phone.folder / "restore").exists()


def test_whoever_comes_next_puts_it_back(phone):
    hold(phone.transport, phone.root, BOTH, (0,))
    script(phone.transport, f"root=$1\n{settings.RESTORE}", phone.root)
    assert phone.awake is None
    assert phone.said[-1] == "false"


def test_what_the_user_has_set_so_already_is_left(phone):
    (phone.folder / "stay_on_while_plugged_in").write_text(f"{AWAKE}\n")
    hold(phone.transport, phone.root, Wanted(stay_awake=True), (0,))
    restore(phone.transport, phone.root)
    assert phone.awake == AWAKE


def test_what_is_not_to_be_had_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    phone = Phone(tmp_path, code=255)
    (tmp_path / "bin" / "settings").unlink()
    assert hold(phone.transport, phone.root, BOTH, (0,)) == ("stay_awake", "fixed_performance")
    restore(phone.transport, phone.root)


def test_nothing_is_asked_for_by_default(phone):
    assert hold(phone.transport, phone.root, Wanted(), (0,)) == ()
    assert not (phone.folder / "said").exists()
