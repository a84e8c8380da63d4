"""The command line of qemu."""

from __future__ import annotations

from pathlib import Path

from attnbench.emulation import tools
from attnbench.emulation.images import Image
from attnbench.emulation.machines import Machine


def command(machine: Machine, image: Image, folder: Path, port: int) -> list[str]:
    """
    How to boot a machine from an image; run it in its own `folder`, where `initrd` is this boot's.

    It goes to the background by itself, once it has found nothing wrong with what it was told.
    Its disk forgets all that was written when it ends, however it ends.
    """
    argv = [tools.tool("qemu-system-aarch64"), "-name", f"attnbench-{machine.name}"]
    argv += ["-machine", "virt", "-cpu", _cpu(machine), "-smp", str(machine.cpus)]
    argv += ["-m", str(machine.memory_mb), *_clock(machine)]
    argv += ["-kernel", str(image.kernel), "-initrd", str(folder / "initrd")]
    argv += ["-append", _kernel_arguments(machine)]
    if image.disk is not None:
        disk = str(image.disk).replace(",", ",,")
        argv += ["-drive", f"file={disk},format=raw,if=none,id=disk,snapshot=on,cache=unsafe"]
        argv += ["-device", "virtio-blk-device,drive=disk"]
    forward = f"hostfwd=tcp:127.0.0.1:{port}-:{machine.port}"
    argv += ["-netdev", f"user,id=net,restrict=on,{forward}"]
    argv += ["-device", "virtio-net-device,netdev=net"]
    argv += ["-object", "rng-random,filename=/dev/urandom,id=random"]
    argv += ["-device", "virtio-rng-device,rng=random"]
    argv += ["-display", "none", "-monitor", "none", "-nodefaults", "-no-reboot"]
    argv += ["-serial", f"file:{folder / 'console'}"]
    return [*argv, "-daemonize", "-pidfile", str(folder / "pid")]


def _cpu(machine: Machine) -> str:
    # The architecture's own cipher for signed pointers is most of what a kernel does under qemu; a
    # processor may have a cipher of its own instead, and qemu's is quick.
    return f"{machine.cpu},pauth-impdef=on" if machine.cpu == "max" else machine.cpu


def _clock(machine: Machine) -> list[str]:
    if machine.time == "real":
        return ["-accel", "tcg,thread=multi"]
    # With sleep=off an idle guest's clock leaps ahead, by an hour in seconds, and sshd gives up on
    # whoever is just logging in; busy code, which is what is measured, counts the same either way.
    counted = ["-icount", "shift=0,sleep=on,align=off", "-rtc", "clock=vm"]
    return ["-accel", "tcg,thread=single", *counted]


def _kernel_arguments(machine: Machine) -> str:
    words = [
        "console=ttyAMA0",
        "quiet",
        "panic=-1",
        "nokaslr",  # asks for a page table of its own for the kernel
        "mitigations=off",  # under qemu they guard against nothing, at nearly the price of all else
        "cryptomgr.notests",  # two thirds of what the kernel does until the first process runs
        f"attnbench.locked={int(not machine.unlocked)}",
    ]
    if machine.android is not None:
        words.append(f"attnbench.android={machine.android}")
    if machine.time == "instructions":
        words += _quiet(machine.cpus - 1)
    return " ".join(words)


def _quiet(cpu: int) -> list[str]:
    """Keep one processor, the last, for what is measured; what ran there would be counted too."""
    return [
        f"isolcpus=nohz,domain,managed_irq,{cpu}",
        f"nohz_full={cpu}",  # a tick takes 5000 to 15000 instructions, 250 times a second
        f"rcu_nocbs={cpu}",
        "transparent_hugepage=never",  # a daemon would copy pages together, whenever it comes to it
        "norandmaps",  # the same addresses, and so the same hashes and alignments, in each process
    ]
