"""New examples from a kept model: its outputs for inputs that are drawn, or given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Graph, Tensor, show_shape
from dlspec.data.feeding.raw import RawInputs
from dlspec.data.sources.base import TEXT
from dlspec.data.sources.draws import DrawsTable
from dlspec.graph.lower import prune
from dlspec.graph.reaching import reached_by
from dlspec.training.predict import answers_of
from dlspec.training.saved import SavedRun
from dlspec.training.written_answers import texts_of

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def generate(saved: SavedRun, count: int, seed: int | None, where: Mapping[str, str]) -> dict[str, Array]:
    """Makes examples with the outputs that need nothing but drawn and given inputs.

    Args:
        saved: The run.
        count: How many examples.
        seed: What the draws follow from; that of the training unless given.
        where: Values of inputs as they are typed, the same for all examples.

    Returns:
        By output, an array of shape [count, …]; the same one for the same seed and values.

    Raises:
        Problem: E522, every output needs an input that is neither drawn nor given; E523, a value is none of an input.
    """
    import numpy as np

    takes = saved.takes
    given = {name: given_value(name, text, takes) for name, text in where.items()}
    if saved.writer is not None:
        return _written(saved, count, seed, given)
    drawn = [input_ if seed is None else replace(input_, seed=seed) for input_ in saved.training.drawn]
    known = {input_.name: input_.at(np.arange(count)) for input_ in drawn}
    known |= {name: np.broadcast_to(value, (count, *value.shape)) for name, value in given.items()}
    wanted = _computed(prune.saved_part(saved.trained), set(known))
    inputs = {name: known[name] if name in known else _nothing(tensor, count) for name, tensor in takes.items()}
    answers = answers_of(saved, RawInputs(inputs, count, DrawsTable(count), ()))
    return {name: answers[saved.outputs[index]] for index, name in wanted.items()}


def _written(saved: SavedRun, count: int, seed: int | None, given: Mapping[str, Array]) -> dict[str, Array]:
    """Texts that the model writes, by the output that tells their steps.

    Raises:
        Problem: E522, an input is not given that the model reads; E544, there is nothing to go on with.
    """
    import numpy as np

    writer = replace(saved.writer, drawing=seed) if saved.writer is not None else None
    assert writer is not None
    lacking = [name for name in writer.others if name not in given]
    if lacking:
        message = f"output `{writer.target.name}` needs `{lacking[0]}`, which nothing draws"
        raise Problem("E522", message, f"give it: `--where {lacking[0]}=…`; `dlspec predict` takes a file of many")
    inputs = {name: np.broadcast_to(value, (count, *value.shape)) for name, value in given.items()}
    if writer.prompted and writer.fed not in inputs:
        inputs = {writer.fed: _nothing(saved.takes[writer.fed], count)}
    return {writer.target.name: np.array(texts_of(saved, writer, inputs, 0))}


def given_value(name: str, text: str, takes: Mapping[str, Tensor]) -> Array:
    """The value of an input of the saved model, as it was typed: a number, a list of them, or a text.

    Raises:
        Problem: E523.
    """
    import numpy as np

    if name not in takes:
        raise Problem("E523", f"`{name}` is no input of the model", did_you_mean(name, takes, guess=True))
    tensor = takes[name]
    if tensor.dtype == TEXT:
        value = np.array(text, object)
    else:
        try:
            value = np.asarray(json.loads(text))
        except ValueError:
            value = np.array(text)
        if value.dtype.kind not in "iufb" or (value.dtype.kind == "f" and not tensor.floating):
            kind = "numbers" if tensor.floating else "whole numbers"
            help = f"for example `--where {name}=3`, or a list such as `--where '{name}=[0, 1]'`"
            raise Problem("E523", f"input `{name}` takes {kind}, got `{text}`", help)
        value = value.astype(tensor.dtype)
    shape = tuple(size or 1 for size in tensor.shape)
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        message = f"input `{name}` has shape {show_shape(tensor.shape)}, `{text}` has {list(value.shape)}"
        raise Problem("E523", message, "give one number for all, or a list of that shape") from None


def _computed(graph: Graph, known: set[str]) -> dict[int, str]:
    """The outputs that depend on `known` inputs alone: their names in the spec, by their places.

    Raises:
        Problem: E522, there is none.
    """
    asked = {output.name: output.inputs - known for output in reached_by(graph)}
    computed = {index: name for index, (name, lacking) in enumerate(asked.items()) if not lacking}
    if not computed:
        name, lacking = min(asked.items(), key=lambda item: len(item[1]))
        needed = ", ".join(f"`{input_name}`" for input_name in sorted(lacking))
        help = f"draw it (`draw: normal` in `inputs`), or give it: `--where {sorted(lacking)[0]}=0`"
        raise Problem("E522", f"output `{name}` needs {needed}, which nothing draws", help)
    return computed


def _nothing(tensor: Tensor, count: int) -> Array:
    """Values of an input that no output asked for depends on."""
    import numpy as np

    shape = (count, *(size or 1 for size in tensor.shape))
    return np.full(shape, "", object) if tensor.dtype == TEXT else np.zeros(shape, tensor.dtype)


def named_values(pairs: Sequence[str]) -> dict[str, str]:
    """``name=value`` as it is typed, by name.

    Raises:
        Problem: E523, no name or no value.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise Problem("E523", f"`{pair}` names no value of an input", "write `--where label=3`")
        if name.strip() in values:
            raise Problem("E523", f"`{name.strip()}` is given twice", "give each input once")
        values[name.strip()] = value  # a text to go on with may end in a blank
    return values
