"""How the names of tensors are used in one body: which need a variable, a list of turns, or a place in a dictionary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from dlspec.emit.syntax import Unsupported
from dlspec.expressions import Expression, names_in, template
from dlspec.lower.program import LayerStep, ParallelStep, RepeatStep, Step

Loops = tuple[int, ...]


@dataclass
class NamesUsed:
    """The names given and used in one body, with the repeated groups around each place.

    Attributes:
        given: Text of a name and the groups it is given in.
        used: Text of a name and the groups it is used in.
    """

    given: list[tuple[str, Loops]] = field(default_factory=list)
    used: list[tuple[str, Loops]] = field(default_factory=list)

    @classmethod
    def of(cls, body: tuple[Step, ...], outputs: tuple[str, ...]) -> NamesUsed:
        """Reads a body."""
        found = cls()
        found._read(body, ())
        found.used += [(name, ()) for name in outputs]
        return found

    def _read(self, body: tuple[Step, ...], loops: Loops) -> None:
        for step in body:
            self.used += [(text, loops) for text in source_names(step.source)]
            self.given += [(text, loops) for text in step.names]
            if isinstance(step, RepeatStep):
                self._read(step.body, (*loops, id(step)))
            elif isinstance(step, ParallelStep):
                inside = (*loops, id(step)) if step.repeat is not None else loops
                for name, branch in step.branches:
                    self._read(branch, inside)
                    if name:
                        self.given.append((name, inside))

    def is_used(self, name: str) -> bool:
        """Whether anything takes the tensor called `name`."""
        return any(pattern(text).fullmatch(name) for text, _ in self.used)

    def collected(self, name: str) -> int | None:
        """The repeated group behind which `name` is used as the list of its turns, if any: the list starts before it.

        Raises:
            Unsupported: It is used behind several groups.
        """
        found = {
            place[common]
            for text, place in self.given
            for used, loops in self.used
            if text == used == name and (common := _common(place, loops)) < len(place)
        }
        if len(found) > 1:
            raise Unsupported("a list of turns within a list of turns")
        return next(iter(found), None)

    def lists_of(self, group: int) -> list[str]:
        """The names of which `group` makes lists."""
        names = dict.fromkeys(text for text, place in self.given if group in place and "$" not in text)
        return [name for name in names if self.collected(name) == group]

    def check_substituted(self, group: Step, own: Iterable[str]) -> None:
        """Holds that names with substitutions differ in each turn of a repeat, and are no lists of turns.

        Raises:
            Unsupported: One does not change with what the repeat varies.
        """
        for text, place in self.given:
            if "$" not in text or id(group) not in place or set(names_in(text, textual=True)) & set(own):
                continue
            if any(id(group) not in loops for used, loops in self.used if may_meet(text, used)):
                raise Unsupported("a list of turns of a substituted name")

    def keyed(self) -> list[str]:
        """The texts with substitutions, each once."""
        return list(dict.fromkeys(text for text, _ in (*self.given, *self.used) if "$" in text))

    def plain(self) -> list[str]:
        """The names without substitutions, each once."""
        return list(dict.fromkeys(text for text, _ in (*self.given, *self.used) if "$" not in text))


def _common(one: Loops, other: Loops) -> int:
    """How many groups are around both."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def may_meet(one: str, other: str) -> bool:
    """Whether two names, of which the first has substitutions, may be the same."""
    return "$" in other or pattern(one).fullmatch(other) is not None


def source_names(source: Any) -> Iterator[str]:
    """All names in a written ``from``."""
    if isinstance(source, str):
        yield source
    elif isinstance(source, list):
        for item in source:
            yield from source_names(item)
    elif isinstance(source, dict):
        for item in source.values():
            yield from source_names(item)


def pattern(text: str) -> re.Pattern[str]:
    """What a text with substitutions may become."""
    parts = (".*" if isinstance(part, Expression) else re.escape(part) for part in template(text))
    return re.compile("".join(parts))


def takes_previous(body: tuple[Step, ...]) -> bool:
    """Whether a body takes what comes before it as ``prev``."""
    for step in body:
        names = list(source_names(step.source))
        if "prev" in names or (step.source is None and not (isinstance(step, LayerStep) and step.layer.takes_batch)):
            return True
        if step.condition is None and step.repeat is None and not isinstance(step, RepeatStep):
            return False
    return True
