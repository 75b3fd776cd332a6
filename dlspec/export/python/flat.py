"""A graph written out step by step: for specs whose blocks and loops cannot be written in Python."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import SimpleNamespace

from dlspec.components.layers.base import Layer
from dlspec.components.layers.cells import RNN
from dlspec.components.ops.base import Op
from dlspec.components.registry import BUILT_IN, Catalogue, snake_case
from dlspec.core.ir import Argument, Edge, Graph, Node, Shape, SharedModel, shared_models
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.copies import Copies
from dlspec.export.python.function import Function, Parameter
from dlspec.export.python.instances import beginning, begun
from dlspec.export.python.labels import collides
from dlspec.export.python.model_files import freezing, loading
from dlspec.export.python.naming import Identifiers
from dlspec.export.python.syntax import assign, call, constant, name, sequence
from dlspec.graph.lower.averages import averages_in
from dlspec.graph.lower.own_tensors import own_tensors


def flat_functions(
    graph: Graph, labels: frozenset[str], catalogue: Catalogue = BUILT_IN
) -> tuple[list[Function], Constructors]:
    """``build_model`` for a graph, after a function for each shared model in it."""
    constructors = Constructors(catalogue)
    names = Identifiers()
    copies = Copies(own_tensors(graph), names)
    variables = {
        model.name: names.give(snake_case(model.name.replace(".", "")), "shared") for model in shared_models(graph)
    }
    labelled = _labels(graph, labels, copies.automatic)
    functions: list[Function] = copies.functions
    instances: list[ast.stmt] = []
    for model in shared_models(graph):
        inner = {nested.name: variables[nested.name] for nested in shared_models(model.graph)}
        function = Function(names.give(f"build_{variables[model.name]}"), f"The shared model {model.name}.")
        function.inputs = [Parameter(identifier, "keras.Model") for identifier in inner.values()]
        function.returns = "keras.Model"
        function.body = FlatWriter(constructors, inner, {}, copies).write(model.graph)
        functions.append(function)
        handed = [name(identifier) for identifier in inner.values()]
        instances.append(assign([variables[model.name]], call(function.identifier, handed)))
    saved = [(model.name, model.origin) for model in shared_models(graph) if model.origin is not None]
    instances += [loading(variables[model], origin) for model, origin in saved]
    instances += [freezing(variables[model.name]) for model in shared_models(graph) if model.frozen]
    averages = {model: origin for model, (origin, _) in averages_in(graph).items()}
    if averages:
        functions.append(function := beginning(names))
        instances += [begun(function, variables[model], variables[origin]) for model, origin in averages.items()]
    body = FlatWriter(constructors, variables, labelled, copies).write(graph)
    functions.append(Function("build_model", returns="keras.Model", body=[*instances, *body]))
    return functions, constructors


def _labels(graph: Graph, written: frozenset[str], others: set[str]) -> dict[str, str]:
    """What each layer is called: as the spec says, and nothing where it says nothing.

    Where Keras may give a name of the spec to another layer, every layer has one; operations cannot.
    """
    automatic = {_class(node) for node in graph.nodes if node.layer is not None and node.name not in written} | others
    operations = {_class(node) for node in graph.nodes if isinstance(node.layer, Op)}
    names = [node.name for node in graph.nodes if node.layer is None or node.name in written]
    if not any(collides(label, automatic) for label in names):
        return {node.name: node.name for node in graph.nodes if node.name in written}
    return {
        node.name: node.name if node.name in names and not collides(node.name, operations) else f"{node.name}_layer"
        for node in graph.nodes
    }


def _class(node: Node) -> str:
    return node.kind.rpartition(".")[2]


class FlatWriter:
    """Writes one graph as the statements of a function.

    Attributes:
        models: The variable of each shared model.
        labels: What layers are called; the others get automatic names.
        copies: Which tensors are copied for a call.
    """

    def __init__(
        self, constructors: Constructors, models: Mapping[str, str], labels: Mapping[str, str], copies: Copies
    ) -> None:
        self.constructors = constructors
        self.copies = copies
        self.models = models
        self.labels = labels
        self.identifiers = Identifiers(models.values())
        self.statements: list[ast.stmt] = []
        self._tensors: dict[Edge, ast.expr] = {}
        self._shapes: dict[Edge, Shape] = {}

    def write(self, graph: Graph) -> list[ast.stmt]:
        """All statements, the ``return`` included."""
        for node in graph.nodes:
            self.node(node)
        inputs = [self._tensors[Edge(index)] for index in graph.inputs]
        outputs = {output: self._tensors[edge] for output, edge in graph.roots}
        entering = inputs[0] if len(inputs) == 1 else sequence(inputs, as_list=True)
        leaving: ast.expr = next(iter(outputs.values()))
        if len(outputs) > 1:
            leaving = ast.Dict([constant(output) for output in outputs], list(outputs.values()))
        made = call("keras.Model", [entering, leaving], {"name": constant(graph.name)})
        return [*self.statements, ast.Return(made)]

    def node(self, node: Node) -> None:
        """One node."""
        variables = self._variables(node)
        for position, variable in enumerate(variables):
            self._tensors[Edge(node.index, position)] = name(variable)
            self._shapes[Edge(node.index, position)] = node.outputs[position].shape
        if node.layer is None:
            tensor = node.outputs[0]
            keywords = {"dtype": constant(tensor.dtype)} if tensor.dtype != "float32" else {}
            made = call(
                "keras.Input",
                [constant(tensor.shape)],
                {**keywords, "name": constant(self.labels.get(node.name, node.name))},
            )
            self.statements.append(assign(variables, made))
            return
        if isinstance(node.layer, SharedModel):
            self._model(node, node.layer, variables)
            return
        assert isinstance(node.layer, Layer)
        if isinstance(node.layer, Op):
            self.statements.append(assign(variables, self._operation(node, node.layer)))
            return
        keywords = {keyword: self._argument(value) for keyword, value in node.keywords}
        positional = [self._argument(argument) for argument in node.arguments]
        if node.layer.one_list:
            positional = [sequence(positional, as_list=True)]
        positional, keywords = self.copies.entering(node.span, type(node.layer), positional, keywords)
        keywords |= {keyword: self.constructors.plain(value) for keyword, value in node.layer.call_arguments().items()}
        layer_made = self.constructors.instance(node.layer, self.labels.get(node.name, ""))
        if node.layer.trainable:
            made = call(layer_made, positional, keywords)
            if len(variables) > 1 and isinstance(node.layer, RNN) and node.layer.cell.stacked:
                made = call("keras.tree.flatten", [made])  # the states come grouped by cell
            self.statements.append(assign(variables, made))
            return
        layer = self.identifiers.give(f"{variables[0]}_layer")
        trainable = ast.Attribute(name(layer), "trainable", ast.Store())
        self.statements += [assign([layer], layer_made), assign(variables, call(layer, positional, keywords))]
        # Keras hands the setting on to inner layers only when it changes, and some exist only after the call.
        self.statements += [ast.Assign([trainable], constant(value), lineno=0) for value in (True, False)]

    def _variables(self, node: Node) -> list[str]:
        base = "".join(c if c.isalnum() else "_" for c in node.name).strip("_") or "tensor"
        base = base if base[0].isalpha() else f"tensor_{base}"
        if len(node.outputs) == 1:
            return [self.identifiers.give(base)]
        return [self.identifiers.give(f"{base}_{number}") for number in range(1, len(node.outputs) + 1)]

    def _argument(self, argument: Argument) -> ast.expr:
        if isinstance(argument, Edge):
            return self._tensors[argument]
        return sequence([self._tensors[edge] for edge in argument], as_list=True)

    def _operation(self, node: Node, layer: Op) -> ast.expr:
        path = self.constructors.path(layer.keras)
        tensors = [self._argument(argument) for argument in node.arguments]
        if type(layer).compute is not Op.compute:  # einsum
            subscripts = [constant(value) for value in layer.given.values()]
            operands = tensors[0].elts if isinstance(tensors[0], ast.List) else tensors
            return call(path, [*subscripts, *operands])
        shapes = [SimpleNamespace(shape=(None, *self._shape(argument))) for argument in node.arguments]
        names = [keyword.rstrip("?") for keyword in layer.arguments]
        constants = {keyword: self.constructors.plain(value) for keyword, value in layer.constants(*shapes).items()}
        keywords = (
            dict(zip(names, tensors, strict=False)) | {w: self._argument(v) for w, v in node.keywords} | constants
        )
        return call(path, [], keywords)

    def _shape(self, argument: Argument) -> Shape:
        edge = argument if isinstance(argument, Edge) else argument[0]
        return self._shapes[edge]

    def _model(self, node: Node, model: SharedModel, variables: list[str]) -> None:
        tensors = [self._argument(argument) for argument in node.arguments]
        made = call(self.models[model.name], [tensors[0] if len(tensors) == 1 else sequence(tensors, as_list=True)])
        if len(variables) == 1:
            self.statements.append(assign(variables, made))
            return
        result = self.identifiers.give(f"{variables[0]}_of")
        self.statements.append(assign([result], made))
        names = [output for output, _ in model.graph.outputs]
        parts = [ast.Subscript(name(result), constant(output), ast.Load()) for output in names]
        self.statements.append(assign(variables, sequence(parts)))
