"""The native runner: built on demand, launched per job, its documents turned into records."""

from __future__ import annotations

from attnbench.runner.build import build, source_key
from attnbench.runner.launch import Info, Job, compute, info, measure, measure_paired
from attnbench.runner.libraries import ENGINES, Engine, Wheel, find, find_all
from attnbench.runner.place import Argument, Finished, Local, Place, Reads, Writes

__all__ = [
    "ENGINES",
    "Argument",
    "Engine",
    "Finished",
    "Info",
    "Job",
    "Local",
    "Place",
    "Reads",
    "Wheel",
    "Writes",
    "build",
    "compute",
    "find",
    "find_all",
    "info",
    "measure",
    "measure_paired",
    "source_key",
]
