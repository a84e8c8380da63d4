"""The module paths by which time and cost are told apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from torch import nn

from attnbench_models.backbones.base import Backbone
from attnbench_models.blocks import BLOCKS

DEPTH = 2  # of a model that is not ours; deeper paths are listed for attention only


def block_paths(module: nn.Module, globs: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """
    List the module paths to tell apart, in forward order, each "attention" or "backbone".

    Our backbones name their own. Of any other model every module down to depth 2 is listed,
    containers too, and below that every instance of one of our block classes. A module whose
    path matches one of `globs` ("stages.*.attn") is attention too. Nothing inside an attention
    module is listed: its cost is one number. If `module` itself is a block, its children are.
    """
    blocks = tuple(entry.of_class() for entry in BLOCKS.values())
    if isinstance(module, blocks):
        return tuple((name, "attention") for name, _ in module.named_children())
    own = dict(module.block_paths()) if isinstance(module, Backbone) else None
    return tuple(_walk(module, "", blocks=blocks, own=own, globs=globs))


def _walk(
    module: nn.Module,
    prefix: str,
    *,
    blocks: tuple[type, ...],
    own: dict[str, str] | None,
    globs: Sequence[str],
) -> Iterator[tuple[str, str]]:
    for name, child in module.named_children():
        path = f"{prefix}{name}"
        if own is None:
            listed = isinstance(child, blocks) or path.count(".") < DEPTH
            kind = "attention" if isinstance(child, blocks) else "backbone"
        else:
            listed, kind = path in own, own.get(path, "backbone")
        if any(fnmatchcase(path, glob) for glob in globs):
            listed, kind = True, "attention"
        if listed:
            yield path, kind
        if kind != "attention":
            yield from _walk(child, f"{path}.", blocks=blocks, own=own, globs=globs)
