"""Identifiers of the generated module: those of the spec where they are free, counted on where they are not."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable

from dlspec.components.registry import snake_case

# Modules that the generated code uses, and its own main function.
TAKEN = frozenset({"keras", "layers", "ops", "math", "build_model", "build_whole", "saved_part", "self"})
_RESERVED = TAKEN | frozenset(dir(builtins)) | frozenset(keyword.kwlist) | frozenset(keyword.softkwlist)


class Identifiers:
    """Hands out identifiers, each once.

    Attributes:
        given: Those handed out so far.
    """

    def __init__(self, taken: Iterable[str] = (), outer: Identifiers | None = None) -> None:
        """Begins a scope.

        Args:
            taken: What is not handed out.
            outer: The module's identifiers: a variable of a function hides none of them, now or later.
        """
        self.given: set[str] = set()
        self._taken = set(taken)
        self._outer = outer
        self._hidden: set[str] = set()
        self._next: dict[str, int] = {}

    def free(self, wanted: str) -> bool:
        """Whether nothing is called `wanted` yet."""
        outer = self._outer is not None and wanted in self._outer.given
        return not (outer or wanted in self._taken or wanted in self._hidden or wanted in _RESERVED)

    def give(self, wanted: str, *others: str) -> str:
        """The first of the wanted identifiers that is free, or else the first with a number."""
        for choice in (wanted, *others):
            if self.free(choice):
                self._taken.add(choice)
                self.given.add(choice)
                if self._outer is not None:
                    self._outer._hidden.add(choice)
                return choice
        count = self._next.get(wanted, 2)
        while not self.free(f"{wanted}_{count}"):
            count += 1
        self._next[wanted] = count
        return self.give(f"{wanted}_{count}")


def function_name(name: str) -> str:
    """Name of the function of the block or model `name`: ``ConvBN`` → ``conv_bn``."""
    return snake_case(name).replace("__", "_").strip("_")
