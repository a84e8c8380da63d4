"""Every pair of the matrix converts, runs, and computes what PyTorch computes."""

from __future__ import annotations

import pytest

from attnbench.backends import FORMATS
from attnbench.errors import ExportError
from attnbench_models.backbones import BACKBONES
from attnbench_models.blocks import BLOCKS
from tests.conformance.backend import failures, verdict_on
from tests.converting import converted
from tests.matrix.cells import CELLS, REFUSED, Cell
from tests.matrix.results import Result, keep, kept, key_of


def test_the_matrix_has_every_block_and_every_backbone():
    assert {cell.block for cell in CELLS} == set(BLOCKS)
    assert {cell.backbone for cell in CELLS} == set(BACKBONES)
    assert {cell.backend for cell in CELLS} == set(FORMATS)


def test_what_is_known_to_be_refused_is_in_the_matrix():
    assert set(REFUSED) <= {(cell.backbone, cell.block, cell.backend) for cell in CELLS}


@pytest.mark.full
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_pair_deploys(cell, tmp_path):
    result = kept(cell)
    if result is None:
        result = run(cell, tmp_path)
        keep(cell, result)
    if cell.reason is not None:
        assert cell.reason in (result.refused or ""), "no longer refused: take it out of REFUSED"
        return
    assert result.refused is None
    assert result.failed == ()
    assert result.ran == (FORMATS[cell.backend].engine is not None)


def run(cell: Cell, folder) -> Result:
    try:
        artifact = converted(cell.recipe, cell.backend, folder)
    except ExportError as error:
        return Result(key_of(cell), str(error), (), False, None, (), ())
    delegation = artifact.delegation
    return Result(
        key=key_of(cell),
        refused=None,
        failed=tuple(failures(verdict_on(artifact))),
        ran=FORMATS[cell.backend].engine is not None,
        delegates=delegation.delegates if delegation else None,
        outside=tuple(sorted({one.operator for one in delegation.outside})) if delegation else (),
        rewrites=tuple(one.name for one in artifact.rewrites),
    )
