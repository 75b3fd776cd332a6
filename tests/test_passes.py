"""Passes keep to what they declare, and what they make can be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

import dlspec.passes
from dlspec.cli.main import run
from dlspec.passes import PASSES, Compilation, Pass, compile_spec
from dlspec.passes.state import step
from dlspec.passes.verify import BrokenContract
from tests.golden import INTERMEDIATE, after_each_pass

SPEC = "inputs: {x: [4]}\nlayers: [dense: 2]\n"


@step(requires=("graph",), ensures=("method", "unused", "tune"))
def forgets(state: Compilation) -> None:
    """Fills in nothing of what it names; the spec has no `train`, so that only `unused` could be missing."""
    state.unused = None  # type: ignore[assignment]


@step(requires=("graph",))
def takes_away(state: Compilation) -> None:
    """Sets what it does not declare."""
    state.program = None


@step(requires=("graph",), sets=("graph",))
def empties(state: Compilation) -> None:
    """Removes what it works on, and says so."""
    state.graph = None


@step(requires=("graph",), ensures=("tune",), sets=("graph",))
def reports(state: Compilation) -> None:
    """An error is an excuse for everything that a pass ensures."""
    state.graph = None
    state.add("E105", "too bad", None)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (forgets, "pass `forgets` ensures `unused`, and it is not there"),
        (takes_away, "pass `takes_away` sets `program`, which it does not declare"),
        (empties, "pass `empties` takes away `graph`, which it requires"),
    ],
)
def test_a_pass_that_breaks_its_word_is_caught(
    broken: Pass, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    monkeypatch.setattr(dlspec.passes, "PASSES", (*PASSES, broken))
    with pytest.raises(BrokenContract) as error:
        compile_spec(spec)
    assert str(error.value) == message
    monkeypatch.delenv("DLSPEC_DEBUG")
    assert not compile_spec(spec).diagnostics.items


def test_an_error_excuses_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    monkeypatch.setattr(dlspec.passes, "PASSES", (*PASSES, reports))
    assert [item.message for item in compile_spec(spec).diagnostics.items] == ["too bad"]


def test_what_each_pass_leaves_behind() -> None:
    assert after_each_pass(INTERMEDIATE) == INTERMEDIATE.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [run.__name__ for run in PASSES])
def test_every_pass_can_be_looked_at(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", f"--dump-ir={name}", str(INTERMEDIATE)]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("data:\n  name: small\n") and shown.err == ""
    assert ("graph:\n" in shown.out) == (name not in [run.__name__ for run in PASSES[:7]])


def test_a_pass_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--dump-ir=graph", str(INTERMEDIATE)]) == 2
    names = ", ".join(f"`{run.__name__}`" for run in PASSES)
    assert f"'--dump-ir': there is no pass `graph`; the passes are {names}" in capsys.readouterr().err


def test_a_pass_that_an_error_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text("name: a\ninputs: {x: [4]}\nlayers: [dens: 2]\n")
    assert run(["show", "--dump-ir=structure", str(tmp_path / "a.yaml")]) == 1
    shown = capsys.readouterr()
    assert "program:\n  model a(x: [4])\n" in shown.out and "error[E201]" in shown.err
    assert run(["show", "--dump-ir=masks", str(tmp_path / "a.yaml")]) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and "pass `masks` did not run: an error, or a section" in shown.err
