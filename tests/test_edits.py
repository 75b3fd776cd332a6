"""The changes that helps name: made by a program, they mend the mistake and touch nothing else."""

from __future__ import annotations

import pickle
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from dlspec.core.errors import Diagnostic, Edit, Replacement, Span, did_you_mean, leave_out, write
from dlspec.core.tree import Map, Seq
from dlspec.passes import Compilation, compile_spec
from dlspec.semantics.edits import applied, with_edits
from dlspec.syntax.source import load
from tests.golden import BAD


def safe(item: Diagnostic) -> bool:
    """Whether a problem has edits that nobody needs to look at."""
    return any(edit.safe for edit in item.edits)


def safe_edits(state: Compilation) -> dict[str, list[Edit]]:
    """All safe edits, by file."""
    edits: dict[str, list[Edit]] = defaultdict(list)
    for item in state.diagnostics.items:
        for edit in item.edits:
            if edit.safe:
                edits[edit.span.file].append(edit)
    return edits


def inside(span: Span, edits: list[Edit]) -> bool:
    """Whether an edit changes something there."""
    return any(
        (edit.span.line, edit.span.column) < (span.end_line, span.end_column)
        and (span.line, span.column) < (edit.span.end_line, edit.span.end_column)
        for edit in edits
    )


def untouched(value: Any, edits: list[Edit]) -> Iterator[str]:
    """Every key and plain value that no edit speaks of."""
    if isinstance(value, Map):
        for key, item in value.items():
            if not inside(value.key_spans[key], edits):
                yield f"{key}:"
            yield from _of(item, value.value_spans[key], edits)
    elif isinstance(value, Seq):
        for item, span in zip(value, value.item_spans, strict=True):
            yield from _of(item, span, edits)


def _of(item: Any, span: Span, edits: list[Edit]) -> Iterator[str]:
    if isinstance(item, Map | Seq):
        yield from untouched(item, edits)
    elif not inside(span, edits):
        yield repr(item)


def test_every_safe_edit_of_the_bad_specs_mends_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copytree(BAD, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    mended = 0
    for spec in sorted(Path().glob("*.yaml")):
        before = compile_spec(spec)
        edits = safe_edits(before)
        originals = {name: Path(name).read_text(encoding="utf-8") for name in edits}
        for name, changes in edits.items():
            text = applied(originals[name], changes)
            kept = Counter(untouched(load(originals[name]).data, changes))
            assert not kept - Counter(untouched(load(text).data, [])), f"{spec}: a value that no edit names changed"
            Path(name).write_text(text, encoding="utf-8")
        if edits:
            left = Counter(item.message for item in before.diagnostics.items if not safe(item))
            after = compile_spec(spec).diagnostics
            assert len(after.errors) < len(before.diagnostics.errors), spec  # another may be seen now: of shapes, say
            messages = Counter(item.message for item in after.items)
            for item in before.diagnostics.items:
                assert messages[item.message] <= left[item.message], (spec, item)
                mended += safe(item)
        for name, text in originals.items():
            Path(name).write_text(text, encoding="utf-8")
    assert mended >= 100


def edits_of(text: str, span: tuple[int, int, int, int], help: str) -> str:
    """`text` with what `help` says at `span` (line, column and their ends) made of it."""
    (item,) = with_edits([Diagnostic("E101", "m", Span("f", *span), help)], {"f": text})
    return applied(text, item.edits)


@pytest.mark.parametrize(
    ("text", "span", "help", "mended"),
    [
        ("a: {b: 1, c: 2}", (1, 5, 1, 6), leave_out("b"), "a: {c: 2}"),
        ("a: {b: 1, c: 2}", (1, 11, 1, 12), leave_out("c"), "a: {b: 1}"),
        ("a: {b: 1}", (1, 5, 1, 6), leave_out("b"), "a: {}"),
        ("a:\n  b: 1  # why\n  c: 2\n", (2, 3, 2, 4), leave_out("b"), "a:\n  c: 2\n"),
        ("a:\n  b: 1\n", (2, 3, 2, 4), leave_out("b"), "a:\n  b: 1\n"),
        ("a:\n  b:\n    d: 1\n  c: 2\n", (2, 3, 2, 4), leave_out("b"), "a:\n  b:\n    d: 1\n  c: 2\n"),
        ("- a: 1\n  b: 2\n", (1, 3, 1, 4), leave_out("a"), "- a: 1\n  b: 2\n"),
        ('a: "10"', (1, 4, 1, 8), write("10", "10"), "a: 10"),
        ("a: 10", (1, 4, 1, 6), write("10", "10"), "a: 10"),
        ("a: $widht * $widht", (1, 4, 1, 19), did_you_mean("widht", ["width"]), "a: $widht * $widht"),
        ("a: $widht * 2", (1, 4, 1, 14), did_you_mean("widht", ["width"]), "a: $width * 2"),
        ("a: x.widht", (1, 4, 1, 11), did_you_mean("widht", ["width"]), "a: x.widht"),
        ("é: [ü, tset]", (1, 4, 1, 13), did_you_mean("tset", ["test"]), "é: [ü, test]"),
    ],
)
def test_a_help_becomes_a_change(text: str, span: tuple[int, int, int, int], help: str, mended: str) -> None:
    assert edits_of(text, span, help) == mended


def test_edits_of_what_is_no_file_are_none() -> None:
    item = Diagnostic("E109", "m", Span("--set a=b", 1, 1, 1, 2), did_you_mean("epoch", ["epochs"]))
    assert [one.edits for one in with_edits([item, item._replace(span=None)], {})] == [(), ()]


def test_overlapping_edits_are_not_both_made() -> None:
    edits = [Edit(Span("f", 1, 1, 1, 4), "x", True), Edit(Span("f", 1, 3, 1, 6), "y", True)]
    assert applied("abcdefg", edits) == "xdefg"


@pytest.mark.parametrize(
    ("word", "name", "safe"),
    [
        ("epoch", "epochs", True),
        ("BatchNormalization", "batch_normalization", True),
        ("sgb", "sgd", False),  # one letter of three
        ("conv1d", "conv2d", False),  # a digit is no slip
        ("kern", "kernel_size", False),  # a beginning
        ("rate", "strides", None),  # another word
        ("a b", "a, b", None),  # no plain word in YAML
    ],
)
def test_only_a_slip_is_safe_to_mend(word: str, name: str, safe: bool | None) -> None:
    help = did_you_mean(word, [name])
    assert (help.safe if isinstance(help, Replacement) else None) is safe


def test_every_use_of_a_misspelt_name_is_mended(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("params: {width: 3}\ninputs: {x: [4]}\nlayers: [dense: $width, dense: $widht, dense: $widht]\n")
    (item,) = compile_spec(spec).diagnostics.items
    spec.write_text(applied(spec.read_text(), item.edits))
    assert spec.read_text().count("$width") == 3 and not compile_spec(spec).diagnostics.items


def test_a_setting_of_the_command_line_is_not_edited(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("inputs: {x: [4]}\nlayers: [dense: 3]\ntrain: {loss: mse, optimizer: sgd}\n")
    (item,) = compile_spec(spec, ("train.optimizer=adma",)).diagnostics.items
    assert item.help == "did you mean `adam`?" and item.edits == ()


def test_a_replacement_survives_pickling() -> None:
    help = pickle.loads(pickle.dumps(did_you_mean("epoch", ["epochs"])))
    assert (help, help.old, help.new, help.safe) == ("did you mean `epochs`?", "epoch", "epochs", True)
