import numpy as np
import pytest

from attnbench.graphs.layouts import layouts

RNG = np.random.default_rng(0)

CASES = [
    ((1, 4, 5, 6), (1, 4, 5, 6), ["same"]),
    ((1, 5, 6, 4), (1, 4, 5, 6), ["channels last"]),
    ((1, 6, 4), (1, 4, 6), ["channels last"]),
    ((1, 4, 4, 4), (1, 4, 4, 4), ["same", "channels last"]),
    ((1, 8), (1, 8, 1, 1), ["reshaped"]),
    ((1, 1, 5, 4), (1, 4, 1, 5), ["channels last"]),
    ((1, 6, 5, 4), (1, 4, 5, 6), []),
    ((1, 20, 6), (1, 4, 5, 6), []),
]


@pytest.mark.parametrize(("ours", "theirs", "names"), CASES)
def test_shapes_tell_the_layouts(ours, theirs, names):
    assert [one.name for one in layouts(ours, theirs, channels_last=True)] == names


def test_an_onnx_value_is_never_channels_last():
    assert [*layouts((1, 5, 6, 4), (1, 4, 5, 6), channels_last=False)] == []
    [only] = layouts((1, 4, 4, 4), (1, 4, 4, 4), channels_last=False)
    assert only.name == "same"


@pytest.mark.parametrize(("ours", "theirs", "names"), CASES)
def test_what_is_written_is_read_again(ours, theirs, names):
    tensor = RNG.standard_normal(theirs)
    for way in layouts(ours, theirs, channels_last=True):
        there = way.write(tensor)
        assert there.shape == ours
        assert np.array_equal(way.read(there), tensor)


def test_channels_last_puts_each_number_where_it_belongs():
    [way] = layouts((1, 5, 6, 4), (1, 4, 5, 6), channels_last=True)
    tensor = RNG.standard_normal((1, 4, 5, 6))
    assert way.write(tensor)[0, 2, 3, 1] == tensor[0, 1, 2, 3]
