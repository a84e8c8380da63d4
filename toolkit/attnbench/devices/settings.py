"""
Settings that are changed for a measurement, and put back.

What was there before is written down on the device first. So whoever holds its lock next can put
it back, if the one who changed it cannot any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from attnbench.devices.shell import script
from attnbench.devices.transport import Transport

# As the user, or by a sudo that asks nothing, as Raspberry Pi OS has it.
_PUT = """
put() {
  { echo "$2" >"$1"; } 2>/dev/null && return
  command -v sudo >/dev/null 2>&1 && sudo -n sh -c 'echo "$2" >"$1"' sh "$1" "$2" 2>/dev/null
}
"""
# $1 our folder, $2 the governor, then the processors
_HOLD = (
    _PUT
    + """
journal=$1/restore wanted=$2; shift 2
for cpu; do
  file=/sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor
  { read -r found <"$file"; } 2>/dev/null || continue
  [ "$found" = "$wanted" ] && continue
  echo "$found $file" >>"$journal" || exit 1
  put "$file" "$wanted"
done
exit 0
"""
)
RESTORE = (
    _PUT
    + """
if [ -f "$root/restore" ]; then
  while read -r value file; do
    case $file in /sys/devices/system/cpu/*) put "$file" "$value";; esac
  done <"$root/restore"
  rm -f "$root/restore"
fi
"""
)
"""Puts back what a journal in $root says, whoever wrote it. May be repeated."""


def hold(transport: Transport, root: PurePosixPath, governor: str, cpus: Sequence[int]) -> None:
    """Ask for a frequency governor; where that is not allowed, the readings say what is."""
    if governor:
        script(transport, _HOLD, root, governor, *map(str, cpus))


def restore(transport: Transport, root: PurePosixPath) -> None:
    """Put back what was changed. May be repeated."""
    script(transport, f"root=$1\n{RESTORE}", root)
