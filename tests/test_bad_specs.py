"""Every spec of tests/bad gives exactly the output beside it; ``make golden`` writes the outputs anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dlspec.core.codes import CODES
from tests.golden import BAD, bad_specs, checked

OUTPUTS = {spec.stem: spec.with_suffix(".txt") for spec in bad_specs()}
# Only a command line or a machine in trouble shows these: tested where they arise.
ELSEWHERE = {
    *("Y001", "Y003", "E109", "E416", "E507", "E508", "E511", "E512", "E513", "E514", "E516", "E517"),
    *("E521", "E522", "E523", "E524", "E525", "E531", "E532", "E533", "E534", "E609", "E610"),
    *("E701", "E702", "E703", "E704", "E705", "E901", "E902", "W404", "W602", "W701", "W702", "W703"),
}


@pytest.mark.parametrize("spec", bad_specs(), ids=lambda spec: spec.stem)
def test_output(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLSPEC_TRACEBACK", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert checked(spec) == OUTPUTS[spec.stem].read_text(encoding="utf-8")


def test_every_code_is_shown() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in OUTPUTS.values())
    shown = set(re.findall(r"^(?:error|warning)\[([A-Z]\d{3})\]", text, re.M))
    assert set(CODES) - shown <= ELSEWHERE


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
