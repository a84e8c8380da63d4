"""The bare program: one JSON document whatever it is asked, and its own exit codes."""

from __future__ import annotations

import json
import subprocess

import pytest

from attnbench.runner import ENGINES, find

USAGE, LIBRARY, ARTIFACT, INPUT = 2, 3, 4, 5


@pytest.fixture
def call(runner):
    def run(*arguments):
        argv = [runner, *arguments]
        done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
        assert done.stdout.count(b"\n") == 1
        return done.returncode, json.loads(done.stdout)

    return run


@pytest.fixture
def input_file(inputs, tmp_path):
    file = tmp_path / "input.bin"
    file.write_bytes(b"".join(array.tobytes() for array in inputs))
    return file


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["time"],
        ["frobnicate", "litert", "m"],
        ["info", "tensorrt", "m"],
        ["info", "litert", "m", "--frobnicate", "1"],
        ["info", "litert", "m", "--threads"],
        ["info", "litert", "m", "--threads", "0"],
        ["info", "litert", "m", "--threads", "-1"],
        ["info", "litert", "m", "--threads", "2x"],
        ["info", "litert", "m", "--threads", ""],
        ["info", "litert", "m", "--threads", "99999999999999999999"],
        ["info", "litert", "m", "--cpus", "x"],
        ["info", "litert", "m", "--cpus", "3-1"],
        ["info", "litert", "m", "--cpus", "0,"],
        ["info", "litert", "m", "--cpus", "99999999999"],
        ["info", "litert", "m", "--trace", "t"],
        ["run", "litert", "m"],
        ["run", "litert", "m", "--input", "a", "--input", "b", "--output", "c"],
        ["time", "litert", "m", "--input", "a", "--paired"],
        ["time", "litert", "m", "--input", "a", "--graph", "g"],
        ["time", "litert", "m", "--input", "a", "--iterations", "0"],
        ["time", "litert", "m", "--input", "a", "--input", "b"],
    ],
)
def test_nonsense_is_a_usage_error(call, words):
    code, document = call(*words)
    assert code == USAGE
    assert document["status"] == "error"
    assert document["stage"] == "usage"
    assert document["message"]


@pytest.mark.parametrize(
    "name",
    [b"plain", b'quo"te\\slash', b"new\nline", "übergröße".encode(), b"\xff\xc0\xed\xa0\x80"],
)
def test_any_file_name_makes_a_valid_document(call, name):
    code, document = call(b"info", b"litert", name)
    assert code == ARTIFACT
    assert name.decode(errors="replace")[:4] in document["message"]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_an_absent_library_is_named(call, exported, engine, tmp_path):
    code, document = call("info", engine, exported(engine), "--lib-dir", tmp_path)
    assert code == LIBRARY
    assert document["stage"] == "library"
    assert str(tmp_path) in document["message"]


def test_a_file_that_is_no_library_is_named(call, exported, tmp_path):
    (tmp_path / "libLiteRt.so").write_bytes(b"not ELF")
    code, document = call("info", "litert", exported("litert"), "--lib-dir", tmp_path)
    assert code == LIBRARY
    assert "libLiteRt.so" in document["message"]


def test_a_litert_that_the_header_does_not_describe_is_refused(call, exported):
    where = ["--lib-dir", find("litert").directory, "--lib-version", "2.4.0"]
    code, document = call("info", "litert", exported("litert"), *where)
    assert code == LIBRARY
    assert "2.4.0" in document["message"]


def test_a_missing_plugin_stops_executorch_only(call, exported, tmp_path):
    absent = ["--plugin", tmp_path / "absent.so"]
    for engine, expected in [("executorch", LIBRARY), ("litert", 0), ("onnxruntime", 0)]:
        where = ["--lib-dir", find(engine).directory]
        assert call("info", engine, exported(engine), *where, *absent)[0] == expected


def test_an_unreadable_input_is_named(call, exported, tmp_path):
    where = ["--lib-dir", find("litert").directory]
    files = ["--input", tmp_path / "absent", "--output", tmp_path / "out"]
    code, document = call("run", "litert", exported("litert"), *files, *where)
    assert code == INPUT
    assert "absent" in document["message"]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_the_document_says_under_what_conditions(call, exported, input_file, engine):
    where = ["--lib-dir", find(engine).directory, "--iterations", "4", "--warmup", "1"]
    code, document = call("time", engine, exported(engine), "--input", input_file, *where)
    assert code == 0
    assert len(document["prepare_ns"]) == len(document["plain_ns"]) == 4
    for moment in (document["before"], document["after"]):
        assert moment["cpu"] in document["cpus"]
        assert moment["load_average"] >= 0
        assert set(moment) == {"cpu", "load_average", "frequency_khz", "temperature_mc"}
    for library in document["libraries"]:
        assert library["bytes"] > 10_000
        assert set(library) == {"file", "bytes", "build_id", "sha256"}


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_many_timed_inferences_end_with_the_output_of_the_first(
    call, exported, input_file, official, engine, tmp_path
):
    out = tmp_path / "out.bin"
    where = ["--lib-dir", find(engine).directory, "--input", input_file, "--output", out]
    assert call("time", engine, exported(engine), "--iterations", "50", *where)[0] == 0
    expected = b"".join(array.tobytes() for array in official(engine)["normal"])
    assert out.read_bytes() == expected


def test_a_lone_traced_copy_leaves_plain_times_empty(call, exported, input_file, tmp_path):
    trace = tmp_path / "trace.json"
    where = ["--lib-dir", find("onnxruntime").directory, "--input", input_file]
    arguments = ["--trace", trace, "--iterations", "3", *where]
    code, document = call("time", "onnxruntime", exported("onnxruntime"), *arguments)
    assert code == 0
    assert (document["plain_ns"], len(document["traced_ns"])) == ([], 3)
    assert len(json.loads(trace.read_text())["iterations"]) == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["input.bin", "trace.json"]


def test_an_output_that_cannot_be_written_is_an_error(call, exported, input_file, tmp_path):
    where = ["--lib-dir", find("litert").directory, "--input", input_file]
    code, document = call(
        "run", "litert", exported("litert"), *where, "--output", tmp_path / "no" / "folder"
    )
    assert (code, document["stage"]) == (6, "run")
    assert "folder" in document["message"]
