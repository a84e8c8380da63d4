"""Recipe -> artifacts: from the cache where possible, else one process a backend, side by side."""

from __future__ import annotations

import hashlib
import os
import platform
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import cast

from attnbench import artifacts, errors
from attnbench.artifacts import weights_of
from attnbench.backends import FORMATS, Format, format_of
from attnbench.errors import AttnbenchError, BadOption, ExportError
from attnbench.files import cache_dir, check_writable, copy, digest, remove, staged, write
from attnbench.pipeline.identity import export_key, tool_versions
from attnbench.pipeline.task import ERROR, Task
from attnbench.progress import Progress
from attnbench.records import Artifact
from attnbench.store import from_json, to_json
from attnbench_models import Recipe

SLOWEST_FIRST = ("executorch", "tflite", "coreml", "onnx")
"""Side by side, the longest job must not start last."""

CACHED = "artifact.txt"
"""The file of a cache entry that names its artifact; written last."""

WEIGHTS = Lock()
"""Exports side by side share one weights file; the first one makes it."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    What to export, where to, and for which architecture.

    `skip` names rewrites to leave out, `blocks` are path globs.
    """

    recipe: Recipe
    backends: tuple[str, ...]
    out: Path
    skip: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    target: str = field(default_factory=platform.machine)


@dataclass(frozen=True, slots=True)
class Failure:
    """A backend that made no artifact, and its error."""

    backend: str
    error: AttnbenchError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request, in the order in which its backends were asked for."""

    artifacts: tuple[Artifact, ...]
    failures: tuple[Failure, ...]


def export(request: Request, progress: Progress) -> Outcome:
    """
    Every artifact of the request, in `request.out`; one backend's refusal does not stop another.

    Cached artifacts are copied, after their bytes were checked against the manifest.
    """
    check_writable(request.out)
    identity = _identity(request.recipe)
    with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
        jobs = {
            backend: pool.submit(_one, request, identity, backend, progress)
            for backend in sorted(request.backends, key=_urgency)
        }
    made, failed = [], []
    for backend in request.backends:
        error = jobs[backend].exception()
        if error is None:
            made.append(jobs[backend].result())
        elif isinstance(error, AttnbenchError):
            failed.append(Failure(backend, error))
        else:
            raise error
    if made:
        artifacts.remember(request.out, made)
    return Outcome(tuple(made), tuple(failed))


def _urgency(backend: str) -> int:
    return SLOWEST_FIRST.index(backend) if backend in SLOWEST_FIRST else -1


def _identity(recipe: Recipe) -> str:
    """What stands for the module and its weights; a user's own has to be built to know it."""
    if recipe.registered:
        return recipe.key
    from attnbench.pipeline.reference import graph_identity

    return graph_identity(recipe)


def _one(request: Request, identity: str, backend: str, progress: Progress) -> Artifact:
    """One backend's artifact, in the request's folder."""
    step = f"export {backend}"
    progress.begin(step)
    try:
        check_precision(request.recipe, format_of(backend))
        tools = tool_versions(format_of(backend).packages, backend)
        key = export_key(identity, backend, tools, request.skip, request.blocks, request.target)
        entry = cache_dir("exports") / key
        cached = _cached(entry)
        if not cached:
            _make(request, identity, backend, tools, entry)
        made = _published(entry, request, identity)
    except AttnbenchError:
        progress.end(step, "failed")
        raise
    progress.end(step, "cached" if cached else "done")
    return made


def check_precision(recipe: Recipe, kind: Format) -> None:
    """Raise BadOption for a precision that a backend's files cannot have."""
    if recipe.precision not in kind.precisions:
        others = [name for name, one in FORMATS.items() if recipe.precision in one.precisions]
        raise BadOption(
            f"{kind.name} has no {recipe.precision}, only {', '.join(kind.precisions)}",
            hint=f"--to {','.join(others)} has",
        )


def _cached(entry: Path) -> bool:
    """Whether a cache entry is there and whole; a damaged one is removed, to be made again."""
    try:
        _load(entry)
    except (errors.UserError, FileNotFoundError):
        remove(entry)
        return False
    return True


def _load(entry: Path) -> Artifact:
    """The artifact of a cache entry. Raises UserError unless it and its weights are whole."""
    name = from_json((entry / CACHED).read_bytes(), str, str(entry))
    artifact = artifacts.load(entry / name)
    weights_of(artifact)
    return artifact


def _make(
    request: Request, identity: str, backend: str, tools: dict[str, str], entry: Path
) -> None:
    """Run a worker into a staging folder and make that folder the cache entry."""
    from attnbench.pipeline.reference import reference_record, weights_for

    with WEIGHTS:
        weights = weights_for(request.recipe, identity)
    with staged(entry) as folder:
        stem = _stem(request, identity)
        task = Task(
            recipe=request.recipe,
            identity=identity,
            backend=backend,
            weights=str(weights),
            reference=reference_record(weights, f"{stem}.safetensors"),
            tools=tools,
            skip=request.skip,
            blocks=request.blocks,
            file=str(folder / f"{stem}{format_of(backend).suffix}"),
            target=request.target,
        )
        _run_worker(task, folder)
        copy(weights, folder / task.reference.file)
        write(folder / CACHED, to_json(Path(task.file).name))


def _run_worker(task: Task, folder: Path) -> None:
    """Convert in a process of its own: converters print, leak gigabytes, and may crash."""
    job, log = folder / "task.json", folder / "log.txt"
    write(job, to_json(task))
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "attnbench.pipeline.worker", str(job)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"},
            check=False,
        )
    if done.returncode:
        raise _error_of(task, folder, done.returncode)
    for leftover in (job, log):
        leftover.unlink()


def _error_of(task: Task, folder: Path, code: int) -> AttnbenchError:
    """What a worker left behind as an exception: its own error, or how it died."""
    told = folder / ERROR
    if told.is_file():
        facts = from_json(told.read_bytes(), dict[str, str], str(told))
        kind = getattr(errors, facts["kind"], ExportError)
        return cast("AttnbenchError", kind(facts["message"], hint=facts["hint"]))
    kept = cache_dir("logs") / f"{task.identity}-{task.backend}.txt"
    copy(folder / "log.txt", kept)
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
    return ExportError(f"{task.backend}: the export process {how}", hint=f"its output is in {kept}")


def _published(entry: Path, request: Request, identity: str) -> Artifact:
    """The cached artifact, its weights and manifest copied into the request's folder."""
    cached = _load(entry)
    reference = cached.reference
    assert reference is not None  # ours have one
    target = request.out / f"{_stem(request, identity)}{format_of(cached.backend).suffix}"
    weights = target.with_name(f"{target.stem}.safetensors")
    if not (weights.is_file() and digest(weights) == reference.sha256):
        copy(weights_of(cached), weights)
    copy(Path(cached.path), target)
    named = replace(reference, file=weights.name)
    artifact = replace(cached, path=str(target), recipe=request.recipe, reference=named)
    artifacts.save_manifest(artifact)
    return artifact


def _stem(request: Request, identity: str) -> str:
    """A readable file name that two different exports do not share."""
    facts = to_json([identity, sorted(request.skip), request.blocks, request.target])
    return f"{request.recipe.name}-{hashlib.sha256(facts).hexdigest()[:8]}"
