"""libyaml's reasons for stopping, in words that someone who does not know YAML's grammar understands."""

from __future__ import annotations

from typing import Any

import yaml

from dlspec.errors import Diagnostic, Note, Span


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
        self.problem: str = getattr(error, "problem", None) or str(error).splitlines()[0]
        self.context: str = getattr(error, "context", None) or ""
        self.file = file
        self.lines = text.split("\n")
        self.at = self.span(getattr(error, "problem_mark", None))
        self.start = self.span(getattr(error, "context_mark", None))

    def span(self, mark: Any) -> Span:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
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
        if "flow" in self.context or "'}'" in self.problem or "']'" in self.problem:
            return self.flow(text)
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

    def flow(self, text: str) -> Diagnostic:
        """A `{` or `[` that is not closed, or that something inside does not fit."""
        opened = self.lines[self.start.line - 1][self.start.column - 1 : self.start.column]
        close = {"{": "}", "[": "]"}.get(opened)
        if close is None or self.at.line == self.start.line:
            help = "quote text and expressions that contain any of `, [ ] { }`"
            where = f" between `{opened}` and `{close}`" if close else ""
            return Diagnostic("Y004", f"`{self.rest(text)}` does not fit here{where}", self.at, help)
        note = Note("it should be closed before this line", self.at)
        return Diagnostic("Y004", f"this `{opened}` is not closed", self.start, f"close it with `{close}`", (note,))

    def rest(self, text: str) -> str:
        found = text[self.at.column - 1 :].split(" ")[0] if text else ""
        return found[:20] or "the end of the line"

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
