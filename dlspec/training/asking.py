"""What `dlspec saliency` asks of a run, held against what its model takes and gives, without loading it."""

from __future__ import annotations

from dlspec.components.sections.report import Tensors, tensors_of
from dlspec.components.sections.saliency import AnswerSaliency, made_out_of_rows, text_inputs
from dlspec.core.errors import Problem
from dlspec.data.sources.base import TEXT
from dlspec.graph.lower import prune
from dlspec.training.saved import SavedRun


def answer_saliency(
    saved: SavedRun, output: str | None, input_: str | None, layer: str | None, count: int
) -> AnswerSaliency:
    """What is asked for; the first output that fits, unless one is named.

    Raises:
        Problem: E530, the model takes or gives nothing that fits.
    """
    given = {key: value for key, value in {"input": input_, "layer": layer}.items() if value is not None}
    problems: list[Problem] = []
    for name in [output] if output is not None else tensors_of_saved(saved).outputs:
        figure = AnswerSaliency(of=name, count=count, **given)
        try:
            input_of(saved, figure)
            return figure
        except Problem as problem:
            problems.append(problem)
    raise problems[0]


def tensors_of_saved(saved: SavedRun) -> Tensors:
    """What the saved model takes and gives, by the names of the spec."""
    return tensors_of(prune.saved_part(saved.trained))


def input_of(saved: SavedRun, figure: AnswerSaliency) -> tuple[str, str]:
    """The input that is looked at, and its kind.

    Raises:
        Problem: E530, the figure does not fit the model.
    """
    if saved.data.maker is not None:
        raise made_out_of_rows(saved.data.maker.name)
    tensors = tensors_of_saved(saved)
    for problem in figure.mistakes(tensors):
        raise problem
    dtypes = saved.run.facts["data"].get("columns", {})
    return chosen_input(figure, tensors, text_inputs(saved.data, {name for name in dtypes if dtypes[name] == TEXT}))


def chosen_input(figure: AnswerSaliency, tensors: Tensors, texts: frozenset[str]) -> tuple[str, str]:
    """The input that is looked at, and its kind.

    Raises:
        Problem: E530, no input fits, or several do.
    """
    for problem in figure.lacking(tensors, texts):
        raise problem
    chosen = figure.chosen(tensors, texts)
    assert chosen is not None
    return chosen
