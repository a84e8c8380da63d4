"""Measure what an attention block costs on the device that runs it."""
