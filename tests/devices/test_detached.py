"""What was started goes on without us, once; and its end is heard of."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path, PurePosixPath

import pytest

from attnbench.devices.detached import SWEEP, Run, Usage, usage
from attnbench.devices.local import LocalTransport
from attnbench.devices.shell import Patience, script
from attnbench.devices.transport import ConnectionLost, NoAnswer
from attnbench.errors import DeviceError
from tests.devices.flaky import Flaky

# Counts itself, waits if told to, and writes an output.
PROGRAM = """
echo started >>"$1/count"
sleep "$2"
printf result >"$3"
echo said; echo complained >&2
exit 5
"""


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(LocalTransport(), PurePosixPath(tmp_path / "device" / "runs" / "one run"))


@pytest.fixture
def program(tmp_path, run):
    def program(seconds: float = 0) -> list[str]:
        return ["sh", "-c", PROGRAM, "sh", str(tmp_path), str(seconds), str(run.out("0"))]

    return program


def starts(tmp_path) -> int:
    return len((tmp_path / "count").read_text().splitlines())


def test_the_end_of_a_program(run, program):
    ended = run.attend(program(), 30)
    assert (ended.code, ended.stdout, ended.stderr) == (5, b"said\n", "complained\n")
    assert ended.out == {"0": b"result"}
    run.discard()
    assert not Path(run.folder).exists()


def test_attending_again_starts_nothing(run, program, tmp_path):
    first = run.attend(program(), 30)
    again = run.attend(program(), 30)
    assert (first.code, first.stdout, first.out) == (again.code, again.stdout, again.out)
    assert starts(tmp_path) == 1


def test_a_signal_and_what_is_not_there(run, tmp_path):
    assert run.attend(["sh", "-c", "kill -11 $$"], 30).code == 139
    other = Run(run.transport, run.folder.with_name("other"))
    assert other.attend(["/nowhere/program"], 30).code == 127


def test_arguments_arrive_unchanged(run):
    words = ["two words", "", "it's", "$HOME", "*", "a;b", "-x", "é\n"]
    assert run.attend(["printf", "%s|", *words], 30).stdout.decode() == "".join(
        f"{word}|" for word in words
    )


def test_no_answer_in_time_and_the_end_is_still_there(run, program, tmp_path):
    with pytest.raises(NoAnswer):
        run.attend(program(2), 0.5)
    assert run.attend(program(2), 30).code == 5
    assert starts(tmp_path) == 1


def test_a_lost_connection_is_resumed(run, program, tmp_path):
    flaky = Run(Flaky(1, "before"), run.folder)
    assert Patience()(lambda: flaky.attend(program(), 30)).code == 5
    flaky = Run(Flaky(1, "after"), run.folder.with_name("another"))
    assert Patience()(lambda: flaky.attend(program(), 30)).code == 5
    assert starts(tmp_path) == 2


def test_the_deadline_of_a_lost_connection(run, program):
    flaky = Run(Flaky(1, "before", for_good=True), run.folder)
    with pytest.raises(ConnectionLost):
        Patience(2)(lambda: flaky.attend(program(), 30))


@pytest.mark.parametrize("victim", ["session", "master"])
def test_ssh_that_breaks_while_it_runs(ssh, sshd, run, program, tmp_path, victim):
    there = Run(ssh, run.folder)

    def break_it() -> None:
        while not (tmp_path / "count").exists():
            time.sleep(0.05)
        if victim == "session":
            sshd.cut()
        else:
            ssh.close()

    breaker = threading.Thread(target=break_it)
    breaker.start()
    with pytest.raises(ConnectionLost, match="connection was lost"):
        there.attend(program(3), 30)
    breaker.join()
    assert Patience()(lambda: there.attend(program(3), 30)).out == {"0": b"result"}
    assert starts(tmp_path) == 1


@pytest.mark.parametrize("who", ["supervisor", "everybody"])
def test_a_program_that_somebody_kills(run, program, tmp_path, who):
    def kill() -> None:
        pid = Path(run.folder, "pid")
        while not (tmp_path / "count").exists():
            time.sleep(0.05)
        number = int(pid.read_text())
        os.kill(number, 9) if who == "supervisor" else os.killpg(number, 9)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(DeviceError, match="was killed, or could not write down its end"):
        run.attend(program(20), 30)
    killer.join()
    run.kill()


def test_killing_ends_all_of_it(run, tmp_path):
    alive = tmp_path / "alive"
    words = ["sh", "-c", 'sh -c "while :; do date >$0; sleep 0.1; done" "$0" & wait', str(alive)]
    with pytest.raises(NoAnswer):
        run.attend(words, 1)
    assert alive.exists()
    run.kill()
    time.sleep(0.5)
    alive.unlink()
    time.sleep(0.5)
    assert not alive.exists()
    run.kill()


def test_another_process_with_the_same_number_is_left_alone(run):
    Path(run.folder).mkdir(parents=True)
    Path(run.folder, "pid").write_text(f"{os.getpid()}\n")
    run.kill()


def test_a_device_that_is_known_to_be_gone_is_not_waited_for(run):
    def ended() -> None:
        raise DeviceError("it has ended")

    flaky = Run(Flaky(1, for_good=True), run.folder)
    patience = Patience(check=ended)
    with pytest.raises(DeviceError, match="it has ended"):
        patience(lambda: flaky.attend(["true"], 30))
    assert flaky.transport.calls == 1
    with pytest.raises(ConnectionLost):
        patience(lambda: flaky.attend(["true"], 30))
    assert flaky.transport.calls == 1


def test_leftovers_are_swept_away(run, program, tmp_path):
    with pytest.raises(NoAnswer):
        run.attend(program(20), 1)
    pid = int(Path(run.folder, "pid").read_text())
    root = run.folder.parents[1]
    assert script(LocalTransport(), f"root=$1\n{SWEEP}", root).code == 0
    assert not Path(root, "runs").exists()
    time.sleep(0.2)
    stat = Path(f"/proc/{pid}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
    assert script(LocalTransport(), f"root=$1\n{SWEEP}", root).code == 0


def test_processor_time_is_told_apart(run):
    script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"
    used = run.attend(["sh", "-c", script], 60).usage
    assert used.wall_s is not None
    assert used.own_s > 0
    assert 0 < used.own_s <= used.wall_s + 0.1
    assert used.busy_s >= used.own_s - 0.1


STAT = "cpu  1000 0 500 9000 100 10 20 5 0 0\n"
LATER = "cpu  1200 0 550 9900 100 10 20 5 0 0\n"


@pytest.mark.parametrize(
    ("before", "after", "times", "expected"),
    [
        (
            f"{STAT}100.00 200.00\n",
            f"{LATER}105.50 209.00\n",
            "0m0.00s 0m0.01s\n1m2.50s 0m0.25s\n",
            Usage(5.5, 2.5, 62.75),
        ),
        ("", "", "0m0.00s 0m0.01s\n0m2.50s 0m0.25s\n", Usage(None, None, 2.75)),
        ("100.00 200.00\n", "105.50 209.00\n", "", Usage(None, None, None)),
    ],
)
def test_usage_of_what_the_shell_prints(before, after, times, expected):
    got = usage(before, after, times)
    assert (got.wall_s, got.own_s) == (expected.wall_s, expected.own_s)
    assert got.busy_s == pytest.approx(expected.busy_s)
