"""
Show a difference again: `python -m attnbench.pipeline.reproduce FOLDER [DEVICE]`.

Runs the block of a repro folder in its runtime, on the device where it was found or another one,
and its module in PyTorch, on the same input. Exits 1 while they differ beyond the limit, else 0.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from attnbench.backends import format_of
from attnbench.devices import DEVICES
from attnbench.errors import AttnbenchError, BadInput
from attnbench.graphs.layouts import Layout
from attnbench.parity.cases import Expected
from attnbench.parity.limits import limits_for
from attnbench.pipeline.computed import outputs_of_file
from attnbench.pipeline.probe import worst
from attnbench.records import Case
from attnbench.store import from_json

FACTS, MODULE, README = "repro.json", "module.pt2", "README.md"
EXPECTED, EXACT, OTHER, GOT = "expected.npy", "expected64.npy", "expected-other.npy", "got.npy"


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What there is to know besides the tensors.

    `inputs` are files in PyTorch's layout, `layouts` how the block's `file` takes each of them,
    `output` how it returns its own; `case` is what was found.
    """

    backend: str
    precision: str
    device: str
    model: str
    block: str
    file: str
    inputs: tuple[str, ...]
    layouts: tuple[Layout, ...]
    output: Layout
    case: Case


def reproduce(folder: Path, device: str | None = None) -> Case:
    """
    The worst case of the block on its input, now.

    In float32 PyTorch's output comes from the module, if that could be saved; else, and in fewer
    bits, from the folder. Raises BadInput for a folder that is none of ours.
    """
    if not (folder / FACTS).is_file():
        raise BadInput(f"{folder} has no {FACTS}", hint="a failing `attnbench parity` writes one")
    facts = from_json((folder / FACTS).read_bytes(), Facts, str(folder / FACTS))
    arrays = [np.load(folder / file) for file in facts.inputs]
    fed = [way.write(array) for way, array in zip(facts.layouts, arrays, strict=True)]
    on = DEVICES.get(device or facts.device)
    ((made,),) = outputs_of_file(format_of(facts.backend), folder / facts.file, [fed], on)
    single, exact = np.load(folder / EXPECTED), np.load(folder / EXACT)
    others = (np.load(folder / OTHER),) if (folder / OTHER).is_file() else ()
    if facts.precision == "fp32" and (folder / MODULE).is_file():
        tensors = map(torch.from_numpy, arrays)
        single = torch.export.load(folder / MODULE).module()(*tensors).detach().numpy()
    expected = Expected(facts.case.input, (single,), (exact,), reordered=others)
    return worst([expected], [facts.output.read(made)], limits_for(facts.backend, facts.precision))


def main(argv: list[str]) -> int:
    """Say what there is now, and return the exit code."""
    if len(argv) not in (2, 3):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        case = reproduce(Path(argv[1]), *argv[2:])
    except AttnbenchError as error:
        sys.stderr.write(f"error: {error}\n hint: {error.hint}\n")
        return error.exit_code
    word = "within" if case.passed else "beyond"
    sys.stdout.write(f"{case.metric} is {case.value} {case.unit}, {word} its limit {case.limit}\n")
    return 0 if case.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
