"""Keys for one boot: the client's, and the machine's, which so is known before it starts."""

from __future__ import annotations

from pathlib import Path

from attnbench.emulation import tools
from attnbench.emulation.recipes import cpio
from attnbench.files import write


def make(folder: Path, port: int) -> list[cpio.Entry]:
    """Write `identity` and `known_hosts` to a folder; returns what the machine needs to boot."""
    ours, theirs = folder / "identity", folder / "host_key"
    for path in (ours, theirs):
        tools.call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "attnbench", "-f", path)
    public = theirs.with_suffix(".pub").read_text()
    write(folder / "known_hosts", f"[127.0.0.1]:{port} {public}")
    return [
        cpio.file("boot/ssh_host_ed25519_key", theirs.read_bytes(), 0o600),
        cpio.file("boot/authorized_keys", ours.with_suffix(".pub").read_bytes()),
    ]
