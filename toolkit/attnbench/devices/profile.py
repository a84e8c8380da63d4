"""A device profile: how to reach a device, what it is, and how it is held still."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from attnbench.devices.tables import MOST_CPUS, Cluster, Found, Peak, Peaks
from attnbench.errors import BadOption
from attnbench.files import read_toml
from attnbench.records import Wanted

LOCAL, SSH, ADB, EMULATED = "local", "ssh", "adb", "emulated"

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*", re.ASCII)
_TRANSPORTS = {
    LOCAL: re.compile(r"local"),
    SSH: re.compile(r"ssh:(?P<host>[^\s-]\S*)"),
    ADB: re.compile(r"adb(?::(?P<serial>[A-Za-z0-9][A-Za-z0-9._:-]*))?"),
    EMULATED: re.compile(r"emulated:(?P<name>[a-z0-9][a-z0-9_-]*)"),
}
_FORMS = "local, ssh:HOST, ssh://USER@HOST:PORT, adb, adb:SERIAL or emulated:NAME"
_TABLES: Mapping[str, type[msgspec.Struct]] = {
    "clusters[": Cluster,
    "found": Found,
    "peaks.measured[": Peak,
    "peaks": Peaks,
}
_HOTTEST_C = 120.0
_LONGEST_S = 3600.0


class DeviceProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    One file of device_profiles/. Every number carries its unit in its name.

    `cpus` () are all processors. `governor` "" leaves the frequency governor alone. A launch
    waits up to `cooldown_s` for the processor to be at `start_temperature_c` or below; None
    waits for nothing. `private_loader` brings glibc along, for systems that have another C library.
    `stay_awake` keeps a phone's screen on while it is plugged in, `fixed_performance` asks Android
    for clocks that it can hold. `found` and `peaks` are what `attnbench device init` saw.
    """

    name: str
    transport: str
    model: str
    soc: str
    workdir: str
    threads: int = 1
    cpus: tuple[int, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    governor: str = ""
    cooldown_s: float = 0.0
    start_temperature_c: float | None = None
    private_loader: bool = False
    stay_awake: bool = False
    fixed_performance: bool = False
    found: Found | None = None
    peaks: Peaks | None = None

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise ValueError(problem)

    @property
    def wire(self) -> str:
        """The kind of transport: local, ssh, adb or emulated."""
        return self.transport.partition(":")[0]

    @property
    def address(self) -> str:
        """What the transport is given: a host, a serial, the emulated device's name, or nothing."""
        return self.transport.partition(":")[2]

    @property
    def wanted(self) -> Wanted:
        """How the device is to be held, for the record."""
        return Wanted(
            max_khz={
                str(cpu): one.max_khz
                for one in self.clusters
                if one.max_khz is not None
                for cpu in one.cpus
            },
            governor=self.governor,
            cooldown_s=self.cooldown_s,
            start_temperature_c=self.start_temperature_c,
            stay_awake=self.stay_awake,
            fixed_performance=self.fixed_performance,
        )


def _problems(profile: DeviceProfile) -> list[str]:
    """What cannot be, each line beginning with its key."""
    form = _TRANSPORTS.get(profile.wire)
    path = PurePosixPath(profile.workdir)
    beneath = path.is_absolute() or path.parts[:1] == ("~",)
    checks = (
        (_NAME.fullmatch(profile.name), "name: small letters, digits and -_. only"),
        (form and form.fullmatch(profile.transport), f"transport: one of {_FORMS}"),
        (
            beneath and len(path.parts) > 1 and ".." not in path.parts,
            "workdir: a folder of its own, absolute or under ~/, without ..",
        ),
        (
            # The private loader takes a list that colons separate.
            profile.workdir.isprintable() and ":" not in profile.workdir,
            "workdir: without colons and control characters",
        ),
        (profile.threads >= 1, "threads: at least 1"),
        (
            not profile.cpus or profile.threads <= len(profile.cpus),
            f"threads: {profile.threads} are more than there are cpus, {len(profile.cpus)}",
        ),
        *_checks_of_cpus(profile),
        (re.fullmatch(r"[a-z_]*", profile.governor), "governor: a name such as performance"),
        (0 <= profile.cooldown_s <= _LONGEST_S, f"cooldown_s: from 0 to {_LONGEST_S:g}"),
        (
            profile.start_temperature_c is None or 0 < profile.start_temperature_c < _HOTTEST_C,
            f"start_temperature_c: between 0 and {_HOTTEST_C:g}",
        ),
    )
    return [text for holds, text in checks if not holds]


def _checks_of_cpus(profile: DeviceProfile) -> tuple[tuple[bool, str], ...]:
    """What has to hold of processors, and the error where it does not."""
    known = [cpu for cluster in profile.clusters for cpu in cluster.cpus]
    strange = sorted(set(profile.cpus) - set(known)) if known else []
    sizes = {cluster.name: len(cluster.cpus) for cluster in profile.clusters}
    roofs = profile.peaks.measured if profile.peaks else ()
    return (
        (len(set(profile.cpus)) == len(profile.cpus), "cpus: each once"),
        (all(0 <= cpu < MOST_CPUS for cpu in profile.cpus), "cpus: not a processor's number"),
        (not strange, f"cpus: {strange} are in no cluster"),
        (len(set(known)) == len(known), "clusters: a processor is in one of them only"),
        (len(sizes) == len(profile.clusters), "clusters: each name once"),
        (
            all(one.threads <= sizes.get(one.cluster, 0) for one in roofs),
            "peaks: of clusters that there are, at most a thread for each of their cpus",
        ),
    )


def read(path: Path) -> DeviceProfile:
    """Read one profile; a typo is an error here, not a silent default later. Raises BadOption."""
    return convert(read_toml(path, hint="see `attnbench list devices`"), str(path))


def overridden(profile: DeviceProfile, settings: Sequence[str]) -> DeviceProfile:
    """
    The profile with `key=value` settings put over it. Raises BadOption.

    A dot leads into what has keys of its own: `clusters.big.max_khz=1800000`.
    """
    table = msgspec.to_builtins(profile)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not (key and equals):
            raise BadOption(f"--set {setting!r} is not key=value")
        *way, last = key.split(".")
        inside = table
        for word in way:
            inside = _inside(inside, word, key)
        inside[last] = _value(text)
    return convert(table, f"--set {' '.join(settings)}") if settings else profile


def _inside(table: dict[str, Any], word: str, key: str) -> dict[str, Any]:
    """What a word of a dotted key leads to: a table, or the one of that name in a list of them."""
    found = table.get(word)
    if isinstance(found, list | tuple):
        found = {one["name"]: one for one in found if isinstance(one, dict) and "name" in one}
    if not isinstance(found, dict):
        close = difflib.get_close_matches(word, table, n=1)
        raise BadOption(
            f"--set {key}: there is no {word!r} that has keys of its own",
            hint=f"did you mean {close[0]!r}?" if close else f"known: {', '.join(table)}",
        )
    return found


def _value(text: str) -> Any:
    """A number, a truth, a list, or else the text itself: `adb:1A2B` needs no quotes."""
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return table["value"] if len(table) == 1 else text


def convert(table: dict[str, Any], source: str) -> DeviceProfile:
    """The profile in a table; errors name `source` and the key. Raises BadOption."""
    try:
        return msgspec.convert(table, DeviceProfile)
    except msgspec.ValidationError as error:
        message, hint = _explained(str(error))
        raise BadOption(f"{source}: {message}", hint=hint) from error


def _explained(said: str) -> tuple[str, str]:
    """msgspec's words with the key first, and a hint."""
    text, _, where = said.partition(" - at ")
    where = where.strip("`").removeprefix("$").removeprefix(".")
    keys = list(_table_at(where).__struct_fields__)
    known = f"known keys: {', '.join(keys)}"
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", text, re.DOTALL):
        close = difflib.get_close_matches(found[1], keys, n=1)
        return _at(where, f"unknown key {found[1]!r}"), (
            f"did you mean {close[0]!r}?" if close else known
        )
    if found := re.fullmatch(r"Object missing required field `(.*)`", text):
        return _at(where, f"missing key {found[1]!r}"), known
    return _at(where, text.replace("`", "")), "see docs/devices.md"


def _table_at(where: str) -> type[msgspec.Struct]:
    for beginning, table in _TABLES.items():
        if where.startswith(beginning):
            return table
    return DeviceProfile


def _at(where: str, text: str) -> str:
    return f"{where}: {text}" if where else text
