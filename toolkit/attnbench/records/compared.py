"""Two measurements, held against each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from attnbench.records.exported import Kind
from attnbench.records.measured import ArtifactId, DeviceId


class Finding(Enum):
    """What an experiment says of B."""

    FASTER = "faster"
    SLOWER = "slower"
    NOT_DISTINGUISHABLE = "not distinguishable at this effort"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A time in A and in B, in ns, and B / A; None where there is none, or it is 0."""

    a_ns: int | None
    b_ns: int | None
    ratio: float | None


@dataclass(frozen=True, slots=True)
class BlockRatio:
    """The same of one block's exclusive time; "(residual)" is all that is in no block."""

    path: str
    kind: Kind | None
    time: Ratio


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    B against A on one device; truthy unless B takes more than `limit` (a share) above A.

    The verdict is on the whole inference. `blocks` is None where time could not be mapped to
    blocks. `notes` say what besides the models is not the same in both.
    """

    a: ArtifactId
    b: ArtifactId
    device: DeviceId
    clock: str
    engines: tuple[str, str]
    whole: Ratio
    blocks: tuple[BlockRatio, ...] | None
    limit: float
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.whole.ratio is not None and self.whole.ratio <= 1 + self.limit
