"""Graph → functional Keras model. Keras is imported inside the calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dlspec.errors import Diagnostic, SpecError
from dlspec.ir import Argument, Edge, Graph, Node, Shape, SharedModel, show_shape
from dlspec.layers.base import Layer
from dlspec.ops.base import Op


def build(graph: Graph) -> Any:
    """Builds the graph as a functional ``keras.Model``.

    One input is one tensor, several are a list in the order of the spec, and can be fed by name; one output is one
    tensor, several are a dict by name.

    Raises:
        SpecError: E901, Keras refuses what the static analysis accepts; the diagnostic stands at the layer's line.
    """
    return build_with_tensors(graph)[0]


def build_with_tensors(graph: Graph) -> tuple[Any, list[tuple[Any, ...]]]:
    """The model together with the Keras tensors of each node, for comparing the two."""
    return _Builder({}).model(graph)


class _Builder:
    """Builds graphs; a shared model is built once."""

    def __init__(self, shared: dict[str, Any]) -> None:
        self.shared = shared

    def model(self, graph: Graph) -> tuple[Any, list[tuple[Any, ...]]]:
        import keras

        results: list[tuple[Any, ...]] = []
        called: dict[int, Any] = {}
        for node in graph.nodes:
            try:
                results.append(self.node(node, called, results))
            except SpecError:
                raise
            except Exception as error:
                # A failed call leaves Keras's name scope behind, which would rename every later variable.
                keras.backend.clear_session()
                raise SpecError([_refused(node, error)]) from error
        inputs = [results[index][0] for index in graph.inputs]
        outputs = {name: results[edge.node][edge.output] for name, edge in graph.outputs}
        model = keras.Model(
            inputs[0] if len(inputs) == 1 else inputs,
            next(iter(outputs.values())) if len(outputs) == 1 else outputs,
            name=graph.name,
        )
        return model, results

    def node(self, node: Node, called: dict[int, Any], results: list[tuple[Any, ...]]) -> tuple[Any, ...]:
        import keras

        if node.layer is None:
            tensor = node.outputs[0]
            return (keras.Input(tensor.shape, dtype=tensor.dtype, name=node.name),)
        layer = called[node.shared] if node.shared is not None else self.layer(node)
        called[node.index] = layer

        def resolve(argument: Argument) -> Any:
            if isinstance(argument, Edge):
                return results[argument.node][argument.output]
            return [results[edge.node][edge.output] for edge in argument]

        arguments = [resolve(argument) for argument in node.arguments]
        if isinstance(node.layer, SharedModel) and len(arguments) > 1:
            arguments = [arguments]
        constants = node.layer.call_arguments() if isinstance(node.layer, Layer) else {}
        output = layer(*arguments, **{name: resolve(value) for name, value in node.keywords}, **constants)
        if isinstance(node.layer, Layer) and not node.layer.trainable and node.shared is None:
            # Layers that hold others make them at their first call, which the constructor's `trainable` does not reach.
            layer.trainable = True
            layer.trainable = False
        if isinstance(output, dict):
            return tuple(output.values())
        return tuple(keras.tree.flatten(output))  # the states of stacked cells come grouped by cell

    def layer(self, node: Node) -> Any:
        if isinstance(node.layer, SharedModel):
            model, _ = self.model(node.layer.graph)
            # The first call's name is the instance's, so that it can be found in the outer model.
            model.name = node.name
            return model
        assert isinstance(node.layer, Layer)
        return node.layer.make(name=node.name)


def _refused(node: Node, error: Exception) -> Diagnostic:
    reason = str(error).strip().split("\n")[0]
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

    Args:
        graph: The graph that the model was built from.
        model: What :func:`build_with_tensors` returned first.
        tensors: What it returned second.
    """
    differences: list[Difference] = []
    for node, real in zip(graph.nodes, tensors, strict=True):
        add = _collector(node, differences)
        add("number of outputs", len(node.outputs), len(real))
        for static, tensor in zip(node.outputs, real, strict=False):
            add("output shape", show_shape(static.shape), show_shape(_shape(tensor)))
            add("dtype", static.dtype, _dtype(tensor))
            add("mask", static.masked, getattr(tensor, "_keras_mask", None) is not None)
        if _has_weights(node):
            layer = model.get_layer(node.name)
            add("weights", _static_weights(node), _real_weights(layer))
            add("parameters", node.parameters, layer.count_params())
    total = _collector(graph.nodes[-1], differences)
    total("parameters of the model", graph.parameters, model.count_params())
    return differences


def _has_weights(node: Node) -> bool:
    """Whether a Keras layer of its own stands behind the node: no input, operation or earlier call."""
    return node.layer is not None and not isinstance(node.layer, Op) and node.shared is None


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


def _static_weights(node: Node) -> list[str]:
    if isinstance(node.layer, SharedModel):
        return sorted(f"{show_shape(weight.shape)} {weight.trainable}" for weight in node.weights)
    return [f"{show_shape(weight.shape)} {weight.trainable}" for weight in node.weights]


def _real_weights(layer: Any) -> list[str]:
    import keras

    described = [f"{show_shape(tuple(variable.shape))} {variable.trainable}" for variable in layer.weights]
    return sorted(described) if isinstance(layer, keras.Model) else described


def keras_facts(graph: Graph, model: Any, tensors: list[tuple[Any, ...]]) -> dict[str, Any]:
    """The table of ``dlspec show`` with every figure read from Keras (which knows no FLOPs)."""
    rows = []
    for node, real in zip(graph.nodes, tensors, strict=True):
        shapes = [list(_shape(tensor)) for tensor in real]
        layer = model.get_layer(node.name) if _has_weights(node) else None
        rows.append(
            {
                "name": node.name,
                "layer": node.kind,
                "output_shape": shapes[0] if len(shapes) == 1 else shapes,
                "parameters": layer.count_params() if layer is not None else 0,
                "shares": graph.nodes[node.shared].name if node.shared is not None else None,
            }
        )
    trainable = sum(_size(variable) for variable in model.trainable_weights)
    total = model.count_params()
    return {
        "name": model.name,
        "parameters": {"total": total, "trainable": trainable, "non_trainable": total - trainable},
        "layers": rows,
    }


def _size(variable: Any) -> int:
    size = 1
    for axis in variable.shape:
        size *= axis
    return size
