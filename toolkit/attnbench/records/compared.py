"""Two measurements, held against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from attnbench.records.exported import Kind
from attnbench.records.measured import ArtifactId, DeviceId, Measurement, Validity

Outcome = Literal["pass", "fail", "inconclusive"]


class Finding(Enum):
    """What an experiment says of B."""

    FASTER = "faster"
    SLOWER = "slower"
    NOT_DISTINGUISHABLE = "not distinguishable at this effort"


@dataclass(frozen=True, slots=True)
class Ratio:
    """
    A time in A and in B, in ns, and B / A; None where there is none, or it is 0.

    `low` and `high` are the ratio's 95 % interval, where A and B were interleaved: the ratio is
    then estimated from launches that were neighbours, and not the quotient of the two times.
    """

    a_ns: int | None
    b_ns: int | None
    ratio: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class BlockRatio:
    """
    The same of one block's exclusive time; "(residual)" is all that is in no block.

    `finding` takes into account that many blocks are tested, which its interval does not.
    `a_launches_ns` and `b_launches_ns` have the block's time in each launch.
    """

    path: str
    kind: Kind | None
    time: Ratio
    finding: Finding | None = None
    a_launches_ns: tuple[int, ...] = ()
    b_launches_ns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rounds:
    """
    How A and B took turns: in each round of four launches as `orders` say, "ABBA" or "BAAB".

    The orders are drawn with `seed`; the k-th A of them all is the k-th run of A's measurement.
    `seconds` is what a round took. `detectable` is the effect that so many rounds find four times
    in five, judged by how launches of the same model differ; as a share. `asked` is the effect that
    was to be detectable, `needed` how many rounds that takes by what was seen.
    """

    seed: int
    orders: tuple[str, ...]
    seconds: float
    detectable: float
    asked: float | None = None
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Noise:
    """
    A against A on a device: how often they are called different, and what could be seen.

    `experiments` of `rounds` rounds each, `alarms` of them false; `rate_low` and `rate_high` are
    the 95 % interval of their rate, `spread` that of a round's score, `seconds` what a round took.
    `detectable` is the effect, as a share, that is found four times in five, by seconds.
    """

    device: DeviceId
    model: str
    experiments: int
    rounds: int
    alarms: int
    rate_low: float
    rate_high: float
    spread: float
    seconds: float
    detectable: Mapping[str, float]
    validity: Validity
    taken_at: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    B against A on one device; truthy unless B takes more than `limit` (a share) above A, or may.

    The verdict is on the whole inference. `blocks` is None where time could not be mapped to
    blocks, or was not to be. `notes` say what besides the models is not the same in both, and what
    is wrong with the measurements, which are A's and B's. `rounds` is None in instruction time,
    where a single pair says all.
    """

    a: ArtifactId
    b: ArtifactId
    device: DeviceId
    clock: str
    engines: tuple[str, str]
    whole: Ratio
    blocks: tuple[BlockRatio, ...] | None
    limit: float | None
    measurements: tuple[Measurement, Measurement]
    notes: tuple[str, ...] = ()
    finding: Finding | None = None
    rounds: Rounds | None = None

    def __bool__(self) -> bool:
        return self.outcome in (None, "pass")

    @property
    def outcome(self) -> Outcome | None:
        """Whether the interval is above the limit, below it, or on both sides; None: no limit."""
        if self.limit is None or self.whole.ratio is None:
            return None
        low = self.whole.ratio if self.whole.low is None else self.whole.low
        high = self.whole.ratio if self.whole.high is None else self.whole.high
        if low > 1 + self.limit:
            return "fail"
        return "pass" if high <= 1 + self.limit else "inconclusive"
