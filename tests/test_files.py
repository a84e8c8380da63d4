"""What is half-way has a name that nothing reads, and does not stay."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from attnbench import files
from attnbench.files import STAGING, copy, no_room, staged, write

FULL = Path("/dev/full")

KILLED = """
import os, signal, sys
from pathlib import Path
from attnbench import files
final = Path(sys.argv[1])
if sys.argv[2] == "staged":
    with files.staged(final) as folder:
        (folder / "half").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
files.os.fsync = files.shutil.copyfile = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
files.write(final, "whole") if sys.argv[2] == "write" else files.copy(Path(__file__), final)
"""


def left(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(STAGING)]


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture(params=["staged", "write", "copy"])
def killed(request, tmp_path) -> Path:
    """What a process leaves that is killed half-way."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    folder = tmp_path / "cache"
    argv = [sys.executable, script, folder / "entry", request.param]
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(argv, env=os.environ | path).returncode == -signal.SIGKILL
    assert not (folder / "entry").exists()
    (found,) = left(folder)
    return found


def test_what_a_kill_has_left_is_removed_by_the_next(killed):
    with staged(killed.parent / "young"):
        assert killed.exists()  # its owner might not have locked it yet
    age(killed, files._YOUNG_S + 1)
    with staged(killed.parent / "next") as fresh:
        assert left(killed.parent) == [fresh]
    assert left(killed.parent) == []


def test_a_copy_removes_it_too(killed, tmp_path):
    age(killed, files._YOUNG_S + 1)
    write(tmp_path / "source", "text")
    copy(tmp_path / "source", killed.parent / "target")
    assert [path.name for path in killed.parent.iterdir()] == ["target"]


def test_what_somebody_is_filling_stays_however_old(tmp_path):
    with staged(tmp_path / "one") as slow:
        (slow / "file").write_text("slow")
        age(slow, 10 * files._OLD_S)
        with staged(tmp_path / "other"):
            pass
    assert (tmp_path / "one" / "file").read_text() == "slow"
    assert left(tmp_path) == []


def test_without_locks_it_goes_after_a_day(tmp_path, monkeypatch):
    """As on some network file systems."""

    def refused(*_):
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    ages = {"young": files._OLD_S - 60, "old": files._OLD_S + 60}
    for name, seconds in ages.items():
        (tmp_path / f"{STAGING}{name}").mkdir()
        age(tmp_path / f"{STAGING}{name}", seconds)
    with staged(tmp_path / "entry") as fresh:
        (fresh / "file").touch()
    assert (tmp_path / "entry" / "file").exists()
    assert [path.name for path in left(tmp_path)] == [f"{STAGING}young"]


def test_hidden_files_of_others_stay(tmp_path):
    mine = tmp_path / ".model.onnx.swp"
    mine.touch()
    age(mine, 10 * files._OLD_S)
    with staged(tmp_path / "entry"):
        pass
    assert mine.exists()


def test_a_full_disk_is_no_room():
    with pytest.raises(OSError, match="No space") as caught, FULL.open("w") as full:
        full.write("more than nothing")
    assert "No space left on device" in str(no_room(caught.value))
    assert no_room(FileNotFoundError(2, "No such file or directory", "mine")) is None


def test_a_full_disk_without_a_temporary_folder_is_no_room(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/dev/full"])
    with pytest.raises(FileNotFoundError) as caught:
        tempfile.gettempdir()
    assert "temporary files" in str(no_room(caught.value))


def test_a_command_on_a_full_disk_says_so_in_one_line():
    argv = [sys.executable, "-m", "attnbench", "list", "blocks"]
    with FULL.open("w") as full:
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2
    error, hint = done.stderr.splitlines()
    assert error == "error: no room: No space left on device"
    assert "TMPDIR" in hint
