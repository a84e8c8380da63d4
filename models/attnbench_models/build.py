"""From names and recipes to modules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import cast

import torch
from torch import nn

from attnbench_models.backbones import BACKBONES, blocks_for
from attnbench_models.backbones.base import Backbone
from attnbench_models.blocks import BLOCKS
from attnbench_models.catalogue import BackboneEntry, BlockEntry, find
from attnbench_models.checks import at_least_one
from attnbench_models.errors import ModelError
from attnbench_models.modes import evaluating
from attnbench_models.official import load_checkpoint, load_official, load_own
from attnbench_models.paths import block_paths
from attnbench_models.places import Attention, Home, Place, empty
from attnbench_models.pruning import prune_channels
from attnbench_models.recipe import Option, Recipe
from attnbench_models.sizes import sizes_at
from attnbench_models.user import Factory, as_module, from_file, from_module
from attnbench_models.weights import calibrate, is_untrained

__all__ = ["block_paths", "build", "create_block", "create_model"]

PROBE = (12, 10)  # pixels that a foreign block is tried on: few, and height is not width
LOADERS = {"attnbench": load_own, "official": load_official}


def create_block(
    name: str | Factory, channels: int, **options: Option | tuple[int, int]
) -> nn.Module:
    """
    Make one attention block for `channels` channels, by its paper's defaults.

    `name` is registered, a class or function of the channel count, or "FILE.py:Class". Blocks that
    are made for one map also take its `size`, (height, width). ModelError if there is none of that
    name, it does not take the options, or is not (N, C, H, W) to itself; a fusion, whose forward
    takes two tensors, makes one such tensor of two.
    """
    factory = _factory(name)
    label = name if isinstance(name, str) else getattr(name, "__name__", type(name).__name__)
    _check_arguments(factory, options, label=label)
    block = as_module(factory(at_least_one("channels", channels), **options), source=label)
    if _entry(name) is None:
        _check_shape(block, channels, label=label)
    return block


def create_model(
    backbone: str,
    block: str | Factory | None = None,
    *,
    width: float = 1.0,
    num_classes: int | None = None,
    size: tuple[int, int] | None = None,
    **options: Option,
) -> nn.Module:
    """
    Make a backbone with `block` in each of its places for it.

    None is the backbone's own native block, "none" no attention at all. Options are the block's;
    what they leave out is the backbone's choice, then the paper's. `num_classes` and `size`, the
    input's (height, width), are by default what the backbone is published for; the size matters
    only to blocks that are made for one. Initial weights are drawn from torch's global random
    state. ModelError as in `create_block`, and for a block that the backbone has no place for.
    """
    return _model(backbone, block, options, width=width, num_classes=num_classes, size=size)


def _model(
    backbone: str,
    block: str | Factory | None,
    options: Mapping[str, Option],
    *,
    width: float,
    num_classes: int | None,
    size: tuple[int, int] | None,
) -> nn.Module:
    """See create_model; a block may have options of the names of ours."""
    entry = find(BACKBONES, backbone, what="backbone")
    classes = at_least_one("num_classes", entry.classes if num_classes is None else num_classes)
    if not width > 0:
        raise ModelError(f"width must be positive, not {width:g}")
    if width != 1 and not entry.scales:
        raise ModelError(f"{backbone} has no width multiplier: it is published in one width")
    scale = {"width": width} if entry.scales else {}
    make: Callable[..., nn.Module] = partial(entry.load(), num_classes=classes, **scale)
    chosen = entry.native if block is None else block
    if chosen != "none":
        home = _home(backbone, entry, chosen)
        listed = _entry(chosen)
        sized = listed is not None and listed.sized
        sizes = sizes_at(make, home.takes, size or entry.size) if sized else []
        return make(_attention(chosen, home, sizes, options))
    if options:
        raise ModelError(
            f"there is no attention to take {', '.join(options)}", hint="choose a block"
        )
    return make(empty)


def _home(backbone: str, entry: BackboneEntry, block: str | Factory) -> Home:
    """Where the block goes in the backbone. ModelError if nowhere."""
    kind = _kind(block)
    if kind not in entry.takes:
        raise ModelError(
            f"{backbone} has no place for a {kind}, which {block} is",
            hint=f"it takes {', '.join(blocks_for(backbone))}",
        )
    homes = cast("type[Backbone]", entry.of_class()).HOMES
    return homes[block if isinstance(block, str) and block in homes else kind]


def _attention(
    block: str | Factory,
    home: Home,
    sizes: Sequence[tuple[int, int]],
    options: Mapping[str, Option],
) -> Attention:
    """Makes the block at its places; `sizes` are those of the maps there, if it asks for them."""
    if sizes and "size" in options:
        raise ModelError(f"the size of {block} is that of the map it is put on, and no option")
    remaining = iter(sizes)

    def attention(place: Place) -> nn.Module | None:
        if not home.takes(place):
            return None
        known = {"size": next(remaining)} if sizes else {}
        return create_block(block, place.channels, **known, **{**home.options(place), **options})

    return attention


def build(recipe: Recipe) -> nn.Module:
    """
    Make the module that a recipe describes, in evaluation mode and with its weights.

    Without a checkpoint the weights are random, from the recipe's seed, and calibrated: the same
    bits whatever the caller's random state and thread count, both of which are left as they were.
    A model of the user's own is calibrated only if its BatchNorms have seen no data and it has no
    `example_inputs` of its own: one that brings trained weights keeps them. ModelError for
    anything that the recipe names wrongly.
    """
    with _reproducible(recipe.seed):
        model = _untouched(recipe)
        if recipe.checkpoint is not None:
            if recipe.layout not in LOADERS:
                raise ModelError(
                    f"there is no layout {recipe.layout!r}", hint=f"there is {', '.join(LOADERS)}"
                )
            state = load_checkpoint(recipe.checkpoint, sha256=recipe.checkpoint_sha256)
            LOADERS[recipe.layout](model, state)
        elif recipe.model is None or _takes_images(model):
            calibrate(model, recipe.size, recipe.seed)
        if recipe.prune is not None and not prune_channels(model, recipe.prune):
            raise ModelError(
                f"no channel of {recipe.name} has a scale of at most {recipe.prune:g} to prune",
                hint="train with sparsity_penalty, then give its --checkpoint",
            )
    return model.eval()


def _takes_images(model: nn.Module) -> bool:
    """Whether a user's own model can be calibrated: untrained, and with no inputs of its own."""
    return is_untrained(model) and not hasattr(model, "example_inputs")


def _untouched(recipe: Recipe) -> nn.Module:
    if recipe.model is not None:
        return from_module(recipe.model)
    return _model(
        recipe.backbone,
        recipe.block,
        recipe.options,
        width=recipe.width,
        num_classes=recipe.num_classes,
        size=recipe.size,
    )


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Draw from `seed` and sum in one order: with one thread, a reduction has only one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def _factory(name: str | Factory) -> Factory:
    if not isinstance(name, str):
        return name
    if ":" in name:
        return from_file(name)
    return find(BLOCKS, name, what="block").load()


def _kind(block: str | Factory) -> str:
    listed = _entry(block)
    if listed is not None:
        return listed.kind
    forward = getattr(_factory(block), "forward", None)
    return "fusion" if forward is not None and _inputs(forward) == 2 else "gate"


def _inputs(forward: Callable[..., object]) -> int:
    """How many arguments it cannot do without, besides `self`."""
    parameters = inspect.signature(forward).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return sum(p.default is p.empty and p.name != "self" for p in named)


def _entry(block: str | Factory) -> BlockEntry | None:
    """Its entry, if it is a registered one."""
    return BLOCKS.get(block) if isinstance(block, str) else None


def _check_arguments(factory: Factory, options: Mapping[str, object], *, label: str) -> None:
    signature = inspect.signature(factory)
    keywords = [
        p for p in list(signature.parameters.values())[1:] if p.kind is not p.VAR_POSITIONAL
    ]
    known = [p.name for p in keywords if p.kind is not p.VAR_KEYWORD]
    unknown = sorted(set(options) - set(known))
    if unknown and len(known) == len(keywords):
        hint = f"its options are {', '.join(known)}" if known else "it has no options"
        raise ModelError(f"{label} has no option {', '.join(unknown)}", hint=hint)
    try:
        signature.bind(0, **options)
    except TypeError as error:
        raise ModelError(
            f"{label} cannot be made from one channel count: {error}",
            hint="a block is Block(channels), with defaults for everything else",
        ) from error


def _check_shape(block: nn.Module, channels: int, *, label: str) -> None:
    x = torch.zeros(1, channels, *PROBE)
    try:
        with evaluating(block), torch.random.fork_rng(devices=[]):
            y = block(*[x] * max(1, _inputs(block.forward)))
    except (RuntimeError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(
            f"{label} fails on a {tuple(x.shape)} input: {reason}",
            hint="a block takes one (N, C, H, W) tensor of any height and width, a fusion two",
        ) from error
    shape = tuple(getattr(y, "shape", ()))
    if shape != x.shape:
        raise ModelError(
            f"{label} makes {shape or type(y).__name__} of {tuple(x.shape)}",
            hint="a block keeps the shape of its input",
        )
