"""The facts that flow through attnbench: frozen, validated where they are made, JSON in and out."""

from __future__ import annotations

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
    "SCHEMA",
    "Applied",
    "Artifact",
    "ArtifactId",
    "Block",
    "BlockTime",
    "Case",
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
