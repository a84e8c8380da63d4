"""Packages that are not what they should be, half precision, and what is not known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from attnbench.errors import BadArtifact, BadInput, RunnerError, UnknownOperator
from attnbench.mlprogram import check, evaluate, load
from attnbench.mlprogram.schema import parse
from tests.mlprogram.programs import mb, noise, one, save

MODEL = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"
X = noise(1, 2, 3, 4)
FACTORS = noise(1, 2, 3, 4, seed=1)


@pytest.fixture
def package(tmp_path):
    """x times weights, and something taken off."""
    return save(tmp_path, lambda x: mb.sub(x=mb.mul(x=x, y=FACTORS), y=0.5), [X])


def edit(package, change) -> None:
    """Change the program's operators where they are stored."""
    model = parse(package / MODEL)
    function = model.mlProgram.functions["main"]
    change(function.block_specializations[function.opset].operations)
    (package / MODEL).write_bytes(model.SerializeToString())


def test_what_is_computed_is_what_is_saved(package):
    (made,) = evaluate(load(package), [X])
    assert made.dtype == np.float32
    assert np.array_equal(
        made, (X.astype(np.float64) * FACTORS).astype(np.float32) - np.float32(0.5)
    )


def test_swapped_operands_are_seen(package):
    def swap(operations):
        (operation,) = [one for one in operations if one.type == "sub"]
        x = operation.inputs["x"].arguments[0].name
        operation.inputs["x"].arguments[0].name = operation.inputs["y"].arguments[0].name
        operation.inputs["y"].arguments[0].name = x

    (before,) = evaluate(load(package), [X])
    edit(package, swap)
    (after,) = evaluate(load(package), [X])
    assert np.array_equal(after, -before)


def test_an_unknown_operator_is_named(tmp_path):
    path = save(tmp_path, lambda x: mb.band_part(x=x, lower=1, upper=1), [X])
    with pytest.raises(
        UnknownOperator, match=r"program\.mlpackage: operator band_part \(band_p"
    ) as e:
        check(load(path))
    assert e.value.exit_code == 6
    assert "macOS" in e.value.hint


def test_an_unknown_parameter_is_named(package):
    def add(operations):
        (operation,) = [one for one in operations if one.type == "mul"]
        operation.inputs["rounding"].CopyFrom(operation.inputs["y"])

    edit(package, add)
    with pytest.raises(UnknownOperator, match=r"operator mul .* has rounding, unknown here"):
        check(load(package))


def test_an_unknown_type_is_named(package):
    def narrow(operations):
        (operation,) = [one for one in operations if one.type == "mul"]
        operation.outputs[0].type.tensorType.dataType = 35  # UINT4

    edit(package, narrow)
    with pytest.raises(UnknownOperator, match=r"operator mul.*UINT4"):
        load(package)


def test_a_result_that_the_program_does_not_declare_is_an_error(package):
    def lengthen(operations):
        (operation,) = [one for one in operations if one.type == "mul"]
        operation.outputs[0].type.tensorType.dimensions[1].constant.size = 5

    edit(package, lengthen)
    with pytest.raises(
        RunnerError, match=r"mul .*makes float64\[1, 2, 3, 4\], but .*\[1, 5, 3, 4\]"
    ):
        evaluate(load(package), [X])


def test_arguments_that_an_operator_cannot_take_are_an_error(package):
    def widen(operations):
        for operation in operations:
            if operation.type == "const" and "blobFileValue" in str(operation.attributes["val"]):
                sides = operation.attributes["val"].type.tensorType.dimensions
                sides[2].constant.size, sides[3].constant.size = 4, 3

    edit(package, widen)
    with pytest.raises(RunnerError, match=r"program\.mlpackage: operator mul .*must match"):
        evaluate(load(package), [X])


def test_other_inputs_are_refused(package):
    program = load(package)
    with pytest.raises(BadInput, match=r"takes float32\[1, 2, 3, 4\], not float32\[1, 2, 3, 5\]"):
        evaluate(program, [noise(1, 2, 3, 5)])
    with pytest.raises(BadInput, match="not float64"):
        evaluate(program, [X.astype(np.float64)])
    with pytest.raises(BadInput):
        evaluate(program, [])


def remove_weights(package):
    (package / WEIGHTS).unlink()


def cut_weights(package):
    file = package / WEIGHTS
    file.write_bytes(file.read_bytes()[:-8])


def overwrite_entry(package):
    file = package / WEIGHTS
    data = bytearray(file.read_bytes())
    data[64] ^= 1  # the first entry's sentinel
    file.write_bytes(data)


def remove_manifest(package):
    (package / "Manifest.json").unlink()


def empty_manifest(package):
    (package / "Manifest.json").write_text(json.dumps({"itemInfoEntries": {}}))


def damage_model(package):
    (package / MODEL).write_bytes(b"\xff" * 64)


def empty_model(package):
    (package / MODEL).write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (remove_weights, "weight.bin: No such file"),
        (cut_weights, "cut short"),
        (overwrite_entry, "has no FLOAT32 of shape"),
        (remove_manifest, "no Core ML package"),
        (empty_manifest, "no Core ML package"),
        (damage_model, "no Core ML model, or damaged"),
        (empty_model, "not an mlProgram"),
    ],
)
def test_a_damaged_package_is_told_apart(package, damage, said):
    damage(package)
    with pytest.raises(BadArtifact, match=said):
        load(package)


def test_half_precision_is_rounded_after_each_operator(tmp_path):
    half = FACTORS.astype(np.float16)

    def build(x):
        small = mb.cast(x=x, dtype="fp16")
        return mb.cast(x=mb.add(x=mb.mul(x=small, y=half), y=np.float16(0.1)), dtype="fp32")

    made = one(tmp_path, build, X)
    product = (X.astype(np.float16).astype(np.float64) * half).astype(np.float16)
    expected = (product.astype(np.float64) + np.float16(0.1)).astype(np.float16)
    assert np.array_equal(made, expected.astype(np.float32))
    assert np.abs(made - (X * FACTORS + 0.1)).max() > 1e-4
