"""Warnings that a comment of the spec leaves out, with the reason: ``# dlspec: ignore W402 the padding is meant``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from dlspec.core.errors import Diagnostic, Span
from dlspec.syntax.comments import Comment, comments_of

_MARK = re.compile(r"#\s*dlspec:\s*ignore\b[:\s]*(?P<rest>.*)")
_CODES = re.compile(r"(?:[A-Za-z][0-9]{3}\b[\s,]*)*")
HELP = "write the code of a warning and why it may be: `# dlspec: ignore W402 the padding is meant`"


class _Remark(NamedTuple):
    """A comment that leaves warnings out.

    Attributes:
        span: Its place.
        line: The line of which it speaks: its own, or the next one with something on it.
        codes: The codes that it names.
        reason: The rest of it.
    """

    span: Span
    line: int
    codes: tuple[str, ...]
    reason: str


def without_ignored(diagnostics: Iterable[Diagnostic], texts: Mapping[str, str], complete: bool) -> list[Diagnostic]:
    """The diagnostics without the warnings that comments leave out, and with warnings of comments that do nothing.

    Args:
        texts: Text of each file of the spec, by the name that spans give it.
        complete: Whether every check ran, so that a comment that met no warning has none to meet.
    """
    remarks = [remark for name, text in texts.items() if "dlspec:" in text for remark in _remarks(name, text)]
    valid = [remark for remark in remarks if _problem(remark) is None]
    by_line = {(remark.span.file, remark.line, code): remark for remark in valid for code in remark.codes}
    kept: list[Diagnostic] = []
    met: set[tuple[str, int, str]] = set()
    for item in diagnostics:
        key = (item.span.file, item.span.line, item.code) if item.span else ("", 0, "")
        if item.severity == "warning" and key in by_line:
            met.add(key)
        else:
            kept.append(item)
    for remark in remarks:
        problem = _problem(remark)
        if problem is not None:
            kept.append(Diagnostic("W621", problem, remark.span, HELP))
    if complete:
        kept += [_idle(by_line[key], key[2]) for key in by_line if key not in met]
    return kept


def _idle(remark: _Remark, code: str) -> Diagnostic:
    message = f"there is no {code} on line {remark.line} that the comment could leave out"
    return Diagnostic("W620", message, remark.span, "take the comment away")


def _problem(remark: _Remark) -> str | None:
    """Why a comment cannot leave anything out."""
    from dlspec.core.codes import CODES

    if not remark.codes:
        return "the comment names no code of a warning"
    for code in remark.codes:
        if code not in CODES:
            return f"there is no code {code}"
        if not code.startswith("W"):
            return f"{code} is an error, which no comment leaves out"
    return None if remark.reason else f"the comment does not say why {remark.codes[0]} may be"


def _remarks(file: str, text: str) -> Iterator[_Remark]:
    lines = text.split("\n")
    for comment in comments_of(text):
        match = _MARK.match(comment.text)
        if match:
            codes = _CODES.match(match["rest"])
            named = codes.group() if codes else ""
            reason = match["rest"][len(named) :].strip(" :,-–—")
            end = comment.column + len(comment.text)
            span = Span(file, comment.line, comment.column, comment.line, end)
            yield _Remark(span, _line(comment, lines), tuple(re.findall(r"\w+", named.upper())), reason)


def _line(comment: Comment, lines: list[str]) -> int:
    if not comment.alone:
        return comment.line
    for number in range(comment.line, len(lines)):
        text = lines[number].strip()
        if text and not text.startswith("#"):
            return number + 1
    return comment.line
