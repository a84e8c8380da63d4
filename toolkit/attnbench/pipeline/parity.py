"""Artifact against PyTorch, on several inputs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from attnbench.devices import Device
from attnbench.errors import BadModel
from attnbench.parity.adjustment import NOTHING, Adjustment
from attnbench.parity.border import feed, feedable, read
from attnbench.parity.cases import Expected, Margins
from attnbench.parity.inputs import Images, image_inputs, standard_inputs
from attnbench.parity.judge import judge
from attnbench.parity.limits import Limits, limits_for
from attnbench.parity.metrics import Array
from attnbench.pipeline.computed import NOTES, evidence, outputs_of
from attnbench.pipeline.reference import reference_of
from attnbench.pipeline.reordered import channels_last, if_it_can, reordered
from attnbench.pipeline.rounded import RoundedReference, blind, distance
from attnbench.pipeline.soundness import check_numbers
from attnbench.records import Artifact, ArtifactId, Verdict
from attnbench.rewrites.base import named_outputs
from attnbench_models import Recipe
from attnbench_models.backbones import BACKBONES


@dataclass(frozen=True, slots=True)
class Question:
    """The inputs of one model, what PyTorch makes of them, and limits that are not the usual."""

    inputs: Mapping[str, Sequence[Array]]
    expected: tuple[Expected, ...]
    adjustment: Adjustment = NOTHING

    def limits(self, artifact: Artifact) -> Limits:
        """What an artifact's outputs are held to. Raises BadOption where there are none."""
        return self.adjustment.of(limits_for(artifact.backend, artifact.recipe.precision))


def ask(module: nn.Module, artifact: Artifact, images: Images | None = None) -> Question:
    """PyTorch's answers for the standard inputs of an artifact and the user's own images."""
    inputs = dict(standard_inputs(artifact.inputs))
    if images is not None:
        inputs |= image_inputs(images, artifact.inputs[0])
    question = answers(module, artifact, inputs)
    _check_answers(module, question)
    return question


def answers(
    module: nn.Module, artifact: Artifact, inputs: Mapping[str, Sequence[Array]]
) -> Question:
    """PyTorch's answers for these inputs, rounded to what the artifact can take."""
    if artifact.border is not None:
        inputs = {name: feedable(artifact.border, arrays) for name, arrays in inputs.items()}
    double = copy.deepcopy(module).double()
    last = reordered(module)
    expected = tuple(
        replace(_expected(name, module, double, arrays), reordered=_reordered(last, arrays))
        for name, arrays in inputs.items()
    )
    if artifact.recipe.precision != "fp32":
        reference = RoundedReference.of(module, artifact)
        expected = tuple(reference.expected(one, inputs[one.name]) for one in expected)
    return Question(inputs, expected)


def _check_answers(module: nn.Module, question: Question) -> None:
    """Raise BadModel for answers that say nothing: no numbers, or always the same ones."""
    for one in question.expected:
        if not all(np.isfinite(y).all() for y in one.single):
            arrays = question.inputs[one.name]
            check_numbers(module, [torch.from_numpy(array) for array in arrays], one.name)
    first, *others = question.expected
    for at, y in enumerate(first.single):
        if all(np.array_equal(y, one.single[at]) for one in others):
            raise BadModel(
                f"{first.of_output(at)}: the model gives the same for every input, so agreement "
                "would prove nothing",
                hint="is its head still zero, or is something multiplied by zero?",
            )


def _expected(name: str, module: Any, double: Any, arrays: Sequence[Array]) -> Expected:
    """Both models' outputs; of labels also how sure they are, from the `scores` of the model."""
    made = _outputs(module, arrays, torch.float32)
    single, names = tuple(made.values()), tuple(made)
    exact = tuple(_outputs(double, arrays, torch.float64).values())
    if not hasattr(module, "scores") or not any(
        np.issubdtype(output.dtype, np.integer) for output in single
    ):
        return Expected(name, single, exact, names=names)
    (scores,) = _outputs(module.scores, arrays, torch.float32).values()
    (exact_scores,) = _outputs(double.scores, arrays, torch.float64).values()
    return Expected(name, single, exact, Margins.between(scores, exact_scores), names)


def _reordered(last: nn.Module, arrays: Sequence[Array]) -> tuple[Array, ...]:
    """The outputs in float32 of a model with its channels last, which adds in another order."""
    tensors = [channels_last(torch.from_numpy(one)) for one in arrays]
    with torch.inference_mode():
        made = if_it_can(lambda: named_outputs(last(*tensors)))
    return tuple(tensor.contiguous().numpy() for tensor in made.values())


def _outputs(
    module: Callable[..., object], arrays: Sequence[Array], dtype: torch.dtype
) -> dict[str, Array]:
    """By their names in the module's result, or by number."""
    tensors = [torch.from_numpy(array).to(dtype) for array in arrays]
    try:
        with torch.inference_mode():
            made = named_outputs(module(*tensors))
    except (RuntimeError, TypeError, ValueError) as error:
        words = " ".join(str(error).split())[:200]
        raise BadModel(
            f"the reference fails in {dtype} on {[tuple(t.shape) for t in tensors]}: {words}",
            hint="the gate needs the model in float64 too, to know what rounding alone does",
        ) from error
    return {name: tensor.numpy() for name, tensor in made.items()}


def verify(artifact: Artifact, question: Question, device: Device) -> Verdict:
    """The verdict on one artifact; all inputs are computed in one launch on the device."""
    limits = question.limits(artifact)
    got = computed_on(artifact, device, question)
    cases = tuple(
        case
        for expected, outputs in zip(question.expected, got, strict=True)
        for case in judge(expected, outputs, limits, task_of(artifact.recipe))
    )
    verdict = Verdict(identify(artifact), device.name, cases, evidence=evidence(artifact))
    notes = () if verdict.evidence == "runtime" else (NOTES[bool(verdict)],)
    if artifact.recipe.precision == "fp32":
        return replace(verdict, notes=notes)
    told = (*notes, distance(question.expected, got))
    return replace(verdict, notes=told, blind=blind(question.expected, limits))


def computed_on(artifact: Artifact, device: Device, question: Question) -> list[list[Array]]:
    """The artifact's outputs for each input, as the reference has them."""
    border, inputs = artifact.border, list(question.inputs.values())
    if border is None:
        return outputs_of(artifact, inputs, device)
    got = outputs_of(artifact, [feed(border, arrays) for arrays in inputs], device)
    return [
        read(border, outputs, expected.single)
        for outputs, expected in zip(got, question.expected, strict=True)
    ]


def task_of(recipe: Recipe) -> str:
    """What the outputs are for; a model of the user's own is held to be a classifier."""
    return "classification" if recipe.model else BACKBONES[recipe.backbone].task


def identify(artifact: Artifact) -> ArtifactId:
    """What records say about an artifact."""
    recipe, key = artifact.recipe, artifact.recipe_key
    return ArtifactId(artifact.backend, artifact.sha256, recipe, key, artifact.target)


@dataclass(frozen=True, slots=True)
class Questions:
    """The question for an artifact; asked once for all artifacts, and devices, of one reference."""

    images: Images | None = None
    adjustment: Adjustment = NOTHING
    asked: dict[str, Question] = field(default_factory=dict)

    def __call__(self, artifact: Artifact) -> Question:
        """Raises what `ask` does."""
        key = reference_key(artifact)
        if key not in self.asked:
            question = ask(reference_of(artifact), artifact, self.images)
            self.asked[key] = replace(question, adjustment=self.adjustment)
        return self.asked[key]


def reference_key(artifact: Artifact) -> str:
    """What two artifacts share that have the same reference: module, weights and inputs."""
    weights = artifact.reference.sha256 if artifact.reference else ""
    # Its graph is rounded after the backend's own rewrites.
    rounded = "" if artifact.recipe.precision == "fp32" else artifact.backend
    return f"{artifact.recipe_key}-{weights}-{artifact.inputs}-{artifact.border}-{rounded}"
