"""No runtime may phone home: ONNX Runtime would, from a thread, and keep a database."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from attnbench.runner import ENGINES, find


def threads_of(pid: int) -> list[str]:
    names = []
    for task in Path(f"/proc/{pid}/task").glob("*/comm"):
        try:
            names.append(task.read_text().strip())
        except OSError:
            continue
    return names


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_nothing_but_the_inference_runs_and_no_file_appears(
    runner, exported, inputs, engine, tmp_path
):
    home = tmp_path / "home"
    home.mkdir()
    source = tmp_path / "input.bin"
    source.write_bytes(b"".join(array.tobytes() for array in inputs))
    argv = [runner, "time", engine, exported(engine), "--input", source]
    argv += ["--lib-dir", find(engine).directory, "--iterations", "20000"]
    hidden = {"ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "HOME"}
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    seen: list[list[str]] = []
    with subprocess.Popen(
        argv, env=environment, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            seen.append(threads_of(process.pid))
            time.sleep(0.01)
    assert process.returncode == 0
    assert len(seen) > 10
    # ExecuTorch starts its default pool before it takes ours, so beginnings do not count.
    assert max(map(len, seen[len(seen) // 2 :])) == 1
    assert list(home.rglob("*")) == []
