"""
Debian's packages for arm64, from the mirror that this machine's own apt uses.

apt resolves and downloads with folders of its own, so that neither root nor a foreign architecture
has to be set up; everything else of its configuration (proxies, certificates, credentials) is the
machine's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from attnbench.emulation import tools
from attnbench.emulation.locks import locked
from attnbench.errors import DeviceError
from attnbench.files import remove, write

RELEASE = "bookworm"
BACKPORTED = "src:android-platform-tools"
"""adbd 34; the release itself has none for arm64."""

CONFIGURATION = """\
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11 {{ DefaultEnabled "false"; }};
Dir::State "{folder}";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "{folder}/preferences";
Dir::Etc::preferencesparts "/dev/null";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""

PREFERENCES = f"""\
Package: {BACKPORTED}
Pin: release n={RELEASE}-backports
Pin-Priority: 600
"""

_INSTALLED = re.compile(r"^Inst (?P<name>\S+) \((?P<version>\S+) ", re.MULTILINE)
_INDEX = re.compile(r"^'(?P<mirror>\S+)/dists/(?P<suite>[^/']+)/InRelease'", re.MULTILINE)
_DEBIAN = {RELEASE, "trixie", "forky", "sid", "unstable", "testing", "stable", "oldstable"}


@dataclass(frozen=True, slots=True)
class Package:
    """One that apt chose: its name and version."""

    name: str
    version: str

    @property
    def file(self) -> str:
        """The file that `apt-get download` makes of it."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_*.deb"


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder with apt's lists, and with the packages downloaded so far."""

    folder: Path

    def resolve(self, wanted: Sequence[str]) -> tuple[Package, ...]:
        """
        What apt would install for `wanted` into an empty system.

        By the lists of the first time, so that the same is built until `refresh` is called; what
        was asked before is answered without apt.
        """
        with locked(self.folder):
            if not self._updated.is_file():
                self._update()
            key = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]
            answer = self.folder / "answers" / f"{key}.json"
            if answer.is_file():
                return msgspec.json.decode(answer.read_bytes(), type=tuple[Package, ...])
            found = self._simulate(wanted)
            write(answer, msgspec.json.encode(found))
            return found

    def refresh(self) -> None:
        """Bring the lists up to date."""
        with locked(self.folder):
            remove(self.folder / "answers")
            self._update()

    def fetch(self, packages: Sequence[Package]) -> tuple[Path, ...]:
        """The packages' files, downloaded unless they are here. Raises DeviceError."""
        folder = self.folder / "packages"
        with locked(self.folder):
            folder.mkdir(exist_ok=True)
            absent = [one for one in packages if not any(folder.glob(one.file))]
            if absent:
                names = [f"{one.name}={one.version}" for one in absent]
                self._apt("download", *names, cwd=folder)
        return tuple(next(folder.glob(one.file)) for one in packages)

    def _simulate(self, wanted: Sequence[str]) -> tuple[Package, ...]:
        said = self._apt("--simulate", "install", *wanted)
        found = {Package(one["name"], one["version"]) for one in _INSTALLED.finditer(said)}
        return tuple(sorted(found, key=lambda one: one.name))

    def _update(self) -> None:
        mirror = find_mirror(tools.call("apt-get", "--print-uris", "update"))
        self._updated.unlink(missing_ok=True)
        for part in ("lists/partial", "cache/archives/partial"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "preferences").write_text(PREFERENCES)
        (self.folder / "apt.conf").write_text(CONFIGURATION.format(folder=self.folder))
        sources = [
            f"deb [signed-by={tools.KEYRING}] {mirror} {suite} main\n"
            for suite in (RELEASE, f"{RELEASE}-backports")
        ]
        (self.folder / "sources.list").write_text("".join(sources))
        self._apt("update", "--error-on=any")
        self._updated.touch()

    @property
    def _updated(self) -> Path:
        """Is there if the lists are whole."""
        return self.folder / "updated"

    def _apt(self, *arguments: str, cwd: Path | None = None) -> str:
        env = {"APT_CONFIG": str(self.folder / "apt.conf")}
        return tools.call("apt-get", "--quiet=2", *arguments, env=env, cwd=cwd)


def find_mirror(uris: str) -> str:
    """
    Debian's mirror among the index files that `apt-get --print-uris update` names.

    A mirror has all releases, so that one of another release will do. Raises DeviceError.
    """
    mirrors = {one["suite"]: one["mirror"] for one in _INDEX.finditer(uris)}
    for suite in (RELEASE, *sorted(_DEBIAN & mirrors.keys())):
        if suite in mirrors:
            return mirrors[suite]
    raise DeviceError(
        "this machine's apt has no mirror of Debian to build emulated devices from",
        hint="add one to /etc/apt/sources.list",
    )
