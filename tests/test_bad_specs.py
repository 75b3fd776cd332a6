"""Every spec of tests/bad gives exactly the output beside it; ``make golden`` writes the outputs anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dlspec.core.codes import CODES
from tests.golden import BAD, bad_specs, checked

OUTPUTS = {spec.stem: spec.with_suffix(".txt") for spec in bad_specs()}
# Problems of specs that show only when something is made of them: tested where they arise.
LATER = {
    "E508",
    "E516",
    "E517",
    "E523",
    "E524",
    "E525",
    "E548",
    "E569",
    "E570",
    "E571",
    "E610",
    "E701",
    "E702",
    "E705",
    "E801",
    "E802",
    "E803",
    "E901",
    "E902",
    "W602",
    "W701",
    "W801",
}
# What the command line or an editor says, or a file that is none.
AROUND = {"E109", "E561", "Y001", "Y003", "Y020", "W404"}


@pytest.mark.parametrize("spec", bad_specs(), ids=lambda spec: spec.stem)
def test_output(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLSPEC_TRACEBACK", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert checked(spec) == OUTPUTS[spec.stem].read_text(encoding="utf-8")


def test_every_code_is_shown() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in OUTPUTS.values())
    shown = set(re.findall(r"^(?:error|warning)\[([A-Z]\d{3})\]", text, re.M))
    assert {name for name, code in CODES.items() if code.belongs == "spec"} - shown <= LATER | AROUND


def test_what_is_said_of_a_folder_or_machine_has_no_example_spec() -> None:
    assert {name for name, code in CODES.items() if code.belongs == "folder"} >= {"E507", "E512", "E532"}
    assert {name for name, code in CODES.items() if code.belongs == "machine"} >= {"E533", "E609"}
    assert not [name for name, code in CODES.items() if code.belongs == "folder" and code.wrong]


def test_file_names_tell_their_code() -> None:
    for stem, path in OUTPUTS.items():
        if match := re.match(r"([yew]\d{3})_", stem):
            assert f"[{match.group(1).upper()}]" in path.read_text(encoding="utf-8"), stem


def test_nothing_is_left_over() -> None:
    assert {path.stem for path in BAD.glob("*.txt")} == set(OUTPUTS)


@pytest.mark.parametrize("stem", sorted(OUTPUTS))
def test_caret_stands_under_the_place(stem: str) -> None:
    """Between the carets of an excerpt and the column in its head there is no contradiction."""
    text = OUTPUTS[stem].read_text(encoding="utf-8")
    for column, number, source, carets in re.findall(r"--> \S+:\d+:(\d+)\n +\|\n(\d+) \| (.*)\n +\| ( *\^+)", text):
        if source.isascii() and "\\x" not in source and not source.startswith("…"):
            assert carets.index("^") + 1 == int(column), (number, source)
