"""The PyTorch side: the module that an artifact must agree with, and its weights on disk."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.export import ExportedProgram

from attnbench.artifacts import weights_of
from attnbench.errors import BadModel, ExportError
from attnbench.files import cache_dir, digest, remove, staged, write
from attnbench.pipeline.identity import source_digest
from attnbench.pipeline.soundness import check_sound
from attnbench.records import Artifact, Reference
from attnbench_models import Recipe
from attnbench_models.build import build
from attnbench_models.errors import ModelError

WEIGHTS = "weights.safetensors"
DIGEST = "sha256.txt"


def module_for(recipe: Recipe, weights: Path | None = None) -> nn.Module:
    """
    The recipe's module in eval mode, with its own weights, or with those of a safetensors file.

    Raises BadModel with what is wrong: an option, a name, a checkpoint.
    """
    if weights is not None and not _is_empty(weights):
        recipe = replace(
            recipe, checkpoint=str(weights), checkpoint_sha256=None, layout="attnbench"
        )
    try:
        return build(recipe).eval()
    except ModelError as error:
        raise BadModel(str(error), hint=error.hint) from error


def _is_empty(weights: Path) -> bool:
    """Whether a file holds no tensor: a model made of functions alone has none to load."""
    with safe_open(weights, "pt") as file:
        return not file.keys()


def example_for(recipe: Recipe, module: nn.Module) -> tuple[Tensor, ...]:
    """
    Inputs of the shapes that the model is exported for, always the same.

    A batch of standard-normal images of the recipe's size, or whatever a user's own module returns
    from its method `example_inputs`. Raises BadModel when that is no tuple of float32 tensors, or
    of another batch than the recipe's.
    """
    own: Any = getattr(module, "example_inputs", None)  # theirs, so of any type
    if recipe.model is not None and own is not None:
        example = tuple(own())
        if not example or any(getattr(one, "dtype", None) is not torch.float32 for one in example):
            raise BadModel(
                f"example_inputs of {recipe.model} must return a tuple of float32 tensors"
            )
        if recipe.batch not in (1, *example[0].shape[:1]):
            raise BadModel(
                f"example_inputs of {recipe.model} are {tuple(example[0].shape)}: no batch of "
                f"{recipe.batch}",
                hint="leave --batch out: these inputs have one of their own",
            )
        return example
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(recipe.batch, 3, *recipe.size, generator=generator),)


def trace(module: nn.Module, example: Sequence[Tensor]) -> ExportedProgram:
    """The module's ATen graph. Raises ExportError in torch.export's own words."""
    try:
        with _silence():
            return torch.export.export(module, tuple(example))
    except (
        RuntimeError,
        ValueError,
        TypeError,
        AssertionError,
        torch._dynamo.exc.Unsupported,
    ) as e:
        words = " ".join(str(e).split())[:300] or type(e).__name__
        raise ExportError(f"torch.export cannot trace the model: {words}") from e


@contextmanager
def _silence() -> Iterator[None]:
    """Keep torch from logging and printing the graph that it then refuses with an exception."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def weights_for(recipe: Recipe, identity: str) -> Path:
    """
    The recipe's weights as a file in the cache, made if they are not there yet and whole.

    Those of a recipe that prunes are whole too: what they are loaded into is pruned afterwards.
    """
    folder = cache_dir("weights") / f"{identity}-{source_digest()[:16]}"
    weights, noted = folder / WEIGHTS, folder / DIGEST
    whole = weights.is_file() and noted.is_file() and noted.read_text() == digest(weights)
    if not whole:
        remove(folder)
        with staged(folder) as fresh:
            module = module_for(replace(recipe, prune=None))
            check_sound(module, example_for(recipe, module))
            save(module, fresh / WEIGHTS)
            write(fresh / DIGEST, digest(fresh / WEIGHTS))
    return weights


def save(module: nn.Module, path: Path) -> None:
    """Write a module's state as safetensors; tensors that share memory are written apart."""
    state = {name: value.detach().clone() for name, value in module.state_dict().items()}
    save_file({name: value.contiguous() for name, value in state.items()}, str(path))


def graph_identity(recipe: Recipe) -> str:
    """
    The identity of a user's own module: its graph, tensors, submodules' names and the recipe.

    16 hex digits. The factory is called and traced to know it; its file's name would not do,
    since whatever it imports shapes the module too. Tensors are its state and whatever else the
    graph holds: constants, buffers that are not saved.
    """
    module = module_for(recipe)
    example = example_for(recipe, module)
    check_sound(module, example)
    program = trace(module, example)
    block = recipe.block and recipe.block.rpartition("/")[2]  # where its file lies is no matter
    total = hashlib.sha256(replace(recipe, block=block).key.encode())
    total.update(program.graph_module.code.encode())
    for path, part in module.named_modules():
        total.update(f"{path}:{type(part).__name__}\n".encode())
    for name, value in sorted({**program.constants, **module.state_dict()}.items()):
        total.update(name.encode())
        if isinstance(value, Tensor):
            total.update(value.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()[:16]


def reference_of(artifact: Artifact) -> nn.Module:
    """
    The module that an artifact was made from, or that the user has named for a foreign one.

    Raises BadArtifact when its weights file is missing or has changed.
    """
    if artifact.reference is None:
        return module_for(artifact.recipe)
    return module_for(artifact.recipe, weights_of(artifact))


def reference_record(weights: Path, name: str) -> Reference:
    """How the manifest names the weights file `name`."""
    return Reference(name, digest(weights))
