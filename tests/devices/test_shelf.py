"""What is pushed is whole, or it is not there."""

from __future__ import annotations

import os
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path, PurePosixPath

import pytest

from attnbench.devices.local import LocalTransport
from attnbench.devices.shelf import KEPT_DAYS, PRUNE, Shelf, file_item, folder_item
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
    return {name: tmp_path / "many" / name for name in files}


def digests(files: dict[str, Path]) -> dict[str, str]:
    return {name: sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def there(root: PurePosixPath) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file())


class Counting(LocalTransport):
    calls = pushes = 0

    def run(self, argv, *, stdin=b"", timeout_s=60):
        type(self).calls += 1
        type(self).pushes += isinstance(stdin, Path)
        return super().run(argv, stdin=stdin, timeout_s=timeout_s)


@pytest.fixture
def counting(monkeypatch) -> Counting:
    monkeypatch.setattr(Counting, "calls", 0)
    monkeypatch.setattr(Counting, "pushes", 0)
    return Counting()


def file(shelf: Shelf, local: Path) -> Path:
    (shelved,) = shelf.stock(file_item(local))
    return Path(shelved)


def folder(shelf: Shelf, content: dict[str, Path]) -> Path:
    (shelved,) = shelf.stock(folder_item("key", content, digests(content)))
    return Path(shelved)


def test_a_file_lies_under_its_hash(root, local, counting):
    shelved = file(Shelf(counting, root), local)
    assert shelved == Path(root, "files", sha256(CONTENT).hexdigest())
    assert shelved.read_bytes() == CONTENT
    assert there(root) == [f"files/{shelved.name}"]


def test_what_is_there_is_not_pushed_again(root, local, many, counting):
    for _ in range(2):
        shelf = Shelf(counting, root)
        for _ in range(2):
            file(shelf, local)
            folder(shelf, many)
    assert (counting.calls, counting.pushes) == (6, 2)


def test_much_takes_two_round_trips_and_one_when_it_is_there(root, local, many, tmp_path, counting):
    (tmp_path / "other").write_bytes(b"other")
    items = [
        file_item(local),
        folder_item("key", many, digests(many)),
        file_item(tmp_path / "other"),
    ]
    shelved = Shelf(counting, root).stock(*items)
    assert (counting.calls, counting.pushes) == (2, 1)
    script(LocalTransport(), f"root=$1\n{PRUNE}", root)
    assert [Path(one).exists() for one in shelved] == [True] * 3
    assert Shelf(counting, root).stock(*items) == shelved
    assert (counting.calls, counting.pushes) == (3, 1)


def test_a_folder_travels_as_one_archive(root, many, counting):
    shelved = folder(Shelf(counting, root), many)
    assert counting.pushes == 1
    for name, path in many.items():
        assert (shelved / name).read_bytes() == path.read_bytes()
    assert os.access(shelved / "runner", os.X_OK)
    assert there(root) == sorted(f"bundles/key/{name}" for name in many)


def test_over_ssh(root, local, many, shared_ssh):
    shelf = Shelf(shared_ssh, root)
    assert file(shelf, local).read_bytes() == CONTENT
    assert (folder(shelf, many) / "-rf").read_bytes() == b"odder"
    assert file(Shelf(shared_ssh, root), local) == file(shelf, local)


@pytest.mark.parametrize("damage", [b"", CONTENT[:-1], CONTENT + b"x", b"x" + CONTENT[1:]])
def test_what_was_damaged_there_is_pushed_again(root, local, damage, counting):
    shelved = file(Shelf(counting, root), local)
    shelved.write_bytes(damage)
    file(Shelf(counting, root), local)
    assert shelved.read_bytes() == CONTENT


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_folder_with_one_bad_file_is_pushed_again(root, many, harm, counting):
    shelved = folder(Shelf(counting, root), many)
    if harm == "change":
        (shelved / "lib" / "7.so").write_bytes(b"content 8")
    else:
        (shelved / "lib" / "7.so").unlink()
    folder(Shelf(counting, root), many)
    assert (shelved / "lib" / "7.so").read_bytes() == b"content 7"


class Damaging(LocalTransport):
    def run(self, argv, *, stdin=b"", timeout_s=60):
        if isinstance(stdin, Path):
            sent = bytearray(stdin.read_bytes())
            sent[tarfile.BLOCKSIZE + 99] ^= 1  # in the first file's content
            stdin = bytes(sent)
        return super().run(argv, stdin=stdin, timeout_s=timeout_s)


def test_damage_on_the_way_is_noticed_and_nothing_is_kept(root, local, many):
    with pytest.raises(DeviceError, match="arrived damaged"):
        file(Shelf(Damaging(), root), local)
    assert there(root) == []


def test_a_wrong_folder_is_noticed_and_nothing_is_kept(root, many, local):
    expected = digests(many) | {"runner": "0" * 64}
    with pytest.raises(DeviceError, match="arrived damaged"):
        Shelf(LocalTransport(), root).stock(folder_item("key", many, expected))
    assert there(root) == []


@pytest.mark.parametrize("when", ["before", "after", "half"])
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("error", [ConnectionLost, Died])
def test_a_break_at_any_step_leaves_nothing_that_is_trusted(root, local, many, error, at, when):
    flaky = Flaky(at, when, error, for_good=error is Died)
    for push in (
        lambda shelf: file(shelf, local),
        lambda shelf: folder(shelf, many),
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
    assert file(shelf, local).read_bytes() == CONTENT
    shelved = folder(shelf, many)
    assert all((shelved / name).read_bytes() == path.read_bytes() for name, path in many.items())


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
    file(shelf, local)
    (tmp_path / "big").write_bytes(os.urandom(2_000_000))
    with pytest.raises(DeviceError, match="is full") as caught:
        file(shelf, tmp_path / "big")
    assert "make room" in caught.value.hint
    with pytest.raises(DeviceError, match="is full"):
        folder(shelf, {"big": tmp_path / "big"})
    assert there(small_disk) == [f"files/{sha256(CONTENT).hexdigest()}"]
    (tmp_path / "big").write_bytes(b"smaller now")
    assert file(shelf, tmp_path / "big").read_bytes() == b"smaller now"


def test_a_read_only_disk_is_named(small_disk, local):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(DeviceError, match="is read-only") as caught:
        file(Shelf(LocalTransport(), small_disk), local)
    assert "--set workdir" in caught.value.hint


def test_a_file_in_the_way_is_named(root, local):
    Path(root, "files").write_bytes(b"")
    with pytest.raises(DeviceError, match=r"cannot be written|has a file where"):
        file(Shelf(LocalTransport(), root), local)


def test_a_missing_file_is_an_error(root, tmp_path):
    with pytest.raises(OSError, match="nothing"):
        file(Shelf(LocalTransport(), root), tmp_path / "nothing")


def test_what_nobody_uses_is_removed_and_what_is_used_stays(root, local, many, tmp_path):
    (tmp_path / "other").write_bytes(b"other")
    shelf = Shelf(LocalTransport(), root)
    old = [file(shelf, path) for path in (local, tmp_path / "other")]
    old.append(folder(shelf, many))
    long_ago = old[0].stat().st_mtime - (KEPT_DAYS + 2) * 86400
    for path in old:
        os.utime(path, (long_ago, long_ago))
    again = Shelf(LocalTransport(), root)
    file(again, local)
    folder(again, many)
    script(LocalTransport(), f"root=$1\n{PRUNE}", root)
    assert [path.exists() for path in old] == [True, False, True]
