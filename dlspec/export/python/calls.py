"""Calls → statements: what enters, what is made and called, and the variables of what comes out."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dlspec.components import registry
from dlspec.components.layers.cells import Cell
from dlspec.components.ops.base import Op
from dlspec.export.python import operations
from dlspec.export.python.context import ModuleContext
from dlspec.export.python.labels import label_of
from dlspec.export.python.scope import Constant, Scope
from dlspec.export.python.syntax import Unsupported, assign, call, constant, name, same, sequence
from dlspec.export.python.tensors import Tensors
from dlspec.export.python.wiring import Entry, Inputs, call_arguments, entries, listed
from dlspec.graph.lower.program import CallStep, LayerStep, Step


class CallWriter:
    """Writes the steps of one function.

    Attributes:
        module: What the function belongs to.
        tensors: The function's variables.
        scope: Meanings of ``$names``.
        labelled: Whether the layers get the names that the spec wrote.
        prev: The previous output.
        statements: What was written so far, innermost block last.
    """

    def __init__(self, module: ModuleContext, tensors: Tensors, scope: Scope, working: str, labelled: bool) -> None:
        self.module = module
        self.tensors = tensors
        self.scope = replace(scope, tensor=tensors.find)
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

    @contextmanager
    def block(self) -> Iterator[list[ast.stmt]]:
        """Collects the statements written inside."""
        outer, self.statements = self.statements, []
        inner = self.statements
        yield inner
        self.statements = outer

    def write(self, *statements: ast.stmt) -> None:
        """Adds statements to the function that is written."""
        self.statements.extend(statements)

    def bring(self, value: ast.expr | None, variable: str) -> None:
        """Makes `variable` hold `value`, which becomes ``prev``."""
        if value is not None and not same(value, name(variable)):
            self.write(assign([variable], value))
        self.prev = name(variable)

    # --- names of outputs -----------------------------------------------------------------------------------------

    def bind(self, step: Step, value: ast.expr, working: str, needed: bool) -> None:
        """Gives the outputs of a call their variables; `needed` where what follows takes the first as ``prev``."""
        if len(step.names) > 1:
            targets = [self.tensors.target(text, self.scope) for text in step.names]
            if any(isinstance(target, ast.Subscript) for target in targets):
                raise Unsupported("several outputs with substituted names")
            if isinstance(value, ast.Tuple):
                parts = zip(targets, value.elts, strict=True)
                self.write(*(assign([target.id], part) for target, part in parts if isinstance(target, ast.Name)))
                first = targets[0] or value.elts[0]
            else:
                first = self.unpack(step, targets, value, needed)
            for text, target in zip(step.names, targets, strict=True):
                if target is not None:
                    self.write(*self.tensors.after(text, target, self.scope))
            self.prev = first
            return
        target = self.tensors.target(step.names[0], self.scope) if step.names else None
        self.prev = target if target is not None else name(working)
        self.write(assign(self.prev, value))
        if target is not None:
            self.write(*self.tensors.after(step.names[0], target, self.scope))

    def unpack(self, step: Step, targets: list[ast.expr | None], value: ast.expr, needed: bool) -> ast.expr:
        """Assigns a call that gives several outputs at once; those that nobody uses get a name with an underscore.

        Returns:
            The variable of the first.
        """
        names = [t.id if isinstance(t, ast.Name) else f"_{text}" for t, text in zip(targets, step.names, strict=True)]
        if targets[0] is None and needed:
            names[0] = self.tensors.variable(step.names[0])
        self.write(assign(names, value))
        return name(names[0])

    def label(self, step: Step) -> str:
        """The Keras name of a step's layer: the one the spec wrote, where the layer is made once."""
        label = label_of(step) if self.labelled else ""
        return label if label in self.module.labels.kept else ""

    # --- inputs ---------------------------------------------------------------------------------------------------

    def inputs(self, step: Step) -> Inputs:
        """The expressions of the tensors that enter a step."""
        source = step.source
        if source is None:
            if isinstance(step, LayerStep) and step.layer.takes_batch:
                if self.first_input is None:
                    raise Unsupported("a learned tensor where no input is known")
                return Inputs((Entry((self.first_input(),)),), single=True)
            return Inputs((Entry((self.named("prev"),)),), single=True)
        if isinstance(source, str):
            return Inputs((self.entry(source),), single=True)
        pairs = [(key, self.entry(written)) for key, written in entries(source)]
        if isinstance(source, dict):
            return Inputs((), tuple(pairs))
        return Inputs(tuple(entry for _, entry in pairs))

    def entry(self, written: Any) -> Entry:
        """The tensor, or list of tensors, that one item of a written ``from`` names."""
        if isinstance(written, list):
            return Entry(tuple(self.named(text) for text in written), nested=True)
        return Entry((self.named(written),))

    def named(self, text: str) -> ast.expr:
        """The variable of a tensor by its name; ``prev`` is that of the step before."""
        if text == "prev" and self.prev is not None:
            return self.prev
        return self.tensors.find(text, self.scope)

    # --- calls ----------------------------------------------------------------------------------------------------

    def layer(self, step: LayerStep) -> ast.expr:
        """Expression of a layer that is made and called."""
        value = step.value if step.value is not step.source else None
        inputs = self.inputs(step)
        scope = self.scope.at(inputs.first)
        if issubclass(step.layer, Op):
            return operations.write(self.module, step, step.layer, value, inputs, scope)
        made = self.module.constructors.named(step.layer, value, scope, self.label(step))
        arguments = call_arguments(step.layer, inputs, list(registry.options_by_name(step.layer, value)))
        positional, keywords = self.module.copies.entering(step.span, step.layer, *arguments)
        keywords |= self.module.constructors.call_options(step.layer, value, scope)
        result: ast.expr
        if _frozen(step, value):
            result = self.frozen(step, made, positional, keywords)
        else:
            result = call(made, positional, keywords)
        # The states of stacked cells come grouped by cell.
        return call("keras.tree.flatten", [result]) if len(step.names) > 1 and holds_stack(value) else result

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
        keywords |= {parameter.identifier: self.captured(key) for key, parameter in function.captured.items()}
        if function.takes_batch and self.first_input is not None:
            keywords["examples"] = self.first_input()
        first = function.leading(step)
        if first is not None and first in keywords:
            positional.append(keywords.pop(first))
        return call(function.identifier, positional, keywords)

    def captured(self, key: str) -> ast.expr:
        """A top-level parameter, or a shared model, that a function below needs."""
        if key in self.module.program.models:
            self.scope.used.add(key)
            return name(self.module.model_variable(key, self.scope))
        meaning = self.module.top[key]
        if isinstance(meaning, Constant):
            return constant(meaning.value)
        self.scope.used.add(key)
        return name(meaning.identifier)

    def model(self, step: CallStep, inputs: Inputs) -> ast.expr:
        """The call of a shared model, whose instance is made once."""
        definition = self.module.program.models[step.key]
        self.scope.used.add(step.key)
        tensors = [tensor for entry in inputs.positional for tensor in entry.tensors]
        if inputs.named:
            named = dict(inputs.named)
            tensors = [named[key].tensors[0] for key in definition.inputs]
        argument = tensors[0] if len(tensors) == 1 else listed(tensors)
        made = call(self.module.model_variable(step.key, self.scope), [argument])
        if len(definition.outputs) < 2:
            return made
        result = self.tensors.identifiers.give(f"{self.module.model_variable(step.key, self.scope)}_outputs")
        self.write(assign([result], made))
        return sequence([ast.Subscript(name(result), constant(key), ast.Load()) for key in definition.outputs])

    def loop_variable(self, wanted: str) -> str:
        """A variable for a loop: the same as in an earlier one, but not that of a loop around it."""
        known = self._loop_variables.get(wanted)
        if known is None or known in self._open:
            self._loop_variables[wanted] = self.tensors.identifiers.give(wanted)
        return self._loop_variables[wanted]


def holds_stack(value: Any) -> bool:
    """Whether the cell among a layer's options is a stack of cells."""
    cell = value.get("cell") if isinstance(value, dict) else value
    owners = [registry.find("cell", name) for name in cell] if isinstance(cell, dict) else []
    return any(owner is not None and issubclass(owner, Cell) and owner.stacked for owner in owners)


def _frozen(step: LayerStep, value: Any) -> bool:
    """Whether the layer holds others and shall not learn."""
    holds = step.layer.holds_layers or any(field.kind in ("layer", "cell") for field in step.layer.fields.values())
    return holds and isinstance(value, dict) and "trainable" in value and value["trainable"] is not True
