"""Faults in a block that is known, in the files of four formats, found in that block."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from attnbench.artifacts import save_manifest
from attnbench.devices import DEVICES
from attnbench.errors import BadArtifact, BadOption
from attnbench.files import digest
from attnbench.graphs import open_graph, put
from attnbench.graphs.onnx import OnnxEditor
from attnbench.pipeline import localise as module
from attnbench.pipeline.localise import Localising, localise, localised
from attnbench.pipeline.parity import ask, verify
from attnbench.pipeline.reference import reference_of
from attnbench.pipeline.reproduce import reproduce
from attnbench.records import DIFFERS, Artifact, Divergence
from attnbench_models import Recipe
from tests.converting import converted
from tests.pipeline.damage import damaged
from tests.slices import ATTENTION, SIZE

pytestmark = pytest.mark.slow

BACKENDS = ("onnx", "tflite", "executorch", "coreml")

PLACES = {
    "stem.conv": "stem",
    "features.0.attention.conv1": "features.0.attention",
    "features.1.depthwise.conv": "features.1",
    "features.2.attention.conv_w": "features.2.attention",
    "features.2.project.conv": "features.2",
    "head.classifier": "head.classifier",
}
"""The module whose weights are changed, and the innermost block that it is in."""

Convert = Callable[..., Artifact]


@pytest.fixture(scope="module")
def convert(tmp_path_factory) -> Convert:
    """(backend, model, skip=rewrites) -> an artifact, each made once."""
    made: dict[tuple[object, ...], Artifact] = {}

    def convert(backend: str, model: str, skip: tuple[str, ...] = ()) -> Artifact:
        key = (backend, model, skip)
        if key not in made:
            recipe = Recipe(model=model, size=SIZE)
            made[key] = converted(recipe, backend, tmp_path_factory.mktemp(backend), skip=skip)
        return made[key]

    return convert


@pytest.fixture
def search(tmp_path) -> Callable[[Artifact], Divergence]:
    """What is found in an artifact, judged on the host."""

    def search(artifact: Artifact) -> Divergence:
        host = DEVICES.get("host")
        question = ask(reference_of(artifact), artifact)
        return localise(artifact, verify(artifact, question, host), question, host, tmp_path)

    return search


def edited(artifact: Artifact, folder: Path, edit: Callable[[onnx.GraphProto], None]) -> Artifact:
    """A copy of an ONNX artifact with another graph."""
    model = onnx.load(artifact.path)
    edit(model.graph)
    path = folder / Path(artifact.path).name
    onnx.save(model, path)
    weights = Path(artifact.path).with_name(artifact.reference.file)
    (folder / weights.name).write_bytes(weights.read_bytes())
    changed = replace(artifact, path=str(path), sha256=digest(path))
    save_manifest(changed)
    return changed


def of(artifact: Artifact, graph: onnx.GraphProto, kind: str, path: str) -> onnx.NodeProto:
    """The first operator of a kind that comes from a module."""
    paths = {scope.value: scope.path for scope in artifact.scopes}
    return next(n for n in graph.node if n.op_type == kind and paths[n.output[0]] == path)


@pytest.mark.parametrize("module_path", PLACES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_changed_weight_is_found_in_its_block(convert, search, tmp_path, backend, module_path):
    clean = convert(backend, "tests.slices:coord")
    found = search(damaged(clean, module_path, tmp_path))
    assert found.block.path == PLACES[module_path]
    assert not found.block.case.passed
    assert found.confirmed
    assert found.before is None or found.before.case.passed
    assert found.operator.path in (module_path, f"{module_path.removesuffix('.conv')}.act")
    assert found.method == "bisection"
    assert found.probes <= math.ceil(math.log2(len(clean.blocks))) + 2
    assert found.observer == "same"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_clean_artifact_has_no_such_block(convert, search, backend):
    found = search(convert(backend, "tests.slices:coord"))
    assert found.block is None
    assert found.worst.case.passed
    assert (found.method, found.probes, found.observer) == ("linear", 1, "same")
    assert found.repro is None
    assert [note.split()[0] for note in found.notes] == (["the"] if backend == "coreml" else [])
    assert "features.1.attention" not in found.unobserved


def test_the_rewrite_that_computes_away_what_attention_returns_is_named(convert, search):
    found = search(convert("onnx", "tests.slices:cbam"))
    assert set(ATTENTION) <= set(found.unobserved)
    assert found.notes[-1].startswith(f"what {ATTENTION[0]} and 2 more returns was computed away")
    name = "gate-behind-projection"
    assert f"--no-rewrite {name} " in found.notes[-1]
    kept = search(convert("onnx", "tests.slices:cbam", (name,)))
    assert not set(ATTENTION) & set(kept.unobserved)


def test_without_rewrites_a_clean_artifact_has_none_either(convert, search):
    found = search(convert("onnx", "tests.slices:se", ("fold-batchnorm", "fold-constants")))
    assert found.block is None


def test_a_fault_that_nan_makes_is_found(convert, search, tmp_path):
    clean = convert("onnx", "tests.slices:coord")
    found = search(damaged(clean, "features.1.project.conv", tmp_path, lambda w: np.nan * w))
    assert found.block.path == "features.1"
    assert found.block.case.value is None
    assert found.confirmed


def test_a_swapped_subtraction_is_found_with_its_operator(convert, search, tmp_path):
    clean = convert("onnx", "tests.slices:one_minus")

    def swap(graph: onnx.GraphProto) -> None:
        node = of(clean, graph, "Sub", "features.1.attention")
        node.input[0], node.input[1] = node.input[1], node.input[0]

    found = search(edited(clean, tmp_path, swap))
    assert (found.block.path, found.confirmed) == ("features.1", True)
    assert (found.operator.operator, found.operator.path) == ("Sub", "features.1.attention")


def test_padding_that_is_off_by_one_is_found_with_its_operator(convert, search, tmp_path):
    clean = convert("onnx", "tests.slices:coord")

    def shift(graph: onnx.GraphProto) -> None:
        node = of(clean, graph, "Conv", "features.2.depthwise.conv")
        pads = next(one for one in node.attribute if one.name == "pads")
        pads.ints[:] = [0, 0, 2, 2]

    found = search(edited(clean, tmp_path, shift))
    assert (found.block.path, found.confirmed) == ("features.2", True)
    assert found.before.path == "features.1"
    assert (found.operator.operator, found.operator.path) == ("Conv", "features.2.depthwise.conv")


def test_an_activation_that_was_left_out_is_found_with_its_operator(convert, search, tmp_path):
    clean = convert("onnx", "tests.slices:coord")

    def drop(graph: onnx.GraphProto) -> None:
        node = of(clean, graph, "Clip", "features.1.expand.act")
        node.op_type = "Identity"
        del node.input[1:]

    found = search(edited(clean, tmp_path, drop))
    assert found.block.path == "features.1"
    assert found.operator.path in ("features.1.expand.act", "features.1.depthwise.conv")


def test_what_the_converter_gets_wrong_without_a_rewrite_is_found(convert, search):
    found = search(convert("tflite", "tests.slices:one_minus", ("sub-from-constant",)))
    assert (found.block.path, found.confirmed) == ("features.0", True)
    # Its `conv(x) - 1` is one operator: the convolution, with another bias.
    assert (found.operator.operator, found.operator.path) == ("CONV_2D", "features.0.attention")


def test_an_error_that_does_not_stay_is_found_by_looking_at_all(convert, search, tmp_path):
    clean = convert("onnx", "tests.pipeline.skipping:squashing")
    spoilt = damaged(clean, "first.0", tmp_path, lambda w: 1.01 * w)
    found = search(spoilt)
    assert found.method == "linear"
    assert found.block.path == "first.0"
    assert found.confirmed
    assert any("does not stay" in note for note in found.notes)


def test_an_error_between_blocks_is_not_blamed_on_the_next_one(convert, search, tmp_path):
    clean = convert("onnx", "tests.pipeline.skipping:outside")

    def swap(graph: onnx.GraphProto) -> None:
        node = of(clean, graph, "Sub", "")
        node.input[0], node.input[1] = node.input[1], node.input[0]

    found = search(edited(clean, tmp_path, swap))
    assert found.block.path == "second.0"
    assert found.alone.passed
    assert found.before.path == "first"
    assert any("operators of no block" in note for note in found.notes)
    assert (found.operator, found.repro) == (None, None)


def test_an_error_after_all_blocks_is_told_as_such(convert, search, tmp_path):
    clean = convert("onnx", "tests.pipeline.skipping:after")

    def swap(graph: onnx.GraphProto) -> None:
        node = of(clean, graph, "Sub", "")
        node.input[0], node.input[1] = node.input[1], node.input[0]

    found = search(edited(clean, tmp_path, swap))
    assert found.block is None
    assert found.worst.case.passed
    assert any("after them" in note for note in found.notes)


class Disturbing(OnnxEditor):
    """No runtime here was found to compute otherwise when observed: so the probed file does."""

    def observed(self, values):
        model = onnx.ModelProto.FromString(super().observed(values))
        output = self.graph.outputs[0]
        last = next(node for node in model.graph.node if output in node.output)
        last.output[0] = "undisturbed"
        model.graph.node.append(onnx.helper.make_node("Neg", ["undisturbed"], [output]))
        return model.SerializeToString()


def test_a_probe_with_other_outputs_is_marked(convert, search, tmp_path, monkeypatch):
    clean = convert("onnx", "tests.slices:coord")
    monkeypatch.setattr(module, "open_graph", Disturbing)
    found = search(damaged(clean, "features.1.depthwise.conv", tmp_path))
    assert found.observer == DIFFERS
    assert found.observed > 0.1
    assert found.block.path == "features.1"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_repro_folder_shows_the_difference_again(convert, search, tmp_path, backend):
    clean = convert(backend, "tests.slices:coord")
    found = search(damaged(clean, "features.1.attention.conv_h", tmp_path))
    folder = Path(found.repro)
    assert folder.name.endswith("-features.1.attention")
    names = {path.name for path in folder.iterdir()}
    assert {"module.pt2", "input.npy", "expected.npy", "got.npy", "README.md"} <= names
    assert f"attnbench.pipeline.reproduce {folder}" in (folder / "README.md").read_text()
    expected, got = np.load(folder / "expected.npy"), np.load(folder / "got.npy")
    assert expected.shape == got.shape
    assert np.abs(expected - got).max() > 1e-3
    again = reproduce(folder)
    assert not again.passed
    assert again.value == pytest.approx(found.alone.value, rel=1e-3)
    whole = open_graph(clean)
    enters, leaves = _border(open_graph(clean).graph, "features.1.attention")
    put(next(folder.glob("block.*")), whole.cut(enters, leaves))
    assert reproduce(folder).passed


def _border(graph, path):
    inside = [node for node in graph.nodes if f"{node.path}.".startswith(f"{path}.")]
    outside = [node for node in graph.nodes if node not in inside]
    made = {value for node in inside for value in node.outputs}
    enters = {value for node in inside for value in node.inputs} - made
    read = {value for node in outside for value in node.inputs}
    return tuple(enters), tuple(made & read)


def test_a_program_of_several_delegates_with_operators_between_is_looked_into(
    convert, search, tmp_path
):
    outside = ("channels-to-pools", "map-max-to-pool")
    clean = convert("executorch", "tests.slices:cbam", outside)
    assert clean.delegation.delegates > 1
    assert clean.delegation.outside
    assert search(clean).block is None
    found = search(damaged(clean, "features.1.depthwise.conv", tmp_path))
    assert (found.block.path, found.confirmed, found.observer) == ("features.1", True, "same")
    assert found.operator.path == "features.1.depthwise.act"


def test_what_cannot_be_looked_into_is_refused_in_one_line(convert):
    clean = convert("executorch", "tests.slices:coord")
    for changed, words in (
        (replace(clean, backend="somebodys"), "somebodys: nothing here looks inside"),
        (replace(clean, scopes=()), "has no scopes"),
    ):
        with pytest.raises(BadOption, match=words):
            open_graph(changed)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_that_is_none_is_refused(convert, tmp_path, backend):
    path = tmp_path / "garbage"
    path.write_bytes(b"\x07no model at all")
    with pytest.raises(BadArtifact, match=r"cannot be read as|is no Core ML package"):
        open_graph(replace(convert(backend, "tests.slices:coord"), path=str(path)))


def test_a_verdict_stands_where_nothing_can_be_looked_into(convert, tmp_path):
    artifact = replace(convert("onnx", "tests.slices:coord"), scopes=())
    host = DEVICES.get("host")
    question = ask(reference_of(artifact), artifact)
    verdict = verify(artifact, question, host)
    told = localised(artifact, verdict, question, host, Localising(always=True, folder=tmp_path))
    assert told.cases == verdict.cases
    assert told.divergence is None
    assert "was not looked for" in told.notes[-1]
