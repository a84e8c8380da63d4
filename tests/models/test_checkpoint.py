"""Checkpoints are data: none may run code, and each fault is one line."""

import hashlib
import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from attnbench_models import ModelError, load_checkpoint

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(1)}


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def same(loaded):
    return loaded.keys() == STATE.keys() and all(torch.equal(loaded[k], STATE[k]) for k in STATE)


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"state_dict": STATE, "epoch": 3},
        {"state_dict": {"other": torch.zeros(1)}, "state_dict_ema": STATE},
        {"model": STATE},
        {f"module.{key}": value for key, value in STATE.items()},
        {"state_dict": {f"module.{key}": value for key, value in STATE.items()}},
    ],
)
def test_finds_the_weights_inside_what_scripts_save(tmp_path, content):
    torch.save(content, tmp_path / "c.pth")
    assert same(load_checkpoint(tmp_path / "c.pth"))


def test_reads_safetensors(tmp_path):
    save_file(STATE, tmp_path / "c.safetensors")
    assert same(load_checkpoint(str(tmp_path / "c.safetensors")))


@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: {"state_dict": {"a": p}}])
@pytest.mark.parametrize("save", [torch.save, lambda o, f: f.write_bytes(pickle.dumps(o, 2))])
def test_a_pickle_that_would_run_code_is_unsafe_and_not_loaded(tmp_path, wrap, save):
    save(wrap(Payload(tmp_path / "ran")), tmp_path / "c.pth")
    with pytest.raises(ModelError, match=r"c\.pth is unsafe: it asks for posix\.mkdir, so it was"):
        load_checkpoint(tmp_path / "c.pth")
    assert not (tmp_path / "ran").exists()


def test_a_pickle_of_another_protocol_is_not_trusted_either(tmp_path):
    (tmp_path / "c.pth").write_bytes(pickle.dumps(Payload(tmp_path / "ran"), 4))
    with (
        pytest.warns(UserWarning, match="pickle protocol 4"),
        pytest.raises(ModelError, match=r"is unsafe: .* was not loaded"),
    ):
        load_checkpoint(tmp_path / "c.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["c.pth", "c.safetensors"])
@pytest.mark.parametrize("content", [b"", b"hello, world\n" * 20, b"PK\x03\x04" + bytes(100)])
def test_garbage_is_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name} is") as caught:
        load_checkpoint(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["c.pth", "c.safetensors"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.95])
def test_a_truncated_file_is_damaged(tmp_path, name, part):
    save = save_file if name.endswith("safetensors") else torch.save
    save({"a": torch.randn(1000)}, tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(ModelError, match=f"{name} is damaged") as caught:
        load_checkpoint(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"there is no file .*nowhere\.pth"):
        load_checkpoint(tmp_path / "nowhere.pth")


def test_a_changed_file_is_refused(tmp_path):
    torch.save(STATE, tmp_path / "c.pth")
    digest = hashlib.sha256((tmp_path / "c.pth").read_bytes()).hexdigest()
    assert same(load_checkpoint(tmp_path / "c.pth", sha256=digest))
    with pytest.raises(ModelError, match=r"c\.pth has changed"):
        load_checkpoint(tmp_path / "c.pth", sha256="0" * 64)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3, "weights": STATE}, "epoch, weights are not tensors"),
        ([1, 2], "holds a list, not a state dict"),
        ({}, "holds a dict, not a state dict"),
    ],
)
def test_a_file_without_weights_says_what_it_holds(tmp_path, content, message):
    torch.save(content, tmp_path / "c.pth")
    with pytest.raises(ModelError, match=message):
        load_checkpoint(tmp_path / "c.pth")
