"""Artifacts of fewer bits: made, held to the rounded reference, and seen through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from attnbench.attribution.runtimes import runtime
from attnbench.backends import BACKENDS, format_of
from attnbench.devices import DEVICES
from attnbench.errors import BadOption
from attnbench.files import copy, digest
from attnbench.mlprogram import load
from attnbench.pipeline.export import check_precision
from attnbench.pipeline.parity import ask, verify
from attnbench.pipeline.reference import reference_of, save
from attnbench.records import Artifact, Verdict
from attnbench.runner import Job, measure_paired
from attnbench_models import Recipe
from tests.conformance.backend import failures
from tests.converting import converted

State = dict[str, Tensor]

CLEAN = (
    *(("onnx", block, "int8") for block in ("none", "se", "coord", "cbam")),
    ("onnx", "coord", "fp16"),
    ("tflite", "coord", "int8"),
    ("tflite", "coord", "fp16"),
    ("executorch", "se", "int8"),
    ("executorch", "coord", "int8"),
    ("executorch", "none", "fp16"),
    ("coreml", "se", "fp16"),
    *(("coreml", block, "int8") for block in ("coord", "cbam", "nam")),
)
TIMED = [one for one in CLEAN if one[0] != "coreml"]


def verdict_on(artifact: Artifact, of: Artifact | None = None) -> Verdict:
    """The gate's verdict on an artifact as if it had been made from `of`."""
    of = of or artifact
    return verify(artifact, ask(reference_of(of), of), DEVICES.get("host"))


@pytest.mark.parametrize(("backend", "block", "precision"), CLEAN)
def test_a_clean_export_passes_and_tells_what_the_precision_costs(
    convert, backend, block, precision
):
    verdict = verdict_on(convert(backend, block, precision))
    assert verdict, failures(verdict)
    assert "from PyTorch in float32" in verdict.notes[-1]


def silent():
    """A model whose ReLU never opens."""
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 1))
    nn.init.constant_(layers[0].bias, -100.0)
    return nn.Sequential(nn.Conv2d(3, 3, 1), Beside(layers))


class Beside(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 1:-1, 1:-1].mean(1, keepdim=True) + self.inner(x)


@pytest.mark.parametrize("backend", ["onnx", "tflite", "executorch", "coreml"])
def test_what_is_always_zero_is_quantised_too(backend, tmp_path):
    recipe = Recipe(model="tests.precision.test_export:silent", size=(12, 12), precision="int8")
    verdict = verdict_on(converted(recipe, backend, tmp_path))
    assert verdict, failures(verdict)


@pytest.mark.parametrize("block", ["sk", "gc"])
def test_what_xnnpack_has_in_float_alone_is_no_reason_to_leave_its_delegate(block, tmp_path):
    recipe = Recipe(model=f"tests.precision.small:{block}", size=(32, 24), precision="int8")
    artifact = converted(recipe, "tflite", tmp_path)
    assert (artifact.delegation.delegates, artifact.delegation.outside) == (1, ())
    verdict = verdict_on(artifact)
    assert verdict, failures(verdict)


def swapped(state: State) -> None:
    """One block's gates of height and width, exchanged."""
    for what in ("weight", "bias"):
        h, w = (f"features.2.attention.conv_{axis}.{what}" for axis in "hw")
        state[h], state[w] = state[w].clone(), state[h].clone()


def unshifted(state: State) -> None:
    """One convolution without the bias that its BatchNorm becomes."""
    for what in ("bias", "running_mean"):
        state[f"features.1.expand.norm.{what}"].zero_()


@pytest.mark.parametrize("fault", [swapped, unshifted])
@pytest.mark.parametrize(
    ("backend", "precision"), [("onnx", "int8"), ("onnx", "fp16"), ("coreml", "int8")]
)
def test_a_fault_in_one_block_fails(
    convert, tmp_path, backend, precision, fault: Callable[[State], None]
):
    clean = convert(backend, "coord", precision)
    module = reference_of(clean)
    state = {name: value.clone() for name, value in module.state_dict().items()}
    fault(state)
    module.load_state_dict(state)
    save(module, tmp_path / "wrong.safetensors")
    wrong = convert(backend, "coord", precision, checkpoint=str(tmp_path / "wrong.safetensors"))
    assert not verdict_on(wrong, of=clean)


def test_one_damaged_scale_of_a_channels_weights_fails(convert, tmp_path):
    clean = convert("coreml", "coord", "int8")
    path = tmp_path / "damaged.mlpackage"
    copy(Path(clean.path), path)
    program = load(path)
    stored = next(one for one in program.operations if one.kind == "constexpr_affine_dequantize")
    scales = program.constants[f"{stored.outputs[0].name}.scale"].numpy()
    doubled = scales.copy()
    doubled[scales.argmax()] *= 2
    weights = path / "Data/com.apple.CoreML/weights/weight.bin"
    before = weights.read_bytes()
    assert before.count(scales.tobytes()) == 1
    weights.write_bytes(before.replace(scales.tobytes(), doubled.tobytes()))
    damaged = replace(clean, path=str(path), sha256=digest(path))
    assert not verdict_on(damaged, of=clean)


@pytest.mark.parametrize(("backend", "block", "precision"), TIMED)
def test_every_operator_of_the_trace_has_its_place(convert, tmp_path, backend, block, precision):
    artifact = convert(backend, block, precision)
    engine = format_of(backend).engine
    job = Job(engine, Path(artifact.path), artifact.sha256)
    graph = tmp_path / "graph.onnx" if engine == "onnxruntime" else None
    image = np.zeros(artifact.inputs[0].shape, np.float32)
    _, trace = measure_paired(job, [image], warmup=0, iterations=1, graph=graph)
    places = runtime(engine).locate(trace, artifact).places
    assert "unattributed" not in {place.residual for place in places}
    found = {place.block for place in places}
    assert {one.path for one in artifact.blocks if one.kind == "attention"} <= found


def kinds_of(artifact: Artifact, module: str) -> set[str]:
    return {one.operator for one in artifact.scopes if (one.path or "").startswith(module)}


def test_what_is_kept_in_float_is_neither_quantised_nor_cast(convert):
    kept = "features.1.attention"
    artifact = convert("onnx", "coord", "int8", keep_float=(kept,))
    model = onnx.load(artifact.path)
    inside = {one.value for one in artifact.scopes if (one.path or "").startswith(f"{kept}.conv")}
    convs = [one for one in model.graph.node if one.op_type == "Conv" and one.output[0] in inside]
    weights = {one.name: one.data_type for one in model.graph.initializer}
    found = [weights.get(one.input[1]) for one in convs]
    assert found == [onnx.TensorProto.FLOAT] * 4  # conv1 of each strip, conv_h and conv_w
    assert verdict_on(artifact)


def types_of(artifact: Artifact, module: str) -> set[torch.dtype]:
    """Of what a Core ML program computes in a module."""
    operations = load(Path(artifact.path)).operations
    inside = {one.value for one in artifact.scopes if (one.path or "").startswith(module)}
    made = (one.outputs[0] for one in operations if one.kind not in ("cast", "quantize"))
    return {one.dtype for one in made if one.name in inside}


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_core_ml_keeps_a_module_in_float32_and_all_else_in_float16(convert, precision):
    artifact = convert("coreml", "coord", precision, keep_float=("features.1.attention",))
    assert types_of(artifact, "features.1.attention") == {torch.float32}
    assert types_of(artifact, "features.2") == {torch.float16}
    assert "constexpr_affine_dequantize" not in kinds_of(artifact, "features.1.attention")
    assert verdict_on(artifact)


@pytest.mark.parametrize("backend", ["tflite", "executorch"])
def test_other_backends_keep_a_module_in_float_too(convert, backend):
    artifact = convert(backend, "se", "int8", keep_float=("features.0.attention",))
    assert verdict_on(artifact)
    assert artifact.sha256 != convert(backend, "se", "int8").sha256


def test_a_module_that_is_not_there_is_named_with_one_that_is(convert):
    with pytest.raises(BadOption, match="no such module") as caught:
        convert("onnx", "coord", "int8", keep_float=("features.1.atention",))
    assert "features.1.attention" in caught.value.hint


def test_a_pair_that_cannot_be_says_who_can():
    theirs = replace(format_of("coreml"), name="theirs", precisions=("fp32",))
    with pytest.raises(BadOption, match="theirs has no int8, only fp32") as caught:
        check_precision(Recipe(precision="int8"), theirs)
    assert caught.value.hint == "--to onnx,tflite,executorch,coreml has"


@pytest.mark.parametrize("name", ["onnx", "tflite", "executorch", "coreml"])
def test_precisions_that_a_format_claims_are_those_it_is_made_in(name):
    assert format_of(name).precisions[0] == "fp32"
    assert hasattr(BACKENDS.get(name), "quantise")


def test_the_precision_is_in_the_key_and_the_name():
    plain, small = Recipe(block="coord"), Recipe(block="coord", precision="int8")
    assert plain.key != small.key
    assert (plain.name, small.name) == ("mobilenetv2-coord", "mobilenetv2-coord-int8")
    assert small.key == replace(small, calibration="/elsewhere").key


def test_ranges_come_from_the_users_images_where_there_are_some(convert, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="pip install pillow")
    pixels = np.random.default_rng(5).integers(0, 255, (24, 32, 3), np.uint8)
    image.fromarray(pixels).save(tmp_path / "one.png")
    own = convert("onnx", "none", "int8", calibration=str(tmp_path))
    assert own.ranges["x"] != convert("onnx", "none", "int8").ranges["x"]
    shown = torch.tensor(own.ranges["x"])
    assert -2.2 < shown[0] < 0 < shown[1] < 2.7  # of pixels, normalised as for ImageNet
