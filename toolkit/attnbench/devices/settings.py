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
from attnbench.records import Wanted

AWAKE = "7"
"""On any charger: BatteryManager's BATTERY_PLUGGED_AC | _USB | _WIRELESS."""

# As the user, or by a sudo that asks nothing, as Raspberry Pi OS has it. What a program reads must
# not be the journal.
_PUT = """
put() {
  { echo "$2" >"$1"; } 2>/dev/null && return
  command -v sudo >/dev/null 2>&1 && sudo -n sh -c 'echo "$2" >"$1"' sh "$1" "$2" 2>/dev/null
}
awake() { settings "$1" global stay_on_while_plugged_in ${2:+"$2"} </dev/null 2>/dev/null; }
fixed() { cmd power set-fixed-performance-mode-enabled "$1" </dev/null >/dev/null 2>&1; }
"""
# $1 our folder, $2 the governor, $3 and $4 what the phone is to be asked for, then the processors.
# It names what the phone did not take; of governors the readings tell.
_HOLD = (
    _PUT
    + """
journal=$1/restore governor=$2 stay_awake=$3 fixed_performance=$4; shift 4
for cpu; do
  [ -n "$governor" ] || break
  file=/sys/devices/system/cpu/cpu$cpu/cpufreq/scaling_governor
  { read -r found <"$file"; } 2>/dev/null || continue
  [ "$found" = "$governor" ] && continue
  echo "$found $file" >>"$journal" || exit 1
  put "$file" "$governor"
done
if [ -n "$stay_awake" ]; then
  found=$(awake get)
  if [ -n "$found" ] && [ "$found" != "$stay_awake" ]; then
    echo "$found stay_awake" >>"$journal" || exit 1
    awake put "$stay_awake" >/dev/null
  fi
  [ "$(awake get)" = "$stay_awake" ] || echo stay_awake
fi
if [ -n "$fixed_performance" ]; then
  echo "false fixed_performance" >>"$journal" || exit 1
  fixed true || echo fixed_performance
fi
exit 0
"""
)
RESTORE = (
    _PUT
    + """
if [ -f "$root/restore" ]; then
  while read -r value what; do
    case $what/$value in
      /sys/devices/system/cpu/*) put "$what" "$value";;
      stay_awake/null) awake delete >/dev/null;;
      stay_awake/*) awake put "$value" >/dev/null;;
      fixed_performance/*) fixed false;;
    esac
  done <"$root/restore"
  rm -f "$root/restore"
fi
"""
)
"""Puts back what a journal in $root says, whoever wrote it. May be repeated."""


def hold(
    transport: Transport, root: PurePosixPath, wanted: Wanted, cpus: Sequence[int]
) -> tuple[str, ...]:
    """
    Ask for what a profile wants. May be repeated.

    Returns the names of what is not to be had, or only for root; of governors the readings tell.
    """
    words = (
        wanted.governor,
        AWAKE if wanted.stay_awake else "",
        "true" if wanted.fixed_performance else "",
    )
    if not any(words):
        return ()
    done = script(transport, _HOLD, root, *words, *map(str, cpus))
    return tuple(done.stdout.decode(errors="replace").split())


def restore(transport: Transport, root: PurePosixPath) -> None:
    """Put back what was changed. May be repeated."""
    script(transport, f"root=$1\n{RESTORE}", root)
