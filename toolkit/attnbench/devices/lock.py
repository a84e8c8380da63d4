"""
A lock on a device, so that two who measure do not measure each other.

It is a folder, which only one can make, with one file in it that is named after its holder's
token: a lock is broken by removing that very file, so two that find it stale cannot both succeed.
Ages are of the device's uptime; its clock may jump. A holder is known by more than a process id,
which is another process's before long, in the next container, and after a restart.
"""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from attnbench.devices.shell import failed, script
from attnbench.devices.transport import Transport
from attnbench.emulation.process import find
from attnbench.errors import DeviceError
from attnbench.runner.place import Finished

STALE_S = 1800
"""A holder that has not been heard of for so long has lost its lock."""

_HELD = 7
_GONE = 8

_NOW = """
up() {
  { read -r now _ </proc/uptime; } 2>/dev/null || now=$(date +%s)
  now=${now%%.*}
}
boot=-
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
sign() { up; echo "$now $boot $2" >"$root/.$1" && mv -f "$root/.$1" "$root/lock/$1"; }
"""
# $1 root, $2 token, $3 owner, $4 seconds until stale, $5 the token of a holder known to be dead;
# `tidy` is what whoever takes it does first.
_TAKE = (
    _NOW
    + f"""
root=$1
mkdir -p "$root" || exit 1
for attempt in 1 2 3 4; do
  if mkdir "$root/lock" 2>/dev/null; then
    sign "$2" "$3" && {{ tidy; exit 0; }}
    rm -f "$root/.$2" "$root/lock/$2"; rmdir "$root/lock"; exit 1
  fi
  [ -d "$root/lock" ] || continue
  found=
  for file in "$root/lock"/*; do
    [ -f "$file" ] || continue
    found=$file
    up; since= then= owner=
    read -r since then owner <"$file"
    case $since in *[!0-9]*) since=;; esac
    age=$((now - ${{since:-0}}))
    token=${{file##*/}}
    if [ -n "$since" ] && [ "$then" = "$boot" ] && [ "$age" -ge 0 ] && [ "$age" -le "$4" ] &&
      [ "$token" != "$5" ]; then
      echo "$token $age $owner"; exit {_HELD}
    fi
    rm "$file" 2>/dev/null && rmdir "$root/lock"
  done
  [ -n "$found" ] || {{ sleep 1; rmdir "$root/lock" 2>/dev/null; }}
done
mkdir "$root/lock" && rmdir "$root/lock"
exit 1
"""
)
_RENEW = (
    _NOW
    + f"""
root=$1
if ! [ -f "$root/lock/$2" ]; then
  [ -d "$root/lock" ] && exit {_HELD}
  exit {_GONE}
fi
sign "$2" "$3"
"""
)
_DROP = 'rm "$1/lock/$2" 2>/dev/null && rmdir "$1/lock"; exit 0'


def _owner() -> str:
    """Three words: for people who it is and its process, for `_is_dead` which one that is."""
    try:
        user = "_".join(getpass.getuser().split())
    except (KeyError, OSError):  # a container may run as a number without a name
        user = str(os.getuid())
    me = find(os.getpid())
    return f"{user}@{socket.gethostname()} {os.getpid()} {me.started if me else 0}/{_world()}"


def _world() -> str:
    """Within which a process id means one process: this boot, and this container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return "unknown"


@dataclass(frozen=True, slots=True)
class Lock:
    """
    One holder's hold on a work folder of a device; `take` it, `renew` it, and `drop` it.

    `tidy` is a script that is run in $root as soon as the lock is taken, in the same round trip: an
    earlier holder may not have come to it.
    """

    transport: Transport
    root: PurePosixPath
    tidy: str = ":"
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    owner: str = field(default_factory=_owner)

    @property
    def file(self) -> PurePosixPath:
        """Is there as long as the lock is ours."""
        return self.root / "lock" / self.token

    def take(self) -> None:
        """Take the lock, or raise a DeviceError that names who has it. May be repeated."""
        done = self._try("")
        if done.code == _HELD:
            token, _, owner = done.stdout.decode(errors="replace").split(maxsplit=2)
            if token == self.token:  # the wire broke, perhaps before all was tidy
                script(self.transport, f"root=$1\n{self.tidy}", self.root)
                return
            if _is_dead(owner.strip()):
                done = self._try(token)
        if done.code == _HELD:
            raise self._held(done)
        if done.code:
            raise failed(self.transport, self.root, done.stderr)

    def renew(self) -> None:
        """Give a sign of life. Raises DeviceError if somebody has taken the lock over."""
        done = script(self.transport, _RENEW, self.root, self.token, self.owner)
        if done.code == _HELD:
            raise DeviceError(
                f"{self.transport.where}: somebody has taken over the lock on {self.root}",
                hint="what was measured meanwhile may be disturbed: measure again",
            )
        if done.code == _GONE:
            raise DeviceError(
                f"{self.transport.where}: our lock on {self.root} is gone",
                hint="was the device restarted, or its workdir removed? run it again",
            )
        if done.code:
            raise failed(self.transport, self.root, done.stderr)

    def drop(self) -> None:
        """Give the lock back, if it is still ours."""
        script(self.transport, _DROP, self.root, self.token)

    def _try(self, dead: str) -> Finished:
        text = f"tidy() {{\n{self.tidy}\n}}\n{_TAKE}"
        return script(self.transport, text, self.root, self.token, self.owner, str(STALE_S), dead)

    def _held(self, done: Finished) -> DeviceError:
        _, age, owner = done.stdout.decode(errors="replace").split(maxsplit=2)
        who, process, *_ = *owner.split(), "", ""
        return DeviceError(
            f"{self.transport.where} is in use by {who} (process {process}), "
            f"last heard of {age} s ago",
            hint=f"wait; a holder that is silent for {STALE_S // 60} minutes loses it",
        )


def _is_dead(owner: str) -> bool:
    """Whether the holder was this user's, in this very `_world`, and is no more."""
    mine, theirs = _owner().split(), owner.split()
    if len(theirs) != len(mine) or theirs[0] != mine[0] or not theirs[1].isdigit():
        return False
    started, _, world = theirs[2].partition("/")
    if world != _world():
        return False
    found = find(int(theirs[1]))
    return found is None or str(found.started) != started
