"""What a sweep is made of, and what an interruption leaves; launches themselves are INVENTED."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from attnbench.devices.host import HOST
from attnbench.errors import BadOption, DeviceError, RunnerError
from attnbench.pipeline import bench as bench_module
from attnbench.pipeline.effort import Effort
from attnbench.pipeline.sweep import Plan, Sweeping, check_clock
from attnbench.pipeline.sweep_models import Model, variants
from attnbench.pipeline.sweep_state import State
from attnbench.progress import Silent
from attnbench.records import INSTRUCTIONS, Artifact, Delegation, Launch, TensorSpec
from attnbench.records.sweeps import Cell, Failed, Setup, Sweep
from attnbench.report import documents, html, markdown
from attnbench.report.sweep import names
from attnbench.store import Run, Store
from attnbench_models import Recipe
from tests.report.invented import WHEN
from tests.report.test_text import printed

SETUP = Setup("onnx", 1)
BASE = Recipe(size=(32, 32))


@dataclass(frozen=True)
class Fake:
    """Launches that take a time by the model's name; some fail."""

    seen: list = field(default_factory=list)
    raises: dict = field(default_factory=dict)

    def __call__(self, job, inputs, warmup, iterations):
        name = job.model.stem
        self.seen.append(name)
        error = self.raises.get((name, self.seen.count(name)))
        if error is not None:
            raise error
        ns = {"none": 1000, "se": 1200, "coord": 3000}[name]
        spec = (TensorSpec("float32", (1, 3, 32, 32)),)
        times = tuple(ns + at for at in range(iterations))
        return Launch("onnxruntime", "1", {}, 1, (0,), 5, 7, (ns,), times, (), 9, spec, spec)


@pytest.fixture
def launches(monkeypatch):
    fake = Fake()
    monkeypatch.setattr(bench_module, "measure", fake)
    return fake


def model(block, macs):
    recipe = replace(BASE, block=block)
    made = Artifact(
        path=f"{block}.onnx",
        backend="onnx",
        sha256=block.ljust(64, "0"),
        bytes=1,
        recipe=recipe,
        recipe_key=recipe.key,
        reference=None,
        inputs=(TensorSpec("float32", (1, 3, 32, 32)),),
        outputs=(),
        tools={},
        rewrites=(),
        blocks=(),
        scopes=(),
        delegation=Delegation(0, 0),
    )
    return Model(recipe, {"onnx": made}, {}, 100, macs)


MODELS = (model("none", 10), model("se", 11), model("coord", 30))


def sweeping(rounds=3, models=MODELS):
    return Sweeping(models, (SETUP,), HOST, Effort(iterations=4), Plan(rounds))


def run(tmp_path, **changes):
    return sweeping(**changes).run(State.of(tmp_path / "sweep.jsonl"), Silent())


def test_every_round_has_every_cell_once_in_an_order_of_its_own(launches, tmp_path):
    found = run(tmp_path, rounds=8)
    rounds = [tuple(launches.seen[at : at + 3]) for at in range(0, 24, 3)]
    assert {frozenset(one) for one in rounds} == {frozenset(("none", "se", "coord"))}
    assert len(set(rounds)) > 1
    assert [len(cell.measurement.runs) for cell in found.cells] == [8, 8, 8]
    assert found.cells[2].cold_ns == 12
    (ranked,) = found.correlations
    assert (ranked.rho, ranked.models) == (pytest.approx(1), 3)


def test_an_interrupted_sweep_goes_on_where_it_stopped(launches, tmp_path):
    launches.raises[("se", 2)] = DeviceError("the cable is out")
    with pytest.raises(DeviceError):
        run(tmp_path)
    before = len(launches.seen) - 1  # what failed was not kept
    launches.raises.clear()
    found = run(tmp_path)
    assert len(launches.seen) - 1 == 9
    assert before < 9
    assert all(len(cell.measurement.runs) == 3 for cell in found.cells)
    assert len(found.sessions) == 2
    run(tmp_path)
    assert len(launches.seen) == 10  # nothing was left to do
    run(tmp_path, rounds=4)
    assert len(launches.seen) == 13  # one more round


def test_half_a_line_is_forgotten(launches, tmp_path):
    run(tmp_path)
    path = tmp_path / "sweep.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    assert len(State.of(path).turns) == 8
    run(tmp_path)
    assert len(State.of(path).turns) == 9


def test_a_cell_that_fails_stops_no_other(launches, tmp_path):
    launches.raises[("se", 2)] = RunnerError("it crashed", hint="look")
    unmade = Model(replace(BASE, block="cbam"), {}, {"onnx": Failed("refused", "", 4)})
    found = run(tmp_path, models=(*MODELS, unmade))
    bad = {cell.recipe.block: cell.failed for cell in found.cells if cell.failed}
    assert bad == {"se": Failed("it crashed", "look", 6), "cbam": Failed("refused", "", 4)}
    assert launches.seen.count("se") == 2
    assert {len(cell.measurement.runs) for cell in found.cells if cell.measurement} == {3}


def test_another_export_of_a_model_is_measured_anew(launches, tmp_path):
    run(tmp_path)
    made = MODELS[1].artifacts["onnx"]
    fresh = replace(MODELS[1], artifacts={"onnx": replace(made, sha256="f" * 64)})
    found = run(tmp_path, models=(MODELS[0], fresh, MODELS[2]))
    assert launches.seen.count("se") == 6
    assert found.cells[1].measurement.artifact.sha256 == "f" * 64


def test_what_a_sweep_is_found_again_by():
    assert sweeping(rounds=3).key == sweeping(rounds=9).key
    assert sweeping().key != sweeping(models=MODELS[:2]).key
    other = replace(sweeping(), effort=Effort(iterations=5))
    assert sweeping().key != other.key


def test_every_block_reduction_and_width_and_none_at_each_width():
    found = variants(BASE, ("se", "eca"), (8, 16), (0.5, 1.0))
    told = [(one.block, dict(one.options), one.width) for one in found]
    assert told[:4] == [
        ("none", {}, 0.5),
        ("se", {"reduction": 8}, 0.5),
        ("se", {"reduction": 16}, 0.5),
        ("eca", {}, 0.5),  # it has no reduction
    ]
    assert [width for *_, width in told[4:]] == [1.0] * 4
    assert len(variants(BASE, ("none", "none"), (8,), ())) == 1


def test_instructions_need_no_sweep():
    @dataclass(frozen=True)
    class Counting:
        clock: str = INSTRUCTIONS

    with pytest.raises(BadOption, match="a sweep is of real time"):
        check_clock(Counting())


def test_it_is_stored_and_shown(launches, tmp_path):
    launches.raises[("se", 1)] = RunnerError("it crashed", hint="look")
    made = Run(WHEN, sweeps=(run(tmp_path),))
    store = Store(tmp_path / "runs")
    assert store.load(store.add(made)) == made
    assert documents.run_document(made)["sweeps"][0]["cells"][0]["measurement"]["runs"]
    for text in (printed(made, 140), markdown.render(made), html.render(made)):
        said = " ".join(text.replace("\\", "").split())
        for words in ("coord", "✗ failed", "it crashed (look)", "2 of 3 cells measured", "2.996"):
            assert words in said, words


def test_models_of_several_backbones_are_told_apart():
    cells = [Cell(replace(BASE, backbone=one), SETUP, 1, 1, None) for one in ("a", "b")]
    one = Sweep(HOST.identity(), "monotonic", 1, 0, (), tuple(cells), (), "")
    assert list(names(one).values()) == ["a native", "b native"]
    alone = replace(one, cells=one.cells[:1])
    assert list(names(alone).values()) == ["native"]
