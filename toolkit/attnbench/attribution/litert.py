"""LiteRT: kernels come in the flatbuffer's order; tensor names carry the module paths."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.attribution.alignment import Candidates, agreed
from attnbench.attribution.places import Located, Place, leaves, residual, steady_operators
from attnbench.attribution.xnnpack import place_events, sources
from attnbench.records import Artifact, Delegation, Scope, Trace, Undelegated

KINDS = {
    "CONV_2D": "conv",
    "DEPTHWISE_CONV_2D": "depthwise",
    "TRANSPOSE_CONV": "deconv",
    "FULLY_CONNECTED": "linear",
    "BATCH_MATMUL": "matmul",
    "AVERAGE_POOL_2D": "avgpool",
    "MAX_POOL_2D": "maxpool",
    "MEAN": "mean",
    "SUM": "sum",
    "REDUCE_MAX": "max",
    "REDUCE_MIN": "min",
    "MAXIMUM": "maximum",
    "MINIMUM": "minimum",
    "RESHAPE": "reshape",
    "SQUEEZE": "reshape",
    "EXPAND_DIMS": "reshape",
    "CONCATENATION": "concat",
    "SLICE": "slice",
    "STRIDED_SLICE": "slice",
    "SPLIT": "split",
    "SPLIT_V": "split",
    "TRANSPOSE": "transpose",
    "PAD": "pad",
    "LOGISTIC": "sigmoid",
    "HARD_SWISH": "hardswish",
    "SOFTMAX": "softmax",
    "RELU": "clamp",
    "RELU6": "clamp",
    "RELU_0_TO_1": "clamp",
    "RELU_N1_TO_1": "clamp",
    "MUL": "mul",
    "ADD": "add",
    "SUB": "sub",
    "DIV": "div",
    "NEG": "neg",
    "ABS": "abs",
    "SQUARE": "square",
    "SQUARED_DIFFERENCE": "difference",
    "SQRT": "sqrt",
    "RSQRT": "rsqrt",
    "EXP": "exp",
    "LOG": "log",
    "TANH": "tanh",
    "GELU": "gelu",
    "ELU": "elu",
    "LEAKY_RELU": "leaky",
    "PRELU": "prelu",
    "POW": "pow",
    "FLOOR": "floor",
    "CEIL": "ceil",
    "DEPTH_TO_SPACE": "depth2space",
    "SPACE_TO_DEPTH": "space2depth",
    "RESIZE_BILINEAR": "resize",
    "QUANTIZE": "convert",
    "DEQUANTIZE": "convert",
    "CAST": "convert",
}
"""TFLite's builtin operators in the words of `attribution.xnnpack`."""


def locate(trace: Trace, artifact: Artifact) -> Located:
    """
    The place of every event; what encloses operators has none of its own.

    An operator outside the delegate reports under its TFLite name; others like it may be inside.
    """
    sequence = steady_operators(trace)
    at = leaves(trace, sequence)
    kernels = [trace.operators[sequence[i]].kind for i in at]
    placed = place_events("litert", kernels, artifact.scopes, _kinds_of, artifact.blocks, None)
    return Located(spread(len(sequence), at, placed))


def delegation(trace: Trace, artifact: Artifact) -> Delegation:
    """What XNNPACK took of the graph, from which operators report under their TFLite names."""
    sequence = steady_operators(trace)
    levels = [trace.operators[i].level for i in sequence]
    kernels = [trace.operators[sequence[i]].kind for i in leaves(trace, sequence)]
    scopes = artifact.scopes
    unknown = [Candidates((), inserted=False)] * len(kernels)
    candidates = sources(kernels, scopes, _kinds_of, inserts=False) or unknown
    paths = agreed(candidates, lambda at: scopes[at].path, None)
    names = {scope.operator for scope in scopes}
    outside = tuple(
        Undelegated(kernel, path, "not taken by XNNPACK")
        for kernel, path in zip(kernels, paths, strict=True)
        if kernel in names
    )
    return Delegation(levels.count("delegate"), len(scopes) - len(outside), outside)


def _kinds_of(scope: Scope) -> frozenset[str]:
    return frozenset({scope.operator, KINDS.get(scope.operator, "?")})


def spread(count: int, at: Sequence[int], placed: Sequence[Place]) -> tuple[Place, ...]:
    """Places of the leaf events at their positions; enclosing events fall to the runtime."""
    places = [residual("runtime")] * count
    for position, place in zip(at, placed, strict=True):
        places[position] = place
    return tuple(places)
