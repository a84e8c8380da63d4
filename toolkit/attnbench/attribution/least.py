"""One paired launch whose clock counts instructions, without what was not the model's."""

from __future__ import annotations

from dataclasses import replace

from attnbench.attribution.places import steady_operators
from attnbench.records import Launch, Trace


def least(launch: Launch, trace: Trace) -> tuple[Launch, Trace]:
    """
    The launch and its trace as if of one inference: the least that each event took.

    The same code executes the same instructions each time, and interrupts only add to them. So the
    least is what is true; an interrupt that lands in one operator in all inferences is rare.
    Raises AttributionError when inferences differ in their operators.
    """
    steady_operators(trace)
    events = tuple(
        replace(event, ns=min(inference[at].ns for inference in trace.iterations))
        for at, event in enumerate(trace.iterations[0])
    )
    quiet = replace(launch, plain_ns=(min(launch.plain_ns),), traced_ns=(min(launch.traced_ns),))
    return quiet, replace(trace, iterations=(events,))
