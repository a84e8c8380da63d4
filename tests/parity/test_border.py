from __future__ import annotations

import numpy as np
import pytest

from attnbench.errors import BadArtifact
from attnbench.parity.border import RAW, feed, feedable, read, repixel
from attnbench.parity.matching import bind
from attnbench.records import Binding, Border, Pixels, TensorSpec

IMAGE = TensorSpec("float32", (1, 3, 4, 5), "x")
MAP = TensorSpec("float32", (1, 8, 2, 2), "features")
CLASSES = TensorSpec("float32", (1, 10), "logits")


def places(ours, theirs, what="output", **named):
    return [one.at for one in bind(ours, theirs, named, what)]


def renamed(spec, name, *, last=False):
    batch, *rest = spec.shape
    shape = (batch, *rest[1:], rest[0]) if last else spec.shape
    return TensorSpec(spec.dtype, shape, name)


def test_names_decide_before_shapes():
    first, second = (TensorSpec("float32", (1, 10), name) for name in ("a", "b"))
    assert places([first, second], [second, first]) == [1, 0]


def test_shapes_decide_where_names_do_not():
    theirs = [renamed(CLASSES, "0"), renamed(MAP, "1", last=True)]
    assert places([MAP, CLASSES], theirs) == [1, 0]
    assert [one.channels_last for one in bind([MAP, CLASSES], theirs, {}, "output")] == [1, 0]


def test_what_the_user_says_decides_and_the_rest_follows():
    theirs = [TensorSpec("float32", (1, 10), name) for name in ("p", "q", "r")]
    ours = [TensorSpec("float32", (1, 10), name) for name in ("a", "b", "c")]
    assert places(ours, theirs, a="r") == [2, 0, 1]


def test_tensors_without_names_have_numbers():
    theirs = [TensorSpec("float32", (1, 10)), TensorSpec("float32", (1, 10))]
    ours = [TensorSpec("float32", (1, 10), name) for name in ("a", "b")]
    assert places(ours, theirs, a="1") == [1, 0]


@pytest.mark.parametrize(
    "theirs",
    [
        [],
        [TensorSpec("float32", (1, 11), "logits")],
        [TensorSpec("int8", (1, 10), "logits")],
        [TensorSpec("uint8", (1, 10), "logits")],
    ],
)
def test_what_does_not_fit_is_refused(theirs):
    with pytest.raises(BadArtifact):
        bind([CLASSES], theirs, {}, "output")


def test_one_of_theirs_is_not_two_of_ours():
    theirs = [TensorSpec("float32", (1, 10), "p"), TensorSpec("float32", (1, 10), "q")]
    ours = [TensorSpec("float32", (1, 10), name) for name in ("a", "b")]
    with pytest.raises(BadArtifact, match="do not match"):
        bind(ours, theirs, {"a": "p", "b": "p"}, "output")


def border(dtype="float32", *, last=False, file=RAW):
    return Border((Binding(0, "x", dtype, channels_last=last),), (), Pixels(), file)


def test_pixels_are_those_of_the_picture():
    bytes_ = np.random.default_rng(0).integers(0, 256, IMAGE.shape).astype(np.float32)
    x = repixel(bytes_, RAW, Pixels())
    assert np.allclose(x[0, 1], (bytes_[0, 1] / 255 - 0.456) / 0.224, atol=1e-6)
    (fed,) = feed(border("uint8", last=True), [x])
    assert (fed.dtype, fed.shape) == (np.uint8, (1, 4, 5, 3))
    assert np.array_equal(fed.transpose(0, 3, 1, 2), bytes_)


def test_bgr_swaps_values_with_their_means():
    x = repixel(np.full(IMAGE.shape, 100, np.float32), RAW, Pixels())
    swapped = repixel(x, Pixels(), Pixels(Pixels().mean[::-1], Pixels().std[::-1], bgr=True))
    assert np.allclose(swapped, x[:, ::-1], atol=1e-6)


def test_both_see_what_bytes_can_hold():
    x = np.random.default_rng(0).uniform(-4, 4, IMAGE.shape).astype(np.float32)
    (seen,) = feedable(border("uint8"), [x])
    pixels = repixel(seen, Pixels(), RAW)
    assert np.abs(pixels - np.round(pixels)).max() < 1e-3
    assert pixels.min() > -1e-3
    assert pixels.max() < 255 + 1e-3
    assert np.array_equal(feed(border("uint8"), [seen])[0], feed(border("uint8"), [x])[0])


def test_what_a_file_can_hold_is_left_alone():
    x = np.ones(IMAGE.shape, np.float32)
    (seen,) = feedable(border(file=Pixels()), [x])
    assert seen is x


def test_outputs_come_back_in_order_layout_and_type():
    like = [np.zeros((1, 8, 2, 3), np.float32), np.zeros((1, 4), np.int64)]
    bound = (Binding(1, "", "float16", channels_last=True), Binding(0, "", "int32"))
    theirs = [np.arange(4, dtype=np.int32)[None], np.random.rand(1, 2, 3, 8).astype(np.float16)]
    first, second = read(Border((), bound), theirs, like)
    assert np.array_equal(first, theirs[1].transpose(0, 3, 1, 2).astype(np.float32))
    assert (first.dtype, second.dtype) == (np.float32, np.int64)
