"""
Files on a device under the hash of their content.

Whatever has its final name was hashed on the device before it got it, and is hashed again when it
is met for the first time under a lock: half a file, or a damaged one, is never trusted.
"""

from __future__ import annotations

import hashlib
import secrets
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from attnbench import files
from attnbench.devices.shell import failed, script
from attnbench.devices.transport import COPY_TIMEOUT_S, Transport
from attnbench.errors import DeviceError

KEPT_DAYS = 30

_DIFFERS = 8
ARCHIVE = "archive.tar"

# Who looks uses: what is touched stays. $1 root, then names
_LOOK = 'cd "$1" 2>/dev/null && shift && touch -c "$@" && sha256sum "$@" 2>/dev/null; exit 0'
# $1 root, $2 where to receive, $3 the hash of what sha256sum prints of the names that follow
_RECEIVE = f"""
root=$1 folder=$2 expected=$3; shift 3
mkdir -p "$root/files" "$root/bundles" "$folder" && cd "$folder" || exit 1
cat >{ARCHIVE} && tar xf {ARCHIVE} && rm -f {ARCHIVE} || exit 1
got=$(sha256sum "$@" | sha256sum)
[ "${{got%% *}}" = "$expected" ] || exit {_DIFFERS}
for place in files/* bundles/*; do
  [ -e "$place" ] || continue
  touch "$place" && rm -rf "$root/$place" && mv "$place" "$root/$place" || exit 1
done
rm -rf "$folder"
"""
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
class Item:
    """What lies at `place` in the work folder: files and their sha256, by path from that folder."""

    place: str
    content: Mapping[str, Path]
    digests: Mapping[str, str]


def file_item(local: Path) -> Item:
    """A file of its own."""
    digest = files.digest(local)
    place = f"files/{digest}"
    return Item(place, {place: local}, {place: digest})


def folder_item(key: str, content: Mapping[str, Path], digests: Mapping[str, str]) -> Item:
    """A folder of files by relative name; `key` stands for all of them."""
    place = f"bundles/{key}"
    return Item(
        place,
        {f"{place}/{name}": path for name, path in content.items()},
        {f"{place}/{name}": digest for name, digest in digests.items()},
    )


@dataclass(frozen=True, slots=True)
class Shelf:
    """`files/` and `bundles/` in a device's work folder; for the holder of its lock."""

    transport: Transport
    root: PurePosixPath
    trusted: set[str] = field(default_factory=set)

    def stock(self, *items: Item) -> list[PurePosixPath]:
        """
        Where each item is on the device.

        One round trip tells what is there, a second one sends all that is not.
        """
        doubtful = {one.place: one for one in items if one.place not in self.trusted}
        if doubtful:
            found = self._look(doubtful.values())
            absent = [one for one in doubtful.values() if not one.digests.items() <= found.items()]
            if absent:
                self._send(absent)
            self.trusted.update(doubtful)
        return [self.root / one.place for one in items]

    def _look(self, items: Iterable[Item]) -> dict[str, str]:
        """The sha256 of the items' files that are there, computed on the device."""
        names = [name for one in items for name in (one.place, *one.digests)]
        done = script(
            self.transport, _LOOK, self.root, *dict.fromkeys(names), timeout_s=COPY_TIMEOUT_S
        )
        lines = done.stdout.decode(errors="replace").splitlines()
        return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}

    def _send(self, items: Sequence[Item]) -> None:
        """Push items as one archive, which becomes theirs once all of it was hashed there."""
        content = {name: path for one in items for name, path in one.content.items()}
        digests = {name: digest for one in items for name, digest in one.digests.items()}
        lines = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
        expected = hashlib.sha256(lines.encode()).hexdigest()
        with self._incoming() as folder, _packed(content) as archive:
            words = (str(self.root), str(folder), expected, *digests)
            done = script(self.transport, _RECEIVE, *words, stdin=archive, timeout_s=COPY_TIMEOUT_S)
            if done.code == _DIFFERS:
                raise DeviceError(
                    f"{self.transport.where}: {', '.join(one.place[:20] for one in items)} "
                    "arrived damaged, and was thrown away",
                    hint="try another cable, port or network",
                )
            if done.code:
                raise failed(self.transport, self.root, done.stderr)

    @contextmanager
    def _incoming(self) -> Iterator[PurePosixPath]:
        """A folder to receive in; a leftover goes at once, or at the next lock at the latest."""
        folder = self.root / "incoming" / secrets.token_hex(8)
        arrived = False
        try:
            yield folder
            arrived = True
        finally:  # after Ctrl-C too
            if not arrived:
                with suppress(DeviceError):
                    script(self.transport, _REMOVE, folder)


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
    # A program of the user's own may have come here without the right to be run.
    member.mode = 0o755 if member.name.startswith("bundles/") else 0o644
    return member
