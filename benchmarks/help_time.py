"""
How long `attnbench --help` takes: `python benchmarks/help_time.py [RUNS]`.

The requirement is under 0.2 s. What it must not import is in tests/test_house_rules.py, which does
not depend on the machine; the time itself does, so it is measured here.
"""

import statistics
import subprocess
import sys
import time

COMMAND = [sys.executable, "-m", "attnbench", "--help"]


def once() -> float:
    began = time.perf_counter()
    subprocess.run(COMMAND, capture_output=True, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    once()  # compiles
    times = [once() for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 20)]
    print(f"attnbench --help: median {statistics.median(times):.3f} s, worst {max(times):.3f} s")
