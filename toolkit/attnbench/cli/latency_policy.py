"""The latency part of a policy, and how a gate comes to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from attnbench.cli.console import say
from attnbench.cli.quantities import Percent
from attnbench.errors import BadOption

if TYPE_CHECKING:
    from attnbench.pipeline.latency_gate import LatencyBaseline, Terms
    from attnbench.progress import Progress
    from attnbench.records import Artifact, Gated, Measurement


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    By how much a model may become slower, such as "3%", on which devices.

    `devices` are the model's own by default; `rounds`, `threads` and `cpus` as for `compare`.
    """

    limit: str
    devices: tuple[str, ...] | None = None
    rounds: int = 8
    threads: int | None = None
    cpus: str | None = None

    def terms(self, where: str) -> Terms:
        """The same, checked. Raises BadOption, which names `where`."""
        from attnbench.cli.options import cpus_from
        from attnbench.pipeline.latency_gate import Terms
        from attnbench.stats.paired import FEWEST_BLOCKS

        try:
            limit = Percent().convert(self.limit, None, None)
        except click.BadParameter as error:
            raise BadOption(f"{where}: latency: {error.message}") from error
        if self.rounds < FEWEST_BLOCKS:
            raise BadOption(f"{where}: latency: fewer than {FEWEST_BLOCKS} rounds never decide")
        return Terms(limit, self.rounds, self.threads, cpus_from(self.cpus))


@dataclass(slots=True)
class LatencyGating:
    """Latency of a policy's models, one after the other; with `update` they become the baseline."""

    path: Path
    progress: Progress
    update: bool
    before: LatencyBaseline | None = None
    found: list[Gated] = field(default_factory=list)
    taken: dict[str, Measurement] = field(default_factory=dict)

    def take(
        self, model: str, terms: Terms, devices: Sequence[str], artifacts: Sequence[Artifact]
    ) -> None:
        """Measure the artifacts that a runtime here can load on each device, and judge them."""
        from attnbench.cli.device_options import Chosen
        from attnbench.pipeline.latency_gate import LatencyGate, keep, read_latency
        from attnbench.pipeline.run import runnable

        if self.before is None:
            self.before = read_latency(self.path)
        for name in devices:
            device = Chosen(name).resolve()
            for artifact in runnable(artifacts):
                key = f"{model} {artifact.backend} {device.name}"
                if self.update:
                    self.taken[key] = terms.measure(artifact, device, self.progress)
                    keep(artifact)
                    continue
                before = self.before.measurements.get(key)
                gate = LatencyGate(model, artifact, device, terms, before)
                self.found.append(gate.judge(self.progress))

    def finish(self) -> None:
        """Write the baseline, if that was asked for; what is doubted of it is told."""
        from attnbench.pipeline.latency_gate import write_latency

        if not self.taken:
            return
        for key, one in self.taken.items():
            for text in one.validity.warnings:
                say(f"warning: {key}: {text}")
        write_latency(self.path, self.taken)
        say(f"latency baseline: {self.path}")


def latency_beside(baseline: Path) -> Path:
    """Where the latencies are that belong to a baseline."""
    return baseline.with_name(f"{baseline.stem}.latency{baseline.suffix}")
