"""One fault after the other: would it be seen, is it caught, and in which block is it found?"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import nn

from attnbench.devices import DEVICES
from attnbench.errors import AttnbenchError
from attnbench.files import digest
from attnbench.parity.judge import judge
from attnbench.parity.metrics import max_error
from attnbench.pipeline.computed import outputs_of
from attnbench.pipeline.localise import searching
from attnbench.pipeline.parity import Question, answers, ask, identify
from attnbench.pipeline.reference import reference_of
from attnbench.records import Artifact, Verdict, is_inside
from attnbench_models.natural import natural_images
from tests.mutation.faults import Fault

VISIBLE = 10.0
"""A fault that moves an output by more than so many limits, on an input that no gate has, shows."""

HELD_OUT = 32
SEED = 7_000


@dataclass(frozen=True)
class Result:
    """
    What became of one fault, or of a clean export where `fault` is empty.

    `moved` is the most that it moves the output on held-out inputs, in limits: from float64, which
    differs from the file's own float32 by less than a tenth of one. `failed` is the gate's word on
    its own inputs, `found` the block that it then names. `refused` is the runtime's own message.
    """

    key: str
    runtime: str
    subject: str
    fault: str
    kind: str
    path: str
    moved: float
    failed: bool
    found: str | None = None
    located: bool = False
    refused: str = ""

    @property
    def visible(self) -> bool:
        return not self.refused and self.moved > VISIBLE


class Bench:
    """A clean artifact with its reference, and what both inputs, the gate's and others, give."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact, self.host = artifact, DEVICES.get("host")
        self.module = reference_of(artifact)
        self.question = ask(self.module, artifact)
        self.limits = self.question.limits(artifact)

    @cached_property
    def held_out(self) -> Question:
        """Inputs that no gate has, which a clean file is not asked for."""
        return answers(self.module, self.artifact, _held_out(self.artifact))

    def judged(self) -> Verdict:
        """The verdict on the clean file."""
        return self._verdict(self.artifact, self._outputs(self.artifact, self.question))

    def tried(self, fault: Fault, key: str, subject: str) -> Result:
        with tempfile.TemporaryDirectory(prefix="attnbench-") as name:
            folder = Path(name)
            result = Result(
                key, self.artifact.backend, subject, fault.name, fault.kind, fault.path, 0.0, True
            )
            try:
                file = self._file(fault, folder)
                got = self._outputs(file, self.question, self.held_out)
            except AttnbenchError as error:
                return replace(result, refused=str(error))
            inputs = len(self.question.inputs)
            verdict = self._verdict(file, got[:inputs])
            result = replace(result, moved=self._moved(got[inputs:]), failed=not verdict)
            return result if verdict else self._found(result, file, verdict, fault.path)

    def _file(self, fault: Fault, folder: Path) -> Artifact:
        path = folder / Path(self.artifact.path).name
        path.write_bytes(fault.make())
        weights = Path(self.artifact.path).with_name(self.artifact.reference.file)
        (folder / weights.name).write_bytes(weights.read_bytes())
        return replace(self.artifact, path=str(path), sha256=digest(path))

    def _outputs(self, artifact: Artifact, *questions: Question) -> list[list[np.ndarray]]:
        inputs = [arrays for one in questions for arrays in one.inputs.values()]
        return outputs_of(artifact, inputs, self.host)

    def _verdict(self, artifact: Artifact, got: list[list[np.ndarray]]) -> Verdict:
        pairs = zip(self.question.expected, got, strict=True)
        cases = (case for one, outputs in pairs for case in judge(one, outputs, self.limits))
        return Verdict(identify(artifact), "host", tuple(cases))

    def _moved(self, got: list[list[np.ndarray]]) -> float:
        pairs = zip(self.held_out.expected, got, strict=True)
        shares = [
            max_error(one.double[0], outputs[0]) / self.limits.max_error(one.own_error(0))
            for one, outputs in pairs
        ]
        return float(np.nan_to_num(max(shares), nan=np.inf))

    def _found(self, result: Result, file: Artifact, verdict: Verdict, path: str) -> Result:
        """As `attnbench parity` does it, but for what it writes down."""
        failing = {case.input for case in verdict.cases if not case.passed}
        inputs = {
            name: self.question.inputs[name] for name in self.question.inputs if name in failing
        }
        try:
            search = searching(file, inputs, self.limits, self.host)
            found = search.find(failed=True)
        except AttnbenchError as error:
            return replace(result, found=f"({error})")
        block = None if found.at is None else search.path(found.at)
        observed = [place.block.path for place in search.places]
        wrong = found.alone is not None and not found.alone.case.passed
        right = self._is_right(block, path, observed, confirmed=wrong)
        return replace(result, found=block, located=right)

    def _is_right(
        self, found: str | None, path: str, observed: list[str], *, confirmed: bool
    ) -> bool:
        """Whether it is the innermost block around the operator that can be observed."""
        around = [block for block in observed if is_inside(path, block)]
        if not around:
            return not confirmed
        return found is not None and self._last(found) == self._last(max(around, key=len))

    def _last(self, path: str) -> str:
        """The path whose output a sequence's is: two blocks may end with the same value."""
        part = self.module.get_submodule(path)
        while isinstance(part, nn.Sequential):
            name, part = list(part.named_children())[-1]
            path = f"{path}.{name}"
        return path


def _held_out(artifact: Artifact) -> dict[str, list[np.ndarray]]:
    """Inputs that no gate has: other images, noise, and images of other contrast."""
    count, _, *size = artifact.inputs[0].shape
    rng = np.random.default_rng(SEED)
    made = {}
    for at in range(HELD_OUT):
        image = natural_images(count, tuple(size), SEED + at).numpy()
        noise = rng.uniform(-2, 2, image.shape).astype(np.float32)
        one = (image, image, noise, image * np.float32(rng.uniform(0.2, 3)))[at % 4]
        made[f"held out {at}"] = [one]
    return made
