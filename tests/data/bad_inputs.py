"""Bad files of data, each in a spec that is otherwise sound: what `dlspec check` says of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dlspec.cli.main import run
from dlspec.core.errors import Diagnostic
from dlspec.passes import Workspace, compile_spec


@dataclass(frozen=True)
class Bad:
    """One mistake.

    Attributes:
        name: What is wrong; the test's name.
        code: Of the one diagnostic that it gives.
        message: How its text begins, or the whole.
        mark: The text of the spec under the caret.
        where: The file, and the row where there is one, that the diagnostic names.
        make: Makes the bad files in the folder of the spec, after the good ones.
        replace: Changes to the text of the spec.
    """

    name: str
    code: str
    message: str
    mark: str
    where: str = ""
    make: Callable[[Path], Any] | None = None
    replace: tuple[tuple[str, str], ...] = ()


def cases(*bad: Bad) -> pytest.MarkDecorator:
    """Parametrizes a test by mistakes; there are at least ten of every source."""
    assert len(bad) >= 10
    return pytest.mark.parametrize("bad", [pytest.param(one, id=one.name) for one in bad])


def diagnose(folder: Path, spec: str, *, allow_code: bool = False) -> list[Diagnostic]:
    """The diagnostics of a spec in `folder`."""
    (folder / "spec.yaml").write_text(spec, encoding="utf-8")
    return compile_spec(folder / "spec.yaml", workspace=Workspace(allow_code=allow_code)).diagnostics.sorted()


def expect(bad: Bad, folder: Path, good: Callable[[Path], Any], spec: str, *, allow_code: bool = False) -> None:
    """Makes the files, `good` first, and compares the one diagnostic with what `bad` promises.

    ``dlspec data`` says the same, and ends as a command should.
    """
    good(folder)
    if bad.make is not None:
        bad.make(folder)
    for old, new in bad.replace:
        assert old in spec, old
        spec = spec.replace(old, new)
    found = diagnose(folder, spec, allow_code=allow_code)
    assert len(found) == 1, [f"{one.code} {one.message}" for one in found]
    (one,) = found
    assert one.code == bad.code, one.message
    assert one.message.startswith(bad.message), one.message
    assert one.span is not None
    line, column, end_line, end = one.span[1:5]
    text = spec.splitlines()[line - 1]
    assert text[column - 1 : end - 1 if end_line == line else None] == bad.mark
    if bad.where:
        # A file that is missing is named by the message itself.
        said = [note.message for note in one.notes] + [f"found in {bad.where}"] * (bad.where in one.message)
        assert f"found in {bad.where}" in said, said
    said = command("data", str(folder / "spec.yaml"), *(["--allow-code"] if allow_code else []))
    assert f"error[{bad.code}]: {one.message}" in said and "1 error" in said, said


def command(*arguments: str) -> str:
    """What a command says that ends with problems in the spec or its data."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = run(list(arguments))
    assert code == 1, said.getvalue()
    return said.getvalue()
