"""Text that may be shown to anybody: who, where and which device it was is taken out."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

SHORTEST = 2
"""Shorter words are in too many others to be a secret."""

COMMON = frozenset({"root", "shell", "user", "localhost", "host", "local", "home", "none", "adb"})
"""Names that everybody has say nothing of anybody."""

_IP6 = re.compile(r"(?<![\w:.])[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*[0-9a-fA-F](?![\w:])")
PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, flags), instead)
    for pattern, instead, flags in (
        (r"-----BEGIN [^-]+-----.*?(?:-----END [^-]+-----|\Z)", "<key>", re.DOTALL),
        (r"\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/=]{20,}", "<key>", 0),
        (r"\b(?:SHA256:[A-Za-z0-9+/=]{20,}|MD5(?::[0-9a-f]{2}){16})", "<fingerprint>", 0),
        (
            r"(?i)\b([\w-]*(?:token|password|passwd|passphrase|secret|api[_-]?key))(\s*[=:]\s*)\S+",
            r"\1\2<secret>",
            0,
        ),
        (r"(?i)\b(serial(?:no|[ _-]?number)?\s*[=:]\s*)\S+", r"\1<serial>", 0),
        (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*", "<user>@<host>", 0),
        (r"\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b", "<mac>", 0),
        (r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\d)", "<ip>", 0),
        (r"/(?:home|Users)/[^/\s'\"]+", "<home>", 0),
        (r"\b(?:[\w-]+\.)+(?:local|lan|home|internal|localdomain)\b", "<host>", 0),
    )
)


def redact(text: str, secrets: Iterable[tuple[str, str]] = ()) -> str:
    """
    The text without `secrets`, pairs of a text and what stands for it, and without what looks so.

    Keys, fingerprints, passwords, serial numbers, addresses, user names, host names, home folders.
    """
    for secret, instead in sorted(secrets, key=lambda pair: -len(pair[0])):
        if len(secret) >= SHORTEST and secret.lower() not in COMMON:
            whole = rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])"
            text = re.sub(whole, f"<{instead}>", text, flags=re.IGNORECASE)
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return _IP6.sub(_address, text)


def _address(match: re.Match[str]) -> str:
    try:
        ipaddress.IPv6Address(match[0])
    except ValueError:
        return match[0]
    return "<ip>"
