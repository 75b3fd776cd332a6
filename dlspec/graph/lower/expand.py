"""Structured program → flat graph: parameters filled in, blocks and repeats written out, every tensor typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dlspec.components.registry import snake_case
from dlspec.core.errors import Diagnostics, Note, Problem, Span
from dlspec.core.ir import Edge, Graph, Node, SharedModel, Tensor
from dlspec.core.tree import Invalid, Map, span_of, span_of_key
from dlspec.graph.lower.averages import averaged, shared
from dlspec.graph.lower.blocks import block_inputs, block_outputs, block_values
from dlspec.graph.lower.drawing import drawn_from
from dlspec.graph.lower.graph_builder import Frame, GraphBuilder, lost
from dlspec.graph.lower.idle import Idle
from dlspec.graph.lower.objectives import objectives
from dlspec.graph.lower.program import (
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
from dlspec.graph.lower.prune import prune, share
from dlspec.graph.lower.reading import previous, read_sources
from dlspec.graph.lower.scope import Binding, NodeNames, Scope, TurnScopes, Value
from dlspec.graph.lower.sources import Sources
from dlspec.graph.lower.turns import condition_of, turns_of, work_out
from dlspec.semantics.environment import LOST, Environment, Lost
from dlspec.semantics.evaluate import Evaluator
from dlspec.semantics.schema.context import Context


class Expander:
    """Expands one spec; graphs of its shared models are made on the way.

    Attributes:
        dead: For each graph made, the nodes left out of it because no output depends on them.
        idle: Knows what is written out without making a layer.
    """

    def __init__(self, program: Program, environment: Environment, evaluator: Evaluator) -> None:
        self.program = program
        self.environment = environment
        self.evaluator = evaluator
        self.models: dict[str, SharedModel | Lost] = {}
        self.open_models: list[str] = []
        self.dead: list[tuple[Graph, tuple[Node, ...]]] = []
        self.idle = Idle(environment.values)

    @property
    def diagnostics(self) -> Diagnostics:
        """Where problems go."""
        return self.evaluator.diagnostics

    def body(self, definition: ModelDefinition) -> Body:
        """The object that expands one definition; the code generator's also keeps a record."""
        return Body(self, definition)

    def model(self, name: str) -> SharedModel | Lost:
        """The shared model called `name`, expanded at its first use."""
        if name not in self.models:
            self.open_models.append(name)
            definition = self.program.models[name]
            outer = self.evaluator.trace
            if definition.average_of:
                self.models[name] = averaged(self, definition)
            else:
                graph = self.body(definition).graph({})
                self.models[name] = LOST if graph is None else shared(definition, graph)
            self.evaluator.trace = outer
            self.open_models.pop()
        return self.models[name]


class Body(GraphBuilder):
    """Expands one model definition into one graph."""

    def __init__(self, expander: Expander, definition: ModelDefinition) -> None:
        super().__init__(definition, expander.evaluator)
        self.expander = expander
        self.open_blocks: list[str] = []
        self.idle_calls: dict[Any, Binding] = {}

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
        trained = objectives(self, self.expander.program, frame, outputs) if self.definition.wanted else []
        if any(isinstance(value, Lost) for _, value in (*outputs, *trained)) or not outputs:
            return None
        edges, roots = (
            tuple((name, value) for name, value in some if isinstance(value, Edge)) for some in (outputs, trained)
        )
        whole = Graph(self.definition.name, tuple(self.nodes), inputs, edges, roots)
        graph, dead = prune(whole)
        graph = share(graph)
        self.expander.dead.append((graph, dead))
        return graph

    def inputs(self, frame: Frame, given: Mapping[str, Tensor]) -> None:
        """Makes a node for each input: those of the definition, then those of `given` that it does not list."""
        written = self.definition.inputs
        for name, raw in written.items():
            tensor = self.input_type(raw, frame, name)
            inner = self.definition is not self.expander.program.main
            draw, tensor = drawn_from(self, raw, frame.environment, name, tensor, inner=inner)
            self.bind_input(name, tensor, frame, span_of_key(written, name), draw)
        for name, tensor in given.items():
            if name not in written:
                self.bind_input(name, tensor, frame, None)

    def input_type(self, raw: Any, frame: Frame, name: str) -> Tensor | Lost:
        """Type of one input, from its shape or its options; `Lost` after an error."""
        shape, dtype = (raw.get("shape"), raw.get("dtype") or "float32") if isinstance(raw, dict) else (raw, "float32")
        if isinstance(raw, Invalid) or isinstance(shape, Invalid) or isinstance(dtype, Invalid):
            return LOST
        schema = {"type": "array", "items": {"type": ["integer", "null"], "minimum": 1}}
        span = span_of(raw, "shape") if isinstance(raw, dict) else span_of(self.definition.inputs, name)
        value = self.evaluator.value(shape, frame.environment, schema, Context(("inputs", name)), span, numeric=True)
        return (
            LOST if isinstance(value, Lost) or (isinstance(raw, Map) and raw.tainted) else Tensor(tuple(value), dtype)
        )

    def bind_input(self, name: str, tensor: Tensor | Lost, frame: Frame, span: Span | None, draw: Any = None) -> None:
        """Adds the node of an input, and binds its name."""
        if isinstance(tensor, Lost) or not self.countable(name, tensor, span):
            frame.scope.bindings[name] = Binding((LOST,), span)
            return
        frame.names.reserve([name])
        node = Node(len(self.nodes), name, None, (), (), (tensor,), span=span, draw=draw)
        self.nodes.append(node)
        frame.scope.bindings[name] = Binding((Edge(node.index),), span)

    def outputs(self, frame: Frame) -> list[tuple[str, Value]]:
        """Names and tensors of the outputs; without a list of them, the last step alone."""
        written = self.definition.declaration.get("outputs")
        if isinstance(written, Invalid):
            return []
        if not self.definition.outputs:
            if self.prev is None:
                return []
            return [(self.output_name(), self.single(self.prev, "the output", None))]
        results: list[tuple[str, Value]] = []
        given: set[str] = set()
        for index, name in enumerate(self.definition.outputs):
            span = (
                span_of(written, index)
                if isinstance(written, list)
                else span_of(self.definition.declaration, "outputs")
            )
            text = self.evaluator.text(name, frame.environment, span)
            binding = self.lookup(text, frame, span) if isinstance(text, str) else Binding((LOST,))
            if text in given:
                self.report(Problem("E104", f"output `{text}` is listed twice", "delete one of them"), span)
            given.add(str(text))
            results.append((str(text), self.single(binding, str(text), span)))
        return results

    def output_name(self) -> str:
        """Name of the only output: that of the last step, or ``output``."""
        last = self.definition.body[-1] if self.definition.body else None
        return last.names[0] if last is not None and last.names and "$" not in last.names[0] else "output"

    # --- bodies and steps -----------------------------------------------------------------------------------------

    def body(self, steps: tuple[Step, ...], frame: Frame) -> None:
        """Expands steps in order; ``self.prev`` is the previous output throughout."""
        for step in steps:
            self.step(step, frame)

    def step(self, step: Step, frame: Frame) -> None:
        """Expands one step, once for each of its turns."""
        self.evaluator.trace = frame.notes
        if isinstance(step, InvalidStep):
            self.lose(step, frame)
            return
        frame = self.inside(step, frame)
        sources = read_sources(self, step, frame)
        entering = self.entering(sources)
        environment = frame.environment.at(entering)
        turns = turns_of(self, step, environment)
        if isinstance(turns, Lost):
            self.lose(step, frame)
            return
        ran: tuple[Frame, Environment] | None = None
        skipped: list[Span | None] = []
        scoped = isinstance(step, RepeatStep) or (isinstance(step, ParallelStep) and step.repeat is not None)
        scopes = TurnScopes(frame.scope, step) if scoped else None
        for index, values in turns:
            environment, turn = frame.environment, frame
            if index is not None:
                environment = environment.inner(values, index)
                turn = frame._replace(environment=environment)
            self.expander.idle.count(len(self.nodes))
            if ran is not None:
                sources = self.next_sources(step, sources, turn)
                entering = self.entering(sources)
            here = environment.at(entering)
            condition = condition_of(self, step, here)
            if isinstance(condition, Lost):
                self.lose(step, frame)
                return
            if not condition:
                skipped.append(span_of(step.value, "if"))
                continue
            work_out(self, step, here, values)
            if scopes is not None:
                turn = turn._replace(scope=scopes.turn())
            ran = (frame, environment if isinstance(step, LayerStep | CallStep) else frame.environment)
            before = len(self.nodes)
            result = self.run(step, turn, here, sources, index is None or index == len(turns) - 1)
            # Of several outputs, the first goes on to the next turn.
            chained = len(result.values) > 1 and isinstance(step, LayerStep | CallStep)
            self.prev = Binding(result.values[:1], result.span) if chained else result
            self.evaluator.trace = frame.notes
            if index is not None and len(self.nodes) == before and self.expander.idle.rest_alike(step, result, sources):
                if scopes is not None:
                    scopes.fill(len(turns) - 1 - index)
                break
        # After a repeated group each of its names is the list of all turns.
        for name, binding in scopes.merged().items() if scopes is not None else ():
            self.bind(name, binding, frame)
        if ran is None:
            self.leave_out(step, frame, skipped)
        else:
            self.bind_outputs(step, *ran, result)

    def run(self, step: Step, frame: Frame, environment: Environment, sources: Sources, named: bool) -> Binding:
        """Runs one turn of a step; gives all its outputs."""
        if isinstance(step, LayerStep):
            return self.layer_step(step, frame, environment, sources, named)
        if isinstance(step, ParallelStep):
            return self.parallel(step, frame, environment, sources, named)
        if isinstance(step, RepeatStep):
            self.prev = self.group_input(step, sources)
            self.body(step.body, frame)
            return previous(self, step)
        if step.key in self.expander.program.models:
            return self.model_call(step, frame, environment, sources, named)
        return self.block_call(step, frame, environment, sources, named)

    # --- turns and conditions -------------------------------------------------------------------------------------

    def next_sources(self, step: Step, sources: Sources, frame: Frame) -> Sources:
        """Sources of a later turn: the turn before it, unless they were written as a list or map."""
        if sources.single and self.prev is not None:
            return Sources(((self.prev,)), {}, single=True)
        return read_sources(self, step, frame)

    # --- what the steps do ----------------------------------------------------------------------------------------

    def layer_step(
        self, step: LayerStep, frame: Frame, environment: Environment, sources: Sources, named: bool
    ) -> Binding:
        """Calls a layer with the options that are written."""
        layer = self.layer(step, step.value if not _is_source(step) else None, environment)
        if isinstance(layer, Lost) or sources.lost:
            return lost(step)
        name = self.node_name(step, frame, environment, _segment(step.key), named)
        return self.call(layer, sources, name, step, frame)

    def parallel(
        self, step: ParallelStep, frame: Frame, environment: Environment, sources: Sources, named: bool
    ) -> Binding:
        """Expands each branch from the same start, and calls the layer that merges them."""
        start = self.group_input(step, sources)
        results: list[Binding] = []
        for name, branch in step.branches:
            self.prev = start
            self.body(branch, frame._replace(environment=replace(frame.environment, entering=environment.entering)))
            results.append(previous(self, step))
            if name:
                self.bind(name, results[-1], frame)
        self.evaluator.trace = frame.notes
        span = span_of(step.value, "merge") or step.span
        layer = self.evaluator.component("layer", step.merge, environment, Context(("layers", step.key, "merge")), span)
        if len(results) < 2:
            message = f"parallel needs at least 2 branches, but has {len(results)}"
            self.report(Problem("E405", message, "`[]` is a branch that leaves its input as it is"), step.span)
            return lost(step)
        joined = Sources(tuple(results), {})
        if isinstance(layer, Lost) or joined.lost:
            return lost(step)
        name = self.node_name(step, frame, environment, _segment(layer.name), named)
        return self.call(layer, joined, name, step, frame)

    def model_call(self, step: Step, frame: Frame, environment: Environment, sources: Sources, named: bool) -> Binding:
        """Calls a shared model, whose nodes are expanded once."""
        if step.key in self.expander.open_models:
            self.report(
                Problem("E308", f"model {step.key} calls itself", "call it from outside, as often as needed"), step.span
            )
            return lost(step)
        if step.options or (step.value is not None and not isinstance(step.value, Map)):
            if not self.expander.program.models[step.key].declaration.tainted:
                problem = Problem("E306", f"model {step.key} takes no parameters", "only blocks take some")
                self.report(problem, step.span)
            return lost(step)
        model = self.expander.model(step.key)
        if isinstance(model, Lost) or sources.lost:
            return lost(step)
        name = self.node_name(step, frame, environment, snake_case(step.key), named)
        return self.call(model, sources, name, step, frame)

    def block_call(self, step: Step, frame: Frame, environment: Environment, sources: Sources, named: bool) -> Binding:
        """Expands the body of a block with the values of its parameters."""
        block = self.expander.program.blocks[step.key]
        if block.name in self.open_blocks:
            self.report(Problem("E308", f"block {block.name} calls itself", "use `repeat:`"), step.span)
            return lost(step)
        inputs = block_inputs(self, block, step, sources)
        values = block_values(self, block, step, environment, self.expander.environment, inputs)
        if isinstance(inputs, Lost):
            return lost(step)
        self.entered(step, values)
        segment = self.node_name(step, frame, environment, snake_case(step.key), named)
        key = self.expander.idle.key(block, values, inputs)
        if key in self.idle_calls:
            return self.idle_calls[key]
        # A block sees the parameters of the spec and its own, not those of the place it is called from.
        own = Environment(values, self.expander.environment, environment.entering, position=environment.position)
        before = len(self.nodes)
        result = self.block_body(block, step, own, inputs, segment, frame)
        if key is not None and len(self.nodes) == before:
            self.idle_calls[key] = result
        return result

    def block_body(
        self, block: Block, step: Step, own: Environment, inputs: Mapping[str, Binding], segment: str, frame: Frame
    ) -> Binding:
        """Writes out one call of a block, whose parameters are those of `own`."""
        trace = (step.span, *frame.trace) if step.span else frame.trace
        coming = frozenset(name for inner in walk(block.body) for name in inner.names)
        scope = Scope(bindings=dict(inputs), coming=coming)
        names = NodeNames(segment)
        names.reserve(name for name in coming if "$" not in name)
        notes = (Note(f"expanded from line {step.span.line}", step.span), *frame.notes) if step.span else frame.notes
        inner_frame = Frame(scope, own, names, trace, (*frame.groups, segment), notes)
        self.prev = next(iter(inputs.values())) if len(inputs) == 1 else None
        self.open_blocks.append(block.name)
        self.body(block.body, inner_frame)
        self.open_blocks.pop()
        self.evaluator.trace = inner_frame.notes
        return block_outputs(self, block, inner_frame, step)

    def entered(self, step: Step, values: Mapping[str, Any]) -> None:
        """Called with the parameters of each call of a block."""

    # --- small helpers --------------------------------------------------------------------------------------------

    def group_input(self, step: Step, sources: Sources) -> Binding | None:
        """The tensor that enters a group of steps; None for none, `Lost` where there are several."""
        if not sources.positional and not sources.named:
            return None
        if len(sources.positional) == 1 and not sources.named:
            return sources.positional[0]
        if not sources.lost:
            self.report(
                Problem("E405", f"{step.key} takes one input", "name the inputs in the steps inside"),
                span_of_key(step.value, "from") or step.span,
            )
        return Binding((LOST,), step.span)


def _segment(name: str) -> str:
    """How a node is called after what it calls: dots are for paths, so `ops.mean` makes a `mean`."""
    return name.rpartition(".")[2]


def _is_source(step: LayerStep) -> bool:
    """Whether the step's value is the list of what a merge layer merges."""
    return step.source is not None and step.source is step.value


def iterate_models(expander: Expander) -> Iterator[SharedModel | Lost]:
    """Expands every declared model, used or not, so that mistakes in it are found."""
    for name in expander.program.models:
        yield expander.model(name)
