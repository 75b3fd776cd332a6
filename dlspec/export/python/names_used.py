"""Uses of names of tensors in one body: which need a variable, a list of turns, or a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dlspec.export.python.syntax import Unsupported
from dlspec.graph.lower.program import LayerStep, ParallelStep, RepeatStep, Step
from dlspec.syntax.expressions import names_in, pattern

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
    def of(cls, body: tuple[Step, ...], outputs: tuple[str, ...], params: Mapping[str, Any] | None = None) -> NamesUsed:
        """The names that a body and its outputs use.

        Args:
            params: Parameters with their defaults, which may use the sizes of inputs.
        """
        used = cls()
        used._read(body, ())
        used.used += [(name, ()) for name in sizes_in(dict(params or {}))]
        used.used += [(name, ()) for name in outputs]
        return used

    def _read(self, body: tuple[Step, ...], loops: Loops) -> None:
        for step in body:
            self.used += [(text, loops) for text in (*source_names(step.source), *sizes_in(_own_values(step)))]
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
        return name in self._uses or any(pattern(text).fullmatch(name) for text in self._substituted)

    def collected(self, name: str) -> int | None:
        """The repeated group behind which `name` is used as the list of its turns, if any: the list starts before it.

        Raises:
            Unsupported: It is used behind several groups.
        """
        groups = {
            around[common]
            for around in self._places.get(name, ())
            for loops in self._uses.get(name, ())
            if (common := _common(around, loops)) < len(around)
        }
        if len(groups) > 1:
            raise Unsupported("a list of turns within a list of turns")
        return next(iter(groups), None)

    def lists_of(self, group: int) -> list[str]:
        """The names of which `group` makes lists."""
        return [name for name in self._inside.get(group, ()) if self.collected(name) == group]

    @cached_property
    def _uses(self) -> dict[str, dict[Loops, None]]:
        """The groups around each use of a name."""
        return _gathered(self.used)

    @cached_property
    def _places(self) -> dict[str, dict[Loops, None]]:
        """The groups around each line that gives a name."""
        return _gathered(self.given)

    @cached_property
    def _substituted(self) -> list[str]:
        """The texts with substitutions that are used."""
        return [text for text in self._uses if "$" in text]

    @cached_property
    def _inside(self) -> dict[int, dict[str, None]]:
        """The names without substitutions that are given in each group."""
        inside: dict[int, dict[str, None]] = {}
        for text, around in self.given:
            for group in around if "$" not in text else ():
                inside.setdefault(group, {})[text] = None
        return inside

    def check_substituted(self, group: Step, own: Iterable[str]) -> None:
        """Holds that names with substitutions differ in each turn of a repeat, and are no lists of turns.

        Raises:
            Unsupported: One does not change with what the repeat varies.
        """
        varied = set(own)
        places = [(text, around) for text in self.keyed() for around in self._places.get(text, ())]
        for text, around in places:
            if id(group) not in around or not varied.isdisjoint(names_in(text, textual=True)):
                continue
            if any(id(group) not in loops for used, loops in self.used if may_meet(text, used)):
                raise Unsupported("a list of turns of a substituted name")

    def keyed(self) -> list[str]:
        """The texts with substitutions, each once."""
        return self._texts[0]

    def plain(self) -> list[str]:
        """The names without substitutions, each once."""
        return self._texts[1]

    @cached_property
    def _texts(self) -> tuple[list[str], list[str]]:
        texts = [*self._places, *(text for text in self._uses if text not in self._places)]
        return [text for text in texts if "$" in text], [text for text in texts if "$" not in text]


def _gathered(pairs: Iterable[tuple[str, Loops]]) -> dict[str, dict[Loops, None]]:
    gathered: dict[str, dict[Loops, None]] = {}
    for text, loops in pairs:
        gathered.setdefault(text, {})[loops] = None
    return gathered


def _common(first: Loops, other: Loops) -> int:
    """Number of groups around both."""
    return next(
        (at for at, (a, b) in enumerate(zip(first, other, strict=False)) if a != b), min(len(first), len(other))
    )


def may_meet(text: str, other: str) -> bool:
    """Whether two names, of which the first has substitutions, may be the same."""
    return "$" in other or pattern(text).fullmatch(other) is not None


def sizes_in(value: Any) -> list[str]:
    """The names of tensors whose sizes the expressions in a value use."""
    names = {name for textual in (False, True) for name in names_in(value, textual) if name.endswith(")")}
    return sorted(name[:-1].partition("(")[2] for name in names)


def _own_values(step: Step) -> Any:
    """What is written in a step, without the steps inside."""
    if isinstance(step, RepeatStep):
        return {"times": step.times, "each": step.each, "let": step.let, "if": step.condition}
    if isinstance(step, ParallelStep):
        return {"merge": step.merge, "repeat": step.repeat, "if": step.condition}
    return step.value


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


def takes_previous(body: tuple[Step, ...]) -> bool:
    """Whether a body takes what comes before it as ``prev``."""
    return parts_take_previous(body, True)[0]


def parts_take_previous(body: tuple[Step, ...], after: bool) -> list[bool]:
    """Whether a body takes ``prev``, and whether what is left of it does behind its first, its second … step.

    Args:
        after: Whether what follows the body does.
    """
    takes = [after]
    for step in reversed(body):
        names = source_names(step.source)
        if "prev" in names or (step.source is None and not (isinstance(step, LayerStep) and step.layer.takes_batch)):
            takes.append(True)
        else:
            takes.append(takes[-1] and not _always_runs(step))
    return takes[::-1]


def _always_runs(step: Step) -> bool:
    return step.condition is None and step.repeat is None and not isinstance(step, RepeatStep)
