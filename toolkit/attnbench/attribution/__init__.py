"""Whose time is it? From a runtime's operator events to the blocks of the PyTorch model."""

from __future__ import annotations

from attnbench.attribution.places import ROOT, Located, Place, block_of, residual

__all__ = ["ROOT", "Located", "Place", "block_of", "residual"]
