"""Ports of this machine."""

from __future__ import annotations

import socket


def free(count: int) -> tuple[int, ...]:
    """As many different ports of 127.0.0.1 that nobody listens on."""
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return tuple(one.getsockname()[1] for one in opened)
    finally:
        for one in opened:
            one.close()
