"""Planted secrets: none of them survives, and what is needed to help does."""

from __future__ import annotations

import pytest

from attnbench.devices.redact import redact

PLANTED = {
    "user and host": ("ssh ada@lovelace-pi5: refused", ["ada", "lovelace"]),
    "user and address": ("ssh://ada@10.1.2.3:2222", ["ada", "10.1.2.3"]),
    "mail": ("see ada.l@example.org", ["ada.l", "example.org"]),
    "mdns name": ("no route to lovelace.local", ["lovelace"]),
    "IPv4": ("connect to 192.168.1.20 port 22", ["192.168.1.20"]),
    "IPv4 with a port": ("adb 192.168.1.20:5555 offline", ["192.168.1.20"]),
    "IPv6": ("connect to fe80::1ff:fe23:4567:890a port 22", ["fe80", "4567"]),
    "short IPv6": ("on 2001:db8::7 now", ["2001:db8"]),
    "loopback": ("[::1]:22", ["::1"]),
    "mac": ("link/ether dc:a6:32:01:02:03", ["dc:a6", "02:03"]),
    "home": ("cannot write /home/ada/.cache/attnbench/x", ["ada"]),
    "mac home": ("/Users/ada/x", ["ada"]),
    "public key": ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlanted0000 me", ["AAAAC3", "Planted"]),
    "private key": (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnPlanted\n-----END OPENSSH PRIVATE KEY-----",
        ["b3Blbn", "Planted"],
    ),
    "cut private key": (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIPlanted\nmore",
        ["MIIPlanted", "more"],
    ),
    "fingerprint": ("SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDPlanted0", ["uNiVztks"]),
    "password": ("PASSWORD=hunter2 and api_key: abc123", ["hunter2", "abc123"]),
    "token": ("GITHUB_TOKEN=ghp_planted", ["ghp_planted"]),
    "serial": ("Serial\t\t: 10000000abcdef01", ["10000000abcdef01"]),
    "serial number": ("ro.serialno=9A1AY1PLANTED", ["9A1AY1PLANTED"]),
}


@pytest.mark.parametrize(("text", "secrets"), PLANTED.values(), ids=PLANTED)
def test_what_looks_like_a_secret_goes(text, secrets):
    clean = redact(text)
    assert not [one for one in secrets if one in clean]
    assert "<" in clean


@pytest.mark.parametrize(
    "text",
    [
        "glibc 2.36, ld-linux-aarch64.so.1",
        "onnxruntime 1.31.1: version `GLIBC_2.38' not found",
        "/data/local/tmp/attnbench/bundles/18f6e104/attnbench-runner: Permission denied",
        "exit code 126",
        "Linux 6.6.51+rpt-rpi-2712, aarch64, 64 bits, pages of 16384 bytes",
        "attnbench::peaks(attnbench::Options const&)",
        "clusters [0, 1, 2, 3], mask f0, 2.4 GHz at 12:30",
        "62adc8df9463a1e3029b0af74deeba8408c6c552889a0dd005e08028ceeadc4d  ./attnbench-runner",
    ],
)
def test_what_helps_stays(text):
    assert redact(text) == text


def test_what_is_known_goes_as_a_whole_word_in_any_case():
    secrets = [("ada", "user"), ("Lovelace", "host"), ("9A1AY1AAAA", "serial")]
    text = "ADA on lovelace with 9A1AY1AAAA, in /data/ada-1, but not in adapter or Canada"
    assert redact(text, secrets) == (
        "<user> on <host> with <serial>, in /data/<user>-1, but not in adapter or Canada"
    )


def test_the_longer_secret_goes_first():
    secrets = [("pi", "user"), ("pi.lovelace.net", "host")]
    assert redact("pi at pi.lovelace.net", secrets) == "<user> at <host>"


@pytest.mark.parametrize("common", ["root", "shell", "localhost", "x", ""])
def test_what_everybody_is_called_is_no_secret(common):
    assert redact("root shell localhost x", [(common, "user")]) == "root shell localhost x"
