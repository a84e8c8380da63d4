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
from attnbench.parity.cases import Expected
from attnbench.parity.limits import WIDER, Limits
from attnbench.parity.metrics import Array, snr_db
from attnbench.pipeline.reference import example_for, trace
from attnbench.quantise.calibration import samples
from attnbench.quantise.simulated import Rounding, Simulation, ranges_of
from attnbench.records import Artifact
from attnbench.rewrites import REWRITES, rewrite
from attnbench.rewrites.base import outputs_of

BLIND_DB = 6.0
"""Below it an error of half the signal would pass: the gate says then that it proves nothing."""

Outputs = tuple[Array, ...]

WEIGHTS_ALONE = (("tflite", "fp16"),)
"""Where activations stay float32, as XNNPACK computes them unless it is forced."""


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
        return cls(
            program,
            Rounding(
                recipe.precision,
                ranges,
                activations=(artifact.backend, recipe.precision) not in WEIGHTS_ALONE,
                keep_float=recipe.keep_float,
            ),
        )

    def outputs(self, arrays: Sequence[Array], rounding: Rounding | None = None) -> Outputs:
        """What the model returns, with its own or another rounding."""
        tensors = [torch.from_numpy(one) for one in arrays]
        with torch.inference_mode():
            made = Simulation(self.program, rounding or self.rounding).run(*tensors)
        return tuple(one.numpy() for one in outputs_of(made))

    def expected(self, plain: Expected, arrays: Sequence[Array]) -> Expected:
        """
        What an artifact has to return where PyTorch in float32 returns `plain`.

        Raises BadModel for labels: how sure a rounded model is of them is not known.
        """
        if any(np.issubdtype(one.dtype, np.integer) for one in plain.single):
            raise BadModel(
                f"parity in {self.rounding.precision} is of numbers, and the model returns labels",
                hint="let it return what the labels are the largest of",
            )
        made = self.outputs(arrays)
        if self.rounding.precision == "fp16":
            first, second = plain.single, made[:0]
        else:
            first, second = (self.outputs(arrays, self.rounding.wider(by)) for by in WIDER)
        return replace(plain, single=made, double=first, reordered=second, plain=plain.single)


def blind(expected: Sequence[Expected], limits: Limits) -> tuple[str, ...]:
    """Why outputs of fewer bits that pass may mean nothing; nothing if they mean something."""
    seen = max(
        limits.snr_db(one.own_snr_db(at)) for one in expected for at in range(len(one.single))
    )
    if seen >= BLIND_DB:
        return ()
    return (
        f"rounding alone moves the outputs so far that noise of {seen:.0f} dB would pass on every "
        "input; judge a part of the model, or weights that were trained",
    )


def distance(expected: Sequence[Expected], got: Sequence[Sequence[Array]]) -> str:
    """How far outputs of fewer bits are from PyTorch in float32, as a sentence."""
    found = [
        (snr_db(plain, output), one.of_output(at))
        for one, outputs in zip(expected, got, strict=True)
        for at, (plain, output) in enumerate(zip(one.plain, outputs, strict=True))
    ]
    natural = [one for one in found if one[1].startswith("natural")]
    (least, name), (worst, other) = min(natural or found), min(found)
    return (
        f"not judged: {least:.1f} dB from PyTorch in float32 on {name}, "
        f"{worst:.1f} dB at worst, on {other}"
    )
