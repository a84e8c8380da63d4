"""What machines boot from: built once per list of packages and recipe, and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from attnbench.emulation import recipes
from attnbench.emulation.archive import Archive, Package
from attnbench.emulation.recipes import kernel, pixel4, rpi5
from attnbench.errors import DeviceError, UnknownName
from attnbench.files import cache_dir, staged, write
from attnbench.progress import Progress, stepping

_RECIPES = {"rpi5": rpi5, "pixel4": pixel4}


@dataclass(frozen=True, slots=True)
class Image:
    """A folder with a kernel, its first root, and for some machines a disk."""

    folder: Path

    @property
    def key(self) -> str:
        """What it was made of, as a hash."""
        return self.folder.name.rpartition("-")[2]

    @property
    def kernel(self) -> Path:
        """A kernel that qemu starts by itself."""
        return self.folder / "kernel"

    @property
    def initrd(self) -> Path:
        """The first root, not compressed."""
        return self.folder / "initrd"

    @property
    def disk(self) -> Path | None:
        """The root file system, for a machine that has one outside memory."""
        path = self.folder / "disk"
        return path if path.is_file() else None


def obtain(name: str, progress: Progress) -> Image:
    """
    The image of a machine, built if it is not here.

    While it is here nothing is asked of the network. Raises MissingTool or DeviceError.
    """
    if name not in _RECIPES:
        raise UnknownName("machine", name, _RECIPES)
    recipe = _RECIPES[name]
    archive = Archive(cache_dir("emulation", "archive"))
    with stepping(progress, f"{name}: choose packages"):
        image = _image(name, recipe, _packages(archive, recipe))
    if image.folder.is_dir():
        return image
    with stepping(progress, f"{name}: fetch packages"):
        packages, files = _fetch(archive, recipe)
    image = _image(name, recipe, packages)
    with stepping(progress, f"{name}: build the image"), staged(image.folder) as folder:
        recipe.build(files, folder)
        listed = "".join(f"{one.name} {one.version}\n" for one in packages)
        write(folder / "packages.txt", listed)
    return image


def _fetch(archive: Archive, recipe: ModuleType) -> tuple[tuple[Package, ...], tuple[Path, ...]]:
    packages = _packages(archive, recipe)
    try:
        return packages, archive.fetch(packages)
    except DeviceError:
        # Mirrors drop a version when the next one comes.
        archive.refresh()
        packages = _packages(archive, recipe)
        return packages, archive.fetch(packages)


def _packages(archive: Archive, recipe: ModuleType) -> tuple[Package, ...]:
    return (*archive.resolve(recipe.WANTED), kernel.choose(archive))


def _image(name: str, recipe: ModuleType, packages: Sequence[Package]) -> Image:
    total = hashlib.sha256()
    for one in packages:
        total.update(f"{one.name}={one.version}\n".encode())
    for path in _sources(recipe):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return Image(cache_dir("emulation", "images") / f"{name}-{total.hexdigest()[:16]}")


def _sources(recipe: ModuleType) -> Iterator[Path]:
    """The recipe's own files, and those that all recipes share."""
    assert recipe.__file__ is not None
    assert recipes.__file__ is not None
    own, shared = Path(recipe.__file__).parent, Path(recipes.__file__).parent
    for path in sorted([*own.rglob("*"), *shared.glob("*.py")]):
        if path.is_file() and path.suffix != ".pyc":
            yield path
