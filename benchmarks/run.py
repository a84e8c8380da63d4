"""
How long does the main job take, and how much memory? `make bench-run`, about 5 minutes.

Runs `attnbench run` twice in an empty cache and an empty folder: cold, then with cached exports.
Prints wall time, processor time (which other work on the machine disturbs less) and the peak of
resident memory over all its processes together, sampled every 50 ms from /proc (shared pages count
once for each process, so the sum is an upper bound).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
EVERY_S = 0.05


def tree_bytes(root: int) -> int:
    """Resident memory of a process and all its descendants."""
    children: dict[int, list[int]] = {}
    resident: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            resident[int(folder.name)] = int((folder / "statm").read_text().split()[1])
        except (OSError, IndexError):  # it has ended meanwhile
            continue
        children.setdefault(parent, []).append(int(folder.name))
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        total += resident.get(pid, 0)
        waiting += children.get(pid, [])
    return total * PAGE_BYTES


def processor_s() -> float:
    """Processor time of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(argv: list[str], folder: Path) -> tuple[float, float, int]:
    """Wall and processor seconds and the most memory of one run; ends the program if it fails."""
    began, spent, peak = time.monotonic(), processor_s(), 0
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    with subprocess.Popen(
        argv, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        heard: list[bytes] = []
        assert process.stdout is not None
        listener = threading.Thread(target=lambda: heard.extend(process.stdout))
        listener.start()
        while process.poll() is None:
            peak = max(peak, tree_bytes(process.pid))
            time.sleep(EVERY_S)
        listener.join()
    if process.returncode:
        sys.exit(b"".join(heard).decode() + f"exit code {process.returncode}")
    return time.monotonic() - began, processor_s() - spent, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0].strip())
    parser.add_argument("--block", default="coord")
    parser.add_argument("more", nargs="*", help="further options of `attnbench run`, after --")
    asked = parser.parse_args()
    argv = [sys.executable, "-m", "attnbench", "run", "--block", asked.block, *asked.more]
    with tempfile.TemporaryDirectory(prefix="attnbench-bench-") as folder:
        for name in ("cold", "cached"):
            wall, spent, peak = measure(argv, Path(folder))
            print(
                f"{name:7} {wall:6.1f} s   {spent:6.1f} s of processor time   "
                f"peak {peak / 1e9:.2f} GB",
                flush=True,
            )


if __name__ == "__main__":
    main()
