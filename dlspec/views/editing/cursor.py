"""Where a cursor stands in a YAML text, finished or not: told by brackets and indentation, since nothing need parse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from dlspec.views.editing.text import Text

ITEM = "-"  # in a path: some item of a list
_KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s#:{}\[\],&*!|>'"%@`-][^:{}\[\],#]*?)\s*:(?=\s|$)""")
_WORD = re.compile(r"[\w.$]")
# A flow mapping or list that spans more lines is written by programs, not by people.
_MOST_LINES = 60


class Cursor(NamedTuple):
    """The position of a cursor in what the text is a part of.

    Attributes:
        path: Keys, and :data:`ITEM` for lists, from the root to where the token stands: for a key the mapping around
            it, for a value the key that it belongs to included.
        is_key: Whether the token is, or may become, a key of that mapping; an item of a list may become both.
        token: What stands around the cursor, up to its end.
        start: Column of the token's first character.
        end: Column behind its last one.
        before: The part of the token before the cursor.
        keys: Keys that the mapping has already.
        comment: The comment up to the cursor, where it stands in one; "" elsewhere.
        flow: Whether it stands inside brackets.
    """

    path: tuple[str, ...]
    is_key: bool
    token: str
    start: int
    end: int
    before: str
    keys: frozenset[str] = frozenset()
    comment: str = ""
    flow: bool = False


class _Frame:
    """A bracket that is open: the path to it, the key that waits for its value, and the keys before."""

    def __init__(self, kind: str, path: tuple[str, ...]) -> None:
        self.kind = kind
        self.path = path
        self.key: str | None = None
        self.keys: set[str] = set()

    @property
    def inside(self) -> tuple[str, ...]:
        """The path to whatever comes next."""
        path = self.path if self.kind == "{" else (*self.path, ITEM)
        return path if self.key is None else (*path, self.key)


def cursor_at(text: Text, line: int, column: int) -> Cursor:
    """The cursor before a column of a line, both counted from 1."""
    whole = text.line(line)
    start, end = column, column
    while start > 1 and _WORD.match(whole[start - 2]):
        start -= 1
    while end <= len(whole) and _WORD.match(whole[end - 1]):
        end += 1
    token, before = whole[start - 1 : end - 1], whole[start - 1 : column - 1]
    comment = _comment(whole[: column - 1])
    if comment:
        return Cursor((), False, token, start, end, before, comment=comment)
    first, head = _opening(text, line, start)
    outer = _block_path(text, first, head)
    frames = _frames(_joined(text, first, head, line, start), outer.path)
    rest = whole[end - 1 :]
    if frames:
        frame = frames[-1]
        keys = frozenset(frame.keys | _later_keys(rest)) if frame.kind == "{" else frozenset()
        is_key = frame.key is None
        return Cursor(frame.inside, is_key, token, start, end, before, keys, flow=True)
    return outer._replace(token=token, start=start, end=end, before=before)


def _comment(text: str) -> str:
    """The comment in which a line ends here."""
    quote = ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and (index == 0 or text[index - 1] in " ,[{:"):
            quote = character
        elif character == "#" and (index == 0 or text[index - 1].isspace()):
            return text[index:]
    return ""


def _plain(text: str) -> str:
    """A line without its comment."""
    return text.removesuffix(comment) if (comment := _comment(text)) else text


def _depth(text: str) -> int:
    """Brackets that a text opens and does not close; fewer than none where it closes others."""
    depth, quote = 0, ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and (index == 0 or text[index - 1] in " ,[{:"):
            quote = character
        else:
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(character, 0)
    return depth


def _opening(text: Text, line: int, column: int) -> tuple[int, int]:
    """Line in which the outermost bracket around a cursor opens, and the column up to which its block goes.

    A line that begins like an item or key of the lines above ends a bracket that somebody forgot to close.
    """
    head = text.line(line)[: column - 1]
    depth = _depth(_plain(head))
    first = line
    indent = _indent(text.line(line))
    if depth <= 0 and not head.lstrip().startswith("- "):
        balance = depth
        for number in range(line - 1, max(0, line - _MOST_LINES), -1):
            above = _plain(text.line(number))
            if not above.strip():
                continue
            balance += _depth(above)
            if balance > 0 and _indent(above) < indent:
                first = number
                break
            if _indent(above) < indent and _depth(above) == 0 and above.rstrip().endswith(":"):
                break
            indent = min(indent, max(1, _indent(above)))
    if first == line and depth <= 0:
        return line, column
    opener = _plain(text.line(first))
    at = next((index for index in range(len(opener)) if _depth(opener[: index + 1]) > 0), len(opener))
    # Of several brackets in a line, those that are closed again are none.
    while at < len(opener) and first == line and _depth(opener[at : column - 1]) <= 0:
        at += 1
    return first, at + 1


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _joined(text: Text, first: int, head: int, line: int, column: int) -> str:
    """The text from the outermost bracket to the token."""
    if first == line:
        return text.line(line)[head - 1 : column - 1]
    between = [_plain(text.line(number)) for number in range(first + 1, line)]
    return "\n".join([_plain(text.line(first))[head - 1 :], *between, text.line(line)[: column - 1]])


def _frames(text: str, path: tuple[str, ...]) -> list[_Frame]:
    """The brackets that are open at the end of a text, outermost first."""
    frames: list[_Frame] = []
    token, quote = "", ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
            token += character
        elif character in "\"'" and not token.strip():
            quote = character
            token = character
        elif character in "{[":
            frames.append(_Frame(character, frames[-1].inside if frames else path))
            token = ""
        elif character in "}]" and frames:
            frames.pop()
            token = ""
        elif character == "," and frames:
            frames[-1].key = None
            token = ""
        elif character == ":" and frames and text[index + 1 : index + 2] in ("", " ", "\n"):
            frames[-1].key = token.strip().strip("\"'")
            frames[-1].keys.add(frames[-1].key)
            token = ""
        else:
            token += character
    return frames


def _later_keys(rest: str) -> set[str]:
    """Keys that stand behind a cursor in the same brackets of its line."""
    keys: set[str] = set()
    depth, token = 0, ""
    for index, character in enumerate(rest):
        if character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth < 0:
                break
        elif depth == 0 and character == ":" and rest[index + 1 : index + 2] in ("", " "):
            keys.add(token.strip())
        token = "" if character in ",{[" else token + character
    return keys


class _Mark(NamedTuple):
    """A dash or a key at the beginning of a line, and its indentation."""

    indent: int
    key: str
    value: str


def _marks(line: str) -> Iterator[_Mark]:
    """The dashes of a line, and the key behind them."""
    text = _plain(line)
    at = _indent(text)
    while text[at : at + 2] in ("- ", "-"):
        yield _Mark(at, ITEM, text[at + 1 :].strip())
        at += 1
        while text[at : at + 1] == " ":
            at += 1
    if match := _KEY.match(text, at):
        yield _Mark(at, match.group(1).strip("\"'"), text[match.end() :].strip())


def _block_path(text: Text, line: int, column: int) -> Cursor:
    """Where a token stands that no bracket is around, or the outermost bracket itself."""
    head = text.line(line)[: column - 1]
    marks = list(_marks(head))
    value = bool(marks) and marks[-1].key != ITEM
    limit = marks[-1].indent if value else column - 1 if head.strip() in ("", "-") or marks else _indent(head)
    path: list[str] = [marks[-1].key] if value else []
    keys = set() if value else _siblings(text, line, limit, head)
    own = marks[:-1] if value else marks
    for mark in reversed(own):
        if mark.indent < limit:
            path.insert(0, mark.key)
            limit = mark.indent
    _climb(text, line, limit, path)
    return Cursor(tuple(path), not value, "", column, column, "", frozenset(keys))


def _climb(text: Text, line: int, limit: int, path: list[str]) -> None:
    """Puts the keys and dashes of the lines above, of ever smaller indentation, before a path."""
    number = line - 1
    while number > 0 and (limit > 0 or path[:1] == [ITEM]):
        for mark in reversed(list(_marks(text.line(number)))):
            # The dashes of a list may stand in the column of its key.
            if mark.indent < limit or (mark.indent == limit and path[:1] == [ITEM] and _opens(mark)):
                path.insert(0, mark.key)
                limit = mark.indent
        number -= 1


def _opens(mark: _Mark) -> bool:
    return mark.key != ITEM and not mark.value


def _siblings(text: Text, line: int, indent: int, head: str) -> set[str]:
    """Keys of the mapping that has a key in this column of a line."""
    keys: set[str] = set()
    starts = head.strip().startswith("-")
    for step in (-1, 1):
        if step < 0 and starts:
            continue
        number = line + step
        while 0 < number <= len(text.lines):
            marks = list(_marks(text.line(number)))
            content = _plain(text.line(number)).strip()
            if content and _indent(text.line(number)) < indent and not any(mark.indent == indent for mark in marks):
                break
            keys |= {mark.key for mark in marks if mark.indent == indent and mark.key != ITEM}
            if marks and marks[0].key == ITEM and marks[0].indent < indent:
                if step > 0:
                    keys -= {mark.key for mark in marks}
                break
            number += step
    return keys
