"""`attnbench gate POLICY.toml`: a build that fails when a model no longer does what it did."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

import pytest

from attnbench import artifacts

POLICY = """
[[models]]
name = "gated"
model = "my_models:Gated"
size = 32
to = ["onnx", "executorch"]
"""
SE = "[[models]]\nname = 'a'\nblock = 'se'\n"

MODEL = """\
from torch import nn


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.gate = nn.Conv2d(8, 8, 1)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        x = x * self.gate(x.mean((2, 3), keepdim=True)).sigmoid()
        return self.head(x.mean((2, 3)))
"""


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """A repository with a model, a policy, and a baseline of it."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "my_models.py").write_text(MODEL)
    (folder / "attnbench.toml").write_text(POLICY)
    return folder


def test_a_models_life(team, cli):
    first = cli(team, "gate", "attnbench.toml", "--json")
    assert first.code == 0, first.err
    of_executorch = first.document["artifacts"][1]
    assert of_executorch["notes"] == [
        "not in the baseline: what is delegated was not judged (`attnbench gate --update`)"
    ]

    updated = cli(team, "gate", "attnbench.toml", "--update")
    assert updated.code == 0, updated.err
    assert (team / "reports/baselines/attnbench.json").is_file()
    summary = team / "summary.md"
    again = cli(
        team, "gate", "attnbench.toml", "--github", "--junit", "parity.xml",
        GITHUB_STEP_SUMMARY=str(summary),
    )  # fmt: skip
    assert again.code == 0, again.err
    assert "Parity with PyTorch passes" in summary.read_text()
    notices = [line for line in again.err.splitlines() if line.startswith("::")]
    assert [line.partition(" ")[0] for line in notices] == ["::notice", "::notice"]
    cases = [one.get("name") for one in Xml.parse(team / "parity.xml").iter("testcase")]
    assert "(graph): left_delegate" in cases

    # A gate of another kind, which XNNPACK does not have.
    changed = MODEL.replace(".sigmoid()", ".erf()")
    (team / "my_models.py").write_text(changed)
    left = cli(team, "gate", "attnbench.toml", "--json", "--github")
    assert left.code == 1, left.out
    passes, fails = left.document["artifacts"]
    assert passes["verdict"] == "pass"
    assert "left_delegate" in [one["metric"] for one in fails["cases"] if not one["passed"]]
    assert any("has left the delegate" in note for note in fails["notes"])
    assert any(line.startswith("::error file=attnbench.toml") for line in left.err.splitlines())


def test_what_cannot_be_exported_stops_no_other_model(tmp_path, cli):
    refused = "\n\ndef refused():\n    return Bessel()\n"
    bessel = "\n\nclass Bessel(Gated):\n    def forward(self, x):\n        import torch\n\n"
    bessel += "        return torch.special.bessel_j0(super().forward(x))\n"
    (tmp_path / "my_models.py").write_text(MODEL + bessel + refused)
    odd = '\n[[models]]\nname = "odd"\nmodel = "my_models:refused"\nsize = 32\nto = ["onnx"]\n'
    (tmp_path / "p.toml").write_text(odd + POLICY)
    done = cli(tmp_path, "gate", "p.toml", "--json", "--update")
    assert done.code == 4
    assert len(done.errors) == 1
    assert "bessel_j0" in done.errors[0]
    assert [one["verdict"] for one in done.document["artifacts"]] == ["pass", "pass"]
    assert not (tmp_path / "reports/baselines").exists()


BLIND = """

class Dead(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return x * (0 * self.conv(x)).sigmoid()


class Blind(Gated):
    def __init__(self):
        super().__init__()
        self.dead = Dead()

    def forward(self, x):
        x = self.dead(self.stem(x))
        return self.head(x.mean((2, 3)))


def blind():
    return Blind()
"""


def test_a_blind_spot_fails_unless_it_is_allowed_and_an_old_one_is_told(tmp_path, cli):
    (tmp_path / "my_models.py").write_text(MODEL + BLIND)
    policy = '[[models]]\nname = "b"\nmodel = "my_models:blind"\nsize = 32\nto = ["onnx"]\n'
    policy += 'target = "aarch64"\n'
    policy += 'precisions = ["fp32"]\nlimits = { factor = 8 }\nallowed_blind_spots = '
    (tmp_path / "p.toml").write_text(f"{policy}[]\n")
    new = cli(tmp_path, "gate", "p.toml", "--json", "--junit", "p.xml")
    assert new.code == 1, new.err
    (judged,) = new.document["artifacts"]
    (file,) = (tmp_path / "artifacts").glob("*.onnx")
    assert artifacts.load(file).target == "aarch64"
    failed = [(one["input"], one["metric"]) for one in judged["cases"] if not one["passed"]]
    assert failed == [("(reference)", "blind_spots")]
    found = [(one["path"], one["fault"]) for one in judged["power"]["blind_spots"]]
    assert found == [("dead", "flattened"), ("dead.conv.weight", "doubled"),
                     ("dead.conv.bias", "doubled")]  # fmt: skip
    assert "the limit's factor is 8 instead of 16" in judged["notes"]
    assert "a blind spot that the policy does not allow: dead flattened" in judged["notes"]
    cases = [one.get("name") for one in Xml.parse(tmp_path / "p.xml").iter("testcase")]
    assert "(reference): blind_spots" in cases

    (tmp_path / "p.toml").write_text(f'{policy}["dead*", "head"]\n')
    allowed = cli(tmp_path, "gate", "p.toml", "--json")
    assert allowed.code == 0, allowed.err
    (judged,) = allowed.document["artifacts"]
    (reason,) = judged["blind"]
    assert reason.startswith("dead could be missing")
    assert "head is allowed as a blind spot, and is none any more" in judged["notes"]

    (tmp_path / "p.toml").write_text(f'{policy}["dead*", "heads"]\n')
    wrong = cli(tmp_path, "gate", "p.toml")
    assert (wrong.code, len(wrong.errors)) == (2, 1)
    assert "allowed_blind_spots: 'heads' is no module or weight" in wrong.errors[0]

    (tmp_path / "p.toml").write_text(f'{policy}["dead*"]\n')
    told = cli(tmp_path, "gate", "p.toml", "--github", "--junit", "p.xml")
    assert told.code == 0, told.err
    assert "passes but is blind" in told.out
    assert "✗ pass, blind" in told.out
    assert any(one.startswith("::warning") and "blind" in one for one in told.err.splitlines())
    (skipped,) = Xml.parse(tmp_path / "p.xml").iter("skipped")
    assert skipped.get("message") == f"blind: {reason}"


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("", "missing required field `models`"),
        ("models = []", "nothing to judge"),
        ("[[models]]\nname = 'a'\nblok = 'se'", "unknown field `blok`"),
        ("[[models]]\nblock = 'se'", "missing required field `name`"),
        ("[[models]]\nname = 'a'\n[[models]]\nname = 'a'", "two models are called a"),
        ("[[models]]\nname = 'a'\nto = ['onx']", "onx"),
        ("[[models]]\nname = 'a'\nsize = 32", "neither block, backbone nor model"),
        ("[[models]]\nname = 'a'\nblock = 'se'\nfile = 'b.onnx'\nto = ['onnx']", "leave `to` out"),
        ("[[models]]\nname = 'a'\nblock = 'se'\ndevices = []", "names no device"),
        ("[[models]]\nname = 'a'\nmean = [1, 2]", "length 3"),
        ("[[models]]\nname = 'a'\nblock = 'se'\nsize = 'big'", "is not a size"),
        ("[[models]\n", "is not TOML"),
        (f"{SE}limits = {{ factor = 32 }}", "factor 32 is wider than 16"),
        (f"{SE}limits = {{ factor = 32, reason = ' ' }}", "factor 32 is wider than 16"),
        (f"{SE}limits = {{ ceiling_db = 60 }}", "ceiling_db 60 is wider than 100"),
        (f"{SE}limits = {{ floor = -1 }}", "floor has to be positive"),
        (f"{SE}limits = {{ factor = 0 }}", "factor has to be positive"),
        (f"{SE}limits = {{ factor = nan }}", "factor has to be positive"),
        (f"{SE}accuracy = {{ dataset = 'val', drop = '1%' }}", "is no imagefolder:DIR"),
        (f"{SE}accuracy = {{ dataset = 'imagefolder:no', drop = '1%' }}", "no is not a folder"),
        (f"{SE}accuracy = {{ dataset = 'imagefolder:.', drop = 'few' }}", "is not a percentage"),
        (f"{SE}accuracy = {{ dataset = 'imagefolder:.' }}", "missing required field `drop`"),
        (f"{SE}limits = {{ max_error = 1 }}", "unknown field `max_error`"),
        (f"{SE}precisions = []", "name its precision, or its precisions"),
        (f"{SE}precisions = ['fp32', 'fp64']", "fp64"),
        (f"{SE}allowed_blind_spots = 'all'", "allowed_blind_spots"),
        (f"{SE}target = 'arm'", "Invalid enum value 'arm'"),
        (f"{SE}file = 'a.onnx'\ntarget = 'aarch64'", "leave `target` out"),
    ],
)
def test_a_policy_is_strict(policy, says, tmp_path, cli):
    (tmp_path / "p.toml").write_text(policy)
    done = cli(tmp_path, "gate", "p.toml")
    assert done.code == 2
    assert len(done.errors) == 1
    assert says in done.err


def test_an_absent_policy_is_named(tmp_path, cli):
    done = cli(tmp_path, "gate", "none.toml")
    assert done.code == 2
    assert "none.toml: No such file" in done.err
