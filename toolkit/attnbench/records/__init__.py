"""The facts that flow through attnbench: frozen, validated where they are made, JSON in and out."""

from __future__ import annotations

from attnbench.records.compared import BlockRatio, Comparison, Ratio
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
from attnbench.records.measured import (
    INSTRUCTIONS,
    ArtifactId,
    BlockTime,
    Case,
    Conditions,
    DeviceId,
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
    "INSTRUCTIONS",
    "SCHEMA",
    "Applied",
    "Artifact",
    "ArtifactId",
    "Block",
    "BlockRatio",
    "BlockTime",
    "Case",
    "Comparison",
    "Conditions",
    "Delegation",
    "DeviceId",
    "Event",
    "Interval",
    "Kind",
    "Launch",
    "Measurement",
    "Operator",
    "Paired",
    "Ratio",
    "Reading",
    "Reference",
    "Residual",
    "Scope",
    "TensorSpec",
    "Trace",
    "Undelegated",
    "Validity",
    "Verdict",
    "Wanted",
]
