"""Variables of tensors in one function: plain ones, lists of turns, and dictionaries for names with substitutions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from dlspec.export.python.names_used import NamesUsed
from dlspec.export.python.naming import Identifiers
from dlspec.export.python.scope import Scope
from dlspec.export.python.syntax import assign, call, expression, item, name, sequence
from dlspec.graph.lower.program import Step
from dlspec.syntax.expressions import Expression, pattern, template


@dataclass
class Tensors:
    """The variables that hold the named tensors while a function is written.

    Attributes:
        names: How names are used in the function.
        identifiers: The function's identifiers.
        declare: Puts a statement before the outermost loop.
    """

    names: NamesUsed
    identifiers: Identifiers
    declare: Callable[[ast.stmt], None] = lambda statement: None
    _scopes: list[dict[str, ast.expr]] = field(default_factory=lambda: [{}])
    _variables: dict[str, str] = field(default_factory=dict)
    _lists: dict[str, str] = field(default_factory=dict)
    _store: str = ""

    # --- scopes ---------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """A turn of a repeated group begins."""
        self._scopes.append({})

    def leave(self) -> None:
        """Ends the innermost group: names given in it stand for the lists of all turns from here on."""
        for key, tensor in self._scopes.pop().items():
            listed = self._lists.get(key)
            self._scopes[-1][key] = ast.Starred(name(listed), ast.Load()) if listed else tensor

    def lists(self, step: Step, own: Iterable[str]) -> list[ast.stmt]:
        """Empty lists for the names of which the turns of a repeat are collected.

        Args:
            step: The repeat.
            own: What differs from turn to turn.
        """
        self.names.check_substituted(step, own)
        statements = []
        for key in self.names.lists_of(id(step)):
            if key not in self._lists:
                self._lists[key] = self.identifiers.give(_plural(key), f"{key}_turns")
            statements.append(assign([self._lists[key]], sequence([], as_list=True)))
        return statements

    # --- names ----------------------------------------------------------------------------------------------------

    def find(self, text: str, scope: Scope) -> ast.expr:
        """The tensor behind a name in ``from`` or ``outputs``."""
        known = scope.constant_text(text) if "$" in text else text
        if known is not None:
            for names in reversed(self._scopes):
                if known in names:
                    return names[known]
        return self._keyed(text, known, scope)

    def bind(self, key: str, tensor: ast.expr) -> None:
        """`key` stands for `tensor` from here on."""
        self._scopes[-1][key] = tensor

    def variable(self, key: str) -> str:
        """The variable of the name `key`."""
        if key not in self._variables:
            self._variables[key] = self.identifiers.give(key)
        return self._variables[key]

    def target(self, text: str, scope: Scope) -> ast.expr | None:
        """The variable or item that takes the tensor called `text`; None where nothing uses it."""
        known = scope.constant_text(text) if "$" in text else text
        if known is not None and not self.names.is_used(known):
            return None
        if known is None or "$" in text or self._stored(known):
            return self._keyed(text, known, scope)
        return name(self.variable(known))

    def after(self, text: str, target: ast.expr, scope: Scope) -> list[ast.stmt]:
        """Registers what was assigned to :meth:`target`, and gives the statement that must follow, if any."""
        known = scope.constant_text(text) if "$" in text else text
        if known is None or not isinstance(target, ast.Name):
            return []
        self.bind(known, target)
        if known not in self._lists:
            return []
        return [expression(call(ast.Attribute(name(self._lists[known]), "append", ast.Load()), [target]))]

    # --- names with substitutions ---------------------------------------------------------------------------------

    def _stored(self, key: str) -> bool:
        """Whether a plain name may be taken through one with substitutions."""
        return any(pattern(text).fullmatch(key) for text in self.names.keyed())

    def _keyed(self, text: str, known: str | None, scope: Scope) -> ast.expr:
        parts = self._shared
        if not self._store:
            prefix = str(parts[0]).strip("_") if parts and isinstance(parts[0], str) else ""
            wanted = _plural(prefix) if prefix.isidentifier() else "tensors"
            self._store = self.identifiers.give(wanted, "named_tensors")
            self.declare(assign([self._store], ast.Dict([], [])))
        if parts is None:
            return item(name(self._store), scope.text(text) if known is None else ast.Constant(known))
        if "$" not in text:
            return item(name(self._store), ast.Constant(int(text.removeprefix(str(parts[0])))))
        key = next(part for part in template(text) if isinstance(part, Expression))
        return item(name(self._store), scope.expression(key))

    @cached_property
    def _shared(self) -> tuple[str | Expression, ...] | None:
        """The text around the one expression, where all names with substitutions share it; else None.

        Names without a substitution go with it where they end in the number of a turn.
        """
        texts = [template(text) for text in self.names.keyed()]
        shapes = {tuple(part if isinstance(part, str) else None for part in parts) for parts in texts}
        if len(shapes) != 1 or sum(part is None for part in next(iter(shapes))) != 1:
            return None
        plain = [key for key in self.names.plain() if self._stored(key)]
        if plain and not (len(texts[0]) == 2 and all(_turn(parts) for parts in texts)):
            return None
        numbers = [key.removeprefix(str(texts[0][0])) for key in plain]
        return texts[0] if all(number.isdigit() and str(int(number)) == number for number in numbers) else None


def _plural(key: str) -> str:
    """A variable for a list of them."""
    return key if key.endswith("s") else f"{key}s"


def _turn(parts: tuple[str | Expression, ...]) -> bool:
    """Whether a name is some text and the number of the turn, or one that many turns before or after it."""
    if not isinstance(parts[0], str) or not isinstance(parts[1], Expression):
        return False
    match parts[1].tree:
        case ast.Name(id="_index"):
            return True
        case ast.BinOp(left=ast.Name(id="_index"), op=ast.Add() | ast.Sub(), right=ast.Constant(value=int())):
            return True
    return False
