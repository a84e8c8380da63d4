"""One export in a process of its own: `python -m attnbench.pipeline.worker JOB.json`."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from torch import Tensor, nn
from torch.fx import GraphModule

from attnbench import artifacts
from attnbench.attribution.runtimes import runtime
from attnbench.backends import BACKENDS, Backend, Exported, Quantisation, Quantising
from attnbench.errors import AttnbenchError, BadOption, ExportError
from attnbench.files import digest, size, write
from attnbench.pipeline.economies import economies
from attnbench.pipeline.reference import example_for, module_for, trace
from attnbench.pipeline.task import ERROR, Task
from attnbench.quantise.calibration import Samples, samples
from attnbench.quantise.simulated import Ranges, ranges_of
from attnbench.records import Artifact, Block, TensorSpec
from attnbench.rewrites import REWRITES, Rewrite, rewrite
from attnbench.rewrites.base import output_names, outputs_of
from attnbench.runner import Job, measure_paired
from attnbench.store import from_json, to_json
from attnbench_models import Recipe
from attnbench_models.build import block_paths


def make(task: Task) -> Artifact:
    """Build, trace, rewrite, convert, load and run once; the artifact is `task.file`."""
    backend = BACKENDS.get(task.backend)
    module = module_for(task.recipe, Path(task.weights))
    _check_kept(task.recipe, module)
    example = example_for(task.recipe, module)
    program = trace(module, example).module(check_guards=False)
    program, applied = rewrite(program, example, chosen(task))
    path = Path(task.file)
    with economies():
        exported, ranges = _converted(task, program, example)
    artifact = Artifact(
        path=str(path),
        backend=backend.format.name,
        sha256=digest(path),
        bytes=size(path),
        recipe=task.recipe,
        recipe_key=task.identity,
        reference=task.reference,
        inputs=tuple(_spec(tensor) for tensor in example),
        outputs=tuple(_spec(tensor) for tensor in outputs_of(program(*example))),
        tools=task.tools,
        rewrites=applied,
        blocks=tuple(_block(*one) for one in block_paths(module, task.blocks)),
        scopes=exported.scopes,
        delegation=exported.delegation,
        output_names=output_names(program),
        ranges=ranges,
        target=task.target,
    )
    return _proved(artifact, backend, [tensor.numpy() for tensor in example])


def chosen(task: Task) -> list[Rewrite]:
    """The rewrites that serve such an export, without those to skip."""
    asked = (task.backend, task.recipe.precision, task.target)
    return [one for one in REWRITES if one.serves(*asked) and one.name not in task.skip]


def _check_kept(recipe: Recipe, module: nn.Module) -> None:
    """Raise BadOption for something to keep in float32 that the model has not."""
    known = [path for path, _ in module.named_modules() if path]
    for path in recipe.keep_float:
        if path not in known:
            near = difflib.get_close_matches(path, known, n=1) or known[:1]
            raise BadOption(
                f"--keep-float {path}: the model has no such module", hint=f"it has {near[0]!r}"
            )


def _converted(
    task: Task, program: GraphModule, example: Sequence[Tensor]
) -> tuple[Exported, Ranges]:
    """Write the file in the recipe's precision; the ranges that 8-bit numbers have in it."""
    backend, recipe, path = BACKENDS.get(task.backend), task.recipe, Path(task.file)
    if recipe.precision == "fp32":
        return backend.export(program, example, path), {}
    taken: Samples = ()
    if recipe.precision == "int8":
        folder = Path(recipe.calibration) if recipe.calibration else None
        taken = samples([_spec(tensor) for tensor in example], folder)
    ranges = ranges_of(program, taken)
    wanted = Quantisation(recipe.precision, taken, ranges, recipe.keep_float)
    return cast("Quantising", backend).quantise(program, example, path, wanted), ranges


def _block(path: str, kind: str) -> Block:
    return Block(path, "attention" if kind == "attention" else "backbone")


def _spec(tensor: object) -> TensorSpec:
    array = tensor.detach().numpy()  # type: ignore[attr-defined]
    return TensorSpec(str(array.dtype), array.shape)


def _proved(artifact: Artifact, backend: Backend, inputs: list[np.ndarray]) -> Artifact:
    """The artifact after its first run here, which also tells what the runtime delegates."""
    if backend.format.engine is None:
        return artifact
    job = Job(engine=backend.format.engine, model=Path(artifact.path), sha256=artifact.sha256)
    launch, seen = measure_paired(job, inputs, warmup=0, iterations=1)
    if [*map(_kind, launch.outputs)] != [*map(_kind, artifact.outputs)]:
        raise ExportError(f"{backend.format.name}: the artifact returns {launch.outputs}")
    delegation = runtime(job.engine).delegation(seen, artifact)
    return replace(artifact, outputs=launch.outputs, delegation=delegation)


def _kind(spec: TensorSpec) -> tuple[str, tuple[int, ...]]:
    """What an output has to keep; of integers not the width, since litert-torch halves int64."""
    return "int" if np.issubdtype(spec.dtype, np.integer) else spec.dtype, spec.shape


def main(argv: list[str]) -> int:
    """Make the task's artifact and manifest; an error of ours goes to a file, for the parent."""
    job = Path(argv[1])
    task = from_json(job.read_bytes(), Task, str(job))
    warnings.simplefilter("ignore")  # converters warn of their own insides
    try:
        artifacts.save_manifest(make(task))
    except AttnbenchError as error:
        facts = {"kind": type(error).__name__, "message": str(error), "hint": error.hint}
        write(job.with_name(ERROR), to_json(facts))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
