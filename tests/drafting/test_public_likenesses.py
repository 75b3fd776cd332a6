"""From a table to a trained model without an edit: twelve of the public tables, ten of them as likenesses.

`python -m tests.tables` does the same with the forty tables themselves, where their packages are installed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dlspec.drafting.draft import Draft
from dlspec.drafting.roles import Role
from dlspec.drafting.sample import take_sample
from dlspec.drafting.writing import text_of
from dlspec.passes import compile_spec
from tests.support import dlspec_here
from tests.tables.__main__ import TABLES
from tests.tables.likenesses import LIKENESSES, write


def test_they_are_twelve_of_the_forty() -> None:
    assert len(LIKENESSES) == 12 and LIKENESSES.keys() <= TABLES.keys() and len(TABLES) == 40


# 64 columns are judged one by one.
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name == "digits")) for name in LIKENESSES]


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_is_clean(name: str, tmp_path: Path) -> None:
    table = TABLES[name]
    write(name, tmp_path)
    draft = Draft(name, take_sample(f"{name}.csv", tmp_path), table.targets)
    roles = {column: judgement.role for column, judgement in draft.judged.items()}
    assert [column for column in table.never if roles.get(column) not in (Role.LEFT_OUT, None)] == []
    assert "" not in draft.sample.columns and table.split in str(draft.split.by)
    (tmp_path / "first.yaml").write_text(text_of(draft, schema="", command="dlspec init"))
    state = compile_spec(tmp_path / "first.yaml")
    assert [(item.code, item.message) for item in state.diagnostics.items if item.code != "W603"] == []


# Numbers with gaps, groups, several targets, a series; the others train where there is more time.
SHORT = ("auto", "gapminder", "linnerud", "seattle_temps")
TRAINED = [
    pytest.param(name, marks=pytest.mark.slow if name in SHORT else pytest.mark.exhaustive) for name in LIKENESSES
]


@pytest.mark.parametrize("name", TRAINED)
def test_it_trains_without_an_edit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(name, tmp_path)
    monkeypatch.chdir(tmp_path)
    targets = [word for target in TABLES[name].targets for word in ("--target", target)]
    for command in (
        ("init", f"{name}.csv", *targets),
        ("train", f"{name}.yaml", "--quiet", "--set", "train.epochs=1"),
    ):
        done = dlspec_here(*command)
        assert done.returncode == 0, done.stderr
