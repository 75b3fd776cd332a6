"""The base of all stages of the expansion: nodes so far, names, and reports of problems."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.components.layers.base import Layer
from dlspec.core.errors import Note, Problem, Span, did_you_mean, suggestions
from dlspec.core.ir import Edge, Node, SharedModel, Tensor, show_shape
from dlspec.core.tree import Map, span_of
from dlspec.graph.lower.counting import MAX_LAYERS, too_many_layers
from dlspec.graph.lower.infer import apply, check_elements
from dlspec.graph.lower.parse import check_name
from dlspec.graph.lower.program import LayerStep, ModelDefinition, Step, walk
from dlspec.graph.lower.repeated import Repeated
from dlspec.graph.lower.scope import Binding, NodeNames, Scope, Value
from dlspec.graph.lower.sources import Sources, arguments_of
from dlspec.semantics.environment import LOST, Environment, Lost
from dlspec.semantics.evaluate import Evaluator
from dlspec.semantics.schema.context import Context

if TYPE_CHECKING:
    from dlspec.graph.lower.hints import Hint


class Frame(NamedTuple):
    """The body that is being expanded, with its names and groups.

    Attributes:
        scope: Names of tensors.
        environment: Names of parameters.
        names: Names of nodes.
        trace: Lines of the calls around it, innermost first.
        groups: Names of the block calls around it, outermost first.
        notes: The trace as notes for diagnostics.
    """

    scope: Scope
    environment: Environment
    names: NodeNames
    trace: tuple[Span, ...] = ()
    groups: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


class GraphBuilder:
    """State of one graph in the making.

    Attributes:
        definition: What is expanded.
        evaluator: Evaluates options; collects problems.
        nodes: The graph so far.
        prev: The previous output; None before the first step when there are several inputs.
        repeated: Its layers and calls that may stand in it again.
    """

    def __init__(self, definition: ModelDefinition, evaluator: Evaluator) -> None:
        self.definition = definition
        self.evaluator = evaluator
        self.nodes: list[Node] = []
        self.prev: Binding | None = None
        self.repeated = Repeated()
        self._missed: set[str] = set()

    # --- names of nodes and tensors -------------------------------------------------------------------------------

    def node_name(self, step: Step, frame: Frame, environment: Environment, base: str, named: bool) -> str:
        span = span_of(step.value, "name") or step.span
        written = self.evaluator.text(step.names[0], environment, span) if step.names and named else None
        if isinstance(written, str) and len(step.names) == 1:
            return frame.names.full(frame.names.written(written))
        return frame.names.full(frame.names.automatic(base))

    def bind_outputs(self, step: Step, frame: Frame, environment: Environment, result: Binding | None) -> None:
        """Gives a step's outputs their names; ``prev`` becomes the first of them."""
        if result is None:
            return
        span = (span_of(step.value, "name") if step.names else None) or step.span
        if len(step.names) > 1:
            self.bind_several(step, frame, environment, result, span)
        elif len(result.values) > 1:
            stem = step.key.rpartition(".")[2]
            wanted = "[" + ", ".join(f"{stem}_{n + 1}" for n in range(len(result.values))) + "]"
            self.report(
                Problem("E406", f"{step.key} returns {len(result.values)} tensors", f"name each: `name: {wanted}`"),
                span,
            )
            for name in step.names:
                self.bind_text(name, Binding((LOST,), span), frame, environment)
        elif step.names:
            self.bind_text(step.names[0], Binding(result.values, span), frame, environment)
        if len(result.values) > 1:
            self.prev = Binding(result.values[:1] if len(step.names) > 1 else (LOST,), result.span)

    def bind_several(
        self, step: Step, frame: Frame, environment: Environment, result: Binding, span: Span | None
    ) -> None:
        values = result.values
        if not result.lost and len(values) != len(step.names):
            plural = "s" if len(values) > 1 else ""
            text = f"{step.key} returns {len(values)} tensor{plural}, but {len(step.names)} names stand here"
            help = f"give {len(values)} names" if len(values) > 1 else "give one name"
            self.report(Problem("E406", text, help), span)
        if result.lost or len(values) != len(step.names):
            values = (LOST,) * len(step.names)
        for name, value in zip(step.names, values, strict=True):
            self.bind_text(name, Binding((value,), span), frame, environment)
            if isinstance(value, Edge) and "$" not in name:
                node = self.nodes[value.node]
                self.nodes[value.node] = replace(node, names=(*node.names, frame.names.full(name)))

    def bind_text(self, text: str, binding: Binding, frame: Frame, environment: Environment) -> None:
        name = self.evaluator.text(text, environment, binding.span)
        if isinstance(name, str):
            self.bind(name, binding, frame)

    def bind(self, name: str, binding: Binding, frame: Frame) -> None:
        if not check_name(name, binding.span, self.evaluator.diagnostics):
            return
        before = frame.scope.find(name)
        if before is not None and before.absent is None:
            note = (Note(f"`{name}` was first given here", before.span),)
            self.report(Problem("E104", f"the name `{name}` is given twice", "choose another name"), binding.span, note)
            return
        frame.scope.bindings[name] = binding

    def lookup(self, name: str, frame: Frame, span: Span | None) -> Binding:
        """The tensors behind a name in ``from`` or ``outputs``; a lost binding, with an error, where there are none."""
        if name == "prev" and self.prev is not None:
            return self.prev
        binding, problem = frame.scope.find_to_take(name), self.missing(name, frame)
        if binding is not None and problem is None:
            return binding
        if problem is not None and name not in self._missed:
            if frame.scope.made_in_turns(name):  # later turns will miss it too
                self._missed.add(name)
            notes = (binding.absent,) if binding is not None and binding.absent is not None else ()
            self.report(problem, span, notes)
        return Binding((LOST,), span)

    def missing(self, name: str, frame: Frame) -> Problem | None:
        """Why no tensor has a name; None where one has."""
        binding = frame.scope.find_to_take(name)
        if binding is not None and binding.absent is None:
            return None
        if binding is not None:
            return Problem("E411", f"`{name}` is absent here", "use a name that is always given")
        if name == "prev":
            text = "`prev` has no meaning before the first layer when there are several inputs"
            return Problem("E412", text, "write the name of an input")
        if frame.scope.comes_later(name):
            return Problem("E407", f"`{name}` is used before it is made", "a name must be given above its use")
        return Problem("E401", f"nothing is named `{name}` here", self.names_help(name, frame, "prev"))

    def inside(self, step: Step, frame: Frame) -> Frame:
        """The frame in which a step's own values are read: they see its number, and the tensors above it."""

        def type_of(name: str) -> Tensor | Lost:
            if name == "prev":
                help = "give the layer before a `name:`, and write that name"
                raise Problem("E302", "`prev` has no size of its own", help)
            if (problem := self.missing(name, frame)) is not None:
                raise problem
            return self.named_type(name, frame.scope.find_to_take(name) or Binding((LOST,)))

        return frame._replace(environment=frame.environment.step(step.number, type_of))

    def named_type(self, name: str, binding: Binding) -> Tensor | Lost:
        """The type of the tensor behind a name.

        Raises:
            Problem: E406, the name stands for the list of several turns.
        """
        if binding.lost:
            return LOST
        if len(binding.values) != 1:
            text = f"`{name}` is the list of {len(binding.values)} turns, where one tensor is needed"
            raise Problem("E406", text, f"merge them: `add: {name}`")
        (value,) = binding.values
        return self.tensor(value) if isinstance(value, Edge) else LOST

    def names_help(self, name: str, frame: Frame, *also: str) -> str:
        """Help for a name that is not defined.

        Args:
            name: As it is written.
            frame: Where it is looked for.
            also: What stands for a tensor there without being a name.
        """
        if not self.evaluator.diagnostics.helps("E401"):
            return "give the `name:` above its use"
        if frame.scope.made_in_turns(name):
            return f"no earlier turn makes it: write `name: {name}` in a layer before the group"
        known = list(dict.fromkeys((*frame.scope.names(), *also)))
        if not frame.groups and any(name == node.name or name.rpartition("_")[0] == node.name for node in self.nodes):
            return f"only names that the spec gives can be used: write `name: {name}` in the layer"
        if frame.groups and not suggestions(name, known):
            return "a block sees only its own names: " + ", ".join(f"`{declared}`" for declared in known[:12])
        return did_you_mean(name, known)

    def single(self, binding: Binding, name: str, span: Span | None) -> Value:
        if len(binding.values) == 1:
            return binding.values[0]
        if not binding.lost:
            text = f"`{name}` is the list of {len(binding.values)} turns, where one tensor is needed"
            self.report(Problem("E406", text, f"merge them: `add: {name}`"), span)
        return LOST

    # --- calls -----------------------------------------------------------------------------------------------------

    def layer(self, step: LayerStep, value: Any, environment: Environment) -> Any:
        """The layer of a step with its options, or LOST.

        Args:
            step: Where it stands.
            value: The options as they are written, or the value of the shorthand option.
            environment: Meaning of the ``$names`` in them.
        """
        context = Context(("layers", step.key))
        read = partial(self.evaluator.options, step.layer, value, environment, context, step.span, step.value_span)
        return self.repeated.layer(step.layer, value, read)

    def call(self, layer: Layer | SharedModel, sources: Sources, name: str, step: Step, frame: Frame) -> Binding:
        """Adds the node of one call."""
        try:
            arguments = arguments_of(layer, sources)
            if isinstance(layer, SharedModel):
                result = apply(layer, arguments.positional, arguments.keywords, self.tensor)
                check_elements(name, result.outputs, result.weights)
            else:
                result = self.repeated.call(name, layer, arguments.positional, arguments.keywords, self.nodes)
        except Problem as problem:
            from dlspec.graph.lower.hints import with_hint

            self.report_call(with_hint(problem, layer, sources, self.nodes), step, sources)
            return lost(step)
        if len(self.nodes) >= MAX_LAYERS:
            raise too_many_layers()
        node = Node(
            len(self.nodes), name, layer, arguments.positional, arguments.keywords, result.outputs,
            result.weights, result.flops, step.span, frame.trace, frame.groups,
        )  # fmt: skip
        self.nodes.append(node)
        return Binding(tuple(Edge(node.index, position) for position in range(len(node.outputs))), step.span)

    # --- facts and problems ---------------------------------------------------------------------------------------

    def entering(self, sources: Sources) -> Tensor | Lost | None:
        for value in sources.values():
            return LOST if isinstance(value, Lost) else self.tensor(value)
        return None

    def tensor(self, edge: Edge) -> Tensor:
        """The type of a tensor of this graph."""
        return self.nodes[edge.node].outputs[edge.output]

    def describe_inputs(self, sources: Sources) -> tuple[Note, ...]:
        """A note for each input: its node, its shape, and the line that made it."""
        notes = []
        for value in sources.values():
            if isinstance(value, Edge):
                node = self.nodes[value.node]
                shape = show_shape(node.outputs[value.output].shape)
                what = "is made here" if node.layer is not None else "comes in here"
                notes.append(Note(f"`{node.name}` with shape {shape} {what}", node.span))
        return tuple(dict.fromkeys(notes))[:6]

    def report_call(self, hint: Hint, step: Step, sources: Sources) -> None:
        """Reports what is wrong with a call, at the step or at the input that is at fault."""
        problem, declared = hint.problem, self.definition.inputs
        wiring = "from" if problem.code in ("E405", "E406") else ""
        span = self.evaluator.option_span(step.value, problem.option or wiring, step.span)
        if hint.node is None:
            self.report(problem, span, self.describe_inputs(sources))
            return
        written = declared.get(hint.node.name)
        at_shape = isinstance(written, Map) and "shape" in written
        at = span_of(written, "shape") if at_shape else span_of(declared, hint.node.name)
        self.report(problem, at, (Note(f"`{step.key}` takes it here", span),))

    def lose(self, step: Step, frame: Frame) -> None:
        """Binds a step's names to nothing known, so that their uses are silent."""
        self.prev = Binding((LOST,), step.span)
        for inner in (step, *(item for item in walk((step,)) if item is not step)):
            for name in inner.names:
                if "$" not in name and frame.scope.find(name) is None:
                    frame.scope.bindings[name] = Binding((LOST,), step.span)

    def leave_out(self, step: Step, frame: Frame, conditions: list[Span | None]) -> None:
        """Records why the names of a step that never ran are absent."""
        if conditions:
            note = Note("left out by this `if`", conditions[0])
        else:
            note = Note("left out: its count is 0", span_of(step.value, "times") or span_of(step.value, "repeat"))
        for inner in walk((step,)):
            for name in inner.names:
                if frame.scope.find(name) is None:
                    frame.scope.bindings[name] = Binding((), step.span, absent=note)

    def countable(self, name: str, tensor: Tensor, span: Span | None) -> bool:
        """Whether an input has as few elements as a tensor may have; reports it otherwise."""
        try:
            check_elements(name, (tensor,), ())
        except Problem as problem:
            self.report(problem, span)
            return False
        return True

    def report(self, problem: Problem, span: Span | None, notes: tuple[Note, ...] = ()) -> None:
        self.evaluator.report(problem, span, notes)


def lost(step: Step) -> Binding:
    """Lost outputs for a step with an error, so that later steps report no further ones."""
    return Binding((LOST,) * max(1, len(step.names)), step.span)
