"""Steps of a body → statements: branches, conditions and loops around the calls."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dlspec.components import registry
from dlspec.components.layers.base import Layer
from dlspec.components.ops.base import Op
from dlspec.export.python import operations
from dlspec.export.python.calls import CallWriter
from dlspec.export.python.constant_params import GRAPH_NAMES, loop_id
from dlspec.export.python.names_used import parts_take_previous, source_names, takes_previous
from dlspec.export.python.scope import Constant, Meaning, Scope, Variable
from dlspec.export.python.syntax import Unsupported, assign, call, name, same
from dlspec.export.python.turns import turns_of, varied
from dlspec.export.python.wiring import Entry, Inputs, call_arguments
from dlspec.graph.lower.program import CallStep, LayerStep, ParallelStep, RepeatStep, Step
from dlspec.syntax.expressions import is_expression, names_in


class BodyWriter(CallWriter):
    """Writes the steps of one function."""

    # --- bodies ---------------------------------------------------------------------------------------------------

    def body(self, steps: Sequence[Step], working: str, needed: bool) -> None:
        """Writes the statements of steps, in order.

        Args:
            working: The variable of outputs that have no name.
            needed: Whether what follows takes the last output as ``prev``.
        """
        later = [*parts_take_previous(tuple(steps), True)[1:-1], needed]
        for step, takes in zip(steps, later, strict=False):
            self.step(step, working, takes)

    def step(self, step: Step, working: str, needed: bool) -> None:
        """Writes a step; `needed` where what follows takes its output as ``prev``."""
        if isinstance(step, RepeatStep) or step.repeat is not None:
            self.loop(step, working, needed)
        elif step.condition is not None:
            self.conditional(step, working, needed)
        else:
            self.plain(step, working, needed)

    def plain(self, step: Step, working: str, needed: bool) -> None:
        """Writes the statements of a step that runs once."""
        if isinstance(step, LayerStep):
            self.bind(step, self.layer(step), working, needed)
        elif isinstance(step, ParallelStep):
            self.bind(step, self.parallel(step), working, needed)
        elif isinstance(step, CallStep):
            self.bind(step, self.call(step), working, needed)
        elif isinstance(step, RepeatStep):
            self.loop(step, working, needed=True)
        else:
            raise Unsupported("a step that is no step")

    # --- groups ---------------------------------------------------------------------------------------------------

    def parallel(self, step: ParallelStep) -> ast.expr:
        """Branches, and the call that merges them."""
        inputs = self.inputs(step)
        start = inputs.first
        results: list[ast.expr] = []
        self.depth += 1
        for number, (key, branch) in enumerate(step.branches):
            result = start
            if branch:
                variable = self.branch_variable(step, number, key)
                self.prev = start
                self.body(branch, variable, needed=True)
                result = self.prev
            if result is None:
                raise Unsupported("a branch without layers that nothing enters")
            if key and self.tensors.names.is_used(key):
                variable = self.tensors.variable(key)
                if not same(result, name(variable)):
                    self.write(assign([variable], result))
                    result = name(variable)
                self.tensors.bind(key, result)
                self.write(*self.tensors.after(key, name(variable), self.scope))
            results.append(result)
        self.depth -= 1
        scope = self.scope.at(start)
        merge = self.merge(step, scope)
        key, value = registry.name_and_value(merge)
        layer = registry.find("layer", key)
        if layer is None or not issubclass(layer, Layer):
            raise Unsupported(f"merge {key}")
        joined = Inputs(tuple(Entry((result,)) for result in results))
        if issubclass(layer, Op):
            return operations.write(self.module, step, layer, value, joined, scope)
        made = self.module.constructors.named(layer, value, scope, self.label(step))
        positional, keywords = call_arguments(layer, joined)
        return call(made, positional, keywords | self.module.constructors.call_options(layer, value, scope))

    def merge(self, step: ParallelStep, scope: Scope) -> Any:
        """The written merge layer; where a parameter chooses it, what it chooses here."""
        if not is_expression(step.merge):
            return step.merge
        known = scope.constant(step.merge)
        if known is None:
            raise Unsupported("a merge that is not constant")
        return known.value

    def branch_variable(self, step: ParallelStep, number: int, label: str) -> str:
        """``shortcut`` and ``residual``, the branch's own name, or a number; nested groups have others."""
        if label and self.tensors.names.is_used(label):
            return self.tensors.variable(label)
        wanted = label or f"branch_{number + 1}"
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
        if inner:
            self.write(ast.If(test, inner, []))

    # --- loops ----------------------------------------------------------------------------------------------------

    def loop(self, step: Step, working: str, needed: bool) -> None:
        """Writes the statements of a repeated step or group."""
        if self.absent(step):
            return
        if step.condition is not None and not {"index", *GRAPH_NAMES} & set(names_in(step.condition)):
            self.conditional(step, working, needed)
            return
        group = isinstance(step, RepeatStep)
        target = None if group or len(step.names) != 1 else self.tensors.target(step.names[0], self.scope)
        variable = target.id if isinstance(target, ast.Name) else working
        if not group and len(step.names) > 1:
            variable = self.tensors.variable(step.names[0])
        inputs = self.inputs(step) if step.source is not None or self.prev is not None else Inputs()
        turns = turns_of(self, step, inputs)
        self.write(*self.tensors.lists(step, varied(step)))
        chained = step.source is None or isinstance(step.source, str)
        incoming = (
            takes_previous(step.body) if isinstance(step, RepeatStep) else "prev" in list(source_names(step.source))
        )
        if chained and (incoming or not group or needed):
            self.first_turn(step, inputs.first, variable, needed)
        elif not chained and self.prev is not None and (incoming or needed):
            self.bring(self.prev, variable)
        labelled, self.labelled = self.labelled, False
        if isinstance(turns, list):
            for meanings in turns:
                self.turn(step, variable, chained, meanings, needed)
        else:
            self._open += turns.variables
            with self.block() as inner:
                self.turn(step, variable, chained, turns.meanings, needed)
            del self._open[len(self._open) - len(turns.variables) :]
            if inner:
                self.write(ast.For(turns.target, turns.iterable, inner, [], lineno=0))
        self.labelled = labelled
        self.after_loop(step, variable, target)

    def absent(self, step: Step) -> bool:
        """Whether a repeated step has no turn, whatever the parameters are."""
        each = step.each if isinstance(step, RepeatStep) else None
        count = step.times if isinstance(step, RepeatStep) else step.repeat
        known = self.scope.constant(count if each is None else next(iter(each.values())))
        return known is not None and known.value in (0, [], ())

    def first_turn(self, step: Step, first: ast.expr | None, variable: str, needed: bool) -> None:
        """Brings what the first turn takes; where there may be no turn, what came before stays."""
        if not needed or self.prev is None or same(first, self.prev):
            self.bring(first, variable)
            return
        if step.condition is not None:
            raise Unsupported("a repeat with `from` of which every turn may be left out")
        each = step.each if isinstance(step, RepeatStep) else None
        count = step.times if isinstance(step, RepeatStep) else step.repeat
        raw = count if each is None else next(iter(each.values()))
        if isinstance(raw, list | int):
            self.bring(first, variable)
            return
        self.bring(self.prev, variable)
        test = self.scope.at(first).value(raw)
        with self.block() as inner:
            self.bring(first, variable)
        self.write(ast.If(test, inner, []))

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
        entering = self.prev
        around = len(self._open)
        with self.block() as inner:
            self.work_out(step, entering)
            self.body(step.body, variable, carried)
            del self._open[around:]
            if carried:
                self.bring(self.prev, variable)
        if known is not None:
            self.write(*inner)
        elif inner:
            self.write(ast.If(self.scope.at(entering).value(step.condition), inner, []))

    def work_out(self, step: RepeatStep, entering: ast.expr | None) -> None:
        """The values of a turn's ``let``: constants, or variables."""
        for key, raw in (step.let or {}).items():
            scope = self.scope.at(entering)
            meaning: Meaning | None = scope.constant(raw)
            if meaning is None:
                if (loop_id(step), key) in self.module.constant_params.hard:
                    raise Unsupported(f"the value {key} of a turn")
                meaning = Variable(self.loop_variable(key), scope.many(raw))
                self._open.append(meaning.identifier)
                self.write(assign([meaning.identifier], scope.value(raw)))
            self.scope = self.scope.inner({key: meaning})

    def after_loop(self, step: Step, variable: str, target: ast.expr | None) -> None:
        """Gives the output of the last turn its own variable, where the step has a name."""
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
