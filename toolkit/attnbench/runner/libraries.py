"""Where the runtimes' shared objects are: inside the wheels that Python itself would import."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from attnbench.errors import MissingTool, UnknownName


@dataclass(frozen=True, slots=True)
class Engine:
    """
    A runtime, as data: the wheel that carries it, and what of that the runner opens.

    `folder` is relative to `package`; `libraries` are glob patterns in it, in order of loading;
    `extra` is the optional dependency of attnbench that installs the wheel. `soname` is the name
    under which the runner opens other versions than its own, where files have theirs in their name.
    """

    name: str
    distribution: str
    package: str
    folder: str
    libraries: tuple[str, ...]
    extra: str
    saves_graph: bool = False
    soname: str = ""


ENGINES: Mapping[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            "onnxruntime",
            distribution="onnxruntime",
            package="onnxruntime",
            folder="capi",
            libraries=("libonnxruntime.so.*",),
            extra="onnx",
            saves_graph=True,
            soname="libonnxruntime.so.1",
        ),
        Engine(
            "litert",
            distribution="ai-edge-litert",
            package="ai_edge_litert",
            folder=".",
            libraries=("libLiteRt.so",),
            extra="tflite",
        ),
        Engine(
            "executorch",
            distribution="executorch",
            package="executorch",
            folder="lib",
            libraries=(
                "libexecutorch.so",
                "libexecutorch_threadpool.so",
                "libexecutorch_kernels_optimized.so",
                "libexecutorch_kernels_quantized.so",
                "libexecutorch_backend_xnnpack.so",
            ),
            extra="executorch",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Wheel:
    """An engine's wheel, installed or unpacked: its version, and the package's folder."""

    engine: Engine
    version: str
    package: Path

    @property
    def requirement(self) -> str:
        """Its package and version, in pip's words."""
        return f"{self.engine.distribution}=={self.version}"

    @property
    def directory(self) -> Path:
        """The folder of the shared objects."""
        return self.package / self.engine.folder

    @property
    def libraries(self) -> tuple[Path, ...]:
        """The shared objects that the runner opens, in that order; MissingTool if one is absent."""
        found = []
        for pattern in self.engine.libraries:
            matches = sorted(self.directory.glob(pattern))
            if not matches:
                raise MissingTool(
                    f"{self.requirement} has no {pattern}, which the runner opens",
                    hint="take another version, such as the one that "
                    f"`pip install 'attnbench[{self.engine.extra}]'` installs",
                )
            found.append(matches[0])
        return tuple(found)


def find(name: str) -> Wheel:
    """The installed wheel of an engine, found without importing it."""
    if name not in ENGINES:
        raise UnknownName("engine", name, ENGINES)
    engine = ENGINES[name]
    spec = importlib.util.find_spec(engine.package)
    if spec is None or not spec.submodule_search_locations:
        raise _missing(engine, f"{engine.distribution} is not installed")
    try:
        version = importlib.metadata.version(engine.distribution)
    except importlib.metadata.PackageNotFoundError as error:
        raise _missing(engine, f"{engine.distribution} is not installed") from error
    return Wheel(engine, version, Path(spec.submodule_search_locations[0]))


def find_all() -> dict[str, Wheel]:
    """All engines that are installed, by name."""
    wheels = {}
    for name in ENGINES:
        try:
            wheels[name] = find(name)
        except MissingTool:
            continue
    return wheels


def _missing(engine: Engine, what: str) -> MissingTool:
    return MissingTool(what, hint=f"pip install 'attnbench[{engine.extra}]'")
