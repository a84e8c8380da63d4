"""The facts that flow through attnbench: frozen, validated where they are made, JSON in and out."""

from __future__ import annotations

from attnbench.records.border import IMAGENET, Binding, Border, Pixels, Triple
from attnbench.records.compared import (
    BlockRatio,
    Comparison,
    Finding,
    Noise,
    Outcome,
    Ratio,
    Rounds,
)
from attnbench.records.exported import (
    Applied,
    Artifact,
    Block,
    Delegation,
    Kind,
    Reference,
    Scope,
    TensorSpec,
    Undelegated,
)
from attnbench.records.judged import (
    DIFFERS,
    BlockError,
    Case,
    Divergence,
    FirstOperator,
)
from attnbench.records.measured import (
    INSTRUCTIONS,
    ArtifactId,
    BlockTime,
    Conditions,
    DeviceId,
    Evidence,
    Interval,
    Measurement,
    Paired,
    Reading,
    Residual,
    Validity,
    Verdict,
    Wanted,
)
from attnbench.records.traced import (
    Event,
    Launch,
    Operator,
    Trace,
)

SCHEMA = 1

__all__ = [
    "DIFFERS",
    "IMAGENET",
    "INSTRUCTIONS",
    "SCHEMA",
    "Applied",
    "Artifact",
    "ArtifactId",
    "Binding",
    "Block",
    "BlockError",
    "BlockRatio",
    "BlockTime",
    "Border",
    "Case",
    "Comparison",
    "Conditions",
    "Delegation",
    "DeviceId",
    "Divergence",
    "Event",
    "Evidence",
    "Finding",
    "FirstOperator",
    "Interval",
    "Kind",
    "Launch",
    "Measurement",
    "Noise",
    "Operator",
    "Outcome",
    "Paired",
    "Pixels",
    "Ratio",
    "Reading",
    "Reference",
    "Residual",
    "Rounds",
    "Scope",
    "TensorSpec",
    "Trace",
    "Triple",
    "Undelegated",
    "Validity",
    "Verdict",
    "Wanted",
]
