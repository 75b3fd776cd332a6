"""The tutorial: its commands go from each table to answers, with trainings of two epochs, and print what is shown."""

from __future__ import annotations

import contextlib
import csv
import io
import shlex
from pathlib import Path

import pytest

from dlspec.cli.main import run
from tests.documents import Block, blocks, commands, form
from tests.tutorial import SUBJECTS, furnish

pytestmark = pytest.mark.slow
PAGES = [pytest.param(block, id=block.document) for block in blocks("console") if block.tutorial]
SHORT = ("--set", "train.epochs=2")


def test_every_subject_has_a_page() -> None:
    documents = {block.document for block in blocks("console") if block.tutorial}
    assert documents == {f"docs/tutorial-{name}.md" for name in SUBJECTS}


@pytest.mark.parametrize("block", PAGES)
def test_three_commands_from_a_table_to_answers(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = [(shlex.split(command), shown) for command, shown in commands(block)]
    assert [words[:2] for words, _ in found] == [["dlspec", "init"], ["dlspec", "train"], ["dlspec", "predict"]]
    for words, shown in found:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            assert run([*words[1:], *(SHORT if words[1] == "train" else ())]) == 0, printed.getvalue()
        texts = (printed.getvalue(), shown)
        # Two epochs answer otherwise than many, but for the same rows, below the same head.
        lines, wanted = map(_rows if words[1] == "predict" else form, texts)
        assert lines == wanted, f"run `python -m tests.documents {block.document}`"


def _rows(output: str) -> list[list[str]]:
    """What stands before the answers: where each example is, and its id."""
    return [row[:2] for row in csv.reader(output.splitlines())]
