"""Launch times of a machine that misbehaves, for experiments whose truth is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Machine:
    """
    How the time of successive launches wanders: all in parts of one, around a time of 1.

    `drift` over the whole experiment; `wander` is the deviation of an AR(1) process with
    coefficient `memory`; `throttling` the chance per launch to change between full clock and one
    `step` slower; `tail` the scale of Student-t noise with 3 degrees of freedom.
    """

    drift: float = 0.0
    wander: float = 0.0
    memory: float = 0.9
    throttling: float = 0.0
    step: float = 0.3
    tail: float = 0.005

    def times(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Times of `count` launches one after the other, of a model that takes 1."""
        slow = np.logical_xor.accumulate(rng.random(count) < self.throttling)
        noise = np.zeros(count)
        shocks = rng.normal(size=count) * math.sqrt(1 - self.memory**2)
        for i in range(1, count):
            noise[i] = self.memory * noise[i - 1] + shocks[i]
        line = self.drift * np.linspace(0, 1, count)
        tail = self.tail * rng.standard_t(3, count)
        return np.exp(line + self.wander * noise + math.log1p(self.step) * slow + tail)


MACHINES = {
    "quiet": Machine(),
    "drifting": Machine(drift=0.15),
    "autocorrelated": Machine(wander=0.03),
    "throttling": Machine(throttling=0.02),
    "heavy tails": Machine(tail=0.02),
    "everything": Machine(drift=0.1, wander=0.02, throttling=0.01, tail=0.01),
}
