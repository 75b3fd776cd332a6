"""Graph → functional Keras model. Keras is imported inside the calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlspec.backends.keras.assigning import begin_models
from dlspec.backends.keras.internals import calls_in_order, mask_of, origin_of, rename_operation, set_mask
from dlspec.backends.keras.structure import only_or_all, outputs_by_name, parameters, scalars
from dlspec.components.layers.base import Layer
from dlspec.components.ops.base import Op
from dlspec.core.documents.model import BuiltLayer, BuiltModel
from dlspec.core.errors import Diagnostic, SpecError
from dlspec.core.ir import Argument, Edge, Graph, Node, Shape, SharedModel, show_shape
from dlspec.graph.lower.averages import averages_in
from dlspec.graph.lower.own_tensors import Place, own_tensors, positional_names


def build(graph: Graph) -> Any:
    """Builds the graph as a functional ``keras.Model``.

    One input is one tensor, several are a list in the order of the spec, and can be fed by name; one output is one
    tensor, several are a dict by name, in which objectives stand behind the outputs.

    Raises:
        SpecError: E901, Keras refuses what the static analysis accepts, or E416, memory is used up; the diagnostic
            stands at the layer's line.
        Problem: E542, the weights of a model from a file cannot be read.
    """
    return build_with_tensors(graph)[0]


def build_with_tensors(graph: Graph) -> tuple[Any, list[tuple[Any, ...]]]:
    """The model together with the Keras tensors of each node, for comparing the two."""
    builder = _Builder(own_tensors(graph))
    built = builder.model(graph)
    begin_models(builder.shared, graph)
    if averages := averages_in(graph):
        from dlspec.standalone.averages import averages_of

        for average in averages_of(built[0], averages).all:
            average.begin()
    return built


def saved_part(whole: Any, graph: Graph) -> Any:
    """The model of `graph`, the saved part of the one that `whole` was built from, over the same layers.

    Returns:
        `whole` itself where it is no more than that.
    """
    outputs = [name for name, _ in graph.outputs]
    names = [graph.nodes[index].name for index in graph.inputs]
    if len(names) == len(whole.inputs) and len(outputs) == len(whole.outputs):
        return whole
    tensors = outputs_by_name(whole.output, outputs)
    inputs = {tensor.name: tensor for tensor in whole.inputs}
    return functional([inputs[name] for name in names], {name: tensors[name] for name in outputs}, whole.name)


def functional(inputs: Sequence[Any], outputs: Mapping[str, Any], name: str) -> Any:
    """A functional model from symbolic tensors; see :func:`build` for its structure."""
    import keras

    return keras.Model(inputs[0] if len(inputs) == 1 else list(inputs), only_or_all(outputs), name=name)


class _Builder:
    """Builds graphs; a shared model is one instance, whichever graphs call it.

    Attributes:
        shared: Those that were built, by name.
        own: What gets tensors of its own; see :mod:`dlspec.graph.lower.own_tensors`.
    """

    def __init__(self, own: frozenset[Place] = frozenset()) -> None:
        self.shared: dict[str, Any] = {}
        self.own = own

    def model(self, graph: Graph) -> tuple[Any, list[tuple[Any, ...]]]:
        """The model of a graph, and the Keras tensors of each node.

        Raises:
            SpecError: As :func:`build`.
        """
        import keras

        # All shared models first, the innermost before those that call them: random numbers are drawn in this order.
        for node in graph.nodes:
            if isinstance(node.layer, SharedModel) and node.layer.name not in self.shared:
                self.shared[node.layer.name] = self.model(node.layer.graph)[0]
                self.shared[node.layer.name].trainable = not node.layer.frozen
        results: list[tuple[Any, ...]] = []
        for node in graph.nodes:
            try:
                results.append(self.node(node, results))
            except SpecError:
                raise
            except Exception as error:
                # A failed call leaves Keras's name scope behind, which would rename every later variable.
                keras.backend.clear_session()
                raise SpecError([_refused(node, error)]) from error
        inputs = [results[index][0] for index in graph.inputs]
        outputs = {name: results[edge.node][edge.output] for name, edge in graph.roots}
        return functional(inputs, outputs, graph.name), results

    def node(self, node: Node, results: list[tuple[Any, ...]]) -> tuple[Any, ...]:
        """The Keras tensors that a node gives; `results` has those of all nodes before it."""
        import keras

        if node.layer is None:
            tensor = node.outputs[0]
            return (keras.Input(tensor.shape, dtype=tensor.dtype, name=node.name),)
        layer = self.layer(node)
        arguments, keywords = self.entering(node, results)
        constants = node.layer.call_arguments() if isinstance(node.layer, Layer) else {}
        if isinstance(node.layer, Layer) and node.layer.one_list:
            arguments = [arguments]
        output = layer(*arguments, **keywords, **constants)
        if isinstance(node.layer, Op):
            # Keras's own name of an operation could meet those that the spec gives.
            rename_operation(keras.tree.flatten(output)[0], node.name)
        if isinstance(node.layer, Layer) and not node.layer.trainable:
            # Layers that hold others make them at their first call, which the constructor's `trainable` does not reach.
            layer.trainable = True
            layer.trainable = False
        if isinstance(output, dict):
            return tuple(output.values())
        return tuple(keras.tree.flatten(output))  # the states of stacked cells come grouped by cell

    def entering(self, node: Node, results: list[tuple[Any, ...]]) -> tuple[list[Any], dict[str, Any]]:
        """Positional and named tensors of a call."""

        def resolve(argument: Argument, name: str = "") -> Any:
            if not isinstance(argument, Edge):
                return [resolve(edge) for edge in argument]
            tensor = results[argument.node][argument.output]
            return _copied(tensor, f"{node.name}.{name}") if (node.span, name) in self.own else tensor

        named = {name: resolve(value, name) for name, value in node.keywords}
        if isinstance(node.layer, SharedModel):
            arguments = [resolve(argument) for argument in node.arguments]
            return ([arguments] if len(arguments) > 1 else arguments), named
        names = positional_names(node)
        return [resolve(argument, name) for argument, name in zip(node.arguments, names, strict=True)], named

    def layer(self, node: Node) -> Any:
        """The object that a node calls: a new layer or operation, or the one instance of a shared model."""
        if isinstance(node.layer, SharedModel):
            return self.shared[node.layer.name]
        assert isinstance(node.layer, Layer)
        return node.layer.make() if isinstance(node.layer, Op) else node.layer.make(name=node.name)


def _copied(tensor: Any, name: str) -> Any:
    """The same values and mask in another tensor."""
    import keras

    return keras.layers.Rescaling(1.0, dtype=tensor.dtype, name=name)(tensor)


# How TensorFlow and NumPy say that memory is used up.
_NO_MEMORY = ("ResourceExhausted", "OOM when allocating", "Unable to allocate", "failed to allocate memory")


def _refused(node: Node, error: Exception) -> Diagnostic:
    reason = str(error).strip().split("\n")[0]
    if isinstance(error, MemoryError) or any(sign in f"{type(error).__name__} {reason}" for sign in _NO_MEMORY):
        text = f"there is not enough memory for the weights of `{node.name}`: {reason}"
        return Diagnostic("E416", text, node.span, "end other programs, or make the layer smaller")
    text = f"Keras refuses `{node.name}`: {reason}"
    return Diagnostic("E901", text, node.span, "the static check should have found this: please report the spec")


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact on which the static analysis and Keras disagree."""

    node: Node
    what: str
    static: str
    real: str

    def diagnostic(self) -> Diagnostic:
        """The difference at the line of its node: a mistake of ours, not of the spec."""
        text = f"static analysis and Keras disagree on the {self.what} of `{self.node.name}`"
        facts = f"static {self.static}, Keras {self.real}"
        return Diagnostic(
            "E902", f"{text}: {facts}", self.node.span, "please report the spec: this is a mistake of dlspec"
        )


def verify(graph: Graph, model: Any, tensors: list[tuple[Any, ...]]) -> list[Difference]:
    """Compares the graph with the built model node by node: shapes, dtypes, masks, weights in order, parameters.

    Masks are compared as the model's own call carries them, at each reader of a tensor.

    Args:
        graph: The graph that the model was built from.
        model: What :func:`build_with_tensors` returned first.
        tensors: What it returned second.
    """
    differences: list[Difference] = []
    made = _Made()
    masked = any(tensor.masked for node in graph.nodes for tensor in node.outputs)
    carried = carried_masks(model) if masked else {}
    for node, real in zip(graph.nodes, tensors, strict=True):
        add = _collector(node, differences)
        add("number of outputs", len(node.outputs), len(real))
        for static, tensor in zip(node.outputs, real, strict=False):
            add("output shape", show_shape(static.shape), show_shape(_shape(tensor)))
            add("dtype", static.dtype, _dtype(tensor))
            for seen in carried.get(id(tensor)) or {mask_of(tensor) is not None}:
                add("mask", static.masked, seen)
        variables = made.by(node, real)
        add("weights", _described(node, node.weights), _described(node, variables))
        add("parameters", node.parameters, scalars(variables))
    total = _collector(graph.nodes[-1], differences)
    total("parameters of the model", graph.parameters, model.count_params())
    return differences


def carried_masks(model: Any) -> dict[int, set[bool]]:
    """Whether each symbolic tensor carries a mask when the model is called: where it is made and at each reader.

    The model is run in Keras's order on TensorFlow's placeholders, without numbers. A layer that cannot run yet, since
    it has measured no data, leaves what its symbolic call promised.

    Args:
        model: A functional model.

    Returns:
        What was seen, by the identity of the symbolic tensor.
    """
    import tensorflow as tf

    seen: dict[int, set[bool]] = {}

    def run(*inputs: Any) -> None:
        values = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}

        def look(tensors: Any) -> None:
            for tensor in tensors:
                seen.setdefault(id(tensor), set()).add(mask_of(values[id(tensor)]) is not None)

        for call in calls_in_order(model):
            if call.is_input:
                continue
            look(call.input_tensors)
            values.update(zip(map(id, call.outputs), _outputs(call, values), strict=True))
            look(call.outputs)
        look(model.outputs)

    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs]
    tf.function(run, input_signature=specs, autograph=False).get_concrete_function()
    return seen


def _outputs(call: Any, values: dict[int, Any]) -> list[Any]:
    """What one call in a functional model gives for the values of its tensors."""
    import keras
    import tensorflow as tf

    arguments, named = call.arguments.fill_in(values)
    try:
        return list(keras.tree.flatten(call.operation(*arguments, **named)))
    except Exception:
        promised = []
        for tensor in call.outputs:
            value = tf.zeros([size or 1 for size in tensor.shape], tensor.dtype)
            set_mask(value, mask_of(tensor))
            promised.append(value)
        return promised


class _Made:
    """Tells which variables each call made: those of its layer that no earlier call had."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def by(self, node: Node, tensors: tuple[Any, ...]) -> list[Any]:
        """The variables that this call made; an input or an operation has none."""
        if node.layer is None or isinstance(node.layer, Op):
            return []
        variables = [v for v in origin_of(tensors[0]).operation.weights if id(v) not in self.seen]
        self.seen.update(id(variable) for variable in variables)
        return variables


def _collector(node: Node, differences: list[Difference]) -> Callable[[str, Any, Any], None]:
    def add(what: str, static: Any, real: Any) -> None:
        if static != real:
            differences.append(Difference(node, what, str(static), str(real)))

    return add


def _shape(tensor: Any) -> Shape:
    return tuple(tensor.shape[1:])


def _dtype(tensor: Any) -> str:
    import keras

    return str(keras.backend.standardize_dtype(tensor.dtype))


def _described(node: Node, weights: Sequence[Any]) -> list[str]:
    described = [f"{show_shape(tuple(weight.shape))} {weight.trainable}" for weight in weights]
    # Keras lists the variables of a nested model in an order of its own.
    return sorted(described) if isinstance(node.layer, SharedModel) else described


def keras_facts(graph: Graph, model: Any, tensors: list[tuple[Any, ...]]) -> BuiltModel:
    """The table of ``dlspec show`` with every figure read from Keras (which knows no FLOPs)."""
    rows: list[BuiltLayer] = []
    made = _Made()
    for node, real in zip(graph.nodes, tensors, strict=True):
        shapes = [list(_shape(tensor)) for tensor in real]
        rows.append(
            {
                "name": node.name,
                "layer": node.kind,
                "output_shape": shapes[0] if len(shapes) == 1 else shapes,
                "parameters": scalars(made.by(node, real)),
                "shares": graph.nodes[node.shared].name if node.shared is not None else None,
            }
        )
    return {"name": model.name, "parameters": parameters(model), "layers": rows}
