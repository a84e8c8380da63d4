"""The inputs on which a model is compared: what it will see, and what brings errors out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attnbench.errors import BadInput, MissingTool
from attnbench.parity.border import RAW, repixel
from attnbench.parity.metrics import Array
from attnbench.records import IMAGENET, Pixels, TensorSpec

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
SEED = 20240229


@dataclass(frozen=True, slots=True)
class Images:
    """A folder of the user's own images, and what the model takes for an image."""

    folder: Path
    pixels: Pixels = IMAGENET


def standard_inputs(specs: Sequence[TensorSpec]) -> dict[str, list[Array]]:
    """
    Named inputs for a model, one array a tensor, always the same.

    natural     1/f spectrum and correlated colours as photographs have, standardised
    noise       uniform in [-2, 2], about the range of a normalised image
    constant    every pixel 0.5: pools and gates see no variation
    saturating  noise of 8 times that amplitude: clamps and gates at their ends
    natural 2-4 other images: a channel that a ReLU cuts off in all of one passes it in another
    """
    for spec in specs:
        if spec.dtype != "float32":
            raise BadInput(f"inputs of {spec.dtype} are not supported yet, only float32")
    rng = np.random.default_rng(SEED)
    noise = [rng.uniform(-2, 2, spec.shape).astype(np.float32) for spec in specs]
    return {
        "natural": [_natural(spec, fallback) for spec, fallback in zip(specs, noise, strict=True)],
        "noise": noise,
        "constant": [np.full(spec.shape, 0.5, np.float32) for spec in specs],
        "saturating": [8 * one for one in noise],
        **_more_naturals(specs, range(2, 5)),
    }


def further_inputs(specs: Sequence[TensorSpec]) -> dict[str, list[Array]]:
    """
    Inputs besides the standard ones, on which a fault may show that those do not bring out.

    natural 5-6  other images
    faint        the first image at a tenth of its contrast
    strong       at four times its contrast
    """
    first = standard_inputs(specs)["natural"]
    return _more_naturals(specs, range(5, 7)) | {
        name: [np.float32(times) * one for one in first]
        for name, times in (("faint", 0.1), ("strong", 4))
    }


def _more_naturals(specs: Sequence[TensorSpec], which: Iterable[int]) -> dict[str, list[Array]]:
    """Images other than the first one, by their number, each drawn with a seed of its own."""
    made = {}
    for at in which:
        seed = SEED + at - 1
        rng = np.random.default_rng(seed)
        noise = (rng.uniform(-2, 2, spec.shape).astype(np.float32) for spec in specs)
        pairs = zip(specs, noise, strict=True)
        made[f"natural {at}"] = [_natural(spec, fallback, seed) for spec, fallback in pairs]
    return made


def _natural(spec: TensorSpec, fallback: Array, seed: int = SEED) -> Array:
    """An image batch where the tensor is one, else noise: there is no natural feature map."""
    if len(spec.shape) != 4 or spec.shape[1] != 3:
        return fallback
    from attnbench_models.natural import natural_images

    count, _, height, width = spec.shape
    return natural_images(count, (height, width), seed).numpy()


def image_inputs(images: Images, spec: TensorSpec) -> dict[str, list[Array]]:
    """
    The images of a folder as (1, 3, H, W) arrays of the model's size, by file name.

    Raises BadInput when the folder has no image, or one cannot be read.
    """
    folder = images.folder
    if len(spec.shape) != 4 or spec.shape[:2] != (1, 3):
        raise BadInput(f"--images needs a model that takes (1, 3, H, W), not {spec.shape}")
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder", hint="--images takes a folder of images")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise BadInput(f"no image in {folder}", hint=f"looked for {', '.join(IMAGE_SUFFIXES)}")
    return {
        path.name: [repixel(_image(path, spec.shape[2:]), RAW, images.pixels)] for path in paths
    }


def _image(path: Path, size: Iterable[int]) -> Array:
    try:
        from PIL import Image, UnidentifiedImageError
    except ModuleNotFoundError as error:
        raise MissingTool("--images needs Pillow", hint="pip install pillow") from error
    height, width = size
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB").resize((width, height)), np.float32)
    except (OSError, UnidentifiedImageError) as error:
        raise BadInput(f"{path}: cannot be read as an image") from error
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
