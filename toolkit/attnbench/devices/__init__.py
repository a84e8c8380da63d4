"""The machines that measure."""

from __future__ import annotations

from attnbench.devices.base import Device
from attnbench.devices.registry import DEVICES, Devices

__all__ = ["DEVICES", "Device", "Devices"]
