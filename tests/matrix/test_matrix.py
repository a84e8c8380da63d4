"""Every pair of the matrix converts, runs, computes what PyTorch computes, and has known blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from attnbench.attribution.ledger import PROFILERS, ledgers
from attnbench.attribution.places import residual
from attnbench.attribution.runtimes import runtime
from attnbench.backends import FORMATS, format_of
from attnbench.errors import AttributionError, ExportError
from attnbench.parity.inputs import standard_inputs
from attnbench.pipeline.parity import Questions
from attnbench.pipeline.reasons import REASONS
from attnbench.records import Artifact
from attnbench.runner import ENGINES, Job, measure_paired
from attnbench_models.backbones import BACKBONES
from attnbench_models.blocks import BLOCKS
from tests.conformance.backend import failures, verdict_on
from tests.converting import converted
from tests.matrix.cells import CELLS, PAIRS, REFUSED, Cell
from tests.matrix.results import Result, keep, kept, key_of

UNATTRIBUTED = REASONS["unattributed"].limit
"""Six of YOLO's transposes may be its head's or a delegate's own: half a percent."""


def test_the_matrix_has_every_block_and_every_backbone():
    assert {cell.block for cell in CELLS} == set(BLOCKS)
    assert {cell.backbone for cell in CELLS} == set(BACKBONES)
    assert {cell.backend for cell in CELLS} == set(FORMATS)


def test_what_is_known_to_be_refused_is_in_the_matrix():
    assert set(REFUSED) <= {(cell.backbone, cell.block, cell.backend) for cell in CELLS}


@pytest.fixture(scope="module")
def questions(pair):
    """PyTorch is asked once for all formats of a pair."""
    return Questions()


@pytest.mark.full
@pytest.mark.parametrize("backend", FORMATS)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join, scope="module")
def test_pair_deploys(pair, backend, questions, tmp_path):
    cell = Cell(*pair, backend)
    result = kept(cell)
    if result is None:
        result = run(cell, questions, tmp_path)
        keep(cell, result)
    if cell.reason is not None:
        assert cell.reason in (result.refused or ""), "no longer refused: take it out of REFUSED"
        return
    assert result.refused is None
    assert result.failed == ()
    assert result.ran == (FORMATS[cell.backend].engine is not None)
    assert result.unplaced is None
    assert result.unattributed <= UNATTRIBUTED


def run(cell: Cell, questions: Questions, folder: Path) -> Result:
    try:
        artifact = converted(cell.recipe, cell.backend, folder)
    except ExportError as error:
        return Result(key=key_of(cell), refused=str(error))
    delegation = artifact.delegation
    unplaced, unattributed = placed(artifact, folder)
    return Result(
        key=key_of(cell),
        failed=tuple(failures(verdict_on(artifact, questions))),
        ran=FORMATS[cell.backend].engine is not None,
        delegates=delegation.delegates if delegation else None,
        outside=tuple(sorted({one.operator for one in delegation.outside})) if delegation else (),
        rewrites=tuple(one.name for one in artifact.rewrites),
        unplaced=unplaced,
        unattributed=unattributed,
    )


def placed(artifact: Artifact, folder: Path) -> tuple[str | None, float]:
    """Why a trace's operators cannot be given to blocks; the share of its time that none gets."""
    engine = format_of(artifact.backend).engine
    if engine is None:
        return None, 0.0
    job = Job(engine, Path(artifact.path), artifact.sha256)
    graph = folder / "ran.onnx" if ENGINES[engine].saves_graph else None
    inputs = standard_inputs(artifact.inputs)["natural"]
    _, trace = measure_paired(job, inputs, warmup=0, iterations=1, graph=graph)
    try:
        located = runtime(engine).locate(trace, artifact)
    except AttributionError as error:
        return str(error), 0.0
    (ledger,) = ledgers(trace, located, PROFILERS[engine])
    return None, ledger.spent.get(residual("unattributed"), 0.0) / ledger.total
