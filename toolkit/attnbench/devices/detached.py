"""
Programs that run on by themselves on a device, and whose end can be heard of later.

A run is a folder. The first to make `started` in it starts the program, under a supervisor with a
session of its own; everybody else waits for `status`. So `attend` may be repeated after a lost
connection, and nothing ever runs twice. While the connection holds, waiting costs the device
nothing: a shell sleeps until its child has ended.
"""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from attnbench.devices.shell import failed, script
from attnbench.devices.transport import Transport
from attnbench.errors import DeviceError

OUT = "out"
TICK_S = 1 / 100
"""The unit of processor times in /proc/stat, the same on every Linux."""

_GONE = 8
_UNGUARDED = 9

_SUPERVISE = """
look() { { head -n 1 /proc/stat; cat /proc/uptime; } 2>/dev/null; }
echo $$ >pid
sync
look >before
"$@" >stdout 2>stderr </dev/null
code=$?
look >after
times >times
echo $code >status.new && mv status.new status
"""
# The process may be another one by now, under the same number: ours is at home in the run's folder.
_OURS = """
ours() {
  pid=$(cat pid 2>/dev/null) && [ "$(readlink "/proc/$pid/cwd")" = "$(pwd -P)" ]
}
"""
# $1 the folder, $2 how to supervise, $3 a file without which nothing may run, or "", then the words
_ATTEND = f"""{_OURS}
[ -z "$3" ] || [ -f "$3" ] || exit {_UNGUARDED}
mkdir -p "$1/{OUT}" && cd "$1" || exit 1
supervise=$2; shift 3
if mkdir started 2>/dev/null; then
  set -- nohup sh -c "$supervise" sh "$@"
  if command -v setsid >/dev/null 2>&1; then set -- setsid "$@"; fi
  "$@" >/dev/null 2>&1 </dev/null &
  wait $!
fi
patience=5
until [ -f status ]; do
  if ! ours; then
    patience=$((patience - 1))
    [ $patience -gt 0 ] || exit {_GONE}
  fi
  sleep 1
done
tar cf - status stdout stderr before after times {OUT}
"""
KILL = f"""{_OURS}
for run; do
  cd "$run" 2>/dev/null && ours || continue
  kill -9 "-$pid" 2>/dev/null || kill -9 "$pid"
done
exit 0
"""
_DISCARD = 'rm -rf "$1"'
SWEEP = f"""
sh -c {shlex.quote(KILL)} sh "$root/runs"/*
rm -rf "$root/runs"
"""
"""Ends and removes in $root what earlier holders of the lock have left."""


@dataclass(frozen=True, slots=True)
class Usage:
    """
    Processor seconds around a run: everybody's and the program's own, and the time that passed.

    None is unknown: some phones do not tell.
    """

    wall_s: float | None
    busy_s: float | None
    own_s: float | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended; `out` are the files that it wrote, by name."""

    code: int
    stdout: bytes
    stderr: str
    out: Mapping[str, bytes]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder on a device; without its `guard`, a file there, nothing is started in it."""

    transport: Transport
    folder: PurePosixPath
    guard: PurePosixPath | None = None

    def out(self, name: str) -> PurePosixPath:
        """A path for the program to write to."""
        return self.folder / OUT / name

    def attend(self, argv: Sequence[str], timeout_s: float) -> Ended:
        """
        Start the program unless it was started, and wait for its end. May be repeated.

        Raises ConnectionLost and NoAnswer, in which cases it runs on, or DeviceError.
        """
        words = (self.folder, _SUPERVISE, self.guard or "", *argv)
        done = script(self.transport, _ATTEND, *words, timeout_s=timeout_s)
        if done.code == _UNGUARDED:
            raise DeviceError(
                f"{self.transport.where}: our lock is gone, and with it what ran",
                hint="was the device restarted, or its workdir removed? run it again",
            )
        if done.code == _GONE:
            raise DeviceError(
                f"{self.transport.where}: the program was killed, or could not write down its end",
                hint="is the device out of memory or disk, or was it restarted?",
            )
        if done.code:
            raise failed(self.transport, self.folder.parents[1], done.stderr)
        try:
            return _ended(_members(done.stdout))
        except (tarfile.TarError, KeyError, ValueError) as error:
            raise DeviceError(
                f"{self.transport.where}: what the program left is damaged ({error})",
                hint="is the device's disk full or failing, or did it lose power?",
            ) from error

    def kill(self) -> None:
        """End the program and all that it started, if it still runs."""
        script(self.transport, KILL, self.folder)

    def discard(self) -> None:
        """Remove the folder."""
        script(self.transport, _DISCARD, self.folder)


def _members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {}
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                found[member.name] = file.read()
    return found


def _ended(files: Mapping[str, bytes]) -> Ended:
    prefix = f"{OUT}/"
    return Ended(
        code=int(files["status"]),
        stdout=files["stdout"],
        stderr=files["stderr"].decode(errors="replace"),
        out={
            name.removeprefix(prefix): data
            for name, data in files.items()
            if name.startswith(prefix)
        },
        usage=usage(*(files[name].decode() for name in ("before", "after", "times"))),
    )


def usage(before: str, after: str, times: str) -> Usage:
    """From two looks at /proc/stat and /proc/uptime, and from the shell's `times`."""
    first, last = _look(before), _look(after)
    if first is None or last is None:
        return Usage(None, None, _children_s(times))
    return Usage(last[1] - first[1], last[0] - first[0], _children_s(times))


def _look(text: str) -> tuple[float, float] | None:
    """Busy seconds of all processors, and the uptime; waiting and being idle are not busy."""
    lines = text.splitlines()
    if len(lines) != 2 or not lines[0].startswith("cpu "):
        return None
    user, nice, system, _idle, _wait, irq, softirq, steal, *_ = map(int, lines[0].split()[1:])
    return TICK_S * (user + nice + system + irq + softirq + steal), float(lines[1].split()[0])


def _children_s(times: str) -> float | None:
    """The children's user and system time, the second line of what `times` prints."""
    lines = times.splitlines()
    if len(lines) != 2:
        return None
    total = 0.0
    for word in lines[1].split():
        minutes, _, seconds = word.rstrip("s").partition("m")
        total += 60 * float(minutes) + float(seconds)
    return total
