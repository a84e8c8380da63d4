"""What the runner's own kernels count. How fast they are is for the machine to say."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from attnbench.errors import RunnerError
from attnbench.runner import ENGINES, find
from attnbench.runner.peaks import rate, read

USAGE, LIBRARY, RUN = 2, 3, 6
ROUNDS = 1 << 18
REPEATS = 3
ARRAY_KIB = 4096
MULTIPLY_ADDS = {"x86_64": r"vfmadd\w+\s+%[yz]mm", "aarch64": r"fmla\s+v\d+\.4s"}


@pytest.fixture
def call(runner):
    def run(*arguments):
        argv = [str(runner), *map(str, arguments)]
        done = subprocess.run(argv, capture_output=True, timeout=300, check=False)
        return done.returncode, json.loads(done.stdout)

    return run


def measured(call, threads: int):
    flags = ("--threads", threads, "--iterations", REPEATS, "--array-kib", ARRAY_KIB)
    code, document = call("peaks", *flags)
    assert code == 0, document
    return document


@pytest.mark.parametrize(
    "threads",
    [
        1,
        pytest.param(
            2,
            marks=pytest.mark.skipif(
                len(os.sched_getaffinity(0)) < 2, reason="SKIPPED: one processor"
            ),
        ),
    ],
)
def test_what_is_counted(call, threads):
    document = measured(call, threads)
    assert document["cpus"] == sorted(os.sched_getaffinity(0))[:threads]
    compute = document["multiply_add"]
    block = 2 * ROUNDS * compute["chains"] * compute["lanes"] * threads
    assert compute["flop"] >= block
    assert compute["flop"] % block == 0
    arrays = document["array_bytes"]
    assert ARRAY_KIB * 1024 - 16 * threads < arrays <= ARRAY_KIB * 1024
    assert document["copy"]["bytes"] == 2 * arrays
    assert document["triad"]["bytes"] == 3 * arrays
    for kernel in ("multiply_add", "copy", "triad"):
        assert len(document[kernel]["ns"]) == REPEATS
        assert min(document[kernel]["ns"]) > 0
    assert document["before"]["load_average"] >= 0


def test_the_widest_units_are_used(call):
    simd = measured(call, 1)["multiply_add"]["simd"]
    if platform.machine() == "aarch64":
        assert simd == "neon"
        return
    flags = re.search(r"^flags\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    has = set(flags[1].split())
    best = "avx512" if "avx512f" in has else "avx" if {"avx", "fma"} <= has else "sse"
    assert simd == best


def test_the_rates_are_of_this_world(call):
    roof = read(json.dumps(measured(call, 1)).encode())
    assert 0.05 < roof.fp32.per_ns < 2000
    assert 0.01 < roof.copy.per_ns < 2000
    assert 0.01 < roof.triad.per_ns < 2000
    assert min(one.spread for one in (roof.fp32, roof.copy, roof.triad)) >= 0


@pytest.mark.skipif(shutil.which("objdump") is None, reason="SKIPPED: no objdump (binutils)")
def test_the_loop_is_nothing_but_multiply_adds(runner):
    argv = ["objdump", "-d", "--no-show-raw-insn", str(runner)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    is_one = re.compile(MULTIPLY_ADDS[platform.machine()])
    longest = length = 0
    for line in done.stdout.splitlines():
        length = length + 1 if is_one.search(line) else 0
        longest = max(longest, length)
    assert longest >= 12


@pytest.mark.slow
def test_arrays_are_far_larger_than_the_caches(call):
    code, document = call("peaks", "--iterations", 1)
    if code == RUN:
        assert "memory" in document["message"]  # said, not measured in what is there
        return
    cache = document["last_cache_bytes"] or 0
    assert document["array_bytes"] >= 4 * max(cache, 16 << 20) - 16


def test_more_threads_than_processors_are_refused(call):
    code, document = call("peaks", "--threads", len(os.sched_getaffinity(0)) + 1)
    assert (code, document["stage"]) == (USAGE, "usage")


def test_memory_that_is_not_there_is_an_error(call):
    _, document = call("peaks", "--iterations", 1, "--array-kib", 1)
    assert document["array_bytes"] == 1024
    code, document = call("peaks", "--array-kib", "0")
    assert code == USAGE


def test_about_says_what_it_runs_on(call):
    code, document = call("about")
    assert code == 0
    assert document["page_bytes"] == os.sysconf("SC_PAGESIZE")
    assert document["cpus"] == sorted(os.sched_getaffinity(0))
    assert document["c_library"] == " ".join(platform.libc_ver())


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_load_opens_an_engine_without_a_model(call, runner, engine):
    wheel = find(engine)
    where = ("--lib-dir", wheel.directory, "--lib-version", wheel.version)
    plugin = ("--plugin", runner.with_name("libattnbench_executorch.so"))
    code, document = call("load", engine, *where, *plugin)
    assert code == 0, document
    assert document["version"] == wheel.version
    assert len(document["libraries"]) >= len(wheel.libraries)


@pytest.mark.parametrize(
    "words", [["load"], ["load", "tensorrt"], ["peaks", "litert"], ["about", "x"]]
)
def test_nonsense_is_a_usage_error(call, words):
    assert call(*words)[0] == USAGE


def test_load_names_a_library_that_is_not_there(call, tmp_path):
    code, document = call("load", "litert", "--lib-dir", tmp_path)
    assert (code, document["stage"]) == (LIBRARY, "library")
    assert str(tmp_path) in document["message"]


def test_a_rate_is_the_best_repeats():
    assert rate(100, [50, 60, 100]).per_ns == 2
    assert rate(100, [50, 60, 100]).spread == pytest.approx(0.2)
    assert rate(100, [50]).spread == 0


def test_half_the_work_in_half_the_time_is_the_same_rate():
    assert rate(50, [25, 30, 50]) == rate(100, [50, 60, 100])


def test_a_disturbed_repeat_changes_no_peak():
    assert rate(100, [50, 50, 50]).per_ns == rate(100, [50, 50, 5000]).per_ns


@pytest.mark.parametrize("times", [[], [0], [5, 0]])
def test_a_clock_that_stands_still_is_no_rate(times):
    with pytest.raises(RunnerError, match="clock"):
        rate(100, times)


def test_another_document_is_refused():
    with pytest.raises(RunnerError, match="document"):
        read(b'{"status": "ok"}')
