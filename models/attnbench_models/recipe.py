"""What to build, as data: enough to make the same module again, and cheap to hash (no torch)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

Option = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Recipe:
    """
    A backbone, the attention in it, the input that it takes and where its weights come from.

    `block` is a registered name, `None` for the backbone's own native block, "none" for no
    attention, or `FILE.py:Class` for a user's own. `model` ("package.module:factory") replaces
    backbone and block. `options` are the block's keywords; absent ones are the backbone's choice.
    `size` is (height, width) in pixels, of `batch` images at once; `num_classes` None is what the
    backbone is published for.
    Without `checkpoint` the weights are random, drawn from `seed` and calibrated (see
    `attnbench_models.weights`). `prune` is the BatchNorm scale up to which channels are removed
    from them (see `attnbench_models.pruning`).
    `precision` is the artifact's, fp32, fp16 or int8; operators of the modules in `keep_float` stay
    float32 in it. `calibration` is the folder of images that int8 takes its ranges from.
    """

    backbone: str = "mobilenetv2"
    block: str | None = None
    options: Mapping[str, Option] = field(default_factory=dict)
    width: float = 1.0
    size: tuple[int, int] = (224, 224)
    num_classes: int | None = None
    seed: int = 0
    checkpoint: str | None = None
    checkpoint_sha256: str | None = None
    layout: str = "attnbench"
    model: str | None = None
    precision: str = "fp32"
    prune: float | None = None
    batch: int = 1
    keep_float: tuple[str, ...] = ()
    calibration: str | None = None
    calibration_sha256: str | None = None

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f"an input of {self.size[0]}x{self.size[1]} pixels has no pixels")
        if self.batch < 1:
            raise ValueError(f"a batch of {self.batch} images has no images")
        if self.width <= 0:
            raise ValueError(f"width must be positive, not {self.width:g}")
        if self.prune is not None and self.prune < 0:
            raise ValueError(f"prune must be 0 or more, not {self.prune:g}")

    @property
    def key(self) -> str:
        """16 hex digits that change with whatever changes the module; paths do not count."""
        facts = asdict(self) | {"checkpoint": None, "calibration": None}
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """A short name for files and tables, such as `mobilenetv2-coord`; not unique, see `key`."""
        suffix = "" if self.prune is None else f"-pruned{self.prune:g}"
        suffix += "" if self.batch == 1 else f"-b{self.batch}"
        suffix += "" if self.precision == "fp32" else f"-{self.precision}"
        if self.model is not None:
            return f"{_plain(self.model)}{suffix}"
        backbone = self.backbone if self.width == 1 else f"{self.backbone}-w{self.width:g}"
        return f"{backbone}-{_plain((self.block or 'native').rpartition(':')[2])}{suffix}"

    @property
    def registered(self) -> bool:
        """Whether everything in it has a name here: then `key` alone says what is built."""
        return self.model is None and ":" not in (self.block or "")


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name).strip("-").lower() or "model"
