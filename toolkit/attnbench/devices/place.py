"""Where the runner runs on a device: its files pushed by content, its process detached."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from attnbench import files
from attnbench.devices.bundle import Bundle
from attnbench.devices.detached import Ended, Run
from attnbench.devices.shelf import file_item
from attnbench.devices.transport import NoAnswer
from attnbench.errors import DeviceError, RunnerError
from attnbench.runner import Argument, Finished, Reads, Wheel, Writes

if TYPE_CHECKING:
    from attnbench.devices.remote import Remote

NOT_STARTED = (126, 127)
"""What a shell answers for a program that it cannot start, or find."""

_ENVIRONMENT = ("env", "ORT_DISABLE_TELEMETRY=1")


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """See Place; `wheel` as in `Local`."""

    device: Remote
    wheel: Wheel | None = None

    def __call__(self, engine: str, arguments: Sequence[Argument], timeout_s: float) -> Finished:
        """See Place. Raises DeviceError as well."""
        bundle = self.device.bundle(engine, self.wheel.version if self.wheel else "")
        sent = [file_item(one.path) for one in arguments if isinstance(one, Reads)]
        with self.device.held():
            home, *sources = self.device.patiently(
                lambda: self.device.shelf.stock(bundle.item, *sent)
            )
            with self._prepared(self.device.new_run()) as run:
                words, outputs = self._there(arguments, iter(sources), run)
                command = [*_ENVIRONMENT, *bundle.command(home), *words, *bundle.options(home)]
                self.device.steady()
                ended = self._attend(run, command, timeout_s, engine)
        self._note(ended, bundle)
        _bring_back(ended, outputs, self.device.transport.where)
        return Finished(ended.code, ended.stdout, ended.stderr)

    def _there(
        self, arguments: Sequence[Argument], sources: Iterator[PurePosixPath], run: Run
    ) -> tuple[list[str], dict[str, Path]]:
        """The arguments with the device's paths, and which of its outputs belongs where here."""
        outputs: dict[str, Path] = {}
        words: list[str] = []
        for argument in arguments:
            if isinstance(argument, Reads):
                words.append(str(next(sources)))
            elif isinstance(argument, Writes):
                name = str(len(outputs))
                outputs[name] = argument.path
                words.append(str(run.out(name)))
            else:
                words.append(argument)
        if "--cpus" not in words and self.device.profile.cpus:
            words += ["--cpus", ",".join(map(str, self.device.profile.cpus))]
        return words, outputs

    @contextmanager
    def _prepared(self, run: Run) -> Iterator[Run]:
        """A run's folder, and nothing of it or in it afterwards, whatever happened."""
        try:
            yield run
        except BaseException:
            with suppress(DeviceError):
                self.device.patiently(run.kill)
            raise
        finally:
            with suppress(DeviceError):  # the next to take the lock removes it
                self.device.patiently(run.discard)

    def _attend(self, run: Run, command: Sequence[str], timeout_s: float, engine: str) -> Ended:
        """Wait for the end, over lost connections; the program itself is started once."""
        end = time.monotonic() + timeout_s

        def wait() -> Ended:
            try:
                return run.attend(command, max(0.1, end - time.monotonic()))
            except NoAnswer as error:
                raise RunnerError(
                    f"{engine}: no answer in {timeout_s:g} s", hint="raise the time limit"
                ) from error

        return self.device.patiently(wait)

    def _note(self, ended: Ended, bundle: Bundle) -> None:
        """Tell who watches; what could not even start is the device's fault, not the runner's."""
        if ended.code in NOT_STARTED and not ended.stdout:
            raise DeviceError(
                f"{self.device.transport.where}: {bundle.title} cannot be started "
                f"({ended.stderr.strip()})",
                hint="may programs be run from the workdir? without glibc: private_loader = true",
            )
        if self.device.watch is not None:
            self.device.watch.launched(ended, self.device.look)


def _bring_back(ended: Ended, outputs: Mapping[str, Path], where: str) -> None:
    for name, local in outputs.items():
        data = ended.out.get(name)
        if data is not None:
            files.write(local, data)
        elif not ended.code:
            raise DeviceError(
                f"{where}: the runner ended well, and left no {local.name}",
                hint="one of your own (--runner) has to be a build of attnbench's",
            )
