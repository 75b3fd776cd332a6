"""The baselines that a run has kept, measured on other examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlspec.core.documents.results import Baselines as Figures
from dlspec.data.binding.weights import divided_by_weights
from dlspec.data.checks.baselines import LINEAR, NEAREST, Baselines, baselines_of_output
from dlspec.data.feeding.feed import feed_in_order
from dlspec.data.feeding.raw import RawInputs
from dlspec.data.feeding.training import Changes
from dlspec.training.baselines import Fitted, figures, only
from dlspec.training.given_answers import measuring_given
from dlspec.training.saved import SavedRun
from dlspec.views.pages.scores import Score
from dlspec.views.pages.trivial import read_model, read_usual


def kept(saved: SavedRun, scores: dict[str, Score]) -> Fitted | None:
    """The baselines of a run; None where it has measured none."""
    reported = saved.run.facts.get("baselines")
    if not saved.method.baselines or not reported:
        return None
    shapes = {name: tensor.shape for name, tensor in saved.signature.outputs.items()}
    compared = {output.name: output for output in saved.targets if saved.method.loss_of(output.name) is not None}
    by_output = {name: baselines_of_output(saved.method, output, shapes[name])[0] for name, output in compared.items()}
    models = {name: read_model(saved.run.path, name) for name in (LINEAR, NEAREST) if name in reported["measured"]}
    return Fitted(
        Baselines(by_output, tuple(reported["reasons"])),
        {name: score.task for name, score in scores.items()},
        {name: tuple(size or 1 for size in shapes[name]) for name in compared},
        {name: model for name, model in models.items() if model is not None},
    )


def measured_again(
    saved: SavedRun, baselines: Fitted, part: str, examples: RawInputs, units: Any, entering: Callable[[Any], Any]
) -> Figures:
    """Loss and metrics of kept baselines on some examples.

    Args:
        saved: The run.
        baselines: As :func:`kept` gives them.
        part: What the examples are called.
        examples: Raw, with targets.
        units: Of the targets that are prepared, by output.
        entering: From a batch of raw inputs, by name, to prepared ones.
    """
    outputs = {output.name: output for output in saved.targets}
    by_weight = divided_by_weights(saved.method, saved.targets)
    weighing = Changes((), {}, outputs, examples.weights, by_weight=by_weight).measuring()
    model = measuring_given(
        saved.method.ending.undecided(),
        baselines.shapes,
        max(examples.count, *saved.run.facts["data"]["examples"].values()),
        units,
        weighed=examples.weights is not None,
    )
    arrays = examples.inputs, examples.targets

    def batches(structure: Callable[..., Any]) -> Any:
        return feed_in_order(arrays, saved.data.batch_size, structure, weighing).dataset

    names = {name for fitted in baselines.models.values() for name, _ in fitted.layout.inputs}

    def seen(inputs: Any) -> Any:
        prepared = entering(inputs)
        return only(names, prepared) if names else prepared

    usual = read_usual(saved.run.path)
    return figures(model, saved.method, baselines, usual, {part: batches}, seen, units)
