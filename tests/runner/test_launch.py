"""What Python makes of a runner's end, with places that only pretend."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from attnbench.errors import (
    BadArtifact,
    BadInput,
    BadOption,
    MissingTool,
    RunnerError,
    UnknownName,
)
from attnbench.runner import (
    Finished,
    Job,
    Reads,
    Writes,
    compute,
    find,
    info,
    libraries,
    measure_paired,
)


def ends(code: int, stdout: bytes = b"", stderr: str = ""):
    return lambda engine, arguments, timeout_s: Finished(code, stdout, stderr)


def job_at(place) -> Job:
    return Job("litert", Path("net.tflite"), place=place)


@pytest.mark.parametrize(
    ("code", "error"),
    [(2, BadOption), (3, MissingTool), (4, BadArtifact), (5, BadInput), (6, RunnerError)],
)
def test_exit_codes_are_errors(code, error):
    said = json.dumps({"status": "error", "stage": "x", "message": "it rains"}).encode()
    with pytest.raises(error, match="litert: it rains") as caught:
        info(job_at(ends(code, said)))
    assert type(caught.value) is error


@pytest.mark.parametrize("code", [-11, 139])
def test_a_signal_is_named_with_the_last_words(code):
    with pytest.raises(RunnerError, match=r"died of SIGSEGV with net\.tflite") as caught:
        info(job_at(ends(code, stderr="loading\nassertion failed\n")))
    assert caught.value.hint == "assertion failed"


@pytest.mark.parametrize("code", [1, 6, 77, 255])
def test_an_end_without_a_document_is_the_runners_fault(code):
    with pytest.raises(RunnerError):
        info(job_at(ends(code, b"Segmentation fault")))


@pytest.mark.parametrize("stdout", [b"", b"{", b"[]", b'{"engine": 1}'])
def test_a_document_that_is_none_is_the_runners_fault(stdout):
    with pytest.raises(RunnerError, match="document"):
        info(job_at(ends(0, stdout)))


def test_silence_is_an_error(make_job):
    with pytest.raises(RunnerError, match="no answer in"):
        info(make_job("litert", timeout_s=0.001))


def test_files_are_marked_as_read_or_written(inputs):
    seen = []

    def place(engine, arguments, timeout_s):
        seen.extend(arguments)
        return Finished(4, b'{"message": "enough"}', "")

    with pytest.raises(BadArtifact):
        measure_paired(job_at(place), inputs, 1, 1, graph=Path("graph"))
    assert [word.path.name for word in seen if isinstance(word, Reads)] == [
        "net.tflite",
        "input.bin",
    ]
    assert [word.path.name for word in seen if isinstance(word, Writes)] == ["trace.json", "graph"]
    assert all(isinstance(word, str | Reads | Writes) for word in seen)


REPORT = {
    "engine": "litert",
    "version": "",
    "libraries": [],
    "threads": 1,
    "cpus": [0],
    "inputs": [{"dtype": "float32", "shape": [1]}],
    "outputs": [],
    "load_ns": 1,
}
BROKEN_TRACES = [
    b"",
    b"{}",
    b'{"engine":"litert","resolution_ns":1,"operators":[],"iterations":[]}',
    b'{"engine":"litert","resolution_ns":1,"operators":[],"iterations":[[[0,1,1]]]}',
    b'{"engine":"litert","resolution_ns":1,"operators":[],"iterations":[[[-1,1,1]]]}',
    b'{"engine":"litert","resolution_ns":1,"operators":'
    b'[{"name":"a","kind":"a","level":"magic","inputs":0}],"iterations":[[]]}',
]


@pytest.mark.parametrize("trace", BROKEN_TRACES)
def test_a_broken_trace_is_the_runners_fault(trace):
    def place(engine, arguments, timeout_s):
        for word in arguments:
            if isinstance(word, Writes):
                word.path.write_bytes(trace)
        return Finished(0, json.dumps(REPORT).encode(), "")

    with pytest.raises(RunnerError, match="trace"):
        measure_paired(job_at(place), [np.zeros(1, np.float32)], 0, 1)


def test_an_unknown_engine_has_suggestions(inputs):
    with pytest.raises(UnknownName, match="engine") as caught:
        compute(Job("lite-rt", Path("net.tflite")), [inputs])
    assert caught.value.hint == "did you mean 'litert'?"


def test_a_missing_wheel_says_what_installs_it(monkeypatch):
    monkeypatch.setattr(libraries.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingTool, match="ai-edge-litert") as caught:
        find("litert")
    assert caught.value.hint == "pip install 'attnbench[tflite]'"
    assert libraries.find_all() == {}


def test_finding_the_libraries_imports_no_runtime():
    code = (
        "import sys; from attnbench.runner import find_all; find_all();"
        "print(sorted({'onnxruntime', 'ai_edge_litert', 'executorch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == "[]"
