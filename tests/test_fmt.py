"""`dlspec fmt`: one form; values, order and comments stay; what is formatted stays as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from dlspec.core.errors import SpecError
from dlspec.core.ir import print_graph
from dlspec.passes.state import Checked
from dlspec.syntax.comments import comments_of
from dlspec.syntax.formatting import formatted
from dlspec.syntax.source import load
from tests.golden import bad_specs
from tests.random_specs import Writer
from tests.support import ROOT, SPECS, compile_text, dlspec_here

LONG = ", ".join(f"option_{number}: {number}" for number in range(10))
NUMBERS = ", ".join(str(number) for number in range(60))


def checked(text: str) -> str:
    """The text formatted, after a look at whether all is kept."""
    made = formatted(text, "f")
    assert formatted(made, "f") == made
    assert Counter(c.text for c in comments_of(made)) == Counter(c.text for c in comments_of(text))
    assert load(made).data == load(text).data
    assert all(line == line.rstrip() for line in made.split("\n"))
    return made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("a:   1\nb :  2", "a: 1\nb: 2\n"),
        ("layers:\n- a\n-   b:  1\n", "layers:\n  - a\n  - b: 1\n"),
        ("a: {b:1,c: [1,2 , 3] , d: {} }", "a: {b: 1, c: [1, 2, 3], d: {}}\n".replace("b: 1", "b:1")),
        ("a: [\n  1,\n  2\n]\n", "a: [1, 2]\n"),
        ("a: [dense: 3, {dense: 4}]\n", "a: [dense: 3, {dense: 4}]\n"),
        ("a:\n  - {dense: 3}\n  - {a: 1, b: 2}\n", "a:\n  - dense: 3\n  - {a: 1, b: 2}\n"),
        ("a: {scale}\nb:\nc: ~\n", "a: {scale}\nb:\nc: ~\n"),
        # options of a step
        ("l:\n  - dense:\n      units: 3\n      use_bias: false\n", "l:\n  - dense: {units: 3, use_bias: false}\n"),
        ("l:\n  - dense:\n      units: 3  # few\n", "l:\n  - dense:\n      units: 3  # few\n"),
        ("l:\n  - dense:\n      name: a, b\n", "l:\n  - dense:\n      name: a, b\n"),
        ("train:\n  epochs: 3\n", "train:\n  epochs: 3\n"),
        # what is too long for a line
        (f"l:\n  - x: {{{LONG}}}\n", "l:\n  - x:\n" + "".join(f"      {one}\n" for one in LONG.split(", "))),
        (f"a: {{b: {{{LONG}}}}}\n", "a:\n  b:\n" + "".join(f"    {one}\n" for one in LONG.split(", "))),
        # blank lines and comments
        ("\n\na: 1\n\n\n\nb: 2\n\n", "a: 1\n\nb: 2\n"),
        ("a:\n\n  b: 1\n", "a:\n  b: 1\n"),
        ("#x\n\n# y\na: 1 # z\n   # last\n", "#x\n\n# y\na: 1  # z\n# last\n"),
        ("a: 1     # one\nbc: 2    # two\n", "a: 1     # one\nbc: 2    # two\n"),
        ("a:  1    # one\n", "a: 1  # one\n"),
        ("a:  # head\n    b: 1\n    # foot\n# next\nc: 2\n", "a:  # head\n  b: 1\n  # foot\n# next\nc: 2\n"),
        ("l:\n- a\n# of b\n- b\n# of c\nc: 1\n", "l:\n  - a\n  # of b\n  - b\n# of c\nc: 1\n"),
        ("l:\n  -  # dash\n    a: 1\n    b: 2\n", "l:\n  -  # dash\n    a: 1\n    b: 2\n"),
        ("l:\n  -\n    # above\n    a: 1\n", "l:\n  -\n    # above\n    a: 1\n"),
        ("a: [1, # one\n  2] # two\n", "a:  # two\n  - 1  # one\n  - 2\n"),
        ("a: {  # open\n  b: 1,\n  # c\n  c: 2\n  # end\n}\n", "a:\n  # open\n  b: 1\n  # c\n  c: 2\n  # end\n"),
        ("a:  # head\n  {b: 1}  # beside\n", "# head\na: {b: 1}  # beside\n"),
        ("a: []  # none\nb: [ # in\n]\n", "a: []  # none\nb: []\n# in\n"),
        # scalars of several lines
        ("a: |  # text\n     x\n       y # no comment\n\nb: 1\n", "a: |  # text\n  x\n    y # no comment\n\nb: 1\n"),
        ("a: >-\n x\n\n y\n", "a: >-\n  x\n\n  y\n"),
        ("l:\n - |+\n  x\n\n\n - y\n", "l:\n  - |+\n    x\n\n\n  - y\n"),
        ("a: long\n  text  # c\n", "a: long\n    text  # c\n"),
        ('a: "long\n\n  \\\n  text"\n', 'a: "long\n\n    \\\n    text"\n'),
        # anchors
        ("a: &x  {b: 1}\nc: *x\n", "a: &x {b: 1}\nc: *x\n"),
        ("a: &x\n  b: 1\nl:\n - &y\n   c: 2\n - *y\n", "a: &x\n  b: 1\nl:\n  - &y\n    c: 2\n  - *y\n"),
        ("a: &x 1\nb: &y\n  - 1\nc: [&z q, *z]\n", "a: &x 1\nb: &y\n  - 1\nc: [&z q, *z]\n"),
        ("{a: 1, b: {c: 2}}\n", "a: 1\nb: {c: 2}\n"),
        ("--- # doc\na: 1\n...\n", "# doc\na: 1\n"),
    ],
)
def test_one_form(text: str, made: str) -> None:
    assert checked(text) == made


def test_long_lists_are_filled() -> None:
    made = checked(f"a: [{NUMBERS}]\n")
    assert made.split("\n")[1].startswith("    3") and max(map(len, made.split("\n"))) <= 120


@pytest.mark.parametrize(
    ("text", "code"),
    [("a: [1", "Y004"), ("a: 1\na: 2\n", "Y007"), ("%YAML 1.2\n---\na: 1\n", "Y020"), ("a: |2\n   x\n", "Y020")],
)
def test_what_cannot_be_formatted_is_told(text: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        formatted(text, "f")
    assert [item.code for item in caught.value.diagnostics] == [code]


def same_graph(folder: Path, text: str) -> None:
    """Holds the graph of a spec, or its errors, against that of the formatted text."""
    before, after = compile_text(folder, text), compile_text(folder, checked(text))
    assert isinstance(before, Checked) == isinstance(after, Checked)
    if isinstance(before, Checked) and isinstance(after, Checked):
        assert print_graph(before.training_graph) == print_graph(after.training_graph)
    assert Counter(i.message for i in before.diagnostics.items) == Counter(i.message for i in after.diagnostics.items)


def scattered(text: str, random: Random) -> str:
    """The text with comments and blank lines wherever they may stand between lines, and behind some of them."""
    lines: list[str] = []
    quoted = any(sign in text for sign in ("|", ">", '"', "'"))
    for number, line in enumerate(text.split("\n")):
        margin = " " * random.choice([0, len(line) - len(line.lstrip()), 2, 7])
        if random.random() < 0.3:
            lines += random.choice([[f"{margin}# above {number}"], ["", f"{margin}# apart {number}", ""], ["", ""]])
        if line and not quoted and random.random() < 0.3 and "#" not in line:
            line += " " * random.randint(1, 5) + f"# beside {number}"
        lines.append(line)
    return "\n".join(lines)


@pytest.mark.parametrize("share", range(12))
def test_random_specs_keep_their_graphs_and_comments(share: int, tmp_path: Path) -> None:
    for seed in range(share, 300, 12):
        text = Writer(seed).text()
        same_graph(tmp_path, scattered(text, Random(seed)))


@pytest.mark.parametrize("share", range(8))
def test_specs_of_the_repository_keep_their_meaning(share: int, tmp_path: Path) -> None:
    for number, spec in enumerate(SPECS):
        if number % 8 == share:
            text = (ROOT / spec).read_text(encoding="utf-8")
            for seed in range(3):
                checked(scattered(text, Random(seed)))
            made = checked(text)
            assert load(made).data == load(text).data
    for number, spec in enumerate(bad_specs()):
        text = spec.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
        if number % 8 == share and load(text).data is not None and not load(text).diagnostics.errors:
            checked(text)


def test_the_specs_of_the_repository_are_formatted() -> None:
    done = dlspec_here("fmt", "--check", str(ROOT / "specs"))
    assert done.returncode == 0, done.stdout


def test_files_are_written_or_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_bytes(b"layers:\r\n- dense:  3\r\n")
    Path("b.yaml").write_text("layers: [dense: 3]\n")
    Path("c.yaml").write_text("layers: [dense: 3\n")
    Path("other.yml").write_text("jobs:\n- a\n")
    for option, shown in (("--check", "a.yaml: would be formatted"), ("--diff", "-- dense:  3\n+  - dense: 3")):
        done = dlspec_here("fmt", option, "a.yaml", "b.yaml")
        assert done.returncode == 1 and shown in done.stdout.replace("\r", "")
        assert b"-" in Path("a.yaml").read_bytes()[9:11]
    done = dlspec_here("fmt", ".")
    assert done.returncode == 1 and "error[Y0" in done.stderr
    assert done.stdout == "a.yaml: formatted\n3 specs, 1 formatted, 1 not YAML\n"
    assert (
        Path("a.yaml").read_bytes() == b"layers:\r\n  - dense: 3\r\n"
        and Path("other.yml").read_text() == "jobs:\n- a\n"
    )
    assert dlspec_here("fmt", "--check", "a.yaml", "b.yaml").returncode == 0
    assert dlspec_here("fmt").returncode == 2 and dlspec_here("fmt", "absent.yaml").returncode == 1
    assert dlspec_here("fmt", "--specs-only", "other.yml").returncode == 0


def test_standard_input_goes_to_standard_output(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dlspec", "fmt", "-"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for text, code, out in (("layers: [ dense: 3]\n", 0, "layers: [dense: 3]\n"), ("layers: [", 1, "")):
        done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert (done.returncode, done.stdout) == (code, out)
