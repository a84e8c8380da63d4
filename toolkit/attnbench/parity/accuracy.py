"""Right answers of a reference and its artifact on the same labelled images, compared as pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

CHANCE = 0.05
"""A p above it says that a difference may be chance."""

FEWEST_PAIRS = 6
"""So many images that only one sees right are the fewest of which p can be below CHANCE."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many images both see right, the reference alone, the artifact alone, and neither."""

    both: int
    reference_alone: int
    artifact_alone: int
    neither: int

    @classmethod
    def of(
        cls, labels: Sequence[int], reference: Sequence[int], artifact: Sequence[int]
    ) -> Accuracy:
        """Of what was predicted for each image."""
        one = np.equal(labels, reference)
        other = np.equal(labels, artifact)
        return cls(
            int((one & other).sum()),
            int((one & ~other).sum()),
            int((~one & other).sum()),
            int((~one & ~other).sum()),
        )

    @property
    def images(self) -> int:
        """How many there are."""
        return self.both + self.reference_alone + self.artifact_alone + self.neither

    @property
    def p(self) -> float:
        """
        McNemar's exact test, two-sided: are those that only one sees right as often of either?

        Source: McNemar, Psychometrika 12(2), 1947; exact by the binomial distribution.
        """
        differing = self.reference_alone + self.artifact_alone
        return float(binomtest(self.reference_alone, differing).pvalue) if differing else 1.0

    @property
    def drop(self) -> float:
        """By what share of all images fewer the artifact sees right."""
        return (self.reference_alone - self.artifact_alone) / self.images

    @property
    def told_apart(self) -> float:
        """The smallest drop that could not be chance, if all that differs goes one way."""
        return FEWEST_PAIRS / self.images

    def __str__(self) -> str:
        shares = (
            (self.both + alone) / self.images
            for alone in (self.reference_alone, self.artifact_alone)
        )
        reference, artifact = (f"{share:.1%}" for share in shares)
        return (
            f"top-1 {artifact}, PyTorch in float32 {reference} of {self.images} images; "
            f"{self.reference_alone} only PyTorch has right, {self.artifact_alone} only the "
            f"artifact: p = {self.p:.2g} (McNemar, exact)"
        )
