"""The reference in an artifact's precision: what PyTorch's own numbers lose there."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn
from torch.fx import GraphModule

from attnbench.errors import BadArtifact, BadModel
from attnbench.parity.cases import Expected, Margins
from attnbench.parity.limits import WIDER, Limits
from attnbench.parity.metrics import Array, max_error, snr_db
from attnbench.parity.segmentation import mean_iou, sure
from attnbench.pipeline.reference import example_for, trace
from attnbench.quantise.calibration import samples
from attnbench.quantise.simulated import Rounding, Simulation, ranges_of
from attnbench.records import Artifact
from attnbench.rewrites import REWRITES, rewrite
from attnbench.rewrites.base import outputs_of

BLIND_DB = 6.0
"""Below it an error of half the signal would pass: the gate says then that it proves nothing."""

BLIND_SHARE = 0.5
"""Of pixels: the same where fewer are sure of their labels."""

ADVICE = "judge a part of the model, or weights that were trained"

NOWHERE = "(nowhere)"
"""The module that nothing is in: rounding that alone leaves all in float32."""

Outputs = tuple[Array, ...]

WEIGHTS_ALONE = (("tflite", "fp16"),)
"""Where activations stay float32, as XNNPACK computes them unless it is forced."""

EXACT = {("executorch", "int8"): frozenset({"softmax", "_softmax"})}
"""Operators that return float32 in 8 bits too: XNNPACK's quantiser passes them by."""


@dataclass(frozen=True, slots=True)
class RoundedReference:
    """The graph that was exported, and how its numbers are rounded."""

    program: GraphModule
    rounding: Rounding

    @classmethod
    def of(cls, module: nn.Module, artifact: Artifact) -> RoundedReference:
        """
        That of an artifact's reference, with the ranges that its calibration saw.

        For a file that others made they are those of natural-like images. Raises BadArtifact for
        ranges of another graph.
        """
        example = example_for(artifact.recipe, module)
        applied = {one.name for one in artifact.rewrites}
        with warnings.catch_warnings(action="ignore"):  # torch warns of its own copies
            traced = trace(module, example).module(check_guards=False)
            program, _ = rewrite(traced, example, [one for one in REWRITES if one.name in applied])
        ranges = artifact.ranges
        recipe = artifact.recipe
        if recipe.precision == "int8" and not ranges:
            ranges = ranges_of(program, samples(artifact.inputs, None))
        elif not ranges.keys() <= {node.name for node in program.graph.nodes}:
            raise BadArtifact(
                f"{artifact.path}: its ranges are of another graph than its reference's",
                hint="export it again",
            )
        made_for = (artifact.backend, recipe.precision)
        return cls(
            program,
            Rounding(
                recipe.precision,
                ranges,
                activations=made_for not in WEIGHTS_ALONE,
                keep_float=recipe.keep_float,
                exact=EXACT.get(made_for, frozenset()),
            ),
        )

    def outputs(self, arrays: Sequence[Array], rounding: Rounding | None = None) -> Outputs:
        """What the model returns, with its own or another rounding."""
        made, _ = self._run(arrays, rounding or self.rounding, ())
        return made

    def expected(self, plain: Expected, arrays: Sequence[Array]) -> Expected:
        """
        What an artifact has to return where PyTorch in float32 returns `plain`.

        Raises BadModel for labels that are not the largest of something in the graph.
        """
        labels = any(np.issubdtype(one.dtype, np.integer) for one in plain.single)
        watched = self._chosen_from() if labels else ()
        made, logits = self._run(arrays, self.rounding, watched)
        others = [self._run(arrays, one, watched) for one in self.others()]
        first, *second = (outputs for outputs, _ in others)
        if self.rounding.precision == "fp16":
            first = plain.single
        margins = _margins(logits, [seen for _, seen in others]) if labels else None
        return replace(
            plain,
            single=made,
            double=first,
            reordered=second[0] if second else (),
            plain=plain.single,
            margins=margins,
        )

    def others(self) -> tuple[Rounding, ...]:
        """Roundings whose distances say what rounding may do; in fp16 that is none at all."""
        if self.rounding.precision == "fp16":
            return (replace(self.rounding, only=NOWHERE),)
        return tuple(self.rounding.wider(by) for by in WIDER)

    def _run(
        self, arrays: Sequence[Array], rounding: Rounding, watched: tuple[str, ...]
    ) -> tuple[Outputs, Outputs]:
        """What the model returns, and the watched values."""
        simulation = Simulation(self.program, rounding, watched)
        with torch.inference_mode():
            made = outputs_of(simulation.run(*map(torch.from_numpy, arrays)))
        seen = (simulation.seen[name] for name in watched)
        return tuple(one.numpy() for one in made), tuple(one.numpy() for one in seen)

    def _chosen_from(self) -> tuple[str]:
        """The value (N, K, H, W) that labels are the largest of."""
        for node in self.program.graph.nodes:
            if node.target is torch.ops.aten.argmax.default and node.args[1:2] == (1,):
                return (node.args[0].name,)
        raise BadModel(
            f"parity in {self.rounding.precision} of a model whose labels are no argmax over dim 1",
            hint="let it return what the labels are the largest of",
        )


def _margins(logits: Outputs, others: Sequence[Outputs]) -> Margins:
    """How sure the rounded model is of its labels: what other roundings move its logits by."""
    (exact,) = logits
    found = Margins.between(others[0][0], exact)
    return replace(found, own=max(max_error(exact, other) for (other,) in others))


def blind(expected: Sequence[Expected], limits: Limits) -> tuple[str, ...]:
    """Why outputs of fewer bits that pass may mean nothing; nothing if they mean something."""
    told = []
    seen = [limits.snr_db(one.own_snr_db(at)) for one in expected for at in _numbers(one)]
    if seen and max(seen) < BLIND_DB:
        told.append(
            f"rounding alone moves the outputs so far that noise of {max(seen):.0f} dB would pass "
            f"on every input; {ADVICE}"
        )
    known = [sure(one.margins, limits).mean() for one in expected if one.margins is not None]
    if known and max(known) < BLIND_SHARE:
        told.append(
            f"rounding alone decides the labels of {1 - max(known):.0%} of the pixels on every "
            f"input at least; {ADVICE}"
        )
    return tuple(told)


def distance(expected: Sequence[Expected], got: Sequence[Sequence[Array]]) -> str:
    """How far outputs of fewer bits are from PyTorch in float32, as a sentence."""
    found = [
        (*_agreement(plain, output), one.of_output(at))
        for one, outputs in zip(expected, got, strict=True)
        for at, (plain, output) in enumerate(zip(one.plain, outputs, strict=True))
    ]
    natural = [one for one in found if one[2].startswith("natural")]
    (_, shown, name), (_, worst, other) = min(natural or found), min(found)
    return f"not judged: from PyTorch in float32 {shown} on {name}, {worst} at worst, on {other}"


def _agreement(plain: Array, output: Array) -> tuple[float, str]:
    """What orders outputs, the worst first, and the same in words."""
    if not np.issubdtype(plain.dtype, np.integer):
        ratio = snr_db(plain, output)
        return ratio, f"{ratio:.1f} dB"
    share = float(np.equal(plain, output).mean())
    return share, f"{1 - share:.1%} of labels differ (mIoU {mean_iou(plain, output):.2f})"


def _numbers(one: Expected) -> list[int]:
    """Which outputs are no labels."""
    return [at for at, y in enumerate(one.single) if np.issubdtype(y.dtype, np.floating)]
