"""The machines that measure."""

from __future__ import annotations

from attnbench.devices.base import Device
from attnbench.registry import Registry

DEVICES: Registry[Device] = Registry("device", {"host": "attnbench.devices.host:HOST"})

__all__ = ["DEVICES", "Device"]
