"""What a parity gate would have missed: faults of each attention block, judged at its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from torch import Tensor, nn

from attnbench.parity.bisection import first_wrong
from attnbench.parity.cases import Expected
from attnbench.parity.inputs import further_inputs
from attnbench.parity.judge import judge
from attnbench.parity.limits import Limits
from attnbench.parity.metrics import Array
from attnbench.pipeline.faults import attention, doubled, faded, flat, removable, run
from attnbench.pipeline.inside import Inside
from attnbench.pipeline.parity import Question, Questions, answers, reference_key, task_of
from attnbench.pipeline.probe import worst
from attnbench.pipeline.reference import reference_of
from attnbench.progress import Progress, stepping
from attnbench.records import Artifact, BlindSpot, BlockPower, Case, Power, Verdict

SMALLEST = 2.0**-24
"""The share from which a block is looked for: float32 has nothing between it and a whole."""

STEP = 2 ** (1 / 12)
"""How far apart the shares are that are told from each other: 6 %."""

Fault = Callable[[], AbstractContextManager[None]]


@dataclass(slots=True)
class Gate:
    """A reference, and what its artifact is held to: inputs, expected outputs and limits."""

    module: nn.Module
    artifact: Artifact
    question: Question
    limits: Limits
    further: Question | None = None

    def cases(self, fault: Fault, question: Question) -> Iterator[Case]:
        """All cases of the reference with a fault, one input after the other."""
        for expected in question.expected:
            with fault():
                got = run(self.module, question.inputs[expected.name])
            made = _rounded(got, expected)
            yield from judge(expected, made, self.limits, task_of(self.artifact.recipe))

    def sees(self, fault: Fault) -> bool:
        """Whether it fails a file with that fault."""
        return any(not case.passed for case in self.cases(fault, self.question))

    def elsewhere(self) -> Question:
        """Inputs that the gate does not have, with what PyTorch makes of them; asked once."""
        if self.further is None:
            inputs = further_inputs(self.artifact.inputs)
            self.further = answers(self.module, self.artifact, inputs)
        return self.further


def _rounded(got: Sequence[Array], expected: Expected) -> Sequence[Array]:
    """
    What an artifact of fewer bits returns with a fault, to first order.

    That is what it returns without, and what the fault changes in float32: numbers, or labels.
    """
    if not expected.plain:
        return got
    changed = zip(expected.single, got, expected.plain, strict=True)
    return [
        rounded + (faulty - plain)
        if np.issubdtype(plain.dtype, np.floating)
        else np.where(faulty == plain, rounded, faulty)
        for rounded, faulty, plain in changed
    ]


def with_power(
    artifacts: Sequence[Artifact],
    verdicts: Sequence[Verdict],
    questions: Questions,
    progress: Progress,
    globs: Sequence[str] = (),
) -> tuple[Verdict, ...]:
    """
    The verdicts, each with what its gate would have missed.

    Needs the reference alone, so artifacts of one reference and the same limits share it. `globs`
    name attention in the references of files that others made.
    """
    found: dict[tuple[str, Limits], Power] = {}
    keys: list[tuple[str, Limits]] = []
    for artifact in artifacts:
        question = questions(artifact)
        limits = question.limits(artifact)
        keys.append((reference_key(artifact), limits))
        if keys[-1] not in found:
            gate = Gate(reference_of(artifact), artifact, question, limits)
            with stepping(progress, f"what parity of {artifact.backend} would have missed"):
                found[keys[-1]] = power(gate, blocks_of(gate, globs))
    return tuple(
        replace(with_missing(verdict, _missing(found[key])), power=found[key])
        for verdict, key in zip(verdicts, keys, strict=True)
    )


def with_missing(verdict: Verdict, paths: Sequence[str]) -> Verdict:
    """A verdict that says which attention could be missing without being missed."""
    if not paths:
        return verdict
    reason = (
        f"{', '.join(paths)} could be missing, or scale each channel by a fixed number, and no "
        "limit would be broken"
    )
    return replace(verdict, blind=tuple(dict.fromkeys((*verdict.blind, reason))))


def unseen(artifact: Artifact, question: Question) -> tuple[str, ...]:
    """The attention that an artifact could do without, at its limits, in the model's order."""
    gate = Gate(reference_of(artifact), artifact, question, question.limits(artifact))
    paths = blocks_of(gate)
    can = removable(gate.module, next(iter(question.inputs.values())), paths)
    return tuple(path for path in paths if path in can and not _is_missed(gate, path))


def _is_missed(gate: Gate, path: str) -> bool:
    removed = partial(faded, gate.module.get_submodule(path), 1.0)
    return gate.sees(removed) and gate.sees(_flattened(gate, path))


def _missing(found: Power) -> tuple[str, ...]:
    return tuple(one.path for one in found.blind_spots if one.fault in ("removed", "flattened"))


def blocks_of(gate: Gate, globs: Sequence[str] = ()) -> tuple[str, ...]:
    """The attention of an artifact, or of its reference where the file has no blocks."""
    blocks = gate.artifact.blocks
    known = tuple(block.path for block in blocks if block.kind == "attention")
    first = next(iter(gate.question.inputs.values()))
    return known or attention(gate.module, first, globs)


def power(gate: Gate, paths: Sequence[str]) -> Power:
    """What the gate sees of the blocks at these paths."""
    can = removable(gate.module, next(iter(gate.question.inputs.values())), paths)
    blocks: list[BlockPower] = []
    spots: list[BlindSpot] = []
    for path in paths:
        if path in can:
            blocks.append(_block(gate, path))
            spots += _vanished(gate, blocks[-1])
        if path not in can or blocks[-1].detectable is not None:
            spots += _doubled(gate, path)
    return Power(tuple(blocks), tuple(spots), tuple(path for path in paths if path not in can))


def _block(gate: Gate, path: str) -> BlockPower:
    part = gate.module.get_submodule(path)
    removed = tuple(gate.cases(partial(faded, part, 1.0), gate.question))
    flattened = tuple(gate.cases(_flattened(gate, path), gate.question))
    return BlockPower(path, removed, flattened, _detectable(gate, part, removed))


def _detectable(gate: Gate, part: nn.Module, removed: Sequence[Case]) -> float | None:
    if all(case.passed for case in removed):
        return None
    shares = [1.0]
    while shares[-1] > SMALLEST:
        shares.append(shares[-1] / STEP)
    shares.reverse()
    at = first_wrong(lambda at: not gate.sees(partial(faded, part, shares[at])), len(shares))
    return shares[min(at, len(shares) - 1)]


def _flattened(gate: Gate, path: str) -> Fault:
    scale = flat(gate.module, path, gate.question.inputs.values())
    return partial(faded, gate.module.get_submodule(path), 1.0, scale)


def _vanished(gate: Gate, block: BlockPower) -> Iterator[BlindSpot]:
    """The block itself, if it is not missed, or not while a fixed scale is left of it."""
    if block.detectable is None:
        fault: Fault = partial(faded, gate.module.get_submodule(block.path), 1.0)
        yield _looked_at(gate, BlindSpot(block.path, "removed", None), block.path, fault)
    elif all(case.passed for case in block.flattened):
        spot = BlindSpot(block.path, "flattened", None)
        yield _looked_at(gate, spot, block.path, _flattened(gate, block.path))


def _doubled(gate: Gate, path: str) -> Iterator[BlindSpot]:
    """The weights of a block that the gate does not see doubled."""
    for name, weight in gate.module.get_submodule(path).named_parameters():
        fault = partial(doubled, weight)
        if not gate.sees(fault):
            spot = BlindSpot(f"{path}.{name}", "doubled", None)
            yield _looked_at(gate, spot, path, fault)


def _looked_at(gate: Gate, spot: BlindSpot, path: str, fault: Fault) -> BlindSpot:
    """The blind spot with where it would be seen: on a further input, or at its block."""
    failing = (case for case in gate.cases(fault, gate.elsewhere()) if not case.passed)
    seen = next(failing, None)
    if seen is not None:
        return replace(spot, seen=seen)
    case = _at_block(gate, path, fault)
    return spot if case is None or case.passed else replace(spot, seen=case, at="block")


def _at_block(gate: Gate, path: str, fault: Fault) -> Case | None:
    """How far the fault moves what the block itself returns, if that is a tensor of float32."""
    if gate.artifact.recipe.precision != "fp32":  # blocks of fewer bits are held to nothing
        return None
    inside = Inside.of(gate.module, gate.question.inputs)
    if not inside.shapes([path], ()):
        return None
    expected = [known[path] for known in inside.outputs([path])]
    got: list[Tensor] = []
    for arrays in gate.question.inputs.values():
        with fault():
            part = gate.module.get_submodule(path)
            hook = part.register_forward_hook(lambda _m, _a, made: got.append(made.clone()))
            run(gate.module, arrays)
            hook.remove()
    return worst(expected, [one.numpy() for one in got], gate.limits)
