"""The Python interface: names, recipes, the user's own code, and what is said when it is wrong."""

import hashlib
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from attnbench_models import ModelError, Recipe, create_block, create_model
from attnbench_models.backbones import BACKBONES
from attnbench_models.blocks import BLOCKS
from attnbench_models.build import block_paths, build
from attnbench_models.errors import UnknownNameError

SMALL = {"size": (32, 40), "width": 0.35, "num_classes": 6}
MINE = """
import torch
from torch import nn
from neighbour import HALF


class MyAttention(nn.Module):
    def __init__(self, channels, *, strength=1.0):
        super().__init__()
        self.mix, self.strength = nn.Conv2d(channels, channels, 1), strength

    def forward(self, x):
        return x * (HALF + self.strength * torch.sigmoid(self.mix(x.mean((2, 3), keepdim=True))))


class Shrinks(nn.MaxPool2d):
    def __init__(self, channels):
        super().__init__(2)


class Fails(nn.Linear):
    def __init__(self, channels):
        super().__init__(channels + 1, 3)


class Pair(nn.Identity):
    def forward(self, x):
        return x, x


class Greedy(nn.Identity):
    def __init__(self, channels, height, width):
        super().__init__()


class Bare(nn.Identity):
    def __init__(self):
        super().__init__()


def text(channels):
    return "not a module"


number = 3
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("neighbour.py").write_text("HALF = 0.5\n")
    Path("my_block.py").write_text(MINE)
    yield tmp_path
    sys.modules.pop("neighbour", None)


def printed_by(code, **environment):
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": "models:toolkit:.", **environment},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_importing_the_package_and_its_tables_needs_no_torch():
    code = (
        "import sys, attnbench_models, attnbench_models.blocks, attnbench_models.backbones;"
        "print('torch' in sys.modules)"
    )
    assert printed_by(code) == "False"


@pytest.mark.parametrize("table", [BLOCKS, BACKBONES], ids=["blocks", "backbones"])
def test_every_name_leads_to_a_module(table):
    for name, entry in table.items():
        assert issubclass(entry.of_class(), nn.Module), name
        assert entry.summary


@pytest.mark.parametrize(
    ("make", "message", "hint"),
    [
        (lambda: create_block("coordd", 8), "no block called 'coordd'", "did you mean coord?"),
        (lambda: create_block("xyz", 8), "no block", f"there is {', '.join(sorted(BLOCKS))}"),
        (lambda: create_model("mobilenetv3"), "no backbone", "did you mean mobilenetv2?"),
        (lambda: create_model("mobilenetv2", "seb"), "no block", "did you mean se?"),
    ],
)
def test_unknown_names_offer_the_nearest(make, message, hint):
    with pytest.raises(UnknownNameError, match=message) as caught:
        make()
    assert caught.value.hint == hint
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: create_block("se", 8, ratio=4), "reduction, hidden, bias, activation"),
        (lambda: create_block("nam", 8, ratio=4), "it has no options"),
        (lambda: create_model("mobilenetv2", "coord", ratio=4), "its options are reduction"),
    ],
)
def test_unknown_options_say_which_there_are(make, hint):
    with pytest.raises(ModelError, match="has no option ratio") as caught:
        make()
    assert hint in caught.value.hint


@pytest.mark.parametrize("block", [None, "none"])
def test_options_need_a_block(block):
    with pytest.raises(ModelError, match="there is no attention to take reduction"):
        create_model("mobilenetv2", block, reduction=4)


def test_a_class_or_a_function_will_do_as_block():
    class Half(nn.Module):
        def __init__(self, channels, *, by=0.5):
            super().__init__()
            self.by = by

        def forward(self, x):
            return x * self.by

    assert create_block(Half, 8, by=0.25).by == 0.25
    assert create_block(lambda channels: Half(channels), 8).by == 0.5
    model = create_model("mobilenetv2", Half, num_classes=2)
    assert ("features.4.attention", "attention") in block_paths(model)


def test_a_block_from_a_file(mine):
    block = create_block("./my_block.py:MyAttention", 12, strength=2.0)
    assert block.strength == 2.0
    assert block.training
    assert type(create_block(f"{mine}/my_block.py:MyAttention", 8)) is type(block)
    model = build(Recipe(block="my_block.py:MyAttention", **SMALL))
    assert sum(kind == "attention" for _, kind in block_paths(model)) == 16
    assert str(mine) not in sys.path


def test_an_edited_file_is_read_again(mine):
    Path("my_block.py").write_text(MINE.replace("strength=1.0", "strength=9.0"))
    assert create_block("my_block.py:MyAttention", 8).strength == 9.0


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("./nowhere.py:X", "there is no file ./nowhere.py", "FILE.py:Class"),
        ("./my_block.py:MyAttn", "my_block.py has no 'MyAttn'", "did you mean MyAttention?"),
        ("./my_block.py:number", "number in my_block.py is a int, not a class", ""),
        ("./my_block.py:text", "makes a str, not a torch.nn.Module", ""),
        ("./my_block.py:Greedy", "cannot be made from one channel count", "Block(channels)"),
        ("./my_block.py:Bare", "cannot be made from one channel count", "Block(channels)"),
        (
            "./my_block.py:Shrinks",
            r"makes \(1, 8, 6, 5\) of \(1, 8, 12, 10\)",
            "keeps the shape",
        ),
        ("./my_block.py:Pair", r"makes tuple of \(1, 8, 12, 10\)", "keeps the shape"),
        ("./my_block.py:Fails", r"fails on a \(1, 8, 12, 10\) input", "any height and width"),
        ("./broken.py:X", "cannot import .*broken.py: .*line 1", ""),
        ("./missing.py:X", "cannot import .*missing.py: No module named 'nowhere_at_all'", ""),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(mine, spec, message, hint):
    Path("broken.py").write_text("class X(:\n")
    Path("missing.py").write_text("import nowhere_at_all\n")
    before = set(sys.modules)
    with pytest.raises(ModelError, match=message) as caught:
        create_block(spec, 8)
    assert "\n" not in str(caught.value)
    assert hint in caught.value.hint
    if spec.startswith(("./broken", "./missing")):  # a file that failed is not half imported
        new = set(sys.modules) - before
        assert not [name for name in new if name.startswith("attnbench_user_")]


def test_a_bug_in_the_users_file_keeps_its_traceback(mine):
    Path("buggy.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        create_block("buggy.py:X", 8)


def test_a_model_from_a_package(mine):
    Path("zoo").mkdir()
    Path("zoo/net.py").write_text(
        "from torch import nn\n"
        "def fresh():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sigmoid())\n"
        "def trained():\n"
        "    model = fresh()\n"
        "    nn.init.constant_(model[1].running_mean, 7)\n"
        "    return model\n"
        "def needy(size):\n"
        "    return None\n"
        "def none():\n"
        "    return None\n"
    )
    assert build(Recipe(model="zoo.net:fresh", size=(8, 9)))[1].running_var.ne(1).all()
    for spec in (
        "zoo.net:trained",
        "./zoo/net.py:trained",
        str(Path("zoo/net.py").resolve()) + ":trained",
    ):
        assert build(Recipe(model=spec, size=(8, 9)))[1].running_mean.eq(7).all()
    for spec, message in {
        "zoo.net:frech": "zoo.net has no 'frech'",
        "zoo.net:needy": "cannot be called without arguments",
        "zoo.net:none": "makes a NoneType, not a torch.nn.Module",
        "zoo.not:fresh": "cannot import zoo.not",
        "zoo.net": "names no model",
        "./zoo/net:fresh": "names no model",
        "./zoo/not.py:fresh": "there is no file ./zoo/not.py",
        "zoo/net.py:frech": "net.py has no 'frech'",
    }.items():
        with pytest.raises(ModelError, match=message):
            build(Recipe(model=spec, size=(8, 9)))


def fingerprint(model):
    digest = hashlib.sha256()
    for key, value in model.state_dict().items():
        digest.update(key.encode() + value.numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("block", ["coord", "cbam"])
def test_build_depends_on_the_recipe_alone(block):
    recipe, threads = Recipe(block=block, **SMALL), torch.get_num_threads()
    torch.manual_seed(0)
    first, state = fingerprint(build(recipe)), torch.get_rng_state()
    try:
        torch.set_num_threads(3)
        torch.manual_seed(random.randrange(1 << 30))
        assert fingerprint(build(recipe)) == first
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)
    assert fingerprint(build(Recipe(block=block, seed=1, **SMALL))) != first


def test_build_in_another_process_with_other_threads_gives_the_same_bits():
    code = (
        "from tests.models.test_build import *;"
        "print(fingerprint(build(Recipe(block='coord', **SMALL))))"
    )
    expected = fingerprint(build(Recipe(block="coord", **SMALL)))
    assert printed_by(code, OMP_NUM_THREADS="2", MKL_NUM_THREADS="2") == expected


def test_build_evaluates_and_restores_threads_even_on_errors():
    threads = torch.get_num_threads()
    with pytest.raises(ModelError):
        build(Recipe(block="nothing"))
    assert torch.get_num_threads() == threads
    assert not build(Recipe(**SMALL)).training


def test_build_from_a_checkpoint(tmp_path):
    source = create_model("mobilenetv2", "se", width=0.35, num_classes=6)
    torch.save(source.state_dict(), tmp_path / "own.pth")
    digest = hashlib.sha256((tmp_path / "own.pth").read_bytes()).hexdigest()
    recipe = {"block": "se", "checkpoint": str(tmp_path / "own.pth"), **SMALL}
    assert fingerprint(build(Recipe(**recipe))) == fingerprint(source)
    assert fingerprint(build(Recipe(layout="official", **recipe))) == fingerprint(source)
    build(Recipe(checkpoint_sha256=digest, **recipe))
    with pytest.raises(ModelError, match="has changed"):
        build(Recipe(checkpoint_sha256="0" * 64, **recipe))
    with pytest.raises(ModelError, match="there is no layout 'timm'"):
        build(Recipe(layout="timm", **recipe))


def test_their_names_need_their_layout_to_be_asked_for(tmp_path):
    theirs = {"conv.0.weight": torch.ones(1), "classifier.bias": torch.ones(6)}
    torch.save(theirs, tmp_path / "theirs.pth")
    with pytest.raises(ModelError, match=r"\(layout attnbench\): missing: stem\.") as caught:
        build(Recipe(checkpoint=str(tmp_path / "theirs.pth"), **SMALL))
    assert caught.value.hint.endswith("d-li14/mobilenetv2.pytorch: layout official")
