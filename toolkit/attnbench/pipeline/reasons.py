"""Why a measurement may not be trusted: each threshold with its reason and the next step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from attnbench.attribution.conserve import CLOSES_WITHIN
from attnbench.records import Validity

Unit = Literal["any", "share", "cores", "×"]


@dataclass(frozen=True, slots=True)
class Reason:
    """
    A reason for doubt, which more than `limit` of `of` gives; docs/statistics.md has the table.

    A limit in "any" is 0: once is enough. A refusal says its own step.
    """

    of: str
    limit: float
    unit: Unit
    why: str
    step: str


COOL = "let it cool down, cool it better, or set start_temperature_c and cooldown_s in its profile"

REASONS: Mapping[str, Reason] = {
    "refusal": Reason(
        "traces that cannot be mapped to blocks",
        0,
        "any",
        "a guess is never printed as a number",
        "",
    ),
    "closure": Reason(
        "what blocks and residual miss the paired plain time by",
        CLOSES_WITHIN,
        "share",
        "blocks that miss the whole by more do not explain it",
        "measure again on a quiet machine, with more launches",
    ),
    "unattributed": Reason(
        "the time without an owner",
        0.015,
        "share",
        "more could hide a small attention block",
        "blocks may be larger than shown: trust the whole alone",
    ),
    "overhead": Reason(
        "what profiling adds to an inference, and is subtracted",
        0.5,
        "share",
        "an error of 4 % in its calibration then moves the sum by the 2 % that it may be off by",
        "profiling is too large a part of so small a model: take a larger --size, or trust the "
        "whole alone",
    ),
    "resolution": Reason(
        "a step of the profiler's clock, in times of an attention block",
        1,
        "×",
        "a time below one step cannot be told from none",
        "take a larger --size, or hold a model without the block against it: `attnbench compare`",
    ),
    "unsettled": Reason(
        "launches that did not settle",
        0.5,
        "share",
        "the median over launches is then one of theirs",
        "stop other work, cool the device, or raise --iterations",
    ),
    "drift": Reason(
        "the change from the first launch to the last, where it is a trend",
        0.02,
        "share",
        "as much as blocks may miss the whole by",
        "let the device reach its working temperature, and measure again; `attnbench compare` "
        "holds two models against each other all the same",
    ),
    "bimodal": Reason(
        "what the slower of two modes takes above the other",
        0.02,
        "share",
        "a median of two modes jumps from one to the other",
        "choose processors of one kind with --cpus, set the governor performance, stop other work",
    ),
    "outliers": Reason(
        "times far above the others of their launch",
        0.05,
        "share",
        "half of what p90 can bear",
        "stop other work, keep it off these processors, or quote the median alone",
    ),
    "binary": Reason(
        "shared objects that are not those of the runtime's package",
        0,
        "any",
        "it is another runtime then, under this one's name",
        "install the package again, and measure again",
    ),
    "other processes": Reason(
        "what other processes took meanwhile",
        0.25,
        "cores",
        "they shared caches and clock",
        "stop them and measure again",
    ),
    "load": Reason(
        "the load average before, for each core; judged where nobody counted other processes",
        0.75,
        "cores",
        "others had most of the machine",
        "wait, and measure again",
    ),
    "under-voltage": Reason(
        "signs of it since the first look",
        0,
        "any",
        "the clock is lowered then; what happened before is history",
        "use a stronger power supply and a shorter cable",
    ),
    "throttling": Reason(
        "signs of it since the first look",
        0,
        "any",
        "the clock is lowered then; what happened before is history",
        COOL,
    ),
    "clock": Reason(
        "what a clock after an inference lacks to the profile's, or to itself before",
        0.02,
        "share",
        "a clock that is 2 % lower makes a time 2 % longer; fixed performance only has to stay",
        "set the governor performance, cool the device, or correct max_khz in its profile",
    ),
    "governor": Reason(
        "other governors than the profile's",
        0,
        "any",
        "it was asked for, and not to be had",
        "allow sudo without a password there, or set it yourself",
    ),
    "start": Reason(
        "launches that began above start_temperature_c",
        0,
        "any",
        "the profile wants to wait, and cooldown_s was over",
        "cool the device, or raise cooldown_s",
    ),
    "migration": Reason(
        "launches that ended on a processor not their own, or on one of another kind",
        0,
        "any",
        "its clock and caches are others",
        "choose processors of one kind with --cpus, or cpus in the profile, and see whether "
        "something there changes affinities",
    ),
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One of the reasons, and what was seen; `step` is what to do if not what the reason says."""

    reason: str
    seen: str
    step: str = ""

    def __str__(self) -> str:
        step = self.step or REASONS[self.reason].step
        return f"{self.seen}: {step}" if step else self.seen


def beyond(reason: str, value: float) -> bool:
    """Whether a value is more than the reason's limit."""
    return value > REASONS[reason].limit


def validity(doubts: tuple[Doubt, ...]) -> Validity:
    """Valid without a doubt."""
    return Validity(
        not doubts, tuple(map(str, doubts)), tuple(dict.fromkeys(one.reason for one in doubts))
    )
