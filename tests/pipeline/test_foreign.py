"""Files that converters made without us, of models that take images in some way of their own."""

from __future__ import annotations

import warnings

import litert_torch
import pytest
import torch
from torch import Tensor, nn

from attnbench.devices import DEVICES
from attnbench.errors import BadArtifact, BadOption
from attnbench.parity.matching import Declared
from attnbench.pipeline.foreign import foreign
from attnbench.pipeline.parity import Questions
from attnbench.pipeline.reference import module_for
from attnbench.pipeline.run import verify_all
from attnbench.progress import Silent
from attnbench.records import Pixels
from attnbench_models import Recipe
from tests.slices import SIZE

ONE = Recipe(model="tests.slices:se")
TWO = Recipe(model="tests.pipeline.test_foreign:Two")
BYTES = torch.zeros(1, *SIZE, 3, dtype=torch.uint8)
IMAGE = torch.zeros(1, 3, *SIZE)


class Two(nn.Module):
    """Two outputs of one shape, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        y = self.conv(image)
        return {"small": 0.5 * y, "large": y + 1}


class Around(nn.Module):
    """A model with what an app wants around it."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        usual = Pixels()
        self.register_buffer("mean", torch.tensor(usual.mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(usual.std).reshape(1, 3, 1, 1))


class FromBytes(Around):
    """As a camera gives them: bytes, BGR, channels last."""

    def forward(self, frame: Tensor) -> Tensor:
        x = frame.float().permute(0, 3, 1, 2).flip(1) / 255
        return self.inner((x - self.mean) / self.std)


class FromUnit(Around):
    def forward(self, x: Tensor) -> Tensor:
        return self.inner((x - self.mean) / self.std)


class Probabilities(Around):
    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).softmax(1)


class Swapped(Around):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found = self.inner(x)
        return found["large"], found["small"]


@pytest.fixture
def theirs(tmp_path):
    """(wrapper, recipe, example, names) -> an ONNX file of the recipe's module, wrapped."""

    def make(wrapper, recipe=ONE, example=IMAGE, names=None):
        path = tmp_path / "theirs.onnx"
        with warnings.catch_warnings(action="ignore"):
            torch.onnx.export(
                wrapper(module_for(recipe_at(recipe))).eval(),
                (example,),
                str(path),
                dynamo=True,
                verbose=False,
                input_names=["picture"],
                output_names=names,
            )
        return path

    return make


def recipe_at(recipe: Recipe) -> Recipe:
    return Recipe(model=recipe.model, size=SIZE)


def verdict_on(path, recipe=ONE, **declared):
    artifact = foreign(path, recipe, Declared(**declared))
    (verdict,) = verify_all([artifact], Questions(), DEVICES.get("host"), Silent())
    return verdict


CAFFE = Pixels(bgr=True)


def test_bytes_with_channels_last_are_found_out_and_their_order_is_named(theirs):
    path = theirs(FromBytes, example=BYTES)
    border = foreign(path, ONE).border
    (image,) = border.inputs
    assert (image.name, image.dtype, image.channels_last) == ("picture", "uint8", True)
    assert border.file.std == (1 / 255,) * 3
    wrong = verdict_on(path)
    assert not wrong
    assert wrong.notes == ("it agrees if fed otherwise: --file-bgr",)
    right = verdict_on(path, bgr=True)
    assert right
    assert right.notes == ()


def test_pixels_from_0_to_1_are_named(theirs):
    path = theirs(FromUnit)
    assert verdict_on(path).notes == ("it agrees if fed otherwise: --file-mean 0 --file-std 1",)
    assert verdict_on(path, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def test_both_may_take_other_images_than_usual(theirs):
    path = theirs(nn.Sequential)
    assert verdict_on(path, reference=CAFFE)
    assert not verdict_on(path, reference=CAFFE, bgr=False)


def test_a_softmax_at_the_end_is_named(theirs):
    verdict = verdict_on(theirs(Probabilities))
    assert not verdict
    assert verdict.notes == ("the file ends with a softmax, which the reference leaves out",)


def test_nothing_is_named_where_nothing_helps(theirs):
    verdict = verdict_on(theirs(nn.Sequential), Recipe(model="tests.slices:coord"))
    assert not verdict
    assert verdict.notes == ()


def test_outputs_are_matched_by_name_or_as_the_user_says(theirs):
    assert verdict_on(theirs(Swapped, TWO, names=["large", "small"]), TWO)
    unnamed = theirs(Swapped, TWO, names=["first", "second"])
    assert not verdict_on(unnamed, TWO)
    assert verdict_on(unnamed, TWO, names={"small": "second", "large": "first"})


@pytest.mark.parametrize(
    ("declared", "error", "says"),
    [
        ({"names": {"x": "image"}}, BadOption, "no input 'image'"),
        ({"names": {"y": "picture"}}, BadOption, "has no input or output 'y'"),
        ({"channels_last": True}, BadOption, "has its channels first"),
        ({"pixels": (64, 64)}, BadArtifact, "takes 32x24 pixels, not 64x64"),
    ],
)
def test_what_is_said_of_a_file_is_checked(theirs, declared, error, says):
    with pytest.raises(error, match=says):
        foreign(theirs(nn.Sequential), ONE, Declared(**declared))


def test_another_models_file_is_refused_with_both_sides(theirs):
    sides = r"linear float32\[1, 10\] against small float32\[1, 4, 30, 22\]"
    with pytest.raises(BadArtifact, match=sides) as caught:
        foreign(theirs(nn.Sequential), Recipe(model=TWO.model))
    assert "--map REFERENCE=FILE" in caught.value.hint


def test_litert_with_channels_last(tmp_path):
    path = tmp_path / "theirs.tflite"
    module = litert_torch.to_channel_last_io(module_for(recipe_at(ONE)), args=[0]).eval()
    with warnings.catch_warnings(action="ignore"):
        litert_torch.convert(module, (torch.zeros(1, *SIZE, 3),)).export(str(path))
    assert foreign(path, ONE).border.inputs[0].channels_last
    assert verdict_on(path)
    assert verdict_on(path, channels_last=True)
