"""Tensors of their own for calls that delete the masks of what enters them.

Which calls these are says :mod:`dlspec.graph.lower.own_tensors`.
"""

from __future__ import annotations

import ast

from dlspec.components.layers.base import Layer
from dlspec.components.registry import snake_case
from dlspec.core.errors import Span
from dlspec.export.python.function import TENSOR, Function, Parameter
from dlspec.export.python.naming import Identifiers
from dlspec.export.python.syntax import call, name
from dlspec.graph.lower.own_tensors import Place

_SUMMARY = "The same tensor anew: MultiHeadAttention deletes the mask of what enters it, for all other readers too."
_BODY = "return layers.Rescaling(1.0, dtype=x.dtype)(x)"


class Copies:
    """Writes the copies of one module, and the function that makes them.

    Attributes:
        places: What gets a tensor of its own.
    """

    def __init__(self, places: frozenset[Place], names: Identifiers) -> None:
        self.places = places
        self._identifier = names.give("masked_copy") if places else ""

    @property
    def automatic(self) -> set[str]:
        """Classes of the layers that get automatic names, as Keras spells them there."""
        return {snake_case("Rescaling")} if self.places else set()

    @property
    def functions(self) -> list[Function]:
        """The function that makes a copy, where there are any."""
        if not self.places:
            return []
        body: list[ast.stmt] = ast.parse(f"def f(x):\n    {_BODY}").body[0].body  # type: ignore[attr-defined]
        return [Function(self._identifier, _SUMMARY, [Parameter("x", TENSOR)], body=body)]

    def entering(
        self, span: Span | None, layer: type[Layer], positional: list[ast.expr], keywords: dict[str, ast.expr]
    ) -> tuple[list[ast.expr], dict[str, ast.expr]]:
        """Positional and named arguments of a call, those that need it wrapped in a copy."""
        argument_names = [argument.rstrip("?") for argument in layer.arguments if layer.unmasks]
        argument_names += [""] * len(positional)
        return (
            [
                self._written(span, argument, tensor)
                for argument, tensor in zip(argument_names, positional, strict=False)
            ],
            {argument: self._written(span, argument, tensor) for argument, tensor in keywords.items()},
        )

    def _written(self, span: Span | None, argument: str, tensor: ast.expr) -> ast.expr:
        return call(name(self._identifier), [tensor]) if (span, argument) in self.places else tensor
