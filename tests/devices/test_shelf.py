"""What is pushed is whole, or it is not there."""

from __future__ import annotations

import os
import subprocess
from hashlib import sha256
from pathlib import Path, PurePosixPath

import pytest

from attnbench.devices.local import LocalTransport
from attnbench.devices.shelf import KEPT_DAYS, PRUNE, Shelf
from attnbench.devices.shell import script
from attnbench.devices.transport import ConnectionLost
from attnbench.errors import DeviceError
from tests.devices.flaky import Died, Flaky

CONTENT = os.urandom(100_000)


@pytest.fixture
def root(tmp_path) -> PurePosixPath:
    (tmp_path / "device").mkdir()
    return PurePosixPath(tmp_path / "device")


@pytest.fixture
def local(tmp_path) -> Path:
    (tmp_path / "model").write_bytes(CONTENT)
    return tmp_path / "model"


@pytest.fixture
def many(tmp_path) -> dict[str, Path]:
    """Small files in folders, one with a name that asks for trouble."""
    files = {f"lib/{number}.so": f"content {number}".encode() for number in range(30)}
    files |= {"runner": b"#!/bin/sh\n", "lib/it's; $HOME": b"odd", "-rf": b"odder"}
    for name, content in files.items():
        path = tmp_path / "many" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "many" / "runner").chmod(0o755)
    return {name: tmp_path / "many" / name for name in files}


def digests(files: dict[str, Path]) -> dict[str, str]:
    return {name: sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def there(root: PurePosixPath) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file())


class Counting(LocalTransport):
    pushes = 0

    def push(self, local, remote, *, timeout_s=60):
        type(self).pushes += 1
        super().push(local, remote)


@pytest.fixture
def counting(monkeypatch) -> Counting:
    monkeypatch.setattr(Counting, "pushes", 0)
    return Counting()


def test_a_file_lies_under_its_hash(root, local, counting):
    shelved = Shelf(counting, root).file(local)
    assert shelved == root / "files" / sha256(CONTENT).hexdigest()
    assert Path(shelved).read_bytes() == CONTENT
    assert there(root) == [f"files/{shelved.name}"]


def test_what_is_there_is_not_pushed_again(root, local, many, counting):
    for _ in range(2):
        shelf = Shelf(counting, root)
        for _ in range(2):
            shelf.file(local)
            shelf.folder("key", many, digests(many))
    assert counting.pushes == 2


def test_a_folder_travels_as_one_archive(root, many, counting):
    shelved = Path(Shelf(counting, root).folder("key", many, digests(many)))
    assert counting.pushes == 1
    for name, path in many.items():
        assert (shelved / name).read_bytes() == path.read_bytes()
    assert os.access(shelved / "runner", os.X_OK)
    assert there(root) == sorted(f"bundles/key/{name}" for name in many)


def test_over_ssh(root, local, many, shared_ssh):
    shelf = Shelf(shared_ssh, root)
    assert Path(shelf.file(local)).read_bytes() == CONTENT
    assert (Path(shelf.folder("key", many, digests(many))) / "-rf").read_bytes() == b"odder"
    assert Shelf(shared_ssh, root).file(local) == shelf.file(local)


@pytest.mark.parametrize("damage", [b"", CONTENT[:-1], CONTENT + b"x", b"x" + CONTENT[1:]])
def test_what_was_damaged_there_is_pushed_again(root, local, damage, counting):
    shelved = Path(Shelf(counting, root).file(local))
    shelved.write_bytes(damage)
    Shelf(counting, root).file(local)
    assert shelved.read_bytes() == CONTENT


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_folder_with_one_bad_file_is_pushed_again(root, many, harm, counting):
    shelved = Path(Shelf(counting, root).folder("key", many, digests(many)))
    if harm == "change":
        (shelved / "lib" / "7.so").write_bytes(b"content 8")
    else:
        (shelved / "lib" / "7.so").unlink()
    Shelf(counting, root).folder("key", many, digests(many))
    assert (shelved / "lib" / "7.so").read_bytes() == b"content 7"


class Damaging(LocalTransport):
    def push(self, local, remote, *, timeout_s=60):
        Path(remote).write_bytes(Path(local).read_bytes()[:-600] + bytes(600))


def test_damage_on_the_way_is_noticed_and_nothing_is_kept(root, local, many):
    with pytest.raises(DeviceError, match="arrived damaged"):
        Shelf(Damaging(), root).file(local)
    assert there(root) == []


def test_a_wrong_folder_is_noticed_and_nothing_is_kept(root, many, local):
    expected = digests(many) | {"runner": "0" * 64}
    with pytest.raises(DeviceError, match="arrived damaged"):
        Shelf(LocalTransport(), root).folder("key", many, expected)
    assert there(root) == []


@pytest.mark.parametrize("when", ["before", "after", "half"])
@pytest.mark.parametrize("at", range(1, 8))
@pytest.mark.parametrize("error", [ConnectionLost, Died])
def test_a_break_at_any_step_leaves_nothing_that_is_trusted(root, local, many, error, at, when):
    flaky = Flaky(at, when, error, for_good=error is Died)
    for push in (
        lambda shelf: shelf.file(local),
        lambda shelf: shelf.folder("key", many, digests(many)),
    ):
        try:
            push(Shelf(flaky, root))
        except error:
            pass
        finally:
            flaky.calls = 0
        script(LocalTransport(), f"root=$1\n{PRUNE}", root)
        for name in there(root):
            path = Path(root, name)
            if name.startswith("files/"):
                assert sha256(path.read_bytes()).hexdigest() == path.name
            else:
                assert path.read_bytes() == many[name.removeprefix("bundles/key/")].read_bytes()
    shelf = Shelf(LocalTransport(), root)
    assert Path(shelf.file(local)).read_bytes() == CONTENT
    folder = Path(shelf.folder("key", many, digests(many)))
    assert all((folder / name).read_bytes() == path.read_bytes() for name, path in many.items())


@pytest.fixture
def small_disk(tmp_path):
    """1 MB, where that can be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    if os.geteuid() or subprocess.run(argv, capture_output=True, check=False).returncode:
        pytest.skip("SKIPPED a full disk: only root can mount a small one")
    yield PurePosixPath(folder)
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("wire", ["local", "ssh"])
def test_a_full_disk_is_named_and_the_rest_stays(small_disk, local, tmp_path, wire, request):
    transport = LocalTransport() if wire == "local" else request.getfixturevalue("shared_ssh")
    shelf = Shelf(transport, small_disk)
    shelf.file(local)
    (tmp_path / "big").write_bytes(os.urandom(2_000_000))
    with pytest.raises(DeviceError, match="is full") as caught:
        shelf.file(tmp_path / "big")
    assert "make room" in caught.value.hint
    with pytest.raises(DeviceError, match="is full"):
        shelf.folder("key", {"big": tmp_path / "big"}, digests({"big": tmp_path / "big"}))
    assert there(small_disk) == [f"files/{sha256(CONTENT).hexdigest()}"]
    (tmp_path / "big").write_bytes(b"smaller now")
    assert Path(shelf.file(tmp_path / "big")).read_bytes() == b"smaller now"


def test_a_read_only_disk_is_named(small_disk, local):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(DeviceError, match="is read-only") as caught:
        Shelf(LocalTransport(), small_disk).file(local)
    assert "--set workdir" in caught.value.hint


def test_a_file_in_the_way_is_named(root, local):
    Path(root, "files").write_bytes(b"")
    with pytest.raises(DeviceError, match=r"cannot be written|has a file where"):
        Shelf(LocalTransport(), root).file(local)


def test_a_missing_file_is_an_error(root, tmp_path):
    with pytest.raises(OSError, match="nothing"):
        Shelf(LocalTransport(), root).file(tmp_path / "nothing")


def test_what_nobody_uses_is_removed_and_what_is_used_stays(root, local, many, tmp_path):
    (tmp_path / "other").write_bytes(b"other")
    shelf = Shelf(LocalTransport(), root)
    old = [Path(shelf.file(path)) for path in (local, tmp_path / "other")]
    old.append(Path(shelf.folder("key", many, digests(many))))
    long_ago = old[0].stat().st_mtime - (KEPT_DAYS + 2) * 86400
    for path in old:
        os.utime(path, (long_ago, long_ago))
    again = Shelf(LocalTransport(), root)
    again.file(local)
    again.folder("key", many, digests(many))
    script(LocalTransport(), f"root=$1\n{PRUNE}", root)
    assert [path.exists() for path in old] == [True, False, True]
