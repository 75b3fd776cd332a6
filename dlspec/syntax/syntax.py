"""libyaml's reasons for stopping, in words that someone who does not know YAML's grammar understands."""

from __future__ import annotations

import re
from typing import Any

import yaml

from dlspec.core.errors import Diagnostic, Note, Span

_BRACES = re.compile(r"\$\{([A-Za-z][A-Za-z0-9_]*)\}")
_DASH = re.compile(r"-([A-Za-z_].*)\Z")
_TWO_KEYS = re.compile(r"(- )?([A-Za-z_]\w*): ([A-Za-z_]\w*): ([^:{}]+)\Z")
_INLINE_ITEM = re.compile(r"([A-Za-z_]\w*): - ([^-].*)\Z")
_ASSIGNED = re.compile(r"([A-Za-z_]\w*) ?= ?([^=].*)\Z")
_NO_COMMA = re.compile(r"([^\s{},:]+) +([A-Za-z_]\w*):?\Z")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ITEM = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?::(?: .*)?)?\Z")


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def explain(error: yaml.YAMLError, file: str, text: str) -> Diagnostic:
    """The diagnostic (Y004, Y005 or Y019) for an error of libyaml in `text`."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        shown = f"U+{error.character:04X}" if isinstance(error.character, int) else str(error.character)
        span = Span(file, line, column, line, column + 1)
        return Diagnostic(
            "Y019", f"character {shown} is not allowed in YAML", span, "delete it, or quote and escape it"
        )
    return _Syntax(error, file, text).diagnostic()


class _Syntax:
    """libyaml's reason for stopping, in words that someone who does not know its grammar understands."""

    def __init__(self, error: yaml.YAMLError, file: str, text: str) -> None:
        marked = error if isinstance(error, yaml.MarkedYAMLError) else yaml.MarkedYAMLError()
        self.problem = marked.problem or str(error).splitlines()[0]
        self.context = marked.context or ""
        self.file = file
        self.lines = text.split("\n")
        self.at = self.span(marked.problem_mark)
        self.start = self.span(marked.context_mark)

    def span(self, mark: Any) -> Span:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if line > len(self.lines):  # libyaml puts a line behind the last one that does not end
            line, column = len(self.lines), len(self.lines[-1]) + 1
        return Span(self.file, line, column, line, column + 1)

    def diagnostic(self) -> Diagnostic:
        text = self.lines[self.at.line - 1] if self.at.line <= len(self.lines) else ""
        if "\t" in text[: len(text) - len(text.lstrip())] or "'\\t'" in self.problem:
            return Diagnostic("Y005", "a tab is used for indentation", self.at, "indent with spaces")
        if "quoted scalar" in self.context:
            if "escape" in self.problem or "hexdecimal" in self.problem:
                help = "write `\\\\` for a backslash, or use single quotes"
                return Diagnostic("Y004", "a backslash in double quotes starts no known escape", self.at, help)
            return Diagnostic("Y004", "this quotation mark is not closed", self.start, "close it, or delete it")
        if braces := _BRACES.search(text):
            column = braces.start() + 1
            at = Span(self.file, self.at.line, column, self.at.line, column + len(braces.group()))
            help = f"write `${braces.group(1)}`"
            return Diagnostic("Y004", f"`{braces.group()}` is no parameter: a name has no braces", at, help)
        if "expected ':'" in self.problem and _WORD.match(head := self.lines[self.start.line - 1].strip()):
            following = self.lines[self.start.line] if self.start.line < len(self.lines) else ""
            if _indent(following) > self.start.column - 1 or following.startswith("- "):
                return Diagnostic("Y004", f"`{head}` has no `:`", self.of(self.start.line), f"write `{head}:`")
        if "flow" in self.context or "'}'" in self.problem or "']'" in self.problem:
            return self.flow(text)
        if slip := self.slip(text) or self.dash():
            return slip
        if "mapping values are not allowed" in self.problem:
            help = "quote text that contains `: `; indent keys that belong together alike"
            return Diagnostic("Y004", "a `:` stands where no key can be", self.at, help)
        if "cannot start any token" in self.problem:
            character = text[self.at.column - 1 : self.at.column]
            return Diagnostic("Y004", f"`{character}` cannot start a value", self.at, "quote the text")
        if "could not find expected ':'" in self.problem:
            help = "write `key: value`, with a blank after the colon"
            return Diagnostic("Y004", "this line is neither `key: value` nor a list item", self.start, help)
        if "did not find expected key" in self.problem or "<block end>" in self.problem or "'-'" in self.problem:
            return self.block(text)
        if "<document start>" in self.problem:
            return Diagnostic("Y004", "text follows after the end of the spec", self.at, "check the indentation")
        return Diagnostic("Y004", f"not valid YAML: {self.problem}", self.at)

    def slip(self, text: str) -> Diagnostic | None:
        """A line that is written as in another language, with what it should be."""
        item = text.strip()
        line = self.of(self.at.line) if item else self.at
        if match := _TWO_KEYS.match(item):
            help = f"write `{match.group(1) or ''}{match.group(2)}: {{{match.group(3)}: {match.group(4)}}}`"
            return Diagnostic("Y004", "a second `:` on a line, where one key is expected", line, help)
        if match := _INLINE_ITEM.match(item):
            help = f"write `[{{{match.group(2)}}}]`" if ": " in match.group(2) else f"write `[{match.group(2)}]`"
            at = line._replace(column=line.column + match.start(2) - 2)
            return Diagnostic("Y004", "a list cannot begin on the line of its key", at, help)
        if match := _ASSIGNED.match(item):
            return Diagnostic("Y004", "a key is followed by `:`", line, f"write `{match.group(1)}: {match.group(2)}`")
        if item.endswith((";", "},", "],")) and text[self.at.column - 1 :].strip() in (";", ","):
            return Diagnostic("Y004", f"a line does not end with `{item[-1]}`", line, f"write `{item[:-1]}`")
        return None

    def dash(self) -> Diagnostic | None:
        """A line among the items of a list whose dash is missing, has no blank after it, or stands elsewhere."""
        section = self.at.line - len(self.before(self.at.line, blanks=True))
        for number in range(max(1, section), min(self.at.line, len(self.lines)) + 1):
            item = self.lines[number - 1].strip()
            if match := _DASH.match(item):
                help = f"write `- {match.group(1)}`, with a blank after the dash"
                return Diagnostic("Y004", "an item of a list starts with a dash and a blank", self.of(number), help)
            if item and not item.startswith("#") and (problem := self.item(number, item)):
                return problem
        return None

    def item(self, number: int, item: str) -> Diagnostic | None:
        """The mistake in the line of a list item, or in a line that should be one; None where there is none."""
        above = self.before(number)
        items = [line for line in above if line.lstrip().startswith("- ")]
        column, indent = _indent(items[-1]) if items else -1, _indent(self.lines[number - 1])
        if not items:
            bare = above and _WORD.match(above[-1].strip()) and _indent(above[-1]) == indent and number == self.at.line
            help = f"start each item of a list with `- `, such as `- {above[-1].strip()}`" if bare else ""
            text = "these lines are neither `key: value` nor items of a list"
            return Diagnostic("Y004", text, self.of(number - 1), help) if bare else None
        if item.startswith("- ") and 0 < abs(column - indent) <= 2 and number == self.at.line:
            text = "this item starts in another column than the one above it"
            help = f"write `{' ' * column}{item}`: start it in column {column + 1}, as the item above it"
            return Diagnostic("Y004", text, self.of(number)._replace(column=1), help)
        if column <= indent <= column + 2 and _ITEM.match(item) and (number == self.at.line or ":" not in item):
            span, write = (
                (self.of(number), f"- {item}")
                if indent == column
                else (self.of(number)._replace(column=1), f"{' ' * column}- {item}")
            )
            return Diagnostic("Y004", "this line is no item of the list above it", span, f"write `{write}`")
        return None

    def of(self, number: int) -> Span:
        """The span of a line's text."""
        text = self.lines[number - 1]
        return Span(self.file, number, _indent(text) + 1, number, len(text.rstrip()) + 1)

    def before(self, number: int, blanks: bool = False) -> list[str]:
        """The lines above one that belong to the same section; without blank ones and comments unless wanted."""
        lines: list[str] = []
        for text in reversed(self.lines[: number - 1]):
            if blanks or (text.strip() and not text.lstrip().startswith("#")):
                lines.append(text)
            if text[:1].strip() and not text.startswith(("-", "#")):
                break
        return list(reversed(lines))

    def flow(self, text: str) -> Diagnostic:
        """A `{` or `[` that is not closed, or that something inside does not fit."""
        opened = self.lines[self.start.line - 1][self.start.column - 1 : self.start.column]
        close = {"{": "}", "[": "]"}.get(opened)
        if (
            match := _NO_COMMA.search(text[: self.at.column])
            if opened == "{" and self.at.line == self.start.line
            else None
        ):
            at = Span(self.file, self.at.line, match.start() + 1, self.at.line, match.end() + 1)
            help = f"write `{match.group(1)}, {match.group(2)}`"
            return Diagnostic("Y004", "a comma is missing between two options", at, help)
        if close is None or self.at.line == self.start.line:
            help = "quote text and expressions that contain any of `, [ ] { }`"
            where = f" between `{opened}` and `{close}`" if close else ""
            return Diagnostic("Y004", f"`{self.rest(text)}` does not fit here{where}", self.at, help)
        note = Note("it should be closed before this line", self.at)
        return Diagnostic("Y004", f"this `{opened}` is not closed", self.start, f"close it with `{close}`", (note,))

    def rest(self, text: str) -> str:
        token = text[self.at.column - 1 :].split(" ")[0] if text else ""
        return token[:20] or "the end of the line"

    def block(self, text: str) -> Diagnostic:
        """A line whose indentation fits nothing above it."""
        note = (Note("it should continue what starts here", self.start),)
        if "sequence" in self.context or "collection" in self.context:
            help = "start each item of a list with `-`, all in the same column"
            return Diagnostic("Y004", "this line is no item of the list above it", self.at, help, note)
        if text.lstrip().startswith("- "):
            return Diagnostic(
                "Y004", "a list item stands where a key is expected", self.at, "do not mix `- item` and `key:`", note
            )
        help = "indent keys that belong together alike"
        return Diagnostic("Y004", "the indentation of this line does not fit what stands above", self.at, help, note)
