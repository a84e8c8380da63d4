"""
What every transport must do. Subclass, supply `transport` and `scratch`, done.

    class TestSsh(TransportContract):
        @pytest.fixture
        def transport(self, sshd): return Ssh(sshd.login)
"""

import hashlib
import os
from pathlib import PurePosixPath

import pytest

from attnbench.devices.transport import NoAnswer
from attnbench.errors import DeviceError

AWKWARD = [
    "plain",
    "two words",
    "",
    " ",
    "it's",
    'a "quote"',
    "$HOME",
    "${x}",
    "$(id)",
    "`id`",
    "*",
    "?",
    "~",
    "a;b",
    "a & b",
    "a|b",
    "<>",
    "#",
    "!!",
    "\\",
    "\\n",
    "two\nlines",
    "ends\n",
    "a\ttab",
    "é ü 火",
    "\u00a0",
    "-n",
    "--",
    "-e",
    "%s",
    "=",
    "{a,b}",
    "[a-z]",
]


class TransportContract:
    def test_returns_both_streams_and_the_code(self, transport):
        done = transport.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
        assert (done.code, done.stdout, done.stderr) == (3, b"out\n", "err\n")

    def test_arguments_arrive_unchanged(self, transport):
        argv = ["sh", "-c", "for word; do printf '%s\\0' \"$word\"; done", "sh", *AWKWARD]
        assert transport.run(argv).stdout.decode().split("\0") == [*AWKWARD, ""]

    def test_a_program_sees_what_was_meant_without_a_shell(self, transport):
        argv = ["printf", "%s\\0", *AWKWARD]
        assert transport.run(argv).stdout.decode().split("\0") == [*AWKWARD, ""]

    @pytest.mark.parametrize("text", ["", "-n", "*", "~"])
    def test_one_argument_arrives_unchanged(self, transport, text):
        assert transport.run(["printf", "%s|", text]).stdout.decode() == f"{text}|"

    @pytest.mark.parametrize("code", [0, 1, 2, 42, 126, 127, 128, 137, 254, 255])
    def test_every_exit_code_is_the_programs_own(self, transport, code):
        assert transport.run(["sh", "-c", f"exit {code}"]).code == code

    def test_a_signal_is_128_and_its_number(self, transport):
        assert transport.run(["sh", "-c", "kill -9 $$"]).code == 137

    def test_a_program_that_is_not_there(self, transport):
        assert transport.run(["attnbench-is-not-there"]).code == 127

    def test_stderr_without_a_line_end_is_kept(self, transport):
        assert transport.run(["sh", "-c", "printf half >&2"]).stderr == "half"

    def test_standard_input_is_bytes_and_ends(self, transport):
        data = bytes(range(256)) * 3000
        done = transport.run(["sha256sum"], stdin=data)
        assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()

    def test_no_standard_input_is_an_empty_one(self, transport):
        assert transport.run(["cat"]).stdout == b""

    def test_standard_input_may_be_a_file(self, transport, tmp_path):
        (tmp_path / "file").write_bytes(b"\0\r\n\x04")
        assert transport.run(["cat"], stdin=tmp_path / "file").stdout == b"\0\r\n\x04"

    def test_standard_output_is_bytes(self, transport):
        script = r"printf '\000\001\377\r\n\n\032'"
        assert transport.run(["sh", "-c", script]).stdout == b"\0\x01\xff\r\n\n\x1a"

    def test_silence_is_an_error(self, transport):
        with pytest.raises(NoAnswer, match="no answer in"):
            transport.run(["sleep", "5"], timeout_s=0.5)
        assert transport.run(["echo", "again"]).stdout == b"again\n"

    def test_a_zero_byte_is_refused(self, transport):
        with pytest.raises(DeviceError, match="zero byte"):
            transport.run(["echo", "a\0b"])

    @pytest.mark.parametrize("size", [0, 1, 4096, 1_000_003])
    def test_a_file_survives_the_round_trip(self, transport, scratch, tmp_path, size):
        (tmp_path / "there").write_bytes(os.urandom(size))
        transport.push(tmp_path / "there", scratch / "blob")
        transport.pull(scratch / "blob", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == (tmp_path / "there").read_bytes()

    @pytest.mark.parametrize(
        "name", ["two words", "$HOME", "-rf", "a;id", "it's", "é", "*", "a\nb"]
    )
    def test_file_names_are_only_names(self, transport, scratch, tmp_path, name):
        (tmp_path / name).write_bytes(b"content")
        transport.push(tmp_path / name, scratch / name)
        transport.pull(scratch / name, tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == b"content"

    def test_a_push_replaces(self, transport, scratch, tmp_path):
        for content in (b"a longer first content", b"short"):
            (tmp_path / "there").write_bytes(content)
            transport.push(tmp_path / "there", scratch / "blob")
        transport.pull(scratch / "blob", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == b"short"

    def test_a_file_where_a_folder_should_be_is_an_error(self, transport, scratch, tmp_path):
        (tmp_path / "there").write_bytes(b"x")
        transport.push(tmp_path / "there", scratch / "blob")
        with pytest.raises(DeviceError):
            transport.push(tmp_path / "there", scratch / "blob" / "inside")

    def test_a_missing_file_here_is_an_error(self, transport, scratch, tmp_path):
        with pytest.raises(DeviceError):
            transport.push(tmp_path / "nothing", scratch / "blob")

    def test_a_missing_file_there_leaves_nothing_here(self, transport, scratch, tmp_path):
        with pytest.raises(DeviceError):
            transport.pull(scratch / "nothing", tmp_path / "back")
        assert not (tmp_path / "back").exists()

    def test_it_opens_again_after_close(self, transport):
        transport.close()
        assert transport.run(["echo", "again"]).stdout == b"again\n"

    def test_it_says_where(self, transport):
        assert isinstance(transport.where, str)
        assert transport.where

    @pytest.fixture
    def scratch(self, transport) -> PurePosixPath:
        raise NotImplementedError
