"""Identifiers of the generated module: those of the spec where they are free, counted on where they are not."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable

from dlspec.registry import snake_case

# Modules that the generated code uses, and its own main function.
TAKEN = frozenset({"keras", "layers", "ops", "math", "build_model", "self"})
_RESERVED = TAKEN | frozenset(dir(builtins)) | frozenset(keyword.kwlist) | frozenset(keyword.softkwlist)


class Identifiers:
    """Hands out identifiers, each once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def free(self, wanted: str) -> bool:
        """Whether nothing is called `wanted` yet."""
        return wanted not in self._taken and wanted not in _RESERVED

    def give(self, wanted: str, *others: str) -> str:
        """The first of the wanted identifiers that is free, or else the first with a number."""
        for choice in (wanted, *others):
            if self.free(choice):
                self._taken.add(choice)
                return choice
        count = 2
        while not self.free(f"{wanted}_{count}"):
            count += 1
        return self.give(f"{wanted}_{count}")


def function_name(name: str) -> str:
    """What the function of the block or model `name` is called: ``ConvBN`` → ``conv_bn``."""
    return snake_case(name).replace("__", "_").strip("_")
