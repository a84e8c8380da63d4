"""Whatever is handed in wrongly: one line says so, one at most what to do, nothing is written."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from attnbench.cli import list_command, main
from tests.cli.conftest import MY_BLOCK, MY_MODELS, SMALL

EXPORT = ("export", "--to", "onnx", *SMALL)


class Evil:
    """A pickle that runs a command when it is loaded."""

    def __reduce__(self):
        return (os.system, ("touch owned",))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The user's folder, with everything that the cases name."""
    (tmp_path / "my_block.py").write_text(MY_BLOCK)
    (tmp_path / "my_models.py").write_text(MY_MODELS)
    (tmp_path / "broken.py").write_text("class Block(:\n")
    (tmp_path / "notes.txt").write_text("no model")
    (tmp_path / "foreign.onnx").write_bytes(b"no protobuf at all")
    (tmp_path / "run.json").write_text('{"schema": 99, "taken_at": "today"}')
    (tmp_path / "junk.pt").write_bytes(b"junk")
    (tmp_path / "empty.pt").write_bytes(b"")
    torch.save({"weight": Evil()}, tmp_path / "evil.pt")
    torch.save({"x": torch.zeros(1)}, tmp_path / "other.pt")
    (tmp_path / "no-images").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def nearest(name: str) -> str:
    return f"did you mean '{name}'?"


CASES = {
    # names
    "block": (["export", "--block", "cord"], "unknown block 'cord'", nearest("coord")),
    "no block": (["export", "--block", ""], "unknown block ''", "known: aff, bam"),
    "backbone": (
        ["export", "--backbone", "mobilenet2"],
        "unknown backbone 'mobilenet2'",
        nearest("mobilenetv2"),
    ),
    "backend": (["export", "--to", "onx"], "unknown backend 'onx'", nearest("onnx")),
    "one of the backends": (
        ["run", "--to", "onnx,tflight"],
        "unknown backend 'tflight'",
        nearest("tflite"),
    ),
    "device of profile": (["profile", "--device", "hots"], "unknown device 'hots'", "host"),
    "device of parity": (["parity", "--device", "hots"], "unknown device 'hots'", "host"),
    "device of run": (["run", "--device", "hots"], "unknown device 'hots'", "host"),
    "device of doctor": (["doctor", "--device", "hots"], "unknown device 'hots'", "host"),
    "rewrite": (
        [*EXPORT, "--no-rewrite", "drop-expnd"],
        "unknown rewrite 'drop-expnd'",
        nearest("drop-expand"),
    ),
    "layout": (
        ["export", "--checkpoint", "other.pt", "--layout", "offical"],
        "unknown layout 'offical'",
        nearest("official"),
    ),
    "precision": (["export", "--precision", "fp61"], "unknown precision", nearest("fp16")),
    "list": (["list", "blcks"], "unknown list 'blcks'", nearest("blocks")),
    "command": (["exprot"], "unknown command 'exprot'", nearest("export")),
    "option": (["export", "--blok", "coord"], "no such option '--blok'.*--block", "--help"),
    "option of all": (["--verbos"], "no such option '--verbos'", "attnbench --help"),
    # values
    "list of nothing": (["list"], "missing argument.*blocks", "attnbench list --help"),
    "size zero": (["export", "--size", "0"], "'--size': a side must be from 1 to 4096", "--help"),
    "size huge": (["export", "--size", "99999"], "'--size': a side must be from 1", "--help"),
    "size three": (["export", "--size", "1x2x3"], "'1x2x3' is not a size such as", "--help"),
    "size word": (["export", "--size", "big"], "'big' is not a size such as 224", "--help"),
    "width": (["export", "--width", "0"], "'--width'", "--help"),
    "seed": (["export", "--seed", "-1"], "'--seed'", "--help"),
    "threads": (["profile", "--threads", "0"], "'--threads'", "--help"),
    "launches": (["profile", "--launches", "none"], "'--launches'", "--help"),
    "cpus": (["profile", "--cpus", "a"], "--cpus 'a' is not a list such as 0,2-3", ""),
    "no backend": (["export", "--to", ","], "'--to': at least one name is needed", "--help"),
    "keep float32": (["export", "--keep-float", "stem"], "all is float32", ""),
    "dataset": (["parity", "--dataset", "coco:val"], "'coco:val' is no imagefolder:DIR", ""),
    "key without value": ([*EXPORT, "--option", "reduction"], "'reduction' is not KEY=VALUE", ""),
    "unknown key": (
        [*EXPORT, "--block", "coord", "--option", "heads=3"],
        "coord has no option heads",
        "its options are reduction",
    ),
    "bad value": (
        [*EXPORT, "--block", "coord", "--option", "reduction=x"],
        "reduction must be a whole number from 1 on, not 'x'",
        "",
    ),
    "option of no block": (
        [*EXPORT, "--block", "none", "--reduction", "3"],
        "there is no attention to take reduction",
        "choose a block",
    ),
    # combinations
    "model and block": (
        ["export", "--model", "my_models:Gated", "--block", "coord"],
        "--model is the whole model",
        "",
    ),
    "layout alone": (["export", "--layout", "official"], "--layout says how to read", ""),
    "a border of no file": (["parity", "--block", "coord", "--map", "x=y"], "there is none", ""),
    "a border of our own": (["parity", "foreign.onnx", "--file-bgr"], "nothing to map", "--model"),
    "no mapping": (["parity", "foreign.onnx", "--map", "x"], "is not REFERENCE=FILE", ""),
    "no mean": (["parity", "foreign.onnx", "--mean", "1,2"], "0.485,0.456,0.406", ""),
    "no deviation": (["parity", "foreign.onnx", "--file-std", "0"], "is above 0", ""),
    "files and backends": (["parity", "foreign.onnx", "--to", "onnx"], "files are what", ""),
    # the user's own code
    "no block file": ([*EXPORT, "--block", "absent.py:A"], "there is no file absent.py", "FILE.py"),
    "no such class": (
        [*EXPORT, "--block", "my_block.py:MyAtention"],
        "my_block.py has no 'MyAtention'",
        "MyAttention",
    ),
    "broken file": ([*EXPORT, "--block", "broken.py:Block"], "cannot import .*broken.py", ""),
    "block that changes the shape": (
        [*EXPORT, "--block", "my_block.py:Wider"],
        "my_block.py:Wider makes",
        "keeps the shape",
    ),
    "block that wants more": (
        [*EXPORT, "--block", "my_block.py:NeedsMore"],
        "cannot be made from one channel count.*heads",
        "Block\\(channels\\)",
    ),
    "no model module": ([*EXPORT[:3], "--model", "absent:A"], "cannot import absent", ""),
    "no factory": ([*EXPORT[:3], "--model", "my_models"], "'my_models' names no model", "FACTORY"),
    "no such factory": (
        [*EXPORT[:3], "--model", "my_models:Gatd"],
        "my_models has no 'Gatd'",
        "Gated",
    ),
    "no module": (
        [*EXPORT[:3], "--model", "my_models:no_module"],
        "my_models:no_module makes a str, not a torch.nn.Module",
        "",
    ),
    # checkpoints
    "no checkpoint": ([*EXPORT, "--checkpoint", "absent.pt"], "absent.pt: No such file", ""),
    "folder as checkpoint": ([*EXPORT, "--checkpoint", "."], "Is a directory", "takes a file"),
    "unsafe checkpoint": (
        [*EXPORT, "--checkpoint", "evil.pt"],
        "evil.pt is unsafe: it asks for posix.system, so it was not loaded",
        "state_dict",
    ),
    "junk checkpoint": ([*EXPORT, "--checkpoint", "junk.pt"], "junk.pt is damaged or no torch", ""),
    "empty checkpoint": ([*EXPORT, "--checkpoint", "empty.pt"], "empty.pt is damaged or no", ""),
    "another model's checkpoint": (
        [*EXPORT, "--block", "coord", "--checkpoint", "other.pt"],
        "the weights do not fit MobileNetV2",
        "check the block",
    ),
    "another model's checkpoint as official": (
        [*EXPORT, "--block", "coord", "--checkpoint", "other.pt", "--layout", "official"],
        "the weights do not fit MobileNetV2",
        "check the block",
    ),
    # files
    "missing artifact": (["parity", "absent.onnx"], "absent.onnx does not exist", "export"),
    "missing artifact of profile": (["profile", "absent.onnx"], "absent.onnx does not exist", ""),
    "artifact without manifest": (["parity", "foreign.onnx"], "has no manifest", "--model"),
    "no kind of artifact": (
        ["parity", "notes.txt", "--block", "coord"],
        "notes.txt: not a kind of file",
        "\\.onnx, \\.tflite, \\.pte",
    ),
    "damaged foreign file": (["parity", "foreign.onnx", "--block", "coord"], "foreign.onnx", ""),
    "nothing exported, parity": (["parity"], "nothing was exported into artifacts", "export"),
    "nothing exported, profile": (["profile"], "nothing was exported into artifacts", "export"),
    "no run": (["report"], "no run in reports/runs", "attnbench run"),
    "missing run": (["report", "absent.json"], "absent.json: No such file", ""),
    "no run at all": (["report", "notes.txt"], "notes.txt: ", ""),
    "run of another schema": (["report", "run.json"], "run.json: schema 99", ""),
    "no folder of images": (["parity", "--images", "absent"], "'absent' does not exist", ""),
    "file as folder of images": (["run", "--images", "notes.txt"], "'notes.txt' is a file", ""),
    "file as out": (["export", "--out", "notes.txt"], "'notes.txt' is a file", ""),
    "out below a file": ([*EXPORT, "--out", "notes.txt/x"], "notes.txt/x cannot be written", ""),
}


def state(folder: Path) -> dict[str, int]:
    found = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return {str(path): path.stat().st_mtime_ns for path in found if path.is_file()}


@pytest.mark.parametrize("case", CASES)
def test_one_line_says_what_is_wrong(case, folder):
    words, error, hint = CASES[case]
    before = state(folder)
    result = CliRunner().invoke(main, list(words), prog_name="attnbench")
    said = result.stderr.splitlines()
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert len([line for line in said if line.startswith("error: ")]) == 1, said
    assert len([line for line in said if line.startswith(" hint: ")]) <= 1
    rest = [line for line in said if not line.startswith(("error: ", " hint: "))]
    assert all(re.fullmatch(r"export \w+: failed \(.* s\)", line) for line in rest), rest
    assert re.search(f"error: .*{error}", result.stderr)
    assert re.search(f" hint: .*{hint}" if hint else "", result.stderr)
    assert result.stdout == ""
    assert state(folder) == before


def test_an_unsafe_checkpoint_has_not_run(folder):
    CliRunner().invoke(main, [*EXPORT, "--checkpoint", "evil.pt"], prog_name="attnbench")
    assert not (folder / "owned").exists()


def test_the_unsafe_checkpoint_would_have_run(folder):
    torch.load(folder / "evil.pt", weights_only=False)
    assert (folder / "owned").exists()


def test_json_goes_with_errors_too(folder):
    """A script that reads standard output gets no half document."""
    result = CliRunner().invoke(
        main, ["export", "--block", "cord", "--json"], prog_name="attnbench"
    )
    assert (result.exit_code, result.stdout) == (2, "")


def test_no_words_at_all_show_the_help():
    result = CliRunner().invoke(main, [], prog_name="attnbench")
    assert "Usage: " in result.output
    assert "Traceback" not in result.output


def test_an_interrupted_command_is_no_failed_gate(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setitem(list_command.KINDS, "blocks", interrupted)
    done = CliRunner().invoke(main, ["list", "blocks"])
    assert (done.exit_code, done.stderr) == (130, "error: interrupted\n")
