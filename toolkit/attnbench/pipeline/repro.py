"""A block that is wrong, as a folder that shows it without the model that it was in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from attnbench.backends import format_of
from attnbench.errors import ExportError
from attnbench.files import check_writable, remove, write
from attnbench.graphs import put
from attnbench.graphs.boundaries import Boundary
from attnbench.pipeline.alone import Alone
from attnbench.pipeline.inside import Call
from attnbench.pipeline.probe import Probe
from attnbench.pipeline.reference import trace
from attnbench.pipeline.reproduce import (
    EXACT,
    EXPECTED,
    FACTS,
    GOT,
    MODULE,
    OTHER,
    README,
    Facts,
)
from attnbench.store import to_json


def write_repro(
    place: Boundary, part: Alone, probe: Probe, module: nn.Module, folder: Path
) -> Path:
    """
    Write a block that is wrong alone into a folder of its own in `folder`; what was there goes.

    `module` is the block in PyTorch. The input is the worst of those that were looked at.
    """
    artifact, call = probe.artifact, part.calls[part.worst]
    check_writable(folder)
    target = folder / f"{Path(artifact.path).name}-{place.block.path}"
    remove(target)
    target.mkdir(parents=True)
    facts = Facts(
        backend=artifact.backend,
        precision=artifact.recipe.precision,
        device=probe.device.name,
        model=artifact.recipe.name,
        block=place.block.path,
        file=f"block{format_of(artifact.backend).suffix}",
        inputs=tuple(f"input{at or ''}.npy" for at in range(len(part.entries))),
        layouts=tuple(entry.layout for entry in part.entries),
        output=part.output,
        case=part.case,
    )
    for file, entry in zip(facts.inputs, part.entries, strict=True):
        np.save(target / file, call.tensors[entry.tensor].numpy())
    expected = part.expected[part.worst]
    np.save(target / EXPECTED, expected.single[0])
    np.save(target / EXACT, expected.double[0])
    for other in expected.reordered:
        np.save(target / OTHER, other)
    np.save(target / GOT, part.got[part.worst])
    put(target / facts.file, part.content)
    write(target / FACTS, to_json(facts))
    # What enters a block of the rounded reference comes in an order of its own.
    same = facts.precision == "fp32" or len(part.entries) == 1
    saved = same and _save(module, call, part, target)
    write(target / README, _readme(facts, target, saved=saved))
    return target


def _save(module: nn.Module, call: Call, part: Alone, target: Path) -> bool:
    """Save the module, if it takes what the file takes in that order, and can be traced so."""
    in_order = [entry.tensor for entry in part.entries] == list(range(len(call.args)))
    if call.kwargs or not in_order:
        return False
    try:
        torch.export.save(trace(module, tree_map(_plain, call.args)), target / MODULE)
    except ExportError:
        return False
    return True


def _plain(one: object) -> object:
    """A tensor that was made for inference is not one to trace with."""
    return one.clone() if isinstance(one, Tensor) else one


def _expected(precision: str) -> str:
    """What the files of PyTorch's outputs hold."""
    if precision == "fp32":
        return (
            f"`{EXPECTED}`, `{EXACT}`, `{OTHER}`: what PyTorch returns, in float32, in float64, "
            "and in float32 with its sums in another order"
        )
    other = "float32" if precision == "fp16" else f"ranges that are wider, in `{OTHER}` by more"
    return f"`{EXPECTED}`: what PyTorch rounded to {precision} returns; `{EXACT}`: with {other}"


def _readme(facts: Facts, target: Path, *, saved: bool) -> str:
    case, inputs = facts.case, ", ".join(f"`{one}`" for one in facts.inputs)
    module = f"- `{MODULE}`: the block in PyTorch, in float32, for torch.export.load\n" * saved
    return f"""\
# {facts.block} of {facts.model} in {facts.backend}

What `{facts.file}` returns in its runtime differs from PyTorch: {case.metric} is {case.value}
{case.unit}, the limit {case.limit}. To see it again:

    python -m attnbench.pipeline.reproduce {target}

- `{facts.file}`: the block, cut out of the artifact with the artifact's own weights
{module}- {inputs}: what PyTorch calls it with, on the input "{case.input}" of the model
- {_expected(facts.precision)}
- `{GOT}`: what the runtime returned, in PyTorch's layout
- `{FACTS}`: layouts, limit and device
"""
