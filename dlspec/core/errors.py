"""Diagnostics as data: what went wrong, where, and how to mend it.

Nothing here prints. Every part of dlspec creates :class:`Diagnostic` values; the command line renders them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning"]
# Mistakes of one kind whose names are compared with all that are known; more are not shown as text, and to compare each
# with each would take time quadratic in their number.
HELPED = 50
# What YAML takes as text wherever it stands.
_PLAIN = re.compile(r"(?!(?:null|true|false)\Z)[^\W\d][\w.\-]*(?: [\w.\-]+)*\Z", re.I)


class Span(NamedTuple):
    """A stretch of a file. Lines and columns count from 1, columns in characters; the end is exclusive.

    Attributes:
        part: Tells steps apart that stand in a file which is named there; 0 for what the stretch itself says.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    part: int = 0


class Note(NamedTuple):
    """A remark that belongs to a diagnostic, with the place it speaks of where there is one."""

    message: str
    span: Span | None = None


class Edit(NamedTuple):
    """A change of a file that mends a problem.

    Attributes:
        span: What is replaced.
        text: What stands there afterwards; "" to take it away.
        safe: Whether nothing else can have been meant: the change needs nobody to look at it.
    """

    span: Span
    text: str
    safe: bool


class Replacement(str):
    """A help that names exactly one change, so that a program can make it. Other texts made of it name none.

    Attributes:
        old: What is written: the value at the diagnostic's place, or a word in it.
        new: What to write instead, as YAML; None to take away the key `old` with its value.
        safe: As in :class:`Edit`.
        also: Further places where `old` stands and is wrong for the same reason.
    """

    old: Any
    new: str | None
    safe: bool
    also: tuple[Span, ...]

    def __new__(cls, text: str, old: Any, new: str | None, safe: bool, also: tuple[Span, ...] = ()) -> Replacement:
        """A help text with the change that it names."""
        self = super().__new__(cls, text)
        self.old, self.new, self.safe, self.also = old, new, safe, also
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Replacement, (str(self), self.old, self.new, self.safe, self.also)


def write(old: Any, new: str, after: str = "", safe: bool = True) -> Replacement:
    """The help to write `new` for the value `old`; it is safe where both mean the same.

    Args:
        after: What follows the value.
    """
    return Replacement(f"write `{new}`{after}", old, new, safe)


def leave_out(option: str, why: str = "") -> Replacement:
    """The help to an option that has no effect: it is safe to take away.

    Args:
        option: Its name.
        why: What follows ``leave it out``.
    """
    return Replacement(f"leave it out{why}", option, None, safe=True)


class Diagnostic(NamedTuple):
    """One problem.

    Attributes:
        code: Key of the catalogue in ``dlspec.core.codes``; ``W…`` codes are warnings, all others errors.
        message: One line, lower case, names quoted with backticks; says what was received and what was expected.
        span: The culprit, or None where a problem has no place in a file.
        help: What to write instead, or "".
        notes: Further places that matter, such as the line a block was called from.
        edits: The changes that `help` names, where it names exactly one way to mend the problem.
    """

    code: str
    message: str
    span: Span | None = None
    help: str = ""
    notes: tuple[Note, ...] = ()
    edits: tuple[Edit, ...] = ()

    @property
    def severity(self) -> Severity:
        """``warning`` for W codes, ``error`` for the rest."""
        return "warning" if self.code.startswith("W") else "error"


class SpecError(Exception):
    """Raised where work cannot go on; carries every diagnostic found so far."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in diagnostics))
        self.diagnostics = tuple(diagnostics)


class Problem(Exception):
    """Raised by shape rules and checks that do not know where in the file they are; the caller adds the place.

    Args:
        code: Catalogue code.
        message: As in :class:`Diagnostic`.
        help: As in :class:`Diagnostic`.
        option: The option of the component that is at fault, so that the caret can stand under it.

    Attributes:
        where: The place in a file of data, where the culprit stands in one.
    """

    where: str = ""

    def __init__(self, code: str, message: str, help: str = "", option: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.option = option

    def at(self, span: Span | None, notes: tuple[Note, ...] = ()) -> Diagnostic:
        """The problem at its place, None where it has none in a file."""
        return Diagnostic(self.code, self.message, span, self.help, notes)


@dataclass(slots=True)
class Diagnostics:
    """Collects diagnostics; the same code at the same place is kept once (a mistake in a block called ten times)."""

    items: list[Diagnostic] = field(default_factory=list)
    _seen: set[tuple[str, Span | None, str]] = field(default_factory=set)
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keeps `diagnostic` unless its code already stands at its place."""
        text = "" if diagnostic.span else diagnostic.message
        key = (diagnostic.code, diagnostic.span, text)
        if key not in self._seen:
            self._seen.add(key)
            self._counts[diagnostic.code] += 1
            self.items.append(diagnostic)

    def helps(self, code: str) -> bool:
        """Whether a further problem with that code is worth a search for what was meant: see :data:`HELPED`."""
        return self._counts[code] < HELPED

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Adds each of `diagnostics`."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    @property
    def errors(self) -> list[Diagnostic]:
        """The diagnostics that are errors."""
        return [d for d in self.items if d.severity == "error"]

    def sorted(self) -> list[Diagnostic]:
        """All diagnostics in file order, those without a place last."""
        return sorted(self.items, key=lambda d: (d.span is None, d.span or (), d.code))


def suggest(written: str, known: Iterable[str]) -> str | None:
    """The name among `known` that `written` most likely means; None where there is none, or more than one.

    Case, hyphens and underscores do not count, so that ``Conv2D``, ``conv_2d`` and ``con2d`` all find ``conv2d``.
    """
    matches = suggestions(written, known)
    return matches[0] if len(matches) == 1 else None


def suggestions(written: str, known: Iterable[str]) -> list[str]:
    """Names among `known` that `written` may equally well mean: by few typing errors, a prefix, or initials."""
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(_fold(name), name)
    key = _fold(written)
    if key in folded:
        return [folded[key]]
    if not key:
        return []
    allowed = min(1 + len(key) // 4, len(key) - 2, 3)
    distances = {name: _slips(key, name, allowed) for name in folded if abs(len(name) - len(key)) <= allowed}
    best = min(distances.values(), default=allowed + 1)
    if best <= allowed:
        return [folded[name] for name, slips in distances.items() if slips == best][:3]
    begun = [name for name in folded.values() if len(key) > 1 and _fold(name).startswith(key)]
    initials = [name for name in folded.values() if len(key) > 1 and _initials(name) == key]
    if len(begun) == 1 or initials:
        return begun if len(begun) == 1 else initials[:1]
    import difflib  # where something is wrong, and only there

    matches = difflib.get_close_matches(key, folded, n=1, cutoff=0.7)
    return [folded[matches[0]]] if matches else []


def did_you_mean(written: str, known: Iterable[str], guess: bool = False) -> str:
    """A help text naming the closest of `known`, or the choices when they are few, or "".

    Args:
        guess: Whether somebody has to look at it in any case, as at the name of a column or file.
    """
    names = list(known)
    matches = suggestions(written, names)
    if len(matches) == 1:
        help = meant_is(written, matches[0])
        if guess and isinstance(help, Replacement):
            help.safe = False
        return help
    if matches:
        quoted = [f"`{name}`" for name in matches]
        return "did you mean " + " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1]))) + "?"
    if 0 < len(names) <= 12:
        return "one of " + ", ".join(f"`{name}`" for name in names)
    return ""


def meant_is(written: str, name: str, what: str = "", safe: bool = False) -> str:
    """The question whether `name` was meant by `written`.

    Args:
        what: What the name is of, such as ``the layer``.
        safe: Whether it is known that nothing else was; otherwise a slip of the pen is told from a bold guess.
    """
    text = f"did you mean {what + ' ' if what else ''}`{name}`?"
    return Replacement(text, written, name, safe or _is_slip(written, name)) if _PLAIN.match(name) else text


def _is_slip(written: str, name: str) -> bool:
    """Whether two words differ in case, hyphens and underscores, or in one letter out of four; digits are no slip."""
    text, other = _fold(written), _fold(name)
    if re.sub(r"\D", "", text) != re.sub(r"\D", "", other):
        return False
    return text == other or (len(text) > 3 and _slips(text, other, len(text) // 4) <= len(text) // 4)


def _slips(text: str, other: str, most: int) -> int:
    """Letters to add, drop, change, or swap with their neighbour (optimal string alignment); too many beyond `most`."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(text, 1):
        before, last, row = row, before, [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and right == text[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(before) > most:
            return most + 1
    return row[-1]


def _fold(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _initials(name: str) -> str:
    return "".join(part[:1] for part in name.lower().split("_"))
