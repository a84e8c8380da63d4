"""The native runner: built on demand, launched per job, its documents turned into records."""

from __future__ import annotations

from attnbench.runner.build import build, build_static, source_key
from attnbench.runner.launch import Info, Job, compute, info, measure, measure_paired
from attnbench.runner.libraries import ENGINES, Engine, Wheel, find, find_all
from attnbench.runner.peaks import Rate, Roof, peaks
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
    "Rate",
    "Reads",
    "Roof",
    "Wheel",
    "Writes",
    "build",
    "build_static",
    "compute",
    "find",
    "find_all",
    "info",
    "measure",
    "measure_paired",
    "peaks",
    "source_key",
]
