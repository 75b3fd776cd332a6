"""A spec's text in one form: indentation, blanks, brackets where they fit; values, order and comments stay.

A library was tried first: ruamel.yaml keeps comments too, but writes ``{scale}`` as ``{scale: null}``, takes the braces
of ``[{dense: 3}]`` away, and breaks lines between a key and its value.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from dlspec.core.errors import Diagnostic, Span, SpecError
from dlspec.syntax.comments import comments_of
from dlspec.syntax.source import load
from dlspec.syntax.written import Beside, Item, Node, NotWrittenError, read

# A line may be so long; options of a step that are written line by line are put on one line up to the other width.
WIDTH = 120
SHORT = 88
# What a text without quotes may hold in a line of its own, and not inside of brackets.
_BRACKETS = re.compile(r"[,\[\]{}]")


def formatted(text: str, file: str) -> str:
    """The text of a spec as ``dlspec fmt`` writes it; that of a text that was formatted is the same.

    Args:
        text: With ``\\n`` as its line end.
        file: What messages call it.

    Raises:
        SpecError: It is not YAML that a spec may be, or holds what cannot be formatted (Y020).
    """
    document = load(text, file)
    if document.data is None or document.diagnostics.errors:
        raise SpecError(document.diagnostics.items)
    try:
        root = read(document.text)
    except NotWrittenError as error:
        raise _refused(file, error.line, str(error)) from None
    lines = _opened(root, 0) if root.items else [root.anchor + "{}", *_notes(root.after, 0)]
    while lines and not lines[0]:
        lines.pop(0)
    result = "\n".join(line.rstrip() for line in lines) + "\n"
    again = load(result, file)
    if again.diagnostics.errors or _facts(again.data) != _facts(document.data) or _remarks(result) != _remarks(text):
        raise _refused(file, 0, "values or comments would not stay as they are")
    return result


def _refused(file: str, line: int, reason: str) -> SpecError:
    span = Span(file, line + 1, 1, line + 1, 2)
    return SpecError([Diagnostic("Y020", f"this text cannot be formatted: {reason}", span, "format it by hand")])


def _facts(data: Any) -> str:
    return json.dumps(data, default=repr)


def _remarks(text: str) -> Counter[str]:
    return Counter(comment.text for comment in comments_of(text))


def _opened(node: Node, indent: int, step: bool = False) -> list[str]:
    """The items of a collection, each on lines of its own.

    Args:
        indent: Columns before each of them.
        step: Whether the collection is a step of a list, whose options stand on one line where they are short.
    """
    lines: list[str] = []
    for item in node.items:
        lines += [*_notes(item.before, indent), *_item(item, indent, step)]
    return [*lines, *_notes(node.after, indent)]


def _notes(comments: Sequence[str], indent: int) -> list[str]:
    return [" " * indent + comment if comment else "" for comment in comments]


def _item(item: Item, indent: int, step: bool) -> list[str]:
    lead = " " * indent + ("-" if item.key is None else f"{_key_text(item.key)}:")
    node = item.value
    if node.anchor:
        lead += f" {node.anchor}"
    if node.kind == "block":
        body = [line and " " * (indent + 2) + line for line in _dedented(node.lines[1:])]
        return [_with(f"{lead} {node.lines[0]}", item.head), *body]
    if node.kind == "scalar":
        return _scalar(item, lead, indent)
    if not node.items:
        code = f"{lead} {'{}' if node.kind == 'map' else '[]'}"
        return [*_both(code, item, indent), *_notes(node.after, indent)]
    flat = _one_line(item, lead, step)
    if flat is not None:
        return _both(flat, item, indent)
    if node.flow and node.kind == "list" and (lines := _filled(node, lead)) is not None:
        return [*lines[:-1], *_both(lines[-1], item, indent)] if len(lines) == 1 or not item.head else [
            *_notes([item.head.text], indent), *lines[:-1], _with(lines[-1], item.beside)
        ]  # fmt: skip
    return _on_further_lines(item, lead, indent)


def _key_text(key: Node) -> str:
    return f"{key.anchor} {key.lines[0]}".strip()


def _scalar(item: Item, lead: str, indent: int) -> list[str]:
    first, *rest = item.value.lines
    if not rest:
        return _both(f"{lead} {first}".rstrip(), item, indent)
    pad = " " * (indent + 4)
    lines = [f"{lead} {first}", *(pad + line.strip() if line.strip() else "" for line in rest)]
    above = _notes([item.head.text], indent) if item.head else []
    return [*above, *lines[:-1], _with(lines[-1], item.beside)]


def _one_line(item: Item, lead: str, step: bool) -> str | None:
    """The item on one line, where it is in brackets and fits, or is short and may be put in brackets."""
    node = item.value
    if node.flow:
        flat = _unnamed(node, bare=item.key is None and not node.anchor)
        return f"{lead} {flat}" if flat is not None and len(lead) + 1 + len(flat) <= WIDTH else None
    if not step or node.kind != "map" or node.anchor or item.head:
        return None
    if not all(each.value.flow or _may_move(each.value) for each in node.items):
        return None
    flat = _flat(node)
    return f"{lead} {flat}" if flat is not None and len(lead) + 1 + len(flat) <= SHORT else None


def _may_move(value: Node) -> bool:
    """Whether a scalar means the same inside of brackets."""
    if value.kind != "scalar" or not value.lines[0]:
        return False
    return value.lines[0][0] in "\"'" or not _BRACKETS.search(value.lines[0])


def _flat(node: Node) -> str | None:
    """A value on one line with its anchor; None where a comment or a text of several lines is in the way."""
    text = _unnamed(node)
    return f"{node.anchor} {text}" if node.anchor and text is not None else text


def _unnamed(node: Node, bare: bool = False) -> str | None:
    """A value on one line without its anchor.

    Args:
        bare: Whether a mapping of one entry has no braces.
    """
    if node.kind in ("scalar", "block"):
        return node.lines[0] if node.kind == "scalar" and len(node.lines) == 1 else None
    if node.after or node.commented or any(i.before or i.head or i.beside for i in node.items):
        return None
    parts: list[str] = []
    for item in node.items:
        value = _flat(item.value)
        if value is None or (item.key and len(item.key.lines) > 1):
            return None
        parts.append(value if item.key is None else f"{_key_text(item.key)}: {value}" if value else _key_text(item.key))
    text = ", ".join(parts)
    if node.kind == "list":
        return f"[{text}]"
    alone = node.bare or (bare and len(parts) == 1)
    return text if alone and ": " in text else f"{{{text}}}"


def _filled(node: Node, lead: str) -> list[str] | None:
    """A long list of plain values over several lines."""
    parts = [_flat(item.value) for item in node.items]
    if _flat(node) is None or any(item.value.kind != "scalar" for item in node.items):
        return None
    lines, line = [], f"{lead} ["
    pad = " " * len(line)
    for number, part in enumerate(parts):
        text = f"{part}{',' if number < len(parts) - 1 else ']'}"
        joined = line + text if line.endswith("[") or line == pad else f"{line} {text}"
        if len(joined) > WIDTH and line.strip() and not line.endswith("["):
            lines.append(line)
            line = pad + text
        else:
            line = joined
    return [*lines, line]


def _on_further_lines(item: Item, lead: str, indent: int) -> list[str]:
    """A collection below its key, or from the dash on."""
    node = item.value
    lines = _opened(node, indent + 2, step=item.key is None and node.kind == "map" and len(node.items) == 1)
    remark, more = item.head or item.beside, item.beside if item.head else None
    if item.key is None and not node.anchor and remark is None and lines[0].strip() and lines[0].lstrip()[0] != "#":
        return [f"{lead} {lines[0][indent + 2 :]}", *lines[1:]]
    return [_with(lead, remark), *lines, *(_notes([more.text], indent + 2) if more else [])]


def _dedented(lines: Sequence[str]) -> list[str]:
    """The lines of a block scalar without the blanks that all of them begin with."""
    margin = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    return [line[margin:] for line in lines]


def _both(code: str, item: Item, indent: int) -> list[str]:
    """A line with its comment; of two, the first stands above."""
    if item.head is not None and item.beside is not None:
        return [*_notes([item.head.text], indent), _with(code, item.beside)]
    return [_with(code, item.beside or item.head)]


def _with(code: str, remark: Beside | None) -> str:
    """A line with a comment behind it, which keeps its column where the line is as it was."""
    if remark is None:
        return code
    same = len(remark.code) == len(code) and remark.code.lstrip(" -") == code.lstrip(" -")  # a dash may stand before it
    gap = remark.gap if same and remark.gap > 2 else 2
    return f"{code}{' ' * gap}{remark.text}"
