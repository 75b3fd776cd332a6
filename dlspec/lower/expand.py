"""Structured program → flat graph: parameters filled in, blocks and repeats written out, every tensor typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dlspec import registry
from dlspec.environment import LOST, Environment, Lost
from dlspec.errors import Diagnostics, Note, Problem, Span, did_you_mean
from dlspec.evaluate import Evaluator, evaluate_plain
from dlspec.expressions import UnknownValue
from dlspec.ir import Edge, Graph, Node, SharedModel, Tensor, show_shape
from dlspec.layers.base import Layer
from dlspec.lower.infer import apply
from dlspec.lower.program import (
    Block,
    CallStep,
    InvalidStep,
    LayerStep,
    ModelDefinition,
    ParallelStep,
    Program,
    RepeatStep,
    Step,
    walk,
)
from dlspec.lower.scope import Binding, NodeNames, Scope, Value
from dlspec.lower.sources import Sources, arguments_of, read_sources
from dlspec.registry import MISSING
from dlspec.schema.messages import Context
from dlspec.source import Invalid, Map, key_place, place
from dlspec.registry import snake_case

_COUNT = {"type": "integer", "minimum": 0, "maximum": 100_000}
_CONDITION = {"type": "boolean"}
MAX_NODES = 200_000


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a body is being expanded.

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


class Expander:
    """Expands one spec; graphs of its shared models are made on the way."""

    def __init__(self, program: Program, environment: Environment, evaluator: Evaluator) -> None:
        self.program = program
        self.environment = environment
        self.evaluator = evaluator
        self.models: dict[str, SharedModel | Lost] = {}
        self.open_models: list[str] = []

    @property
    def diagnostics(self) -> Diagnostics:
        """Where problems go."""
        return self.evaluator.diagnostics

    def model(self, name: str) -> SharedModel | Lost:
        """The shared model called `name`, expanded at its first use."""
        if name not in self.models:
            self.open_models.append(name)
            definition = self.program.models[name]
            outer = self.evaluator.trace
            graph = Body(self, definition).graph({})
            self.evaluator.trace = outer
            self.open_models.pop()
            self.models[name] = LOST if graph is None else SharedModel(name, graph)
        return self.models[name]


class Body:
    """Expands one model definition into one graph."""

    def __init__(self, expander: Expander, definition: ModelDefinition) -> None:
        self.expander = expander
        self.definition = definition
        self.evaluator = expander.evaluator
        self.nodes: list[Node] = []
        self.first_calls: dict[int, int] = {}
        self.open_blocks: list[str] = []
        self.prev: Binding | None = None

    # --- the graph as a whole -------------------------------------------------------------------------------------

    def graph(self, given: Mapping[str, Tensor]) -> Graph | None:
        """The graph, or None where an error keeps its outputs from being known.

        Args:
            given: Types of inputs that the data tell, for a definition that leaves them out.
        """
        names = NodeNames()
        written = {name for step in walk(self.definition.body) for name in step.names}
        frame = Frame(Scope(coming=frozenset(written)), self.expander.environment, names)
        self.inputs(frame, given)
        inputs = tuple(node.index for node in self.nodes)
        names.reserve(name for name in written if "$" not in name)
        bindings = list(frame.scope.bindings.values())
        self.prev = bindings[0] if len(bindings) == 1 else None
        self.body(self.definition.body, frame)
        outputs = self.outputs(frame)
        if any(isinstance(value, Lost) for _, value in outputs) or not outputs:
            return None
        edges = tuple((name, value) for name, value in outputs if isinstance(value, Edge))
        return Graph(self.definition.name, tuple(self.nodes), inputs, edges)

    def inputs(self, frame: Frame, given: Mapping[str, Tensor]) -> None:
        written = self.definition.inputs
        for name, raw in written.items():
            tensor = self.input_type(raw, frame, name)
            self.bind_input(name, tensor, frame, key_place(written, name))
        for name, tensor in given.items():
            if name not in written:
                self.bind_input(name, tensor, frame, None)

    def input_type(self, raw: Any, frame: Frame, name: str) -> Tensor | Lost:
        shape, dtype = (raw.get("shape"), raw.get("dtype") or "float32") if isinstance(raw, dict) else (raw, "float32")
        if isinstance(raw, Invalid) or isinstance(shape, Invalid) or isinstance(dtype, Invalid):
            return LOST
        schema = {"type": "array", "items": {"type": ["integer", "null"], "minimum": 1}}
        span = place(raw, "shape") if isinstance(raw, dict) else place(self.definition.inputs, name)
        value = self.evaluator.value(shape, frame.environment, schema, Context(("inputs", name)), span, numeric=True)
        return LOST if isinstance(value, Lost) or getattr(raw, "tainted", False) else Tensor(tuple(value), dtype)

    def bind_input(self, name: str, tensor: Tensor | Lost, frame: Frame, span: Span | None) -> None:
        if isinstance(tensor, Lost):
            frame.scope.bindings[name] = Binding((LOST,), span)
            return
        frame.names.reserve([name])
        node = Node(len(self.nodes), name, None, (), (), (tensor,), span=span)
        self.nodes.append(node)
        frame.scope.bindings[name] = Binding((Edge(node.index),), span)

    def outputs(self, frame: Frame) -> list[tuple[str, Value]]:
        written = self.definition.declaration.get("outputs")
        if isinstance(written, Invalid):
            return []
        if not self.definition.outputs:
            if self.prev is None:
                return []
            return [(self.output_name(), self.single(self.prev, "the output", None))]
        results: list[tuple[str, Value]] = []
        for index, name in enumerate(self.definition.outputs):
            span = place(written, index) if isinstance(written, list) else place(self.definition.declaration, "outputs")
            text = self.evaluator.text(name, frame.environment, span)
            binding = self.lookup(text, frame, span) if isinstance(text, str) else Binding((LOST,))
            if any(text == other for other, _ in results):
                self.report(Problem("E104", f"output `{text}` is listed twice"), span)
            results.append((str(text), self.single(binding, str(text), span)))
        return results

    def output_name(self) -> str:
        last = self.definition.body[-1] if self.definition.body else None
        return last.names[0] if last is not None and last.names and "$" not in last.names[0] else "output"

    # --- bodies and steps -----------------------------------------------------------------------------------------

    def body(self, steps: tuple[Step, ...], frame: Frame) -> None:
        """Expands steps in order; ``self.prev`` is the previous output throughout."""
        for step in steps:
            self.step(step, frame)

    def step(self, step: Step, frame: Frame) -> None:
        self.evaluator.trace = frame.notes
        if isinstance(step, InvalidStep):
            self.lose(step, frame)
            return
        sources = read_sources(self, step, frame)
        entering = self.entering(sources)
        environment = frame.environment.at(entering)
        turns = self.turns(step, environment)
        if isinstance(turns, Lost):
            self.lose(step, frame)
            return
        ran = False
        skipped: list[Span | None] = []
        turn_scopes: list[Scope] = []
        for index, values in turns:
            environment, turn = frame.environment, frame
            if index is not None:
                environment = environment.inner(values, index)
                turn = replace(frame, environment=environment)
            if ran:
                sources = self.next_sources(step, sources, turn)
                entering = self.entering(sources)
            here = environment.at(entering)
            condition = self.condition(step, here)
            if isinstance(condition, Lost):
                self.lose(step, frame)
                return
            if not condition:
                skipped.append(place(step.value, "if"))
                continue
            ran = True
            if isinstance(step, RepeatStep):
                turn = replace(turn, scope=Scope(frame.scope, coming=frame.scope.coming))
                turn_scopes.append(turn.scope)
            last = index is None or index == len(turns) - 1
            self.prev = self.run(step, turn, here, sources, last)
            if isinstance(step, LayerStep | CallStep) and (index is None or last):
                self.bind_outputs(step, frame, environment, self.prev)
            self.evaluator.trace = frame.notes
        self.merge_turns(turn_scopes, frame)
        if not ran:
            self.leave_out(step, frame, skipped)
        elif isinstance(step, RepeatStep | ParallelStep):
            self.bind_outputs(step, frame, frame.environment, self.prev)

    def run(self, step: Step, frame: Frame, environment: Environment, sources: Sources, named: bool) -> Binding:
        """Runs one turn of a step; gives all its outputs."""
        if isinstance(step, LayerStep):
            return self.layer_step(step, frame, environment, sources, named)
        if isinstance(step, ParallelStep):
            return self.parallel(step, frame, environment, sources)
        if isinstance(step, RepeatStep):
            self.prev = self.group_input(step, sources)
            self.body(step.body, frame)
            assert self.prev is not None
            return self.prev
        if step.key in self.expander.program.models:
            return self.model_call(step, frame, environment, sources, named)
        return self.block_call(step, frame, environment, sources, named)

    # --- turns and conditions -------------------------------------------------------------------------------------

    def turns(self, step: Step, environment: Environment) -> list[tuple[int | None, dict[str, Any]]] | Lost:
        """Index and own names of each turn; one turn without an index where nothing repeats."""
        if isinstance(step, RepeatStep) and step.each is not None:
            return self.each_turns(step, step.each, environment)
        raw = step.times if isinstance(step, RepeatStep) else step.repeat
        if raw is None:
            return [(None, {})]
        key = "times" if isinstance(step, RepeatStep) else "repeat"
        count = self.evaluator.value(raw, environment, _COUNT, Context(("layers", key)), place(step.value, key), numeric=True)
        return count if isinstance(count, Lost) else [(index, {}) for index in range(count)]

    def each_turns(self, step: RepeatStep, each: Map, environment: Environment) -> list[tuple[int | None, dict[str, Any]]] | Lost:
        columns: dict[str, list[Any]] = {}
        for name, raw in each.items():
            context = Context(("layers", "each", name))
            value = self.evaluator.value(raw, environment, {"type": "array"}, context, place(each, name), numeric=False)
            if isinstance(value, Lost):
                return LOST
            columns[name] = value
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            text = ", ".join(f"`{name}` {length}" for name, length in lengths.items())
            self.report(Problem("E312", f"the lists of `each` have different lengths: {text}"), key_place(step.value, "each"))
            return LOST
        rows = zip(*columns.values(), strict=True)
        return [(index, dict(zip(columns, row, strict=True))) for index, row in enumerate(rows)]

    def condition(self, step: Step, environment: Environment) -> bool | Lost:
        if step.condition is None:
            return True
        span = place(step.value, "if")
        value = self.evaluator.value(step.condition, environment, _CONDITION, Context(("layers", step.key, "if")), span)
        return value if isinstance(value, bool | Lost) else LOST

    def next_sources(self, step: Step, sources: Sources, frame: Frame) -> Sources:
        """What later turns take: the turn before; a written list or map is read anew."""
        if sources.single:
            assert self.prev is not None
            return Sources(((self.prev,)), {}, single=True)
        return read_sources(self, step, frame)

    def merge_turns(self, scopes: list[Scope], frame: Frame) -> None:
        """After a repeated group each of its names is the list of all turns."""
        merged: dict[str, Binding] = {}
        for scope in scopes:
            for name, binding in scope.bindings.items():
                if binding.absent is not None:
                    merged.setdefault(name, binding)
                    continue
                before = merged.get(name)
                values = before.values if before is not None and before.absent is None else ()
                merged[name] = Binding((*values, *binding.values), binding.span)
        for name, binding in merged.items():
            self.bind(name, binding, frame)

    # --- what the steps do ----------------------------------------------------------------------------------------

    def layer_step(self, step: LayerStep, frame: Frame, environment: Environment, sources: Sources, named: bool) -> Binding:
        value = step.value if not _is_source(step) else None
        context = Context(("layers", step.key))
        layer = self.evaluator.options(step.layer, value, environment, context, step.span)
        if isinstance(layer, Lost) or sources.lost:
            return _lost(step)
        name = self.node_name(step, frame, environment, step.key, named)
        return self.call(layer, sources, name, step, frame)

    def call(self, layer: Layer, sources: Sources, name: str, step: Step, frame: Frame, shared: int | None = None) -> Binding:
        """Adds the node of one call."""
        try:
            arguments = arguments_of(layer, sources)
            result = apply(layer, arguments.positional, arguments.keywords, self.tensor)
        except Problem as problem:
            span = self.evaluator.option_span(step.value, problem.option, step.span)
            self.report(problem, span, self.describe_inputs(sources))
            return _lost(step)
        if len(self.nodes) >= MAX_NODES:
            raise Problem("E313", f"the model has more than {MAX_NODES:,} layers once written out")
        node = Node(
            len(self.nodes), name, layer, arguments.positional, arguments.keywords, result.outputs,
            () if shared is not None else result.weights, result.flops, step.span, frame.trace, frame.groups, shared,
        )  # fmt: skip
        self.nodes.append(node)
        return Binding(tuple(Edge(node.index, position) for position in range(len(node.outputs))), step.span)

    def parallel(self, step: ParallelStep, frame: Frame, environment: Environment, sources: Sources) -> Binding:
        start = self.group_input(step, sources)
        results: list[Binding] = []
        for name, branch in step.branches:
            self.prev = start
            self.body(branch, replace(frame, environment=replace(frame.environment, entering=environment.entering)))
            assert self.prev is not None
            results.append(self.prev)
            if name:
                self.bind(name, self.prev, frame)
        self.evaluator.trace = frame.notes
        span = place(step.value, "merge") or step.span
        layer = self.evaluator.component("layer", step.merge, environment, Context(("layers", step.key, "merge")), span)
        joined = Sources(tuple(results), {})
        if isinstance(layer, Lost) or joined.lost:
            return _lost(step)
        name = self.node_name(step, frame, environment, layer.name, True)
        return self.call(layer, joined, name, step, frame)

    def model_call(self, step: Step, frame: Frame, environment: Environment, sources: Sources, named: bool) -> Binding:
        if step.key in self.expander.open_models:
            self.report(Problem("E308", f"model {step.key} calls itself"), step.span)
            return _lost(step)
        if step.options or (step.value is not None and not isinstance(step.value, Map)):
            self.report(Problem("E306", f"model {step.key} takes no parameters", "a block does"), step.span)
            return _lost(step)
        model = self.expander.model(step.key)
        if isinstance(model, Lost) or sources.lost:
            return _lost(step)
        name = self.node_name(step, frame, environment, snake_case(step.key), named)
        first = self.first_calls.get(id(model))
        binding = self.call(model, sources, name, step, frame, first)  # type: ignore[arg-type]
        if first is None and not binding.lost:
            self.first_calls[id(model)] = len(self.nodes) - 1
        return binding

    def block_call(self, step: Step, frame: Frame, environment: Environment, sources: Sources, named: bool) -> Binding:
        block = self.expander.program.blocks[step.key]
        if block.name in self.open_blocks:
            self.report(Problem("E308", f"block {block.name} calls itself", "use `repeat:`"), step.span)
            return _lost(step)
        values = self.block_values(block, step, environment)
        inputs = self.block_inputs(block, step, sources)
        if isinstance(inputs, Lost):
            return _lost(step)
        segment = self.node_name(step, frame, environment, snake_case(step.key), named)
        trace = (step.span, *frame.trace) if step.span else frame.trace
        coming = frozenset(name for inner in walk(block.body) for name in inner.names)
        scope = Scope(bindings=dict(inputs), coming=coming)
        names = NodeNames(segment)
        names.reserve(name for name in coming if "$" not in name)
        # A block sees the parameters of the spec and its own, not those of the place it is called from.
        own = Environment(values, self.expander.environment, environment.entering)
        inner_frame = Frame(scope, own, names, trace, (*frame.groups, segment), _trace_notes(trace))
        self.prev = next(iter(inputs.values())) if len(inputs) == 1 else None
        self.open_blocks.append(block.name)
        self.body(block.body, inner_frame)
        self.open_blocks.pop()
        self.evaluator.trace = inner_frame.notes
        return self.block_outputs(block, inner_frame, step)

    def block_values(self, block: Block, step: Step, environment: Environment) -> dict[str, Any]:
        """Values of a block's parameters at one call; :data:`LOST` for those that an error hides."""
        given: Mapping[str, Any] = step.options
        if step.value is not None and not isinstance(step.value, Map):
            given = {next(iter(block.params)): step.value} if block.params else {"": step.value}
        problems = [name for name in given if name not in block.params]
        for name in problems:
            text = f"block {block.name} has no parameter `{name}`" if name else f"block {block.name} takes no parameters"
            span = key_place(step.value, name) or step.span
            missing = [p for p in block.params if p not in given]
            self.report(Problem("E306", text, did_you_mean(name, missing or block.params)), span)
        values: dict[str, Any] = {}
        defaults = Environment(values, self.expander.environment, environment.entering, None)
        for name, default in block.params.items():
            if name in given:
                values[name] = self.parameter(given[name], environment, place(step.value, name) or step.span)
            elif default is MISSING:
                values[name] = LOST
                if not problems:
                    text = f"{block.name} needs `{name}`"
                    self.report(Problem("E307", text, f"write `{block.name}: {{{name}: …}}`"), step.span)
            else:
                values[name] = self.parameter(default, defaults, place(block.declaration.get("params"), name))
        return values

    def parameter(self, raw: Any, environment: Environment, span: Span | None) -> Any:
        try:
            return evaluate_plain(raw, environment, numeric=True)
        except UnknownValue:
            return LOST
        except Problem as problem:
            self.report(problem, span)
            return LOST

    def block_inputs(self, block: Block, step: Step, sources: Sources) -> dict[str, Binding] | Lost:
        names = block.inputs or ("input",)
        if sources.named:
            bindings = {name: sources.named[name] for name in names if name in sources.named}
            unknown = [name for name in sources.named if name not in names]
        else:
            bindings = dict(zip(names, sources.positional, strict=False))
            unknown = [] if len(sources.positional) <= len(names) else ["more"]
        if unknown or len(bindings) != len(names):
            count = len(sources.named or sources.positional)
            wanted = ", ".join(f"`{name}`" for name in names)
            if not sources.lost:
                problem = Problem("E405", f"{block.name} takes {len(names)} inputs ({wanted}), but gets {count}", f"give `from: [{', '.join(names)}]`")
                self.report(problem, key_place(step.value, "from") or step.span)
            return LOST
        return bindings

    def block_outputs(self, block: Block, frame: Frame, step: Step) -> Binding:
        if not block.outputs:
            return self.prev or _lost(step)
        values: list[Value] = []
        written = block.declaration.get("outputs")
        for index, name in enumerate(block.outputs):
            span = place(written, index) if isinstance(written, list) else place(block.declaration, "outputs")
            values.append(self.single(self.lookup(name, frame, span), name, span))
        return Binding(tuple(values), step.span)

    # --- names ----------------------------------------------------------------------------------------------------

    def node_name(self, step: Step, frame: Frame, environment: Environment, base: str, named: bool) -> str:
        written = self.evaluator.text(step.names[0], environment, step.span) if step.names and named else None
        if isinstance(written, str) and len(step.names) == 1:
            return frame.names.full(frame.names.written(written))
        return frame.names.full(frame.names.automatic(base))

    def bind_outputs(self, step: Step, frame: Frame, environment: Environment, result: Binding | None) -> None:
        """Gives a step's outputs their names; ``prev`` becomes the first of them."""
        if result is None:
            return
        span = place(step.value, "name") or step.span
        if len(step.names) > 1:
            self.bind_several(step, frame, environment, result, span)
        elif len(result.values) > 1:
            wanted = "[" + ", ".join(f"{step.key}_{n + 1}" for n in range(len(result.values))) + "]"
            self.report(Problem("E406", f"{step.key} returns {len(result.values)} tensors", f"name each: `name: {wanted}`"), span)
            for name in step.names:
                self.bind_text(name, Binding((LOST,), span), frame, environment)
        elif step.names:
            self.bind_text(step.names[0], Binding(result.values, span), frame, environment)
        if len(result.values) > 1:
            self.prev = Binding(result.values[:1] if len(step.names) > 1 else (LOST,), result.span)

    def bind_several(self, step: Step, frame: Frame, environment: Environment, result: Binding, span: Span | None) -> None:
        values = result.values
        if not result.lost and len(values) != len(step.names):
            text = f"{step.key} returns {len(values)} tensor{'s' if len(values) > 1 else ''}, but {len(step.names)} names stand here"
            self.report(Problem("E406", text), span)
        if result.lost or len(values) != len(step.names):
            values = (LOST,) * len(step.names)
        for name, value in zip(step.names, values, strict=True):
            self.bind_text(name, Binding((value,), span), frame, environment)

    def bind_text(self, text: str, binding: Binding, frame: Frame, environment: Environment) -> None:
        name = self.evaluator.text(text, environment, binding.span)
        if isinstance(name, str):
            self.bind(name, binding, frame)

    def bind(self, name: str, binding: Binding, frame: Frame) -> None:
        from dlspec.lower.parse import check_name

        if not check_name(name, binding.span, self.expander.diagnostics):
            return
        before = frame.scope.find(name)
        if before is not None and before.absent is None:
            note = (Note(f"`{name}` was first given here", before.span),)
            self.report(Problem("E104", f"the name `{name}` is given twice", "names are given once"), binding.span, note)
            return
        frame.scope.bindings[name] = binding

    def lookup(self, name: str, frame: Frame, span: Span | None) -> Binding:
        """What a name in ``from`` or ``outputs`` stands for; lost, with an error, where it stands for nothing."""
        if name == "prev" and self.prev is not None:
            return self.prev
        binding = frame.scope.find(name)
        if binding is None:
            if name == "prev":
                self.report(Problem("E412", "`prev` has no meaning before the first layer when there are several inputs"), span)
            elif frame.scope.comes_later(name):
                self.report(Problem("E407", f"`{name}` is used before it is made", "a name must be given above its use"), span)
            else:
                self.report(Problem("E401", f"nothing is named `{name}` here", did_you_mean(name, frame.scope.names())), span)
            return Binding((LOST,), span)
        if binding.absent is not None:
            self.report(Problem("E411", f"`{name}` is absent here"), span, (binding.absent,))
            return Binding((LOST,), span)
        return binding

    # --- small helpers --------------------------------------------------------------------------------------------

    def group_input(self, step: Step, sources: Sources) -> Binding:
        if len(sources.positional) == 1 and not sources.named:
            return sources.positional[0]
        if not sources.lost:
            self.report(Problem("E405", f"{step.key} takes one input", "name the inputs in the steps inside"), step.span)
        return Binding((LOST,), step.span)

    def single(self, binding: Binding, name: str, span: Span | None) -> Value:
        if len(binding.values) == 1:
            return binding.values[0]
        if not binding.lost:
            text = f"`{name}` is the list of {len(binding.values)} turns, where one tensor is needed"
            self.report(Problem("E406", text, "merge them: `add: name`"), span)
        return LOST

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
                notes.append(Note(f"`{node.name}` with shape {shape} is made here", node.span))
        return tuple(notes[:6])

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
            note = Note("left out: its count is 0", place(step.value, "times") or place(step.value, "repeat"))
        for inner in walk((step,)):
            for name in inner.names:
                if frame.scope.find(name) is None:
                    frame.scope.bindings[name] = Binding((), step.span, absent=note)

    def report(self, problem: Problem, span: Span | None, notes: tuple[Note, ...] = ()) -> None:
        self.evaluator.report(problem, span, notes)


def _lost(step: Step) -> Binding:
    return Binding((LOST,) * max(1, len(step.names)), step.span)


def _trace_notes(trace: tuple[Span, ...]) -> tuple[Note, ...]:
    return tuple(Note(f"expanded from line {span.line}", span) for span in trace)


def _is_source(step: LayerStep) -> bool:
    """Whether the step's value is the list of what a merge layer merges."""
    return step.source is not None and step.source is step.value


def iterate_models(expander: Expander) -> Iterator[SharedModel | Lost]:
    """Expands every declared model, used or not, so that mistakes in it are found."""
    for name in expander.program.models:
        yield expander.model(name)
