"""Mistakes of a spec with code of its own, and of that code: what is said of them, where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect
from builders import write

from dlspec.components.registry import Catalogue
from dlspec.core.errors import Problem
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.python import Python

SPEC = """\
extensions: [loading.py]
inputs: {x: [3]}
layers:
  - dense: {units: 2, activation: softmax}
data:
  source: {python: {function: loading:houses, arguments: {count: 4}}}
  inputs: {x: {column: x}}
  targets: {y: y}
train: {loss: sparse_categorical_crossentropy}
"""
CODE = """\
import numpy as np

def houses(count):
    print("this must not stand among the results")
    return {"x": np.arange(count * 3.0).reshape(count, 3), "y": np.arange(count) % 2}

def rows(count, odd=None):
    for number in range(count):
        yield odd if odd is not None and number == 2 else {"x": [number, 1.0, 2.0], "y": number % 2}

def words(count):
    return {"x": [["a", "b", "c"]] * count, "y": [0, 1] * (count // 2)}

def nothing(count):
    return {}

def endless(count):
    while True:
        yield {"x": np.zeros(10**6), "y": 0}
"""


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Modules are imported once per process."""
    yield
    sys.modules.pop("loading", None)


def good(folder: Path) -> None:
    write(folder, "loading.py", CODE)


def code(old: str, new: str) -> Any:
    assert old in CODE
    return lambda folder: write(folder, "loading.py", CODE.replace(old, new))


HOUSES = "np.arange(count * 3.0).reshape(count, 3)"
MARK = "loading:houses"
FILE = "loading.py"
ROWS = (("loading:houses", "loading:rows"),)


@cases(
    Bad("missing file", "E601", "there is no file `loadings.py`", "loadings.py",
        replace=(("[loading.py]", "[loadings.py]"),)),
    Bad("outside", "E108", "`../loading.py` leads out of the spec's folder", "../loading.py",
        replace=(("[loading.py]", "[../loading.py]"),)),
    Bad("no Python", "E110", "`spec.yaml` is no Python module", "spec.yaml",
        replace=(("[loading.py]", "[spec.yaml]"),)),
    Bad("the name of a module of Python", "E110", "`random.py` has the name of a module of Python itself", "random.py",
        "", lambda f: write(f, "random.py", CODE), (("[loading.py]", "[random.py]"),)),
    Bad("a module that is not listed", "E110", "`training` is none of the spec's `extensions`", "training:houses",
        replace=(("loading:houses", "training:houses"),)),
    Bad("no function", "E610", "`loading.py` has no function `hauses`", "loading:hauses", FILE,
        replace=(("loading:houses", "loading:hauses"),)),
    Bad("no colon", "E615", "`function` of python cannot be", "loading.houses",
        replace=(("loading:houses", "loading.houses"),)),
    Bad("a mistake of syntax", "E610", "`loading:houses` raised SyntaxError", MARK, "loading.py, line 3",
        code("def houses(count):", "def houses(count)")),
    Bad("an error when imported", "E610", "`loading:houses` raised ModuleNotFoundError: No module named 'nump'", MARK,
        "loading.py, line 1", code("import numpy", "import nump")),
    Bad("an error when called", "E610", "`loading:houses` raised ZeroDivisionError: ", MARK, "loading.py, line 5",
        code("count * 3.0", "count / 0")),
    Bad("an exit", "E610", "`loading:houses` raised SystemExit: 3", MARK, "loading.py, line 4",
        code("print(", "raise SystemExit(3) #")),
    Bad("wrong arguments", "E610", "`loading:houses` raised TypeError: houses() got an unexpected keyword", MARK, FILE,
        replace=(("{count: 4}", "{number: 4}"),)),
    Bad("no dict", "E610", "`loading:houses` returned a ndarray, expected a dict or a generator", MARK, FILE,
        code('return {"x": ' + HOUSES + ', "y": np.arange(count) % 2}', "return " + HOUSES)),
    Bad("no columns", "E610", "`loading:nothing` made no columns", "loading:nothing", FILE,
        replace=(("loading:houses", "loading:nothing"),)),
    Bad("no examples", "E610", "column `x` of `loading:houses` holds no examples", MARK, FILE,
        replace=(("{count: 4}", "{count: 0}"),)),
    Bad("a single value", "E610", "column `x` of `loading:houses` is a single value", MARK, FILE, code(HOUSES, "3.0")),
    Bad("ragged rows", "E610", "column `x` of `loading:houses` holds values of different shapes", MARK, FILE,
        code(HOUSES, "[[1, 2, 3], [1, 2]]")),
    Bad("other keys", "E610", "example 2 of `loading:rows` has other keys than the first: `y`, `z`", "loading:rows",
        FILE, replace=(*ROWS, ("{count: 4}", "{count: 4, odd: {x: [1, 2, 3], z: 1}}"))),
    Bad("an example that is no dict", "E610", "example 2 of `loading:rows` is a int, expected a dict", "loading:rows",
        FILE, replace=(*ROWS, ("{count: 4}", "{count: 4, odd: 5}"))),
    Bad("objects", "E610", "column `x` of `loading:houses` holds a NoneType, expected numbers or text", MARK, FILE,
        code(HOUSES, "[None] * count")),
    Bad("complex numbers", "E610", "column `x` of `loading:houses` holds values of type complex128", MARK, FILE,
        code(HOUSES, HOUSES + " * 1j")),
    Bad("unequal lengths", "E605", "column `x` has 4 examples, `y` has 5", "{function: loading:houses, arguments: "
        "{count: 4}}", "", code("np.arange(count) % 2", "np.arange(count + 1) % 2")),
    Bad("not a number", "E608", "column `x` holds a value that is not a finite number", "x",
        "loading:houses, example 1",
        code(HOUSES, HOUSES + " + np.where(np.arange(count) == 1, np.nan, 0)[:, None]")),
    Bad("text for numbers", "E603", "column `x` holds text (`a`), expected numbers", "x", "loading:words, example 0",
        replace=(("loading:houses", "loading:words"),)),
    Bad("a label outside the head", "E604", "target `y` has label 2", "y", "loading:houses, example 2",
        code("np.arange(count) % 2", "np.arange(count) % 3")),
    Bad("one class only", "E604", "target `y` has a single class, `0`", "y", "", code("np.arange(count) % 2",
        "np.zeros(count, int)")),
)  # fmt: skip
def test_mistakes(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC, allow_code=True)


def test_no_code_runs_unless_it_is_allowed(tmp_path: Path) -> None:
    write(tmp_path, "loading.py", "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    (found,) = diagnose(tmp_path, SPEC)
    assert (found.code, found.message) == ("E110", "the spec runs code of its own (`loading.py`)")
    assert found.help == "read that code, then pass `--allow-code`"
    assert found.span is not None and found.span[1:3] == (1, 1)
    (found,) = diagnose(tmp_path, SPEC.replace("extensions: [loading.py]\n", ""), allow_code=True)
    assert (found.code, found.message) == ("E110", "`loading` is none of the spec's `extensions`")
    with pytest.raises(Problem, match="`loading` is none of the spec's `extensions`"):
        Python(function="loading:houses").open(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_inputs_may_follow_from_what_a_function_makes(tmp_path: Path) -> None:
    good(tmp_path)
    spec = SPEC.replace("inputs: {x: [3]}\n", "").replace("  inputs: {x: {column: x}}\n", "")
    assert diagnose(tmp_path, spec, allow_code=True) == []
    assert [found.code for found in diagnose(tmp_path, spec)] == ["E110"]


def table(folder: Path, function: str, **arguments: Any) -> Any:
    good(folder)
    source = Python(function=f"loading:{function}", arguments=arguments)
    source.found_in(Catalogue({"loading": folder / "loading.py"}))
    return source.open(folder)


def test_arrays_and_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for function in ("houses", "rows"):
        opened = table(tmp_path, function, count=5)
        assert {name: (str(c.tensor), c.count) for name, c in opened.columns.items()} == {
            "x": ("[3] float64", 5), "y": ("[] int64", 5),
        }  # fmt: skip
        assert opened.take(["y"], np.array([3, 0]))["y"].tolist() == [1, 0]
    words = table(tmp_path, "words", count=2).read(["x"])["x"]
    assert words.dtype == object
    assert words.tolist() == [["a", "b", "c"]] * 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "among the results" in captured.err


def test_a_generator_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlspec.data.sources.python._LOOK", 10)
    monkeypatch.setattr("dlspec.data.sources.limits.machine_memory", lambda: 10**8)
    with pytest.raises(DataProblem, match=r"what `loading:endless` yields takes .* of memory") as caught:
        _ = table(tmp_path, "endless", count=1).columns
    assert caught.value.code == "E609"


@pytest.mark.slow
def test_on_the_command_line(tmp_path: Path) -> None:
    good(tmp_path)
    (tmp_path / "spec.yaml").write_text(SPEC, encoding="utf-8")

    def check(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dlspec", "check", "spec.yaml", "--format", "json", *options]
        path = os.pathsep.join(sys.path)
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)

    refused, allowed = check(), check("--allow-code")
    assert (refused.returncode, allowed.returncode) == (1, 0), allowed.stderr
    assert [one["code"] for one in json.loads(refused.stdout)["diagnostics"]] == ["E110"]
    assert json.loads(allowed.stdout)["diagnostics"] == []
