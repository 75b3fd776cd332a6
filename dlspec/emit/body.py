"""Steps of a body → statements."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec import registry
from dlspec.emit import operations
from dlspec.emit.names_used import source_names, takes_previous
from dlspec.emit.scope import Constant, Meaning, Scope, Variable
from dlspec.emit.syntax import Unsupported, assign, call, constant, name, same, sequence
from dlspec.emit.tensors import Tensors
from dlspec.emit.wiring import Entry, Inputs, call_arguments, entries, listed
from dlspec.expressions import names_in
from dlspec.layers.base import Layer
from dlspec.lower.program import CallStep, LayerStep, ParallelStep, RepeatStep, Step
from dlspec.ops.base import Op

if TYPE_CHECKING:
    from dlspec.emit.functions import Module


class BodyWriter:
    """Writes the steps of one function.

    Attributes:
        module: What the function belongs to.
        tensors: The function's variables.
        scope: Meanings of ``$names``.
        labelled: Whether the layers get the names that the spec wrote.
        prev: The previous output.
        statements: What was written so far, innermost block last.
    """

    def __init__(self, module: Module, tensors: Tensors, scope: Scope, working: str, labelled: bool) -> None:
        self.module = module
        self.tensors = tensors
        self.scope = scope
        self.labelled = labelled
        self.working = working
        self.prev: ast.expr | None = None
        self.statements: list[ast.stmt] = []
        # Lists and dictionaries are made right before the loop that fills them.
        tensors.declare = self.statements.append
        self.depth = 0
        self._branches: dict[tuple[str, int], str] = {}
        self._loop_variables: dict[str, str] = {}
        self._open: list[str] = []
        self.first_input: Callable[[], ast.expr] | None = None

    # --- bodies ---------------------------------------------------------------------------------------------------

    def body(self, steps: Sequence[Step], working: str, needed: bool) -> None:
        """Writes steps in order.

        Args:
            working: The variable of outputs that have no name.
            needed: Whether what follows takes the last output as ``prev``.
        """
        for index, step in enumerate(steps):
            rest = tuple(steps[index + 1 :])
            self.step(step, working, takes_previous(rest) if rest else needed)

    def step(self, step: Step, working: str, needed: bool) -> None:
        if isinstance(step, RepeatStep) or step.repeat is not None:
            self.loop(step, working, needed)
        elif step.condition is not None:
            self.conditional(step, working, needed)
        else:
            self.plain(step, working)

    def plain(self, step: Step, working: str) -> None:
        """A step that runs once."""
        if isinstance(step, LayerStep):
            self.bind(step, self.layer(step), working)
        elif isinstance(step, ParallelStep):
            self.bind(step, self.parallel(step), working)
        elif isinstance(step, CallStep):
            self.bind(step, self.call(step), working)
        elif isinstance(step, RepeatStep):
            self.loop(step, working, needed=True)
        else:
            raise Unsupported("a step that is no step")

    @contextmanager
    def block(self) -> Iterator[list[ast.stmt]]:
        """Collects the statements written inside."""
        outer, self.statements = self.statements, []
        inner = self.statements
        yield inner
        self.statements = outer

    def write(self, *statements: ast.stmt) -> None:
        self.statements.extend(statements)

    def bring(self, value: ast.expr | None, variable: str) -> None:
        """Makes `variable` hold `value`, which becomes ``prev``."""
        if value is not None and not same(value, name(variable)):
            self.write(assign([variable], value))
        self.prev = name(variable)

    # --- names of outputs -----------------------------------------------------------------------------------------

    def bind(self, step: Step, value: ast.expr, working: str) -> None:
        """Gives the outputs of a call their variables."""
        if len(step.names) > 1:
            targets = [self.tensors.target(text, self.scope) for text in step.names]
            if any(isinstance(target, ast.Subscript) for target in targets):
                raise Unsupported("several outputs with substituted names")
            names = [
                t.id if isinstance(t, ast.Name) else f"_{text}" for t, text in zip(targets, step.names, strict=True)
            ]
            if targets[0] is None:
                names[0] = self.tensors.variable(step.names[0])
            self.write(assign(names, value))
            for text, target in zip(step.names, targets, strict=True):
                if target is not None:
                    self.write(*self.tensors.after(text, target, self.scope))
            self.prev = name(names[0])
            return
        target = self.tensors.target(step.names[0], self.scope) if step.names else None
        self.prev = target if target is not None else name(working)
        self.write(assign(self.prev, value))
        if target is not None:
            self.write(*self.tensors.after(step.names[0], target, self.scope))

    def label(self, step: Step, layer: type[Layer] | None) -> str:
        """The Keras name of a step's layer: the one the spec wrote, where the layer is made once."""
        if not self.labelled or len(step.names) != 1 or "$" in step.names[0] or (layer and issubclass(layer, Op)):
            return ""
        return step.names[0]

    # --- inputs ---------------------------------------------------------------------------------------------------

    def inputs(self, step: Step) -> Inputs:
        """What enters a step."""
        source = step.source
        if source is None:
            if isinstance(step, LayerStep) and step.layer.takes_batch:
                if self.first_input is None:
                    raise Unsupported("a learned tensor where no input is known")
                return Inputs((Entry((self.first_input(),)),), single=True)
            return Inputs((Entry((self.named("prev"),)),), single=True)
        if isinstance(source, str):
            return Inputs((self.entry(source),), single=True)
        pairs = [(key, self.entry(one)) for key, one in entries(source)]
        if isinstance(source, dict):
            return Inputs((), tuple(pairs))
        return Inputs(tuple(entry for _, entry in pairs))

    def entry(self, written: Any) -> Entry:
        if isinstance(written, list):
            return Entry(tuple(self.named(text) for text in written), nested=True)
        return Entry((self.named(written),))

    def named(self, text: str) -> ast.expr:
        if text == "prev" and self.prev is not None:
            return self.prev
        return self.tensors.find(text, self.scope)

    # --- calls ----------------------------------------------------------------------------------------------------

    def layer(self, step: LayerStep) -> ast.expr:
        """A layer made and called."""
        value = step.value if step.value is not step.source else None
        inputs = self.inputs(step)
        scope = self.scope.at(inputs.first)
        if issubclass(step.layer, Op):
            return operations.write(self.module, step, step.layer, value, inputs, scope)
        made = self.module.constructors.named(step.layer, value, scope, self.label(step, step.layer))
        positional, keywords = call_arguments(step.layer, inputs)
        keywords |= self.module.constructors.call_options(step.layer, value, scope)
        if _frozen(step, value):
            return self.frozen(step, made, positional, keywords)
        return call(made, positional, keywords)

    def frozen(
        self, step: LayerStep, made: ast.expr, positional: list[ast.expr], keywords: dict[str, ast.expr]
    ) -> ast.expr:
        """A call of a layer that holds others, none of which shall learn: they exist only after the call."""
        layer = self.tensors.identifiers.give(step.key, f"{step.key}_layer")
        output = self.tensors.identifiers.give(f"{step.key}_output")
        self.write(assign([layer], made), assign([output], call(layer, positional, keywords)))
        trainable = ast.Attribute(name(layer), "trainable", ast.Store())
        # Keras hands the setting on to inner layers only when it changes.
        for value in (True, False):
            self.write(ast.Assign([trainable], constant(value), lineno=0))
        return name(output)

    def call(self, step: CallStep) -> ast.expr:
        """A call of a block's function, or of a shared model."""
        inputs = self.inputs(step)
        if step.key in self.module.program.models:
            return self.model(step, inputs)
        scope = self.scope.at(inputs.first)
        function = self.module.block(step, scope)
        positional = function.tensors(inputs)
        keywords = function.arguments(step, scope)
        keywords |= {word: self.captured(word) for word in function.captured}
        if function.takes_batch:
            assert self.first_input is not None
            keywords["examples"] = self.first_input()
        first = function.leading(step)
        if first is not None and first in keywords:
            positional.append(keywords.pop(first))
        return call(function.identifier, positional, keywords)

    def captured(self, word: str) -> ast.expr:
        """A top-level parameter, or a shared model, that a function below needs."""
        if word in self.module.program.models:
            return name(self.module.model_variable(word, self.scope))
        meaning = self.scope.find(word)
        if isinstance(meaning, Constant):
            return constant(meaning.value)
        self.scope.used.add(word)
        return name(meaning.identifier)

    def model(self, step: CallStep, inputs: Inputs) -> ast.expr:
        definition = self.module.program.models[step.key]
        self.scope.used.add(step.key)
        tensors = [tensor for entry in inputs.positional for tensor in entry.tensors]
        if inputs.named:
            named = dict(inputs.named)
            tensors = [named[word].tensors[0] for word in definition.inputs]
        argument = tensors[0] if len(tensors) == 1 else listed(tensors)
        made = call(self.module.model_variable(step.key, self.scope), [argument])
        if len(definition.outputs) < 2:
            return made
        result = self.tensors.identifiers.give(f"{self.module.model_variable(step.key, self.scope)}_outputs")
        self.write(assign([result], made))
        return sequence([ast.Subscript(name(result), constant(word), ast.Load()) for word in definition.outputs])

    # --- groups ---------------------------------------------------------------------------------------------------

    def parallel(self, step: ParallelStep) -> ast.expr:
        """Branches, and the call that merges them."""
        inputs = self.inputs(step)
        start = inputs.first
        results: list[ast.expr] = []
        self.depth += 1
        for number, (word, branch) in enumerate(step.branches):
            result = start
            if branch:
                variable = self.branch_variable(step, number, word)
                self.prev = start
                self.body(branch, variable, needed=True)
                result = self.prev
            assert result is not None
            results.append(result)
            if word and self.tensors.names.is_used(word):
                self.tensors.bind(word, result)
                if self.tensors.names.collected(word):
                    self.write(*self.tensors.after(word, name(self.tensors.variable(word)), self.scope))
        self.depth -= 1
        scope = self.scope.at(start)
        word, value = next(iter(step.merge.items())) if isinstance(step.merge, dict) else (step.merge, None)
        layer = registry.find("layer", word)
        if layer is None or not issubclass(layer, Layer):
            raise Unsupported(f"merge {word}")
        joined = Inputs(tuple(Entry((result,)) for result in results))
        if issubclass(layer, Op):
            return operations.write(self.module, step, layer, value, joined, scope)
        made = self.module.constructors.named(layer, value, scope, self.label(step, layer))
        positional, keywords = call_arguments(layer, joined)
        return call(made, positional, keywords | self.module.constructors.call_options(layer, value, scope))

    def branch_variable(self, step: ParallelStep, number: int, word: str) -> str:
        """``shortcut`` and ``residual``, the branch's own name, or a number; nested groups have others."""
        if word and self.tensors.names.is_used(word):
            return self.tensors.variable(word)
        wanted = word or f"branch_{number + 1}"
        if step.key == "residual":
            keys = [key for key in step.value if key in ("layers", "shortcut")] if isinstance(step.value, dict) else []
            keys = [*(keys or ["layers"]), "shortcut"]
            wanted = "residual" if keys[number] == "layers" else "shortcut"
        key = (wanted, self.depth)
        if key not in self._branches:
            self._branches[key] = self.tensors.identifiers.give(wanted)
        return self._branches[key]

    def conditional(self, step: Step, working: str, needed: bool) -> None:
        """A step that stands under an ``if``."""
        bare = replace(step, condition=None)
        known = self.scope.constant(step.condition)
        if known is not None:
            if known.value:
                self.step(bare, working, needed)
            return
        entering = self.inputs(step).first
        if needed and self.prev is not None:
            before = self.prev
            self.bring(self.prev, working)
            if step.source is None or same(entering, before):
                entering = self.prev
        test = self.scope.at(entering).value(step.condition)
        with self.block() as inner:
            self.step(bare, working, needed)
            if needed:
                self.bring(self.prev, working)
        self.write(ast.If(test, inner, []))

    # --- loops ----------------------------------------------------------------------------------------------------

    def loop(self, step: Step, working: str, needed: bool) -> None:
        """A repeated step or group."""
        group = isinstance(step, RepeatStep)
        target = None if group or len(step.names) != 1 else self.tensors.target(step.names[0], self.scope)
        variable = target.id if isinstance(target, ast.Name) else working
        if not group and len(step.names) > 1:
            variable = self.tensors.variable(step.names[0])
        inputs = self.inputs(step) if step.source is not None or self.prev is not None else Inputs()
        turns = self.turns(step, inputs)
        chained = step.source is None or isinstance(step.source, str)
        incoming = (
            takes_previous(step.body) if isinstance(step, RepeatStep) else "prev" in list(source_names(step.source))
        )
        if chained and (incoming or not group or needed):
            self.bring(inputs.first, variable)
        elif not chained and self.prev is not None and (incoming or needed):
            self.bring(self.prev, variable)
        labelled, self.labelled = self.labelled, False
        if isinstance(turns, list):
            for meanings in turns:
                self.turn(step, variable, chained, meanings, needed)
        else:
            target_of_loop, iterable, meanings = turns
            names = [meaning.identifier for meaning in meanings.values() if isinstance(meaning, Variable)]
            self._open += names
            with self.block() as inner:
                self.turn(step, variable, chained, meanings, needed)
            del self._open[len(self._open) - len(names) :]
            self.write(ast.For(target_of_loop, iterable, inner or [ast.Pass()], [], lineno=0))
        self.labelled = labelled
        self.after_loop(step, variable, target)

    def turn(self, step: Step, variable: str, chained: bool, meanings: dict[str, Meaning], needed: bool) -> None:
        """One turn; the variable carries ``prev`` to the next one."""
        outer, self.scope = self.scope, self.scope.inner(meanings)
        if isinstance(step, RepeatStep):
            self.tensors.enter()
            self.group(step, variable, needed or takes_previous(step.body))
            self.tensors.leave()
        else:
            several = len(step.names) > 1
            once = replace(step, repeat=None, names=step.names if several else ())
            if chained and not (isinstance(step, LayerStep) and step.layer.takes_batch):
                once = replace(once, source=None)
                self.prev = name(variable)
            if isinstance(step, ParallelStep):
                self.tensors.enter()
            self.step(once, variable, needed=True)
            self.bring(self.prev, variable)
            if isinstance(step, ParallelStep):
                self.tensors.leave()
        self.scope = outer

    def group(self, step: RepeatStep, variable: str, carried: bool) -> None:
        """The steps of one turn of a group, under its condition."""
        known = self.scope.constant(step.condition) if step.condition is not None else Constant(True)
        if known is not None and not known.value:
            return
        with self.block() as inner:
            self.body(step.body, variable, carried)
            if carried:
                self.bring(self.prev, variable)
        if known is not None:
            self.write(*inner)
        else:
            self.write(ast.If(self.scope.at(self.prev).value(step.condition), inner, []))

    def after_loop(self, step: Step, variable: str, target: ast.expr | None) -> None:
        self.prev = name(variable)
        if len(step.names) != 1:
            return
        if isinstance(step, RepeatStep):
            target = self.tensors.target(step.names[0], self.scope)
        if target is None:
            return
        if not same(target, name(variable)):
            self.write(assign(target, name(variable)))
        self.write(*self.tensors.after(step.names[0], target, self.scope))
        self.prev = target

    def turns(
        self, step: Step, inputs: Inputs
    ) -> list[dict[str, Meaning]] | tuple[ast.expr, ast.expr, dict[str, Meaning]]:
        """The turns written out, or the target and iterable of a ``for``."""
        scope = self.scope.at(inputs.first)
        columns = step.each if isinstance(step, RepeatStep) and step.each is not None else None
        count = (step.times if isinstance(step, RepeatStep) else step.repeat) if columns is None else None
        if self.module.hardness.unrolled(step):
            return self._unrolled(columns, count)
        index_used = self._uses_index(step)
        if columns is None:
            index = self._loop_variable("index") if index_used else "_"
            meanings: dict[str, Meaning] = {"index": Variable(index)} if index_used else {}
            return ast.Name(index, ast.Store()), call("range", [scope.value(count)]), meanings
        names = {word: self._loop_variable(word) for word in columns}
        many = {
            word: any(isinstance(v, list) for v in values)
            for word, values in columns.items()
            if isinstance(values, list)
        }
        meanings = {word: Variable(identifier, many.get(word, False)) for word, identifier in names.items()}
        lists = [scope.value(values) for values in columns.values()]
        stored: list[ast.expr] = [ast.Name(identifier, ast.Store()) for identifier in names.values()]
        target: ast.expr = stored[0] if len(stored) == 1 else ast.Tuple(stored, ast.Store())
        iterable = lists[0]
        if len(lists) > 1:
            iterable = call("zip", lists, {"strict": constant(True)})
        if index_used:
            index = self._loop_variable("index")
            meanings["index"] = Variable(index)
            target = ast.Tuple([ast.Name(index, ast.Store()), target], ast.Store())
            iterable = call("enumerate", [iterable])
        return target, iterable, meanings

    def _loop_variable(self, word: str) -> str:
        """A variable for a loop: the same as in an earlier one, but not that of a loop around it."""
        known = self._loop_variables.get(word)
        if known is None or known in self._open:
            self._loop_variables[word] = self.tensors.identifiers.give(word)
        return self._loop_variables[word]

    def _unrolled(self, columns: Any, count: Any) -> list[dict[str, Meaning]]:
        known = self.scope.constant(columns if columns is not None else count)
        if known is None:
            raise Unsupported("turns of a number that is not constant")
        if columns is None:
            return [{"index": Constant(index)} for index in range(known.value)]
        rows = zip(*known.value.values(), strict=True)
        return [
            {"index": Constant(index), **{word: Constant(value) for word, value in zip(columns, row, strict=True)}}
            for index, row in enumerate(rows)
        ]

    def _uses_index(self, step: Step) -> bool:
        """Whether anything written in the step, loops inside of it included, counts its turns."""
        found = step.value
        return "index" in set(names_in(_without_count(found), textual=True)) | set(names_in(_without_count(found)))


def _without_count(value: Any) -> Any:
    return (
        {key: one for key, one in value.items() if key not in ("repeat", "times", "each")}
        if isinstance(value, dict)
        else value
    )


def _frozen(step: LayerStep, value: Any) -> bool:
    """Whether the layer holds others and shall not learn."""
    holds = any(field.kind in ("layer", "cell") for field in step.layer.fields.values()) or "attention" in step.key
    return holds and isinstance(value, dict) and "trainable" in value and value["trainable"] is not True
