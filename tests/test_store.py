"""Records are read by several threads at once: exports go side by side."""

from __future__ import annotations

import subprocess
import sys

MANY = """
import sys
from dataclasses import make_dataclass
from threading import Barrier, Thread

from attnbench.store import from_json, to_json

sys.setswitchinterval(1e-6)
for _ in range(100):
    inner = [make_dataclass("Inner", [(f"n{at}", int) for at in range(12)]) for _ in range(6)]
    outer = make_dataclass("Outer", [(f"r{at}", kind) for at, kind in enumerate(inner)])
    text = to_json(outer(*(kind(*range(12)) for kind in inner)))
    together = Barrier(8)

    def read():
        together.wait()
        assert from_json(text, outer, "here").r5.n11 == 11

    threads = [Thread(target=read) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
"""


def test_a_new_kind_of_record_is_read_by_many_threads():
    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
