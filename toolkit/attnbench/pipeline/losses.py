"""What rounding costs each block: alone, and after all blocks before it were rounded too."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from attnbench.backends import format_of
from attnbench.devices import Device
from attnbench.errors import BadOption
from attnbench.parity.inputs import Images, further_inputs, image_inputs, standard_inputs
from attnbench.parity.metrics import Array, snr_db
from attnbench.pipeline.computed import outputs_of
from attnbench.pipeline.export import Request
from attnbench.pipeline.parity import identify
from attnbench.pipeline.reference import reference_of
from attnbench.pipeline.rounded import NOWHERE, RoundedReference
from attnbench.quantise.simulated import Rounding, Simulation, exits
from attnbench.records import Artifact, Block, Measurement
from attnbench.records.losses import BlockLoss, PrecisionLoss
from attnbench.rewrites.base import outputs_of as tensors_of

OUTPUT = ""
"""What stands for the model's output among the values of modules."""

Values = Mapping[str, Sequence[Array]]
"""Of each module's output, by its path, one array an input."""


def losses(artifact: Artifact, device: Device, images: Images | None = None) -> PrecisionLoss:
    """
    What its precision costs an artifact, on natural-like inputs or the user's images.

    Raises BadOption in float32, where nothing is rounded.
    """
    if artifact.recipe.precision == "fp32":
        raise BadOption("float32 loses nothing", hint="--precision int8, or fp16")
    inputs = _inputs(artifact, images)
    reference = RoundedReference.of(reference_of(artifact), artifact)
    look = Look(reference, exits(reference.program, [one.path for one in artifact.blocks]), inputs)
    plain = look.at(replace(reference.rounding, only=NOWHERE))
    rounded = look.at(reference.rounding)
    made = [outputs[0] for outputs in outputs_of(artifact, [*inputs.values()], device)]
    return PrecisionLoss(
        artifact=identify(artifact),
        device=device.name,
        inputs=tuple(inputs),
        simulated_db=_db(plain, rounded, OUTPUT),
        measured_db=_db(plain, {OUTPUT: made}, OUTPUT),
        blocks=tuple(_loss(one, look, plain, rounded) for one in artifact.blocks),
    )


def in_float32(wanted: Request) -> Request:
    """The same model in float32, for the runtimes that can time it here."""
    recipe = replace(
        wanted.recipe,
        precision="fp32",
        keep_float=(),
        calibration=None,
        calibration_sha256=None,
    )
    can = tuple(name for name in wanted.backends if format_of(name).engine is not None)
    return replace(wanted, recipe=recipe, backends=can)


def timed(loss: PrecisionLoss, before: Measurement, after: Measurement) -> PrecisionLoss:
    """The same with what was measured of the model in float32 and of the artifact."""
    times = [{one.path: one.ns for one in m.blocks or ()} for m in (before, after)]
    blocks = (
        replace(one, before_ns=times[0].get(one.path), after_ns=times[1].get(one.path))
        for one in loss.blocks
    )
    return replace(
        loss,
        blocks=tuple(blocks),
        before_ns=before.latency_ns.median,
        after_ns=after.latency_ns.median,
    )


@dataclass(frozen=True, slots=True)
class Look:
    """The rounded reference on some inputs, and which of its values are modules' outputs."""

    reference: RoundedReference
    names: Mapping[str, str]
    inputs: Mapping[str, Sequence[Array]]

    def at(self, rounding: Rounding) -> Values:
        """What the modules and the model return with that rounding."""
        runs = [self._run(rounding, arrays) for arrays in self.inputs.values()]
        return {path: [run[path].numpy() for run in runs] for path in (*self.names, OUTPUT)}

    def _run(self, rounding: Rounding, arrays: Iterable[Array]) -> dict[str, Tensor]:
        one = Simulation(self.reference.program, rounding, frozenset(self.names.values()))
        with torch.inference_mode():
            made = tensors_of(one.run(*map(torch.from_numpy, arrays)))
        return {path: one.seen[name] for path, name in self.names.items()} | {OUTPUT: made[0]}


def _inputs(artifact: Artifact, images: Images | None) -> dict[str, list[Array]]:
    if images is not None:
        return image_inputs(images, artifact.inputs[0])
    both = standard_inputs(artifact.inputs) | further_inputs(artifact.inputs)
    return {name: arrays for name, arrays in both.items() if name.startswith("natural")}


def _loss(block: Block, look: Look, plain: Values, rounded: Values) -> BlockLoss:
    alone = look.at(replace(look.reference.rounding, only=block.path))
    return BlockLoss(
        block.path,
        block.kind,
        alone_db=_db(plain, alone, block.path),
        model_db=_db(plain, alone, OUTPUT),
        accumulated_db=_db(plain, rounded, block.path),
    )


def _db(exact: Values, rounded: Values, path: str) -> float | None:
    """The ratio over all inputs; None where nothing differs, or the value is none."""
    if path not in exact:
        return None
    pairs = (np.concatenate([one.ravel() for one in values[path]]) for values in (exact, rounded))
    found = snr_db(*pairs)
    return found if math.isfinite(found) else None
