"""What several test files use."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dlspec.cli.main import run
from dlspec.core import resources
from dlspec.core.errors import Diagnostic
from dlspec.data.order.splits import Parts, choose
from dlspec.passes import Compilation, compile_spec
from dlspec.passes.state import Checked
from dlspec.syntax.source import load
from tests.warm import with_daemon

# Models of hundreds of megabytes: one after the other, each given back before the next is made.
LARGE_MODEL = pytest.mark.xdist_group("large models")

ROOT = Path(__file__).resolve().parent.parent
SPECS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "specs").rglob("*.yaml"))


def read_value(text: str) -> Any:
    """A value as a spec has it: by YAML 1.2, in which `1e-3` is a number; {} for no text."""
    document = load(f"value: {text or '{}'}")
    assert document.data is not None and not document.diagnostics.items, text
    return json.loads(json.dumps(document.data["value"]))


def rows_of(spec: Path) -> Parts:
    """Which rows of its data each part of a spec has."""
    state = compile_spec(spec)
    assert isinstance(state, Checked) and state.data_section is not None
    table = state.data_section.source.open(spec.parent)
    return choose(state.data_section, table, max(column.count for column in table.columns.values()))


def compile_text(folder: Path, text: str, *overrides: str) -> Compilation:
    """Compiles spec text from a file in `folder`."""
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return compile_spec(path, overrides)


def problems(state: Compilation) -> list[tuple[str, int, int]]:
    """Code, line and column of every diagnostic, in file order."""
    return [place(item) for item in state.diagnostics.sorted()]


def place(item: Diagnostic) -> tuple[str, int, int]:
    """Code, line and column of one diagnostic."""
    return (item.code, item.span.line if item.span else 0, item.span.column if item.span else 0)


def as_documented(name: str, text: str) -> Any:
    """A document that dlspec wrote or printed, held against its schema, which must know every key of it.

    Args:
        name: Of the schema: ``report``, ``search``, or ``output/`` and the command.
        text: JSON.
    """
    found = json.loads(text, parse_constant=lambda word: pytest.fail(f"JSON has no {word}"))
    schema = json.loads(resources.read("schemas", f"{name}.json"), object_hook=_closed)
    Draft202012Validator(schema).validate(found)
    return found


def _closed(node: dict[str, Any]) -> dict[str, Any]:
    """Part of a schema that allows no key beside those that it describes."""
    described = node.get("type") == "object" and "properties" in node
    return {**node, "additionalProperties": False} if described else node


def dlspec(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the real command line in a process of its own."""
    command = [sys.executable, "-m", "dlspec", *arguments]
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
    variables.pop("DLSPEC_TRACEBACK", None)
    variables = with_daemon(variables, *arguments)
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=300, check=False)


def dlspec_here(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the real command line in this process, where nothing depends on a process of its own."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        code = run(list(arguments))
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints that succeeds, run in this process."""
    capsys.readouterr()
    assert run(list(arguments)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def run_tests_apart(folder: Path, *files: str, chosen: str = "not exhaustive") -> None:
    """Runs the tests in `files`, all of which must pass, in one process of their own, in which TensorFlow starts.

    Args:
        folder: Where they stand.
        chosen: Which of them, as pytest's ``-m`` takes it.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-n", "0", "-m", chosen, *files]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
