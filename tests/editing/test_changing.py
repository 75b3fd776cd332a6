"""Definitions, uses, new names, and the changes that helps name, as an editor gets them."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from dlspec.passes import Checked, compile_spec
from dlspec.syntax.formatting import formatted
from tests.editing.client import Client
from tests.golden import bad_specs
from tests.support import ROOT, SPECS

SPEC = """\
params: {width: 12}
inputs: {x: [4], y: [4]}
blocks:
  Stage:
    params: {width: 4}
    inputs: [a, b]
    layers:
      - add: [a, b]
      - dense: {units: $width, name: wide}
      - add: [wide, wide]
layers:
  - Stage: {width: $width, from: [x, y], name: wide}
  - repeat:
      each: {size: [3, 5]}
      layers:
        - dense: $size
  - dense: {units: "$width", name: x2}
outputs: [wide, x2]
"""


def position(text: str, line: int, word: str, which: int = 0) -> tuple[int, int]:
    """A position inside a word of a line, counted from 1."""
    start = -1
    for _ in range(which + 1):
        start = text.split("\n")[line - 1].index(word, start + 1)
    return line - 1, start + 1


def places(answer: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Line and column of each place, counted from 1."""
    starts = [item["range"]["start"] for item in answer]
    return [(start["line"] + 1, start["character"] + 1) for start in starts]


def changed(text: str, edits: list[dict[str, Any]]) -> str:
    """A text after edits, as the protocol defines them; they must not overlap."""
    lines = text.split("\n")
    for edit in sorted(edits, key=lambda edit: (-edit["range"]["start"]["line"], -edit["range"]["start"]["character"])):
        start, end = edit["range"]["start"], edit["range"]["end"]
        first = lines[start["line"]].encode("utf-16-le")[: 2 * start["character"]].decode("utf-16-le")
        last = lines[end["line"]] if end["line"] < len(lines) else ""
        last = last.encode("utf-16-le")[2 * end["character"] :].decode("utf-16-le")
        lines[start["line"] : end["line"] + 1] = (first + edit["newText"] + last).split("\n")
    return "\n".join(lines)


@pytest.fixture
def uri(client: Client, tmp_path: Path) -> str:
    uri = client.open(tmp_path / "spec.yaml", SPEC)
    assert client.problems(uri) == []
    return uri


@pytest.mark.parametrize(
    ("line", "word", "which", "given", "uses"),
    [
        (12, "$width", 0, [(1, 10)], [(12, 21), (17, 22)]),  # the parameter of the spec
        (9, "$width", 0, [(5, 14)], [(9, 25), (12, 13)]),  # that of the block
        (12, "width", 0, [(5, 14)], [(9, 25), (12, 13)]),
        (16, "$size", 0, [(14, 14)], [(16, 19)]),
        (12, "Stage", 0, [(4, 3)], [(12, 5)]),
        (12, "x", 0, [(2, 10)], [(12, 35)]),
        (8, "b", 0, [(6, 17)], [(8, 18)]),
        (10, "wide", 1, [(9, 38)], [(10, 15), (10, 21)]),
        (18, "wide", 0, [(12, 48)], [(18, 11)]),
    ],
)
def test_names_lead_to_where_they_are_given_and_used(
    client: Client, uri: str, line: int, word: str, which: int, given: list[Any], uses: list[Any]
) -> None:
    at = position(SPEC, line, word, which)
    assert places(client.at("textDocument/definition", uri, *at)) == given
    references = client.at("textDocument/references", uri, *at, context={"includeDeclaration": False})
    assert places(references) == uses
    assert len(client.at("textDocument/documentHighlight", uri, *at)) == len(given) + len(uses)


def test_a_definition_may_stand_in_a_file_that_is_extended(client: Client, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(SPEC)
    text = "extends: base.yaml\nlayers:\n  - Stage: {width: $width, from: [x, y]}\noutputs: null\n"
    uri = client.open(tmp_path / "child.yaml", text)
    client.problems(uri)
    (place,) = client.at("textDocument/definition", uri, *position(text, 3, "Stage"))
    assert place["uri"] == (tmp_path / "base.yaml").resolve().as_uri() and places([place]) == [(4, 3)]
    (file,) = client.at("textDocument/definition", uri, *position(text, 1, "base.yaml"))
    assert file["uri"] == (tmp_path / "base.yaml").resolve().as_uri()


@pytest.mark.parametrize(
    ("line", "word", "new"), [(1, "width", "size2"), (4, "Stage", "Part"), (12, "wide", "far"), (2, "x", "first")]
)
def test_a_new_name_goes_everywhere(client: Client, uri: str, line: int, word: str, new: str, tmp_path: Path) -> None:
    at = position(SPEC, line, word)
    assert client.at("textDocument/prepareRename", uri, *at) is not None
    answer = client.at("textDocument/rename", uri, *at, newName=new)
    text = changed(SPEC, answer["changes"][uri])
    assert text != SPEC and new in text
    path = tmp_path / "renamed.yaml"
    path.write_text(text)
    state, before = compile_spec(path), tmp_path / "spec.yaml"
    before.write_text(SPEC)
    assert isinstance(state, Checked) and not state.diagnostics.items
    expected = compile_spec(before)
    assert isinstance(expected, Checked) and expected.graph.parameters == state.graph.parameters


def test_a_tensor_of_which_a_size_is_asked_is_renamed_there(client: Client, tmp_path: Path) -> None:
    text = (
        "inputs: {x: [8], y: [4]}\n"
        "blocks:\n"
        "  Fit:\n"
        "    inputs: [x, to]\n"
        "    params: {n: $channels(x)}\n"
        "    layers: [{dense: {units: $n, from: to, if: $channels(x) > 1}}, {add: [x, prev]}]\n"
        "layers:\n"
        "  - Fit: {from: [x, y]}\n"
        "  - dense: 2 * $channels(x)\n"
    )
    uri = client.open(tmp_path / "sized.yaml", text)
    assert client.problems(uri) == []
    answer = client.at("textDocument/rename", uri, *position(text, 9, "x"), newName="first")
    expected = (
        text.replace("{x: [8]", "{first: [8]")
        .replace("[x, y]", "[first, y]")
        .replace("2 * $channels(x)", "2 * $channels(first)")
    )
    assert changed(text, answer["changes"][uri]) == expected
    assert places(client.at("textDocument/definition", uri, *position(text, 5, "x"))) == [(4, 14)]


def test_a_value_of_a_turn_is_renamed_in_its_group(client: Client, tmp_path: Path) -> None:
    text = (
        "params: {w: 3}\n"
        "inputs: {x: [8]}\n"
        "layers:\n"
        "  - repeat: {times: 2, let: {w: 4 + $index, v: 2 * $w}, layers: [{dense: $w}, {dense: $v}]}\n"
        "  - dense: $w\n"
    )
    uri = client.open(tmp_path / "let.yaml", text)
    assert client.problems(uri) == []
    answer = client.at("textDocument/rename", uri, *position(text, 4, "w"), newName="wide")
    assert changed(text, answer["changes"][uri]).splitlines()[3:] == [
        "  - repeat: {times: 2, let: {wide: 4 + $index, v: 2 * $wide}, layers: [{dense: $wide}, {dense: $v}]}",
        "  - dense: $w",
    ]


@pytest.mark.parametrize(
    ("line", "word", "new", "why"),
    [
        (2, "x", "y", "there is a tensor `y` already"),
        (2, "x", "X y", "`X y` cannot be a name"),
        (4, "Stage", "stage", "`stage` cannot be a name: it takes a capital letter"),
        (2, "x", "input", "the spec would no longer be right: `input` is a reserved word"),
    ],
)
def test_a_name_that_cannot_be_is_refused(client: Client, uri: str, line: int, word: str, new: str, why: str) -> None:
    at = dict(zip(("line", "character"), position(SPEC, line, word), strict=True))
    answer = client.answer("textDocument/rename", {"textDocument": {"uri": uri}, "position": at, "newName": new})
    assert answer["error"]["message"].startswith(why)


@pytest.mark.slow
def test_names_of_the_gallery_change_without_changing_the_model(client: Client, tmp_path: Path) -> None:
    draw = random.Random(5)
    made = 0
    for spec in draw.sample(SPECS, 14):
        text = (ROOT / spec).read_text(encoding="utf-8")
        uri = client.open(ROOT / spec, text)
        before = {item["code"] for item in client.problems(uri)}
        words = [(row, line) for row, line in enumerate(text.split("\n")) if "name: " in line and "$" not in line]
        for row, line in words[1:3]:
            column = line.index("name: ") + 6
            at = {"line": row, "character": column}
            answer = client.answer(
                "textDocument/rename", {"textDocument": {"uri": uri}, "position": at, "newName": "quite_new"}
            )
            if answer.get("result"):
                client.change(uri, changed(text, answer["result"]["changes"][uri]))
                assert {item["code"] for item in client.problems(uri)} <= before
                client.change(uri, text)
                made += 1
    assert made >= 6


@pytest.mark.slow
def test_the_changes_that_helps_name_are_offered_and_mend(client: Client, tmp_path: Path) -> None:
    mended: defaultdict[bool, int] = defaultdict(int)
    path = tmp_path / "spec.yaml"
    for spec in bad_specs()[::5]:
        try:
            text = spec.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        uri = client.open(path, text, "dlspec")
        before = client.problems(uri)
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}}
        document = {"textDocument": {"uri": uri}, "range": whole, "context": {"diagnostics": []}}
        for action in client.request("textDocument/codeAction", document):
            if action["kind"] == "quickfix" and set(action["edit"]["changes"]) == {uri}:
                client.change(uri, changed(text, action["edit"]["changes"][uri]))
                assert client.problems(uri) != before, spec
                mended[action["isPreferred"]] += 1
    assert mended[True] > 10 and mended[False] > 0


def test_all_safe_changes_are_made_at_once(client: Client, tmp_path: Path) -> None:
    text = "inputs: {x: [4]}\nlayers:\n  - dense: {units: 3, activaton: relu}\n  - dense: {units: 3, use_bais: true}\n"
    uri = client.open(tmp_path / "spec.yaml", text)
    assert len(client.problems(uri)) == 2
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    context = {"diagnostics": [], "only": ["source.fixAll"]}
    (action,) = client.request(
        "textDocument/codeAction", {"textDocument": {"uri": uri}, "range": whole, "context": context}
    )
    client.change(uri, changed(text, action["edit"]["changes"][uri]))
    assert client.problems(uri) == []


def test_a_text_is_formatted_as_by_the_command(client: Client, tmp_path: Path) -> None:
    options = {"options": {"tabSize": 2, "insertSpaces": True}}
    made = 0
    for spec in (ROOT / spec for spec in SPECS[::3]):
        # Less indentation and more blanks, with the end of the file lost: all of it comes back.
        text = spec.read_text(encoding="utf-8").replace(": {", ":   { ").replace("\n  - ", "\n- ").rstrip("\n")
        uri = client.open(tmp_path / "spec.yaml", text, "dlspec")
        answer = client.request("textDocument/formatting", {"textDocument": {"uri": uri}, **options})
        assert changed(text, answer) == formatted(text, "spec.yaml"), spec
        made += bool(answer)
    assert made > 10
    uri = client.open(tmp_path / "spec.yaml", "layers: [\n", "dlspec")
    assert client.request("textDocument/formatting", {"textDocument": {"uri": uri}, **options}) == []
