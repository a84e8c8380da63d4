"""Programs that outlive us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from attnbench.emulation import process
from attnbench.emulation.process import Process
from tests.emulation.machines import eventually

NOBODY = Process(pid=2**22 + 1, started=1)


class TestProcess:
    def test_lives_until_it_ends(self, sleeping):
        found = process.find(sleeping.pid)
        assert found is not None
        assert found.alive()
        sleeping.kill()
        sleeping.wait()
        assert not found.alive()
        assert process.find(sleeping.pid) is None

    def test_a_zombie_is_dead(self, sleeping):
        found = process.find(sleeping.pid)
        found.end()
        assert not found.alive()
        assert sleeping.wait() == -signal.SIGTERM

    def test_another_with_its_pid_is_neither_it_nor_ended(self, sleeping):
        found = process.find(sleeping.pid)
        impostor = replace(found, started=found.started - 1)
        assert not impostor.alive()
        impostor.end()
        assert found.alive()

    def test_one_that_does_not_listen_is_killed(self):
        script = "import signal,time; signal.signal(15, signal.SIG_IGN); print('.', flush=True)"
        argv = [sys.executable, "-c", f"{script}; time.sleep(60)"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
            child.stdout.read(1)
            process.find(child.pid).end(grace_s=0.1)
            assert child.wait() == -signal.SIGKILL

    def test_ending_one_that_is_gone_is_fine(self):
        NOBODY.end()

    def test_a_detached_one_is_not_our_child(self, tmp_path):
        log = tmp_path / "log with a blank"
        found = process.detach(["sh", "-c", "echo $0; exec sleep 60", "$HOME;"], os.environ, log)
        with pytest.raises(ChildProcessError):
            os.waitpid(found.pid, os.WNOHANG)
        eventually(log.read_text)
        found.end()
        assert not found.alive()
        assert log.read_text() == "$HOME;\n"

    def test_a_name_with_parentheses_is_read(self, tmp_path):
        program = tmp_path / "a) b (c"
        program.symlink_to("/bin/sleep")
        with subprocess.Popen([program, "60"]) as child:
            found = process.find(child.pid)
            assert found.alive()
            found.end()
