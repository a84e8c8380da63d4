"""ExecuTorch: a delegate's kernels come in the order of the nodes that were put into it."""

from __future__ import annotations

from attnbench.attribution.litert import spread
from attnbench.attribution.places import Located, leaves, residual, steady_operators
from attnbench.attribution.xnnpack import place_events
from attnbench.records import Artifact, Delegation, Scope, Trace

KINDS = {
    "convolution": "conv",
    "depthwise_convolution": "depthwise",
    "linear": "linear",
    "addmm": "linear",
    "mm": "matmul",
    "bmm": "matmul",
    "avg_pool2d": "avgpool",
    "max_pool2d": "maxpool",
    "mean": "mean",
    "sum": "sum",
    "amax": "max",
    "amin": "min",
    "maximum": "maximum",
    "minimum": "minimum",
    "view_copy": "reshape",
    "squeeze_copy": "reshape",
    "unsqueeze_copy": "reshape",
    "cat": "concat",
    "slice_copy": "slice",
    "permute_copy": "transpose",
    "operand_permute_copy": "operand",
    "constant_pad_nd": "pad",
    "sigmoid": "sigmoid",
    "hardswish": "hardswish",
    "_softmax": "softmax",
    "relu": "clamp",
    "hardtanh": "clamp",
    "clamp": "clamp",
    "_native_batch_norm_legit_no_training": "norm",
    "_to_dim_order_copy": "convert",
    "_clone_dim_order": "convert",
    "quantize_per_tensor": "convert",
    "dequantize_per_tensor": "convert",
    "dequantize_per_channel": "operand",
    "mul": "mul",
    "add": "add",
    "sub": "sub",
    "div": "div",
    "neg": "neg",
    "abs": "abs",
    "sqrt": "sqrt",
    "rsqrt": "rsqrt",
    "exp": "exp",
    "log": "log",
    "tanh": "tanh",
    "gelu": "gelu",
    "elu": "elu",
    "leaky_relu": "leaky",
    "_prelu_kernel": "prelu",
    "pow": "pow",
    "floor": "floor",
    "ceil": "ceil",
    "upsample_bilinear2d": "resize",
}
"""Edge operators, without their overload, in the words of `attribution.xnnpack`."""


def locate(trace: Trace, artifact: Artifact) -> Located:
    """
    The place of every event; DELEGATE_CALL and Method::execute fall to the runtime.

    Kernels of XNNPACK are matched by what they compute, portable ones by their own name. A
    transpose that no permutation of the model explains is the delegate's, at its boundary.
    """
    sequence = steady_operators(trace)
    at = leaves(trace, sequence)
    kernels = [_plain(trace.operators[sequence[i]].kind) for i in at]
    placed = place_events(
        "executorch",
        kernels,
        artifact.scopes,
        _kinds_of,
        artifact.blocks,
        residual("delegate_boundary"),
    )
    return Located(spread(len(sequence), at, placed))


def delegation(_trace: Trace, artifact: Artifact) -> Delegation:
    """As exported: the partition is part of the program."""
    return artifact.delegation


def _kinds_of(scope: Scope) -> frozenset[str]:
    name = scope.operator.partition(".")[0]
    return frozenset({name if scope.delegate is None else KINDS.get(name, "?")})


def _plain(kernel: str) -> str:
    """A portable kernel without its overload, `mean.out` -> `mean`; XNNPACK's as they are."""
    return kernel if " " in kernel else kernel.partition(".")[0]
