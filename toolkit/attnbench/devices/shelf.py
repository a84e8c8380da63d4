"""
Files on a device under the hash of their content.

Whatever has its final name was hashed on the device before it got it, and is hashed again when it
is met for the first time under a lock: half a file, or a damaged one, is never trusted.
"""

from __future__ import annotations

import secrets
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from attnbench import files
from attnbench.devices.shell import failed, script
from attnbench.devices.transport import COPY_TIMEOUT_S, ConnectionLost, Transport
from attnbench.errors import DeviceError

KEPT_DAYS = 30

_DIFFERS = 8
ARCHIVE = "archive.tar"

_HASHES = 'cd "$1" 2>/dev/null && shift && touch -c . "$@" && sha256sum "$@"'
_PREPARE = 'rm -rf "$1" && mkdir -p "$1" "$2"'
_ACCEPT_FILE = f"""
got=$(sha256sum <"$1") || exit 1
[ "${{got%% *}}" = "$3" ] || exit {_DIFFERS}
rm -rf "$2" && mv -f "$1" "$2"
"""
_UNPACK = 'cd "$1" && tar xf "$2" && rm -f "$2"'
_ACCEPT_FOLDER = 'rm -rf "$2" && mv "$1" "$2"'
_REMOVE = 'rm -rf "$1"'
PRUNE = f"""
rm -rf "$root/incoming"
for folder in "$root/files" "$root/bundles"; do
  [ -d "$folder" ] || continue
  find "$folder" -mindepth 1 -maxdepth 1 -mtime +{KEPT_DAYS} -exec rm -rf {{}} +
done
"""
"""Removes of $root what was left half-way, and what nobody has used for long."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """`files/` and `bundles/` in a device's work folder; for the holder of its lock."""

    transport: Transport
    root: PurePosixPath
    trusted: set[str] = field(default_factory=set)

    def file(self, local: Path) -> PurePosixPath:
        """Where a copy of a local file is on the device, pushed unless it is there."""
        digest = files.digest(local)
        shelved = self.root / "files" / digest
        if digest in self.trusted:
            return shelved
        if self._hashes(shelved.parent, [digest]) != {digest: digest}:
            with self._incoming(shelved) as folder:
                self._push(local, folder / "file")
                self._do(_ACCEPT_FILE, shelved, folder / "file", shelved, digest)
        self.trusted.add(digest)
        return shelved

    def folder(
        self, key: str, content: Mapping[str, Path], digests: Mapping[str, str]
    ) -> PurePosixPath:
        """
        Where a folder of these files is on the device; they travel as one archive.

        `content` and its sha256 in `digests` are by relative name, `key` stands for all of it.
        """
        shelved = self.root / "bundles" / key
        if key in self.trusted:
            return shelved
        if self._hashes(shelved, sorted(digests)) != digests:
            with self._incoming(shelved) as folder:
                with _packed(content) as archive:
                    self._push(archive, folder / ARCHIVE)
                self._do(_UNPACK, shelved, folder, ARCHIVE)
                if self._hashes(folder, sorted(digests)) != digests:
                    raise self._damaged(shelved)
                self._do(_ACCEPT_FOLDER, shelved, folder, shelved)
        self.trusted.add(key)
        return shelved

    @contextmanager
    def _incoming(self, shelved: PurePosixPath) -> Iterator[PurePosixPath]:
        """A folder to receive in, which is gone afterwards; so is its leftover at the next lock."""
        folder = self.root / "incoming" / secrets.token_hex(8)
        self._do(_PREPARE, shelved, folder, shelved.parent)
        try:
            yield folder
        finally:
            with suppress(DeviceError):
                script(self.transport, _REMOVE, folder)

    def _hashes(self, folder: PurePosixPath, names: Sequence[str]) -> dict[str, str]:
        """The sha256 of files of a folder, computed on the device; {} if any is missing."""
        # With a dot before it, no name can be taken for an option.
        paths = [f"./{name}" for name in names]
        done = script(self.transport, _HASHES, folder, *paths, timeout_s=COPY_TIMEOUT_S)
        lines = done.stdout.decode(errors="replace").splitlines() if done.code == 0 else []
        return {name: digest for digest, _, name in (line.partition("  ./") for line in lines)}

    def _push(self, local: Path, remote: PurePosixPath) -> None:
        try:
            self.transport.push(local, remote)
        except ConnectionLost:
            raise
        except DeviceError as error:
            raise failed(self.transport, self.root, str(error)) from error

    def _do(self, text: str, shelved: PurePosixPath, *arguments: str | PurePosixPath) -> None:
        done = script(self.transport, text, *arguments, timeout_s=COPY_TIMEOUT_S)
        if done.code == _DIFFERS:
            raise self._damaged(shelved)
        if done.code:
            raise failed(self.transport, self.root, done.stderr)

    def _damaged(self, shelved: PurePosixPath) -> DeviceError:
        return DeviceError(
            f"{self.transport.where}: {shelved.name[:12]} arrived damaged, and was thrown away",
            hint="try another cable, port or network",
        )


@contextmanager
def _packed(content: Mapping[str, Path]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
        archive = Path(folder, ARCHIVE)
        # Plain: unpacking a compressed one takes longer than sending it.
        with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name, path in sorted(content.items()):
                tar.add(path.resolve(), name, recursive=False, filter=_anonymous)
        yield archive


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whose files these are here is nobody's business there."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.mode & 0o100 or ".so" in member.name else 0o644
    return member
