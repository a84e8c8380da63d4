import numpy as np
import pytest

from attnbench.errors import BadInput
from attnbench.parity.inputs import Images, image_inputs, standard_inputs
from attnbench.records import TensorSpec

IMAGE = TensorSpec("float32", (1, 3, 48, 32))


def test_the_inputs_are_always_the_same():
    first, second = standard_inputs([IMAGE]), standard_inputs([IMAGE])
    further = [f"natural {at}" for at in (2, 3, 4)]
    assert list(first) == ["natural", "noise", "constant", "saturating", *further]
    for name, arrays in first.items():
        assert np.array_equal(arrays[0], second[name][0])
        assert (arrays[0].shape, arrays[0].dtype) == (IMAGE.shape, np.float32)


def test_they_differ_in_what_they_stress():
    inputs = {name: arrays[0] for name, arrays in standard_inputs([IMAGE]).items()}
    assert np.ptp(inputs["constant"]) == 0
    assert np.abs(inputs["saturating"]).max() > 8 * 1.9
    spectrum = np.abs(np.fft.fft2(inputs["natural"][0, 0]))[1:8, 1:8]
    assert spectrum[0, 0] > 3 * spectrum[-1, -1]  # power at low frequencies, as in photographs


def test_a_feature_map_gets_noise_where_no_photograph_fits():
    inputs = standard_inputs([TensorSpec("float32", (2, 16, 5, 7))])
    assert np.array_equal(inputs["natural"][0], inputs["noise"][0])


def test_integer_inputs_are_refused():
    with pytest.raises(BadInput, match="int64"):
        standard_inputs([TensorSpec("int64", (1, 4))])


def test_real_photographs(tmp_path):
    """From scikit-learn's wheel; normalised by ImageNet's statistics."""
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn has the photographs")
    from PIL import Image

    for name in ("china.jpg", "flower.jpg"):
        Image.fromarray(datasets.load_sample_image(name)).save(tmp_path / name)
    found = image_inputs(Images(tmp_path), IMAGE)
    assert list(found) == ["china.jpg", "flower.jpg"]
    for (array,) in found.values():
        assert array.shape == IMAGE.shape
        assert array.dtype == np.float32
        assert -2.2 < array.min() < array.max() < 2.7
        assert array.std() > 0.3


def test_no_folder_no_image_and_no_picture_are_told_apart(tmp_path):
    with pytest.raises(BadInput, match="not a folder"):
        image_inputs(Images(tmp_path / "absent"), IMAGE)
    with pytest.raises(BadInput, match="no image"):
        image_inputs(Images(tmp_path), IMAGE)
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with pytest.raises(BadInput, match="cannot be read"):
        image_inputs(Images(tmp_path), IMAGE)
    with pytest.raises(BadInput, match=r"takes \(1, 3, H, W\)"):
        image_inputs(Images(tmp_path), TensorSpec("float32", (1, 8, 4, 4)))
