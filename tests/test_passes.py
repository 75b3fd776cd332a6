"""Passes keep to what they declare, and what they make can be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

import dlspec.passes
from dlspec.cli.main import run
from dlspec.core.errors import SpecError
from dlspec.passes import PASSES, Compilation, Pass, Workspace, compile_spec
from dlspec.passes.state import Bound, Checked, Lowered, Parsed, Searchable, Structured, Trainable, step
from dlspec.passes.verify import BrokenContract
from tests.golden import INTERMEDIATE, after_each_pass

SPEC = """
params: {width: {int: [1, 4]}}
inputs: {x: [4]}
layers: [dense: $width]
train: {loss: mse}
tune: {objective: loss}
"""


@step(requires=Lowered, ensures=Checked)
def forgets(state: Lowered) -> Checked | None:
    """Does not return the stage that it names."""
    return None


@step(requires=Bound, ensures=Lowered)
def half(state: Bound) -> Lowered:
    """Returns a stage in which something is missing."""
    return Lowered(**{**vars(state), "graph": None, "training_graph": None, "models": {}, "dead": ()})


@step(requires=Lowered)
def changes(state: Lowered) -> None:
    """Sets what it does not declare."""
    state.unused = frozenset({"width"})


@step(requires=Lowered)
def hurries(state: Lowered) -> Checked:
    """Returns a stage that it does not name."""
    return state.become(Checked)


@step(requires=Lowered, sets=("tune",))
def ignores(state: Lowered) -> None:
    """Leaves a section that the spec has."""
    state.tune = None


@step(requires=Lowered, ensures=Checked)
def reports(state: Lowered) -> None:
    """An error is an excuse for everything that a pass ensures."""
    state.add("E105", "too bad", None)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (forgets, "pass `forgets` ensures `Checked`, and does not return it"),
        (half, "pass `half` ensures `graph`, and it is not there"),
        (changes, "pass `changes` sets `unused`, which it does not declare"),
        (hurries, "pass `hurries` returns `Checked`, which it does not declare"),
        (ignores, "pass `ignores` ensures `tune`, and it is not there"),
    ],
)
def test_a_pass_that_breaks_its_word_is_caught(
    broken: Pass, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    at = next(number for number, run in enumerate(PASSES) if run.__name__ == "expand_graph")
    passes = (*PASSES[:at], half) if broken is half else (*PASSES, broken)
    monkeypatch.setattr(dlspec.passes, "PASSES", passes)
    with pytest.raises(BrokenContract) as error:
        compile_spec(spec)
    assert str(error.value) == message
    monkeypatch.delenv("DLSPEC_DEBUG")
    assert not compile_spec(spec).diagnostics.errors


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
    assert ("graph:\n" in shown.out) == (name not in [run.__name__ for run in PASSES[:9]])


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


# --- stages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [Parsed, Structured, Bound, Lowered, Checked])
def test_a_compilation_ends_where_it_is_told_to(stage: type[Compilation]) -> None:
    ran: list[str] = []
    state = compile_spec(INTERMEDIATE, until=stage, observe=lambda run, state: ran.append(run.__name__))
    assert type(state) is stage and not state.diagnostics.items
    last = {Parsed: "read", Structured: "structure", Bound: "parameters", Lowered: "expand_graph", Checked: "unused"}
    assert ran == [run.__name__ for run in PASSES][: len(ran)] and ran[-1] == last[stage]


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("inputs: [", Compilation),
        ("inputs: {x: [4]}\nlayers: [dens: 2]\n", Bound),
        ("inputs: {x: [4]}\nlayers: [dense: 2]\ntrain: {loss: mze}\n", Lowered),
        ("inputs: {x: [4]}\nlayers: [dense: 2]\n", Checked),
    ],
)
def test_an_error_keeps_a_compilation_from_further_stages(text: str, stage: type[Compilation], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text)
    state = compile_spec(tmp_path / "a.yaml")
    assert type(state) is stage
    if stage is Checked:
        assert state.reached(Checked) is state
    else:
        with pytest.raises(SpecError) as error:
            state.reached(Checked)
        assert list(error.value.diagnostics) == state.diagnostics.errors


def test_what_training_and_searching_need() -> None:
    state = compile_spec(INTERMEDIATE).reached(Checked)
    trained, searched = state.trainable(), state.searchable()
    assert type(trained) is Trainable and trained.data_section.batch_size == 32 and trained.method.epochs == 3
    assert type(searched) is Searchable and searched.tune.trials == 4
    bare = compile_spec(INTERMEDIATE, ("tune=null", "train=null", "params.width=4")).reached(Checked)
    with pytest.raises(SpecError) as error:
        bare.searchable()
    assert [item.message for item in error.value.diagnostics] == [
        f"the spec has no `{section}`, which a search needs" for section in ("train", "tune")
    ]


# --- workspace --------------------------------------------------------------------------------------------------------


def test_unsaved_texts_stand_for_files(tmp_path: Path) -> None:
    spec, base = tmp_path / "spec.yaml", tmp_path / "base.yaml"
    spec.write_text("extends: base.yaml\nlayers: [dens: 2]\n")
    base.write_text("inputs: {x: [4]}\n")
    assert [item.code for item in compile_spec(spec).diagnostics.items] == ["E201"]
    texts = {spec: "extends: base.yaml\nlayers: [dense: 3]\n"}
    first = compile_spec(spec, workspace=Workspace(texts=texts)).reached(Checked)
    assert (first.graph.parameters, first.texts[str(spec)]) == (15, texts[spec])
    both = {**texts, tmp_path / "sub" / ".." / "base.yaml": "inputs: {x: [8]}\n"}
    assert compile_spec(spec, workspace=Workspace(texts=both)).reached(Checked).graph.parameters == 27
    new = tmp_path / "new.yaml"  # which nobody has saved yet
    state = compile_spec(new, workspace=Workspace(texts={new: "inputs: {x: [4]}\nlayers: [dense: 1]\n"}))
    assert state.reached(Checked).name == "new"


def test_a_workspace_says_where_paths_start_and_what_is_allowed(tmp_path: Path) -> None:
    spec, folder = tmp_path / "specs" / "spec.yaml", tmp_path / "data"
    spec.parent.mkdir()
    folder.mkdir()
    (folder / "a.csv").write_text("x,y\n" + "".join(f"{n},{2 * n}\n" for n in range(9)))
    spec.write_text(
        "layers: [dense: {units: 1, name: z}]\n"
        "data: {source: {csv: a.csv}, inputs: {x: x}, targets: {z: y}}\ntrain: {loss: mse}\n"
    )
    assert [item.code for item in compile_spec(spec).diagnostics.errors] == ["E601"]
    assert isinstance(compile_spec(spec, workspace=Workspace(folder)), Checked)
    away = "data.source.csv=../data/a.csv"
    assert [item.code for item in compile_spec(spec, (away,)).diagnostics.errors] == ["E108"]
    assert isinstance(compile_spec(spec, (away,), Workspace(allow_outside=True)), Checked)
