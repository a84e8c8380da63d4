"""What `sweep` measures: its lists multiplied out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attnbench.cli.console import say
from attnbench.cli.options import recipe_from, skip_from, timed_from
from attnbench.cli.target_option import target_on
from attnbench.devices import Device
from attnbench.devices.profile import DeviceProfile
from attnbench.errors import BadOption, UnknownName
from attnbench.pipeline.effort import INTERLEAVED, effort_on
from attnbench.pipeline.export import Request
from attnbench.pipeline.sweep import ROUNDS, Plan, Sweeping, check_clock
from attnbench.pipeline.sweep_models import made, variants
from attnbench.pipeline.sweep_state import State
from attnbench.progress import Progress
from attnbench.records.sweeps import Setup, Sweep
from attnbench_models import Recipe

UNUSED = ("reduction", "model", "checkpoint", "layout", "precision", "prune")


def swept(given: dict[str, Any], device: Device, folder: Path, progress: Progress) -> Sweep:
    """Every model that the lists make, as `swept_recipes` has it."""
    return swept_recipes(_recipes(given), given, device, folder, progress)


def swept_recipes(
    recipes: Sequence[Recipe],
    given: dict[str, Any],
    device: Device,
    folder: Path,
    progress: Progress,
) -> Sweep:
    """Export, launch what has not been launched, and put all of it into one table."""
    check_clock(device)
    effort = effort_on(device, None, given["iterations"], usual=INTERLEAVED)
    request = _request(given, device)
    setups = _setups(given, request.backends, device, effort.threads)
    plan = Plan(given["rounds"] or ROUNDS, given["order_seed"])
    sweep = Sweeping(made(request, recipes, progress), setups, device, effort, plan)
    path = folder / f"sweep-{sweep.key}.jsonl"
    if given["fresh"]:
        path.unlink(missing_ok=True)
    state = State.of(path)
    if state.turns:
        say(f"going on with {path}: {len(state.turns)} launches are there")
    return sweep.run(state, progress)


def _request(given: dict[str, Any], device: Device) -> Request:
    """How each model is exported. Raises BadOption where nothing could be timed."""
    backends = timed_from(given["backends"])
    skip = skip_from(given["skip"])
    target = target_on(given["target"], device)
    return Request(Recipe(), backends, given["out"], skip, given["blocks"], target)


def _recipes(given: dict[str, Any]) -> tuple[Recipe, ...]:
    """Every model. Raises UnknownName."""
    common = {name: given[name] for name in ("backbone", "size", "batch", "seed")}
    common |= dict.fromkeys(UNUSED) | {"options": (), "width": None}
    bases = [recipe_from(common | {"block": block}) for block in given["models"]]
    reductions = [int(one) for one in given["reductions"] or ()]
    return variants(bases[0], given["models"], reductions, given["widths"] or ())


def _setups(
    given: dict[str, Any], backends: tuple[str, ...], device: Device, threads: int
) -> tuple[Setup, ...]:
    clusters = _clusters(given.get("clusters"), device)
    return tuple(
        Setup(backend, int(count), name, cpus)
        for backend in backends
        for count in given["threads"] or (threads,)
        for name, cpus in clusters.items()
    )


def _clusters(names: tuple[str, ...] | None, device: Device) -> dict[str, tuple[int, ...]]:
    """Processors by cluster; "" leaves them to the device. Raises UnknownName or BadOption."""
    if names is None:
        return {"": ()}
    profile: DeviceProfile | None = getattr(device, "profile", None)
    known = {one.name: one.cpus for one in (profile.clusters if profile else ())}
    if not known:
        raise BadOption(
            f"--clusters: the profile of {device.name} has none",
            hint="`attnbench device init` writes one that has",
        )
    for name in names:
        if name not in known:
            raise UnknownName("cluster", name, known)
    return {name: known[name] for name in names}
