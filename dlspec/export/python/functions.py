"""Blocks, shared models and the model itself → functions."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from dlspec.components.registry import BUILT_IN, MISSING, Catalogue, snake_case
from dlspec.core.ir import Tensor
from dlspec.export.python.annotations import annotation
from dlspec.export.python.body import BodyWriter
from dlspec.export.python.constant_params import ConstantParams, given_params
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.copies import Copies
from dlspec.export.python.function import TENSOR, Function, Parameter
from dlspec.export.python.instances import instances
from dlspec.export.python.labels import Labels
from dlspec.export.python.names_used import NamesUsed, source_names
from dlspec.export.python.naming import Identifiers, function_name
from dlspec.export.python.recording import Record
from dlspec.export.python.scope import Constant, Meaning, Scope, Variable
from dlspec.export.python.syntax import Unsupported, assign, call, constant, name, same, sequence
from dlspec.export.python.tensors import Tensors
from dlspec.graph.lower.own_tensors import Place
from dlspec.graph.lower.program import Block, CallStep, LayerStep, ModelDefinition, Program, Step, walk
from dlspec.syntax.expressions import names_in

# What the unnamed output is called: the first that the spec itself does not use.
_WORKING = ("x", "y", "z", "hidden")


class Module:
    """All functions of one generated module.

    Attributes:
        functions: In the order in which they are defined.
        constructors: Writes components, and knows which classes of our own they need.
        live_models: Shared models that are called, those that others call before them.
        model_functions: The function that makes each shared model.
        model_variables: What holds each of them.
        averages: By name of an average, what it follows, each behind that.
    """

    def __init__(
        self,
        program: Program,
        values: Mapping[str, Any],
        record: Record,
        given: Mapping[str, Tensor],
        models: Sequence[str],
        own: frozenset[Place] = frozenset(),
        catalogue: Catalogue = BUILT_IN,
    ) -> None:
        self.program = program
        self.record = record
        self.live_models = models
        self.given = given
        self.constant_params = ConstantParams(program)
        self.constructors = Constructors(catalogue)
        step_names = {
            inner
            for body in _bodies(program)
            for step in walk(body)
            for inner in (*step.names, *source_names(step.source))
        }
        params = {param for block in program.blocks.values() for param in (*block.params, *block.inputs)}
        self.identifiers = Identifiers({*step_names, *params, *program.params, *program.main.inputs, *given})
        self.copies = Copies(own, self.identifiers)
        self.labels = Labels(program, self.copies.automatic)
        self.functions: list[Function] = self.copies.functions
        self._blocks: dict[tuple[str, str], Function] = {}
        self._handed: dict[str, set[str]] = {}
        self.model_functions: dict[str, Function] = {}
        self.model_variables: dict[str, str] = {}
        self.top: dict[str, Meaning] = {}
        identifiers = Identifiers()
        for param in program.params:
            hard = ("top", param) in self.constant_params.hard
            many = isinstance(values[param], list | tuple)
            self.top[param] = Constant(values[param]) if hard else Variable(identifiers.give(param), many)
        self.values = values
        self.averages: Mapping[str, str] = {}
        # Names of the outputs and of the objectives, where there are objectives.
        self.roots: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    @property
    def varies(self) -> bool:
        """Whether arguments of the model may change the shapes inside of it."""
        return any(isinstance(meaning, Variable) for meaning in self.top.values())

    # --- functions ------------------------------------------------------------------------------------------------

    def block(self, step: CallStep, scope: Scope) -> Function:
        """The function of the block that a step calls: one for each combination of its hard parameters."""
        block = self.program.blocks[step.key]
        hard = self._hard_values(block, step, scope)
        key = (block.name, repr(hard))
        if key not in self._blocks:
            self._blocks[key] = self._write_block(block, hard)
        return self._blocks[key]

    def _hard_values(self, block: Block, step: CallStep, scope: Scope) -> dict[str, Any]:
        given = given_params(step, list(block.params))
        values: dict[str, Any] = {}
        for param in self.constant_params.hard_params(block.name):
            here = Scope({**self.top, **{name: Constant(value) for name, value in values.items()}})
            known = scope.constant(given[param]) if param in given else here.constant(block.params[param])
            if known is None:
                raise Unsupported(f"parameter {param} of {block.name}")
            values[param] = known.value
        return values

    def _write_block(self, block: Block, hard: dict[str, Any]) -> Function:
        identifiers = self._identifiers(set(block.params) - self._handed_on(block))
        function = Function(
            self.identifiers.give(function_name(block.name), f"{function_name(block.name)}_block"), block=block
        )
        names = NamesUsed.of(block.body, block.outputs, block.params)
        input_names = block.inputs or ("input",)
        whole = not block.inputs and not names.is_used("input")
        working = "" if whole else self._working(identifiers, (*input_names, *block.params, *names.plain()))
        function.names = tuple(input_names)
        variables = {
            key: identifiers.give("inputs" if key == "input" and not whole else "x" if whole else key)
            for key in input_names
        }
        function.inputs = [Parameter(identifier, TENSOR) for identifier in variables.values()]
        first = name(function.inputs[0].identifier)
        scope = self._block_scope(block, hard, identifiers, first, function)
        writer = self._writer(names, identifiers, scope, working or function.inputs[0].identifier, labelled=False)
        for key, identifier in variables.items():
            writer.tensors.bind(key, name(identifier))
        writer.prev = first if len(input_names) == 1 else None
        writer.first_input = lambda: self._examples(function)
        writer.statements += self._defaults(block, writer.scope.at(first), function)
        writer.body(block.body, writer.working, needed=not block.outputs or "prev" in block.outputs)
        results = [writer.named(output) for output in block.outputs] or [_last(writer)]
        function.returns = TENSOR if len(results) == 1 else f"tuple[{', '.join([TENSOR] * len(results))}]"
        function.body = _returning(writer, results[0] if len(results) == 1 else sequence(results))
        function.summary = f"{block.name}: {_summary(block.body)}."
        self._capture(function, scope)
        self.functions.append(function)
        return function

    def _examples(self, function: Function) -> ast.expr:
        function.takes_batch = True
        return name("examples")

    def _block_scope(
        self, block: Block, hard: dict[str, Any], identifiers: Identifiers, first: ast.expr, function: Function
    ) -> Scope:
        meanings: dict[str, Meaning] = dict(self.top)
        values = self._values_of(block.name)
        for param, default in block.params.items():
            if param in hard:
                meanings[param] = Constant(hard[param])
                continue
            given = [arguments[param] for arguments in values if param in arguments]
            identifier = identifiers.give(param)
            kind = annotation(given)
            meanings[param] = Variable(identifier, any(isinstance(value, list | tuple) for value in given))
            written = None if default is MISSING else self._default(default, given)
            if (
                written is not None
                and isinstance(written, ast.Constant)
                and written.value is None
                and "None" not in kind
            ):
                kind = f"{kind} | None"
            function.own[param] = Parameter(identifier, kind, written)
        return Scope(meanings, top=self.top)

    def _default(self, default: Any, given: list[Any]) -> ast.expr:
        """The default in the signature; None stands for one that is computed at the call."""
        if not any(names_in(default)):
            return Scope({}).value(default)
        if any(value is None for value in given):
            raise Unsupported("null where the default is computed")
        return constant(None)

    def _defaults(self, block: Block, scope: Scope, function: Function) -> list[ast.stmt]:
        """Defaults that see the call's input, or other parameters."""
        statements = []
        for param, parameter in function.own.items():
            default = block.params[param]
            if default is MISSING or not any(names_in(default)):
                continue
            test = ast.Compare(name(parameter.identifier), [ast.Is()], [constant(None)])
            statements.append(ast.If(test, [assign([parameter.identifier], scope.value(default))], []))
        return list(statements)

    def _values_of(self, block: str) -> list[Mapping[str, Any]]:
        return [values for step in self._calls.get(block, ()) for values in self.record.values.get(id(step), ())]

    @cached_property
    def _calls(self) -> dict[str, list[Step]]:
        """The steps that call each block."""
        calls: dict[str, list[Step]] = {}
        for step in (step for body in _bodies(self.program) for step in walk(body)):
            if isinstance(step, CallStep):
                calls.setdefault(step.key, []).append(step)
        return calls

    def _capture(self, function: Function, scope: Scope) -> None:
        """What the function uses of the top level is handed on by its callers."""
        for key in scope.used:
            meaning = self.top.get(key)
            if key in self.program.models:
                function.captured[key] = Parameter(self.model_variable(key, scope), "keras.Model")
            elif isinstance(meaning, Variable):
                function.captured[key] = Parameter(meaning.identifier, annotation([self.values[key]]))
        order = {key: index for index, key in enumerate((*self.program.params, *self.program.models))}
        function.captured = dict(sorted(function.captured.items(), key=lambda pair: order[pair[0]]))

    # --- models ---------------------------------------------------------------------------------------------------

    def model_variable(self, model: str, scope: Scope) -> str:
        """The variable that holds the shared model `model`; its function is written at the first use."""
        if model not in self.model_variables:
            self.model_variables[model] = self.identifiers.give(snake_case(model), f"{snake_case(model)}_model")
            definition = self.program.models[model]
            if definition.average_of:
                self.model_variable(definition.average_of, scope)
                self.model_functions[model] = self.model_functions[definition.average_of]
            else:
                self.model_functions[model] = self._write_model(definition, f"build_{snake_case(model)}")
        return self.model_variables[model]

    def main(self) -> Function:
        """``build_model``, after all functions that it needs."""
        return self._write_model(self.program.main, "build_model")

    def _write_model(self, definition: ModelDefinition, wanted: str) -> Function:
        main = definition is self.program.main
        function = Function("build_model" if main else self.identifiers.give(wanted), returns="keras.Model")
        identifiers = self._identifiers()
        names = NamesUsed.of(definition.body, (*definition.outputs, *(self.roots[1] if main else ())))
        inputs = self._inputs(definition)
        working = self._working(identifiers, (*inputs, *names.plain(), *self.program.params))
        scope = Scope(dict(self.top), top=self.top)
        writer = self._writer(names, identifiers, scope, working, labelled=True)
        variables = []
        for key, (shape, dtype) in inputs.items():
            if self.labels.collides(key):
                raise Unsupported("an input called as Keras calls layers")
            identifier = identifiers.give(key)
            keywords = {"dtype": constant(dtype)} if dtype != "float32" else {}
            made = call("keras.Input", [scope.value(shape)], {**keywords, "name": constant(key)})
            writer.write(assign([identifier], made))
            writer.tensors.bind(key, name(identifier))
            variables.append(name(identifier))
        writer.prev = variables[0] if len(variables) == 1 else None
        writer.first_input = lambda: variables[0]
        writer.body(definition.body, working, needed=not definition.outputs or "prev" in definition.outputs)
        entering = variables[0] if len(variables) == 1 else sequence(variables, as_list=True)
        label: ast.expr = constant(definition.name)
        if definition.name in self._averaged:
            function.own = {"name": Parameter(identifiers.give("name"), "str", label)}
            label = name(function.own["name"].identifier)
        made = call("keras.Model", [entering, self._outputs(definition, writer)], {"name": label})
        writer.write(ast.Return(made))
        function.summary = f"{definition.name}: {_summary(definition.body)}." if not main else ""
        if main:
            function.own = self._top_parameters(scope)
            writer.statements[:0] = [*self._top_defaults(scope), *instances(self)]
        else:
            self._capture(function, scope)
        function.body = writer.statements
        self.functions.append(function)
        return function

    def _inputs(self, definition: ModelDefinition) -> dict[str, tuple[Any, str]]:
        """Shape as written and dtype of each input."""
        inputs: dict[str, tuple[Any, str]] = {}
        for key, raw in definition.inputs.items():
            given = raw if isinstance(raw, dict) else {"shape": raw}
            inputs[key] = (given.get("shape"), given.get("dtype") or "float32")
        if definition is self.program.main:
            for key, tensor in self.given.items():
                inputs[key] = (inputs[key][0] if key in inputs else tensor.shape, tensor.dtype)
        return inputs

    def _outputs(self, definition: ModelDefinition, writer: BodyWriter) -> ast.expr:
        names = definition.outputs
        tensors = [writer.named(output) for output in names] or [_last(writer)]
        if definition is self.program.main and self.roots[1]:
            names = (*self.roots[0], *self.roots[1])
            tensors += [writer.named(output) for output in self.roots[1]]
        if any(isinstance(tensor, ast.Starred) for tensor in tensors):
            raise Unsupported("the sum of the turns of a repeat")
        return tensors[0] if len(tensors) == 1 else ast.Dict([constant(output) for output in names], tensors)

    def _top_parameters(self, scope: Scope) -> dict[str, Parameter]:
        """The spec's parameters as keyword arguments: those that are used, all with their defaults."""
        needed = self._all_used(scope.used | {key for function in self.functions for key in function.captured})
        parameters: dict[str, Parameter] = {}
        for param, raw in self.program.params.items():
            meaning = self.top[param]
            if param not in needed or not isinstance(meaning, Variable):
                continue
            computed = any(names_in(raw)) and not isinstance(raw, dict)
            default = constant(None) if computed else self._literal(raw, self.values[param])
            kind = annotation([self.values[param]]) + (" | None" if computed else "")
            parameters[param] = Parameter(meaning.identifier, kind, default)
        return parameters

    def _all_used(self, needed: set[str]) -> set[str]:
        """With the parameters that others are computed from."""
        used = set(needed)
        for param in reversed(list(self.program.params)):
            if param in used:
                used |= set(names_in(self.program.params[param]))
        return used

    def _literal(self, raw: Any, value: Any) -> ast.expr:
        return constant(value) if isinstance(raw, dict) else Scope({}).value(raw)

    def _top_defaults(self, scope: Scope) -> list[ast.stmt]:
        statements: list[ast.stmt] = []
        for param in self._top_parameters(scope):
            raw, meaning = self.program.params[param], self.top[param]
            if any(names_in(raw)) and not isinstance(raw, dict) and isinstance(meaning, Variable):
                test = ast.Compare(name(meaning.identifier), [ast.Is()], [constant(None)])
                statements.append(ast.If(test, [assign([meaning.identifier], scope.value(raw))], []))
        return statements

    @cached_property
    def _averaged(self) -> set[str]:
        """The models that others are averages of."""
        return {model.average_of for model in self.program.models.values()}

    # --- small helpers --------------------------------------------------------------------------------------------

    def _identifiers(self, hidden: Collection[str] = ()) -> Identifiers:
        """Those of one function, in which the top-level parameters keep theirs but for the hidden ones."""
        kept = (meaning for param, meaning in self.top.items() if param not in hidden)
        return Identifiers([meaning.identifier for meaning in kept if isinstance(meaning, Variable)], self.identifiers)

    def _handed_on(self, block: Block) -> set[str]:
        """The names, maybe of top-level parameters, in the blocks that a block calls."""
        if block.name not in self._handed:
            inner_names: set[str] = set()
            for name in {step.key for step in walk(block.body)} & self.program.blocks.keys():
                called = self.program.blocks[name]
                raw = [*(inner.value for inner in called.body), *called.params.values()]
                names = {used for textual in (False, True) for used in names_in(raw, textual)}
                inner_names |= names - set(called.params) | self._handed_on(called)
            self._handed[block.name] = inner_names
        return self._handed[block.name]

    def _writer(
        self, names: NamesUsed, identifiers: Identifiers, scope: Scope, working: str, labelled: bool
    ) -> BodyWriter:
        return BodyWriter(self, Tensors(names, identifiers), scope, working, labelled)

    def _working(self, identifiers: Identifiers, taken: tuple[str, ...]) -> str:
        """The variable of unnamed outputs, which no name of the spec needs; a counted word where all are taken."""
        counted = (f"hidden_{number}" for number in itertools.count(1))
        return identifiers.give(
            next(candidate for candidate in itertools.chain(_WORKING, counted) if candidate not in taken)
        )


def _bodies(program: Program) -> list[tuple[Step, ...]]:
    parts: list[ModelDefinition | Block] = [program.main, *program.blocks.values(), *program.models.values()]
    return [part.body for part in parts]


def _last(writer: BodyWriter) -> ast.expr:
    """The last output of a body."""
    if writer.prev is None:
        raise Unsupported("a body without an output")
    return writer.prev


def _returning(writer: BodyWriter, value: ast.expr) -> list[ast.stmt]:
    """The statements with a ``return`` in place of an assignment that nothing else reads."""
    statements = writer.statements
    last = statements[-1] if statements else None
    target = last.targets[0] if isinstance(last, ast.Assign) else None
    if isinstance(last, ast.Assign) and isinstance(target, ast.Name) and same(name(target.id), value):
        return [*statements[:-1], ast.Return(last.value)]
    return [*statements, ast.Return(value)]


def _summary(body: tuple[Step, ...]) -> str:
    """What a body is made of, each once: Keras's classes and the spec's own blocks, whose names are checked ones."""
    parts = []
    for step in walk(body):
        if isinstance(step, LayerStep):
            parts.append(step.layer.keras.removeprefix("keras.").rpartition(".")[2])
        elif isinstance(step, CallStep):
            parts.append(step.key)
    parts = list(dict.fromkeys(parts))
    if len(parts) > 6:
        return ", ".join(parts[:5]) + " and others"
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
