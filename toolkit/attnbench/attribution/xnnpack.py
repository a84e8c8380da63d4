"""XNNPACK's kernel names, and the graph operators that they can stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from attnbench.attribution.alignment import Candidates, agreed, align
from attnbench.attribution.places import Place, block_of, residual
from attnbench.errors import AttributionError
from attnbench.records import Block, Scope

TABLE = "Invalid Unary Op"
"""
What XNNPACK calls a kernel that looks each number of 8 bits up in a table.

It computes what has one argument so, and a chain of such operators, products and sums with
constants or with each other among them, as one table in the place of the last.
"""

TABLED = (
    "abs add ceil clamp difference div elu exp floor gelu hardswish leaky log maximum minimum mul "
    "neg pow rsqrt sigmoid sqrt square sub tanh"
)
"""Kinds that may be in such a chain."""

KERNELS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (start, frozenset(kinds.split()))
    for start, kinds in (
        ("Convolution", "conv depthwise"),
        ("Deconvolution", "deconv"),
        ("Fully Connected", "conv linear matmul"),
        ("Batch Matrix Multiply", "matmul linear"),
        ("Average Pooling", "avgpool mean"),
        ("Global Average Pooling", "mean avgpool"),
        ("Global Sum Pooling", "sum mean"),
        ("Max Pooling", "maxpool max"),
        ("Mean", "mean avgpool"),
        ("Sum", "sum mean"),
        ("Reduce", "max min sum mean"),
        ("Maximum", "maximum clamp"),
        ("Minimum", "minimum clamp"),
        ("Max", "max"),
        ("Min", "min"),
        ("Static Reshape", "reshape"),
        ("Copy", "concat reshape slice split"),
        ("Concat", "concat"),
        ("Even Split", "split"),
        ("Split", "split"),
        ("Slice", "slice split"),
        ("Static Slice", "slice split"),
        ("Transpose", "transpose"),
        ("Constant Pad", "pad"),
        ("Sigmoid", "sigmoid"),
        ("HardSwish", "hardswish"),
        ("Softmax", "softmax"),
        ("Clamp", "clamp"),
        ("Multiply", "mul square"),
        ("Add", "add"),
        ("Subtract", "sub"),
        ("Divide", "div"),
        ("Negate", "neg"),
        ("Abs", "abs"),
        ("Square Root", "sqrt"),
        ("Reciprocal Square Root", "rsqrt"),
        ("Squared Difference", "difference"),
        ("Square", "square mul"),
        ("Exp", "exp"),
        ("Log", "log"),
        ("Tanh", "tanh"),
        ("Leaky ReLU", "leaky"),
        ("PReLU", "prelu"),
        ("Power", "pow"),
        ("Floor", "floor"),
        ("Ceiling", "ceil"),
        ("Depth To Space", "depth2space"),
        ("Space To Depth", "space2depth"),
        ("GELU", "gelu"),
        ("ELU", "elu"),
        ("Resize Bilinear", "resize"),
        ("Convert", "convert"),
        (TABLE, TABLED),
    )
)
"""
Start of the kernel's name, and the kinds of operator that it computes; first wins.

A depthwise convolution that makes several channels of one is computed as a grouped one, and one of
a single channel as depthwise.
"""

FUSED = frozenset({"clamp", "maximum", "minimum", "pad", "reshape", "norm", "convert", "operand"})
"""Kinds that XNNPACK may fold into a neighbour, so that no kernel reports them."""

MERGED = (("Mean Squared", "mean"), ("Sum Squared", "sum"))
"""Starts of kernels that also do what is just before a reduction of that kind: one of SQUARES."""

SQUARES = frozenset({"mul", "square"})

LAYOUT_KERNELS = ("Transpose", "Convert")
"""Kernels that a delegate may insert for its own layout and types."""

Find = Callable[[Scope], frozenset[str]]
"""The kinds that an operator of the graph may report as, in the words of KERNELS."""


def computes(kernel: str) -> frozenset[str]:
    """The kinds of operator that a kernel of this name can stand for; empty if it is unknown."""
    return next((kinds for start, kinds in KERNELS if kernel.startswith(start)), frozenset())


def sources(
    kernels: Sequence[str], scopes: Sequence[Scope], find: Find, *, inserts: bool
) -> list[Candidates] | None:
    """
    All operators of the graph that each kernel could come from; None if there is no alignment.

    `inserts` is whether the delegate may add kernels of layout on its own.
    """
    kinds = [find(scope) for scope in scopes]
    can = [computes(kernel) | {kernel} for kernel in kernels]
    # Where the graph converts by itself, as in 8 bits, the delegate only does what it says.
    added = LAYOUT_KERNELS[: 1 if any("convert" in of for of in kinds) else None]
    compatible = np.array([[not of.isdisjoint(one) for of in kinds] for one in can], bool)
    tables = any(kernel.startswith(TABLE) for kernel in kernels)
    fused = FUSED.union(TABLED.split() if tables else ())
    merging = {kind for start, kind in MERGED if any(one.startswith(start) for one in kernels)}
    return align(
        compatible.reshape(len(kernels), len(kinds)),
        [
            not of.isdisjoint(fused) or not (of.isdisjoint(SQUARES) or then.isdisjoint(merging))
            for of, then in zip(kinds, (*kinds[1:], frozenset()), strict=True)
        ],
        [inserts and kernel.startswith(added) for kernel in kernels],
    )


def place_events(
    engine: str,
    kernels: Sequence[str],
    scopes: Sequence[Scope],
    find: Find,
    blocks: Sequence[Block],
    inserted: Place | None,
) -> list[Place]:
    """
    The place of each kernel, by order-preserving alignment with the graph's operators.

    A layout kernel may be one that the delegate added; its place is then `inserted` (None: this
    runtime adds none). An event whose possible owners disagree is unattributed. Raises
    AttributionError where no alignment exists.
    """
    candidates = sources(kernels, scopes, find, inserts=inserted is not None)
    if candidates is None:
        known = frozenset().union(*map(find, scopes))
        raise AttributionError(
            f"{engine}: its {len(kernels)} kernels cannot be aligned with the graph's "
            f"{len(scopes)} operators; first that fits nowhere: {_odd_one(kernels, known)}",
            hint="latency of the whole is unaffected; please report the model and this line",
        )
    owners = [scope_place(scope, blocks) for scope in scopes]
    unknown = residual("unattributed")
    return [
        place or unknown for place in agreed(candidates, owners.__getitem__, inserted or unknown)
    ]


def scope_place(scope: Scope, blocks: Sequence[Block]) -> Place:
    """The block of a scope; what the converter inserted for its own layout is `layout`."""
    return residual("layout") if scope.inserted else block_of(scope.path, blocks)


def _odd_one(kernels: Sequence[str], known: frozenset[str]) -> str:
    alone = (
        kernel
        for kernel in kernels
        if known.isdisjoint(computes(kernel) | {kernel}) and not kernel.startswith(LAYOUT_KERNELS)
    )
    return next(alone, "none by kind alone, the order differs")
