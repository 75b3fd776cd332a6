"""Every tensor of an untrained graph on numbers that are given, with the derivatives of what is minimised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.backends.keras.build import build_with_tensors
from dlspec.backends.keras.seeding import set_seed
from dlspec.components.methods.base import Method
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Graph, Tensor, show_shape
from dlspec.core.terminal import table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Numbers that are printed one by one.
_FEW = 8


class Value(NamedTuple):
    """A tensor or a weight.

    Attributes:
        name: Of the step, the input or the weight.
        value: Its numbers.
        derivative: Of the objective by each of them; None where the objective does not depend on it.
    """

    name: str
    value: Array
    derivative: Array | None


def values(graph: Graph, method: Method | None, seed: int, given: str) -> tuple[str, list[Value]]:
    """The name of what derivatives are of ("" for nothing), and all tensors and weights in their order.

    Args:
        graph: What is trained, or would be.
        method: The way of training, whose objectives are added up.
        seed: Of the weights.
        given: JSON of arrays by input, the axis of examples first.

    Raises:
        Problem: E523, an input is missing, unknown, or of another shape.
    """
    import keras
    import tensorflow as tf

    arrays = _arrays(given, {graph.nodes[index].name: graph.nodes[index].outputs[0] for index in graph.inputs})
    set_seed(seed)
    _, tensors = build_with_tensors(graph)
    symbols = {
        (node.name if len(made) == 1 else f"{node.name}[{number}]"): tensor
        for node, made in zip(graph.nodes, tensors, strict=True)
        for number, tensor in enumerate(made)
    }
    inputs = [tensors[index][0] for index in graph.inputs]
    model = keras.Model(inputs, symbols)
    entering = [tf.convert_to_tensor(arrays[tensor.name]) for tensor in inputs]
    with tf.GradientTape(persistent=True) as tape:
        for tensor in entering:
            tape.watch(tensor)
        results = model(entering, training=False)
        objective, of = _objective(graph, method, results)
    by_name = {**results, **dict(zip([tensor.name for tensor in inputs], entering, strict=True))}
    sources = [*by_name.items(), *((variable.path, variable.value) for variable in model.trainable_variables)]
    return of, [Value(name, tensor.numpy(), _derivative(tape, objective, tensor)) for name, tensor in sources]


def text(of: str, shown: list[Value]) -> str:
    """The values as lines for people, in three columns; of many numbers their shape and length (Euclidean)."""
    head = ["tensor", "value", f"derivative of {of}" if of else ""]
    rows = [
        [item.name, _numbers(item.value), "–" if item.derivative is None else _numbers(item.derivative)]
        for item in shown
    ]
    return "\n".join(table([head, *(row if of else [*row[:2], ""] for row in rows)]))


def _numbers(array: Array) -> str:
    import numpy as np

    if array.dtype.kind not in "iufb":
        return str(array.tolist())
    if array.size > _FEW:
        return f"{list(array.shape)}, length {np.linalg.norm(array.astype(np.float64)):.4g}"
    return np.array2string(array, precision=4, separator=", ", max_line_width=10_000).replace("\n", "")


def _derivative(tape: Any, objective: Any, tensor: Any) -> Array | None:
    import tensorflow as tf

    if objective is None or not tensor.dtype.is_floating:
        return None
    result = tape.gradient(objective, tensor)
    return None if result is None else tf.convert_to_tensor(result).numpy()


def _objective(graph: Graph, method: Method | None, results: Mapping[str, Any]) -> tuple[Any, str]:
    """What derivatives are of: the weighed sum of all objectives, each its mean; else the last output, summed."""
    import tensorflow as tf

    weights = {
        name: weight for turn in (method.turns.values() if method else ()) for name, weight in turn.minimize.items()
    }
    edges = {**dict(graph.objectives), **dict(graph.outputs)}

    def result(name: str) -> Any:
        node = graph.nodes[edges[name].node]
        many = len(node.outputs) > 1
        return results[f"{node.name}[{edges[name].output}]" if many else node.name]

    if weights:
        parts = [weight * tf.reduce_mean(result(name)) for name, weight in weights.items()]
        return tf.add_n(parts), " + ".join(
            name if weight == 1 else f"{weight:g} · {name}" for name, weight in weights.items()
        )
    name, edge = graph.outputs[-1]
    if not graph.tensor(edge).floating:
        return None, ""
    return tf.reduce_sum(result(name)), name


def _arrays(given: str, inputs: Mapping[str, Tensor]) -> dict[str, Array]:
    """The arrays that were typed, of the types of the inputs."""
    import numpy as np

    try:
        result = json.loads(given)
    except ValueError:
        result = None
    example = json.dumps(
        {name: [np.zeros([size or 1 for size in tensor.shape]).tolist()] for name, tensor in inputs.items()}
    )
    help = (
        f"write for example `--inputs '{example}'`" if len(example) < 200 else "write a list of examples for each input"
    )
    if not isinstance(result, dict):
        raise Problem("E523", "`--inputs` takes JSON: a list of examples for each input", help)
    for name in result:
        if name not in inputs:
            raise Problem("E523", f"`{name}` is no input of the model", did_you_mean(name, inputs, guess=True))
    return {name: _array(name, result.get(name), tensor, help) for name, tensor in inputs.items()}


def _array(name: str, given: Any, tensor: Tensor, help: str) -> Array:
    import numpy as np

    if given is None:
        raise Problem("E523", f"`--inputs` gives no `{name}`", help)
    try:
        array = np.asarray(given)
    except ValueError:
        array = np.asarray(None)
    kinds = "iufb" if tensor.floating else "iub"
    if array.dtype.kind not in kinds:
        raise Problem("E523", f"input `{name}` takes {'numbers' if tensor.floating else 'whole numbers'}", help)
    wanted = (len(tensor.shape) + 1, *(size for size in tensor.shape if size is not None))
    known = (array.ndim, *(size for size, want in zip(array.shape[1:], tensor.shape, strict=False) if want is not None))
    if wanted != known:
        message = (
            f"input `{name}` has shape {show_shape(tensor.shape)} for each example, and {list(array.shape)} is given"
        )
        raise Problem("E523", message, help)
    return array.astype(tensor.dtype)
