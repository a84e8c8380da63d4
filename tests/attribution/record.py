"""
Record the traces that the tests replay: `python -m tests.attribution.record ARTIFACT...`.

One JSON file a runtime, named after its version: operators, a few inferences, the plain times that
alternated with them, the exporter's scopes and blocks, and for ONNX Runtime the nodes of the graph
that ran, without weights.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import onnx
from onnx import helper

from attnbench import artifacts
from attnbench.backends import format_of
from attnbench.parity.inputs import standard_inputs
from attnbench.records import Block, Launch, Scope, Trace
from attnbench.runner import ENGINES, Job, measure_paired

FOLDER = Path(__file__).parents[1] / "golden" / "traces"
ITERATIONS = 4


@dataclass(frozen=True, slots=True)
class Recording:
    """What one paired launch said, with all that is needed to attribute it."""

    launch: Launch
    trace: Trace
    scopes: tuple[Scope, ...]
    blocks: tuple[Block, ...]
    nodes: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


def record(path: Path) -> Path:
    """Run an artifact of ours once and write its recording."""
    artifact = artifacts.load(path)
    engine = format_of(artifact.backend).engine
    job = Job(engine, path, artifact.sha256)
    inputs = standard_inputs(artifact.inputs)["natural"]
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder, "graph.onnx") if ENGINES[engine].saves_graph else None
        launch, trace = measure_paired(job, inputs, 10, ITERATIONS, graph)
        nodes = () if graph is None else onnx.load(graph).graph.node
        listed = tuple((n.op_type, n.name, tuple(n.output)) for n in nodes)
    trace = replace(trace, graph=None)
    made = Recording(launch, trace, artifact.scopes, artifact.blocks, listed)
    target = FOLDER / f"{engine}-{launch.version}-{artifact.recipe.name}.json"
    target.write_bytes(msgspec.json.encode(made) + b"\n")
    return target


def replayed(path: Path, folder: Path) -> Recording:
    """A recording; ONNX Runtime's graph is laid out again as a file in `folder`."""
    made = msgspec.json.decode(path.read_bytes(), type=Recording)
    if not made.nodes:
        return made
    nodes = [helper.make_node(kind, [], list(out), name) for kind, name, out in made.nodes]
    graph = folder / "graph.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "recorded", [], [])), graph)
    return replace(made, trace=replace(made.trace, graph=str(graph)))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        sys.stdout.write(f"{record(Path(argument))}\n")
