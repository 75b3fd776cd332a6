"""Diagnostics as text, JSON, GitHub annotations and SARIF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dlspec.cli.main import run
from dlspec.cli.render import CAP, render, summary
from dlspec.core.errors import Diagnostic, Edit, Note, Span
from tests.support import as_documented

POSITION = {
    "type": "object",
    "properties": {"line": {"type": "integer", "minimum": 1}, "column": {"type": "integer", "minimum": 1}},
    "required": ["line", "column"],
    "additionalProperties": False,
}
RANGE = {
    "type": ["object", "null"],
    "properties": {"start": POSITION, "end": POSITION},
    "required": ["start", "end"],
    "additionalProperties": False,
}
PLACE = {"message": {"type": "string", "minLength": 1}, "file": {"type": ["string", "null"]}, "range": RANGE}
EDIT = {
    "type": "object",
    "properties": {
        "file": {"type": "string"},
        "range": RANGE,
        "text": {"type": "string"},
        "safe": {"type": "boolean"},
    },
    "required": ["file", "range", "text", "safe"],
    "additionalProperties": False,
}
DIAGNOSTIC = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "pattern": "^[YEW][0-9]{3}$"},
        "severity": {"enum": ["error", "warning"]},
        "help": {"type": "string"},
        "edits": {"type": "array", "items": EDIT},
        "notes": {"type": "array", "items": {"properties": PLACE, "required": [*PLACE], "additionalProperties": False}},
        **PLACE,
    },
    "required": ["code", "severity", "message", "help", "notes", "edits", "file", "range"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"version": {"const": 1}, "diagnostics": {"type": "array", "items": DIAGNOSTIC}},
    "required": ["version", "diagnostics"],
    "additionalProperties": False,
}
LINE = "  - conv2d: {filter: 32, kernel_size: 3}"
TEXTS = {"demo.yaml": f"inputs: {{image: [28, 28, 1]}}\nlayers:\n{LINE}\n"}
ONE = Diagnostic(
    "E202",
    "unknown option of conv2d `filter`",
    Span("demo.yaml", 3, 14, 3, 20),
    "did you mean `filters`?",
    edits=(Edit(Span("demo.yaml", 3, 14, 3, 20), "filters", True),),
)


def text(line: str, word: str, **options: Any) -> list[str]:
    """The lines shown for a mistake at `word` in a file of one line."""
    column = line.index(word) + 1
    item = Diagnostic("E999", "m", Span("f", 1, column, 1, column + len(word)), **options)
    return render([item], {"f": line}, "text").split("\n")


def test_text_as_the_language_page_shows_it() -> None:
    assert render([ONE], TEXTS, "text") == "\n".join(
        [
            "error[E202]: unknown option of conv2d `filter`",
            " --> demo.yaml:3:14",
            "  |",
            f"3 | {LINE}",
            "  |              ^^^^^^",
            "  = help: did you mean `filters`?",
        ]
    )


def test_text_without_a_place_or_a_source() -> None:
    assert render([Diagnostic("Y001", "cannot read `x`")], {}, "text") == "error[Y001]: cannot read `x`"
    nowhere = Diagnostic("Y002", "m", Span("gone.yaml", 7, 2, 7, 3))
    assert render([nowhere], {}, "text") == "error[Y002]: m\n --> gone.yaml:7:2"


def test_notes_name_their_places() -> None:
    lines = text("dense", "dense", notes=(Note("expanded from line 9", Span("f", 9, 5, 9, 8)), Note("plain")))
    assert lines[-2:] == ["  = note: expanded from line 9 (f:9:5)", "  = note: plain"]


@pytest.mark.parametrize(
    ("line", "word", "before"),
    [
        ("ab: 画像の層, unit: 3", "unit", 14),  # wide characters take two columns
        ("ab: 画像の層, unit: 3", "像の", 6),
        ("e\u0301a: 3", "3", 4),  # a combining mark takes none
        ("a:\tb", "b", 3),  # a tab is shown as one blank
        ("a: \u00a0 b", "b", 8),  # what is not printable is shown by its number
        ("a: \x07b", "b", 7),
    ],
)
def test_caret_stands_under_the_word(line: str, word: str, before: int) -> None:
    lines = text(line, word)
    assert lines[4].removeprefix("  | ").index("^") == before
    cells = 2 if word == "像の" else 1
    assert lines[4].count("^") == len(word) * cells


def test_long_lines_are_cut_around_the_word() -> None:
    line = "x: [" + "1, " * 500 + "oops, " + "2, " * 500 + "]"
    lines = text(line, "oops")
    assert len(lines[3]) < 140 and "oops" in lines[3]
    assert lines[4].index("^") == lines[3].index("oops") and lines[4].count("^") == 4
    assert text(line, "x")[4].index("^") == 4


def test_a_value_over_several_lines_is_marked_on_its_first() -> None:
    item = Diagnostic("E999", "m", Span("f", 1, 4, 3, 2))
    assert render([item], {"f": "a: {b:\n 1,\n}"}, "text").split("\n")[-1] == "  |    ^^^"


def test_text_is_capped_and_summed_up() -> None:
    many = [Diagnostic("E999", str(number)) for number in range(CAP + 3)]
    assert render(many, {}, "text").endswith("… and 3 more")
    assert len(json.loads(render(many, {}, "json"))["diagnostics"]) == CAP + 3
    assert summary([ONE, ONE, Diagnostic("W301", "m")]) == "2 errors, 1 warning"
    assert summary([]) == ""


def test_colour_only_where_asked() -> None:
    assert "\x1b[" in render([ONE], TEXTS, "text", colour=True)
    assert "\x1b" not in render([ONE], TEXTS, "text")


@pytest.mark.parametrize("form", ["text", "github", "json", "sarif"])
def test_control_characters_do_not_reach_the_terminal(form: str) -> None:
    evil = "a\x1b[2J\x07\x9b\r\n::error::b\u202e"
    item = Diagnostic("E103", f"`{evil}`", Span(evil, 1, 1, 1, 3), evil, (Note(evil, Span(evil, 1, 1, 1, 2)),))
    shown = render([item], {evil: evil}, form)
    assert not {"\x1b", "\x07", "\r", "\x9b"} & set(shown if form != "json" and form != "sarif" else "")
    assert "\x1b" not in shown and "\x07" not in shown
    if form == "github":
        assert shown.count("\n") == 0 and shown.startswith("::error file=")


def test_json_has_the_promised_form() -> None:
    items = [ONE, Diagnostic("W301", "m", None, "", (Note("n"), Note("n", Span("f", 1, 1, 2, 3))))]
    data = as_documented("output/check", render(items, TEXTS, "json"))
    Draft202012Validator(SCHEMA).validate(data)
    assert data["diagnostics"][0] == {
        "code": "E202",
        "severity": "error",
        "message": "unknown option of conv2d `filter`",
        "help": "did you mean `filters`?",
        "notes": [],
        "edits": [
            {
                "file": "demo.yaml",
                "range": {"start": {"line": 3, "column": 14}, "end": {"line": 3, "column": 20}},
                "text": "filters",
                "safe": True,
            }
        ],
        "file": "demo.yaml",
        "range": {"start": {"line": 3, "column": 14}, "end": {"line": 3, "column": 20}},
    }
    assert data["diagnostics"][1]["severity"] == "warning" and data["diagnostics"][1]["range"] is None


def test_github_annotations() -> None:
    assert render([ONE], TEXTS, "github") == (
        "::error file=demo.yaml,line=3,col=14,endLine=3,endColumn=20,title=E202::"
        "unknown option of conv2d `filter`%0Ahelp: did you mean `filters`?%0Amore: dlspec explain E202"
    )
    warned = render([Diagnostic("W301", "50 %")], {}, "github")
    assert warned == "::warning title=W301::50 %25%0Amore: dlspec explain W301"


def test_sarif() -> None:
    data = json.loads(render([ONE, ONE, Diagnostic("W301", "m")], TEXTS, "sarif"))
    (one,) = data["runs"]
    assert data["version"] == "2.1.0"
    assert [rule["id"] for rule in one["tool"]["driver"]["rules"]] == ["E202", "W301"]
    rule = one["tool"]["driver"]["rules"][0]
    assert rule["help"]["markdown"].startswith("# E202: ") and "activaton: relu" in rule["help"]["markdown"]
    first, _, last = one["results"]
    assert first["ruleId"] == "E202" and first["level"] == "error"
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "demo.yaml"
    assert place["region"] == {"startLine": 3, "startColumn": 14, "endLine": 3, "endColumn": 20}
    region = place["region"]
    changes = [{"deletedRegion": region, "insertedContent": {"text": "filters"}}]
    assert first["fixes"] == [
        {
            "description": {"text": "did you mean `filters`?"},
            "artifactChanges": [{"artifactLocation": {"uri": "demo.yaml"}, "replacements": changes}],
        }
    ]
    assert last["level"] == "warning" and not {"locations", "fixes"} & set(last)


@pytest.mark.parametrize("form", ["json", "github", "sarif"])
def test_check_prints_the_format_and_nothing_else(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("inputs: {x: [8]}\nlayers: [{dense: 10}]\n")
    bad.write_text("inputs: {x: [8]}\nlayers: [{dens: 10}]\n")
    assert run(["check", str(bad), "--format", form]) == 1
    shown = capsys.readouterr()
    assert "E201" in shown.out and not shown.err
    assert run(["check", str(good), "--format", form]) == 0
    shown = capsys.readouterr()
    if form == "github":
        assert shown.out == ""
    else:
        assert json.loads(shown.out)
