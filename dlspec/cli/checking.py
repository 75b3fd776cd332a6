"""Specs checked one after the other, and what is printed of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dlspec.cli.output import print_data, print_painted, print_text, say, wants_colour
from dlspec.cli.render import render, summary
from dlspec.core.errors import Diagnostic
from dlspec.core.workspace import Workspace
from dlspec.passes import Checked, compile_spec

if TYPE_CHECKING:
    from dlspec.passes.state import Compilation, Lowered


@dataclass(kw_only=True, eq=False, repr=False)
class Checking:
    """How specs are checked and shown: the options of the command line.

    Attributes:
        mends: Whether the changes that helps name are made: written where `writes`, printed otherwise.
        unsafe: Whether changes are made that somebody should look at.
        strict: Whether warnings fail.
        selected: Codes, or beginnings of codes, that alone are shown; () for all.
        ignored: The like for warnings that are left out.
    """

    overrides: tuple[str, ...] = ()
    allow_outside: bool = False
    allow_code: bool = False
    form: str = "text"
    mends: bool = False
    writes: bool = True
    unsafe: bool = False
    strict: bool = False
    selected: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    statistics: bool = False

    def workspace(self, texts: Mapping[Path, str]) -> Workspace:
        """Permissions, and texts that stand in place of files."""
        return Workspace(None, self.allow_outside, self.allow_code, announce=say, texts=texts)

    def shown(self, diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
        """Those of the diagnostics that were asked for."""
        return [
            item
            for item in diagnostics
            if not (self.ignored and item.code.startswith(self.ignored))
            and (not self.selected or item.code.startswith(self.selected))
        ]


@dataclass(eq=False, repr=False)
class Result:
    """What came of one spec.

    Attributes:
        shown: The diagnostics to show.
        failed: Whether the spec has errors, or warnings where these fail.
        mended: Problems that were mended.
    """

    state: Compilation
    shown: list[Diagnostic]
    failed: bool
    mended: int = 0


@dataclass(eq=False, repr=False)
class Results:
    """All specs of a command.

    Attributes:
        before: Texts of the files that changes were made in, as they were.
        after: The same as they are now.
    """

    specs: list[Result] = field(default_factory=list)
    before: dict[Path, str] = field(default_factory=dict)
    after: dict[Path, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether any of the specs fails."""
        return any(result.failed for result in self.specs)

    def diagnostics(self) -> list[Diagnostic]:
        """All that is to be shown; a mistake in a file that several specs extend once."""
        return list(dict.fromkeys(item for result in self.specs for item in result.shown))


def check_all(files: Sequence[Path], checking: Checking, texts: Mapping[Path, str] | None = None) -> Results:
    """Checks specs, and mends them where that is asked; files are written when their spec is done.

    Args:
        texts: Texts that stand in place of files: these are never written.
    """
    results = Results()
    given = dict(texts or {})
    for path in files:
        workspace = checking.workspace({**given, **({} if checking.writes else results.after)})
        count = 0
        if checking.mends:
            from dlspec.passes.mending import mended

            outcome = mended(path, checking.overrides, workspace, checking.unsafe)
            state, count = outcome.state, outcome.count
            _keep(outcome.texts, results, checking, given)
        else:
            state = compile_spec(path, checking.overrides, workspace)
        results.specs.append(_result(state, count, checking))
    return results


def _keep(texts: Mapping[Path, str], results: Results, checking: Checking, given: Mapping[Path, str]) -> None:
    from dlspec.cli.rewriting import rewrite
    from dlspec.syntax.source import read_file

    for path, text in texts.items():
        results.before.setdefault(path, given[path] if path in given else read_file(path).text)
        if checking.writes and path not in given:
            rewrite(path, text)
        results.after[path] = text


def _result(state: Compilation, count: int, checking: Checking) -> Result:
    diagnostics = state.diagnostics.sorted()
    shown = checking.shown(diagnostics)
    failed = not isinstance(state, Checked) or (checking.strict and bool(shown))
    return Result(state, shown, failed, count)


def show(results: Results, checking: Checking) -> int:
    """Prints what came of the specs and returns the exit code."""
    failed = results.failed
    if checking.mends and not checking.writes:
        from dlspec.cli.rewriting import difference

        failed |= bool(results.after)
        print_data(difference(results.before, results.after), end="")
        return int(failed)
    texts = {name: text for result in results.specs for name, text in result.state.texts.items()}
    if checking.form != "text":
        text = render(results.diagnostics(), texts, checking.form)
        if text:
            print_data(text)
    elif checking.statistics:
        print_text(_statistics(results.diagnostics()))
    else:
        _show_text(results, texts)
    return int(failed)


def _show_text(results: Results, texts: Mapping[str, str]) -> None:
    diagnostics = results.diagnostics()
    if diagnostics:
        print_painted(render(diagnostics, texts, "text", wants_colour(sys.stdout)) + "\n")
    for result in results.specs:
        for line in _lines(result):
            print_text(line)
    if len(results.specs) != 1:
        print_text(_total(results, diagnostics))


def _lines(result: Result) -> Iterator[str]:
    """What is said of one spec below the diagnostics."""
    from dlspec.graph.facts import adapter_facts, headline, show_adapters

    state, spec = result.state, result.state.path
    if result.mended:
        yield f"{spec}: mended {result.mended} problem{'s' if result.mended > 1 else ''}"
    if not isinstance(state, Checked):
        hidden = len(state.diagnostics.errors) - sum(item.severity == "error" for item in result.shown)
        others = f"{hidden} error{'s' if hidden > 1 else ''} not selected" if hidden else ""
        yield f"{spec}: {', '.join(filter(None, (summary(result.shown), others)))}"
        return
    warned = f" ({summary(result.shown)})" if result.shown else ""
    yield f"{spec}: ok{warned}, {headline(state.training_graph)}{_training(state)}"
    if state.adapted is not None:
        yield f"{spec}: adapters: {show_adapters(adapter_facts(state.training_graph, state.adapted))}"
    if state.start is not None and state.method is not None:
        yield f"{spec}: start_from: {state.start.describe(state.method.start_from.file)}"


def _total(results: Results, diagnostics: Sequence[Diagnostic]) -> str:
    """The last line where there are several specs, or none."""
    count = len(results.specs)
    failed = sum(result.failed for result in results.specs)
    text = f"{count} spec{'s' if count != 1 else ''}, {failed} failed" if count else "no spec to check"
    text += f": {summary(diagnostics)}" if diagnostics else ""
    safe = sum(bool(item.edits) and all(edit.safe for edit in item.edits) for item in diagnostics)
    return text + (f"; `--fix` mends {safe} of them" if safe else "")


def _statistics(diagnostics: Sequence[Diagnostic]) -> str:
    """How often each code occurs, the most frequent first."""
    from collections import Counter

    from dlspec.core.codes import CODES
    from dlspec.core.terminal import table

    counts = Counter(item.code for item in diagnostics)
    fixable = Counter(item.code for item in diagnostics if item.edits and all(edit.safe for edit in item.edits))
    rows = [["count", "code", "fixable", "problem"]]
    for code, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
        rows.append([str(count), code, str(fixable[code]), CODES[code].title])
    return "\n".join(table(rows, numbers=(0, 2))) if counts else "no problems"


def _training(state: Lowered) -> str:
    """A sentence on the memory that training takes, where that is more than any machine has."""
    from dlspec.core.ir import show_bytes
    from dlspec.graph.needs import NO_MATTER
    from dlspec.passes.memory import training_needs

    need = training_needs(state)
    return "" if need is None or need.total < NO_MATTER else f"; training takes {show_bytes(need.total)} at least"
