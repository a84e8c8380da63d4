"""The one place that touches the file system in ways that can go wrong half-way."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attnbench.errors import BadOption

CHUNK_BYTES = 1 << 20
ELSEWHERE = "choose another place, or make room there"
MAKE_ROOM = "make room, or set TMPDIR and XDG_CACHE_HOME to folders on another disk"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

STAGING = ".attnbench-"
"""How names begin of what is not whole yet. Nothing reads it; what a death left is removed."""
_YOUNG_S = 60
"""For so long one may not have come to its lock yet."""
_OLD_S = 86400


def cache_dir(*parts: str) -> Path:
    """A folder of ours in the user's cache ($XDG_CACHE_HOME, else ~/.cache), made if needed."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(home, "attnbench", *parts)
    with _writing(folder, hint="set XDG_CACHE_HOME to a folder that can be written"):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def read_toml(path: Path, *, hint: str) -> dict[str, Any]:
    """A TOML file's table. Raises BadOption, with `hint` where there is no such file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadOption(f"{path}: {error.strerror}", hint=hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadOption(f"{path} is not TOML: {error}") from error


def check_writable(folder: Path) -> None:
    """Raise BadOption if nothing could be written into a folder, which need not exist yet."""
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    if not there.is_dir():
        raise BadOption(f"{folder} cannot be written: {there} is no folder")
    with _writing(folder), tempfile.TemporaryFile(dir=there) as file:
        file.write(bytes(CHUNK_BYTES))  # a full disk may still have room for a name


def no_room(error: OSError) -> BadOption | None:
    """The user's error for a disk that takes nothing more, or that is read-only; else None."""
    if error.errno in _NO_ROOM:
        what = f"{error.filename} cannot be written" if error.filename else "no room"
        return BadOption(f"{what}: {error.strerror}", hint=MAKE_ROOM)
    if "No usable temporary directory" in str(error.strerror):  # as tempfile words it
        return BadOption("no folder for temporary files can be written", hint=MAKE_ROOM)
    return None


def digest(path: Path) -> str:
    """The sha256 of a file; of a folder, over its files' names and contents, sorted by name."""
    if not path.is_dir():
        return _digest_file(path).hexdigest()
    total = hashlib.sha256()
    for file in _files(path):
        total.update(file.relative_to(path).as_posix().encode() + b"\0")
        total.update(_digest_file(file).digest())
    return total.hexdigest()


def size(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in (_files(path) if path.is_dir() else [path]))


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: a reader never sees half of it."""
    data = content.encode() if isinstance(content, str) else content
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)


def _write(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=STAGING, delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            temporary.unlink()
            raise
    temporary.chmod(0o644)
    temporary.replace(path)


@contextmanager
def staged(final: Path) -> Iterator[Path]:
    """
    A new folder to fill; it becomes `final` when the block ends well, and vanishes when not.

    If another process has made `final` meanwhile, that one stays: contents are equal by key.
    """
    with _staging(final) as folder:
        try:
            yield folder
            if not final.exists():
                folder.replace(final)
        except OSError:
            if not final.exists():
                raise


@contextmanager
def _staging(final: Path) -> Iterator[Path]:
    """A folder beside `final`, gone afterwards, and locked meanwhile: a death undoes the lock."""
    with _writing(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        _prune(final.parent)
        folder = Path(tempfile.mkdtemp(dir=final.parent, prefix=STAGING))
    try:
        with _opened(folder) as descriptor:
            _lock(descriptor)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor of a file or folder, which no program that we start inherits."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock it; false where file systems have no locks. BlockingIOError if somebody else has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def _prune(folder: Path) -> None:
    """Remove what processes have left half-way that are no more."""
    for path in folder.glob(f"{STAGING}*"):
        with suppress(OSError), _opened(path) as descriptor:  # it may be in use, or gone by now
            limit_s = _YOUNG_S if _lock(descriptor) else _OLD_S
            if time.time() - path.stat().st_mtime > limit_s:
                remove(path)


def copy(source: Path, target: Path) -> None:
    """Copy a file or folder so that `target` is whole whenever it exists under its name."""
    with _staging(target) as folder:
        fresh = folder / target.name
        if source.is_dir():
            shutil.copytree(source, fresh)
            remove(target)
        else:
            shutil.copyfile(source, fresh)
        fresh.replace(target)


def remove(path: Path) -> None:
    """Delete a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _writing(path: Path, *, hint: str = ELSEWHERE) -> Iterator[None]:
    """A place that the user has chosen may not take files; raises BadOption where it does not."""
    try:
        yield
    except OSError as error:
        raise BadOption(f"{path} cannot be written: {error.strerror}", hint=hint) from error


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest_file(path: Path) -> hashlib._Hash:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            total.update(chunk)
    return total
