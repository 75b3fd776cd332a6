"""Several sources in one spec: what an epoch meets of each, splits, fingerprints, answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from dlspec.data.binding.signature import of_graph
from dlspec.data.feeding.feed import Feed
from dlspec.data.feeding.pipeline import Prepared, prepare
from dlspec.passes import Workspace, compile_spec
from dlspec.passes.state import Trainable
from dlspec.standalone.orders import going_round, permutation
from tests.support import compile_text

SPEC = """\
name: two
inputs: {a: [2], b: [1]}
layers:
  - dense: {units: 3, from: a, name: of_a}
  - dense: {units: 3, from: b, name: of_b}
  - add: [of_a, of_b]
  - dense: {units: 1, name: y}
data:
  sources: {first: {csv: first.csv}, second: {csv: second.csv}}
  inputs:
    a: {columns: [p, q]}
    b: {source: second, column: p}
  targets: {y: t}
  split: {validation: 0.2, test: 0.2}
  batch_size: 4
train: {loss: mse, epochs: 3}
"""


def write(folder: Path, first: int, second: int) -> None:
    """Two tables: `p` counts the rows, in the second from 1000 on."""
    lines = [f"{number},{number / 2},{number % 3}" for number in range(first)]
    (folder / "first.csv").write_text("p,q,t\n" + "\n".join(lines) + "\n")
    (folder / "second.csv").write_text("p,u\n" + "\n".join(f"{1000 + n},{n}" for n in range(second)) + "\n")


def prepared(folder: Path, text: str = SPEC) -> Prepared:
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    state = compile_spec(path, (), Workspace())
    assert not state.diagnostics.errors, [item.message for item in state.diagnostics.errors]
    trained: Trainable = state.trainable()  # type: ignore[attr-defined]
    return prepare(trained.data_section, trained.folder, of_graph(trained.graph), trained.method)


def visited(found: Prepared, epoch: int, start: int = 0, *, seed: int = 5, shuffle: bool = True) -> tuple[Any, Any]:
    """Rows of both sources in the order of an epoch, from a batch on."""
    feed = Feed(found.fed, 4, seed=seed, shuffle=shuffle)
    feed.set_position(epoch, start)
    batches = [inputs for inputs, _ in feed.dataset.as_numpy_iterator()]
    return tuple(np.concatenate([batch[name][:, 0] for batch in batches]) for name in ("a", "b"))


@pytest.mark.parametrize(("first", "second"), [(30, 12), (12, 30), (15, 15)])
def test_an_epoch_is_one_pass_over_the_first_source(first: int, second: int, tmp_path: Path) -> None:
    write(tmp_path, first, second)
    found = prepared(tmp_path)
    count, theirs = len(found.parts.train), found.others["second"].train
    seen = [visited(found, epoch) for epoch in range(4)]
    for a, _ in seen:
        assert sorted(a) == found.parts.train.tolist()
    rounds = np.concatenate([theirs[permutation(len(theirs), 5, number, 1)] for number in range(4 * count)])
    assert (np.concatenate([b for _, b in seen]) == 1000 + rounds[: 4 * count]).all()


def test_one_order_tells_nothing_of_the_other(tmp_path: Path) -> None:
    """Sources of one length are not shuffled alike."""
    write(tmp_path, 100, 100)
    a, b = visited(prepared(tmp_path), 0)
    assert (a != b - 1000).mean() > 0.9


def test_the_rest_of_an_epoch_is_what_it_would_have_been(tmp_path: Path) -> None:
    write(tmp_path, 30, 12)
    found = prepared(tmp_path)
    whole, rest = visited(found, 2), visited(found, 2, 3)
    assert (whole[0][12:] == rest[0]).all() and (whole[1][12:] == rest[1]).all()


def test_rows_in_their_own_order(tmp_path: Path) -> None:
    write(tmp_path, 20, 15)
    found = prepared(tmp_path)
    theirs, count = found.others["second"].train, found.fed.count
    b = np.concatenate([visited(found, epoch, shuffle=False)[1] for epoch in range(3)])
    assert (b == 1000 + theirs[np.arange(3 * count) % len(theirs)]).all()
    assert (going_round(4, 6, 1, 1, None) == [2, 3, 0, 1, 2, 3]).all()


def test_validation_is_the_same_each_time(tmp_path: Path) -> None:
    write(tmp_path, 40, 15)
    found = prepared(tmp_path)
    theirs = found.others["second"].validation
    assert found.validation is not None and len(found.parts.validation) == 8 and len(theirs) == 3
    assert (found.validation.inputs["b"][:, 0] == 1000 + theirs[np.arange(8) % 3]).all()
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        parts = found.others["second"]
        assert not set(getattr(parts, one)) & set(getattr(parts, other))


def test_what_prepares_is_fitted_on_each_source_alone(tmp_path: Path) -> None:
    write(tmp_path, 30, 20)
    found = prepared(tmp_path, SPEC.replace("column: p}", "column: p, prepare: [normalization]}"))
    (layer,) = found.layers["b"]
    assert float(np.ravel(layer.mean)[0]) == pytest.approx(1000 + found.others["second"].train.mean(), rel=1e-6)


def test_the_fingerprint_is_that_of_all_sources(tmp_path: Path) -> None:
    write(tmp_path, 20, 15)
    before = prepared(tmp_path).content.fingerprint
    assert prepared(tmp_path).content.fingerprint == before
    file = tmp_path / "second.csv"
    file.write_text(file.read_text().replace("1014", "2014"))
    assert prepared(tmp_path).content.fingerprint != before


@pytest.mark.parametrize(
    ("old", "new", "code", "message", "line"),
    [
        ("source: second, ", "source: third, ", "E207", "`third` of input `b` is none of the `sources`", 10),
        ("source: second, ", "", "E207", "no input takes a column of source `second`", 9),
        ("  sources:", "  source: {csv: first.csv}\n  sources:", "E207", "both `source` and `sources`", 10),
        ("column: p}", "column: v}", "E602", "`v`", 12),
        ("b: {source", "c: {source", "E607", "`c` is no input of the model", 12),
        ("second.csv", "third.csv", "E601", "third.csv", 9),
        ("test: 0.2}", "test: {csv: first.csv}}", "E207", "`test` has a source of its own", 14),
        ("  batch_size: 4", "  oversample: true", "E207", "`oversample` does not go with `sources`", 15),
        ("  batch_size: 4", "  cache: none", "E207", "held in memory", 15),
        ("test: 0.2}", "test: 0.2, by: {grouped: u}}", "E602", "no column `u`", 14),
        ("column: p}", "columns: [p, u]}", "E605", "input `b` has shape [1]", 12),
    ],
)
def test_mistakes(old: str, new: str, code: str, message: str, line: int, tmp_path: Path) -> None:
    write(tmp_path, 20, 15)
    assert old in SPEC
    state = compile_text(tmp_path, SPEC.replace(old, new, 1))
    items = state.diagnostics.sorted()
    assert [(item.code, item.span.line if item.span else 0) for item in items] == [(code, line)], items
    assert message in items[0].message


def test_a_source_without_sources(tmp_path: Path) -> None:
    write(tmp_path, 20, 15)
    text = SPEC.replace("sources: {first: {csv: first.csv}, second: {csv: second.csv}}", "source: {csv: first.csv}")
    (item,) = compile_text(tmp_path, text).diagnostics.items
    assert item.code == "E207" and "input `b` names a source" in item.message


def test_what_the_data_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, 20, 15)
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    assert run(["data", str(path), "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["count"] == 20 and facts["others"]["second"]["count"] == 15
    assert facts["others"]["second"]["splits"]["train"]["examples"] == 9
    assert facts["fingerprint"] == prepared(tmp_path).content.fingerprint
    assert run(["data", str(path)]) == 0
    assert "source second, which goes round:" in capsys.readouterr().out


def test_inputs_that_the_data_tell(tmp_path: Path) -> None:
    write(tmp_path, 20, 15)
    state = compile_text(tmp_path, SPEC.replace("inputs: {a: [2], b: [1]}\n", "", 1))
    assert not state.diagnostics.items
    assert {node.name: node.outputs[0].shape for node in state.graph.nodes if node.layer is None} == {  # type: ignore[attr-defined]
        "a": (2,),
        "b": (1,),
    }


def test_each_part_of_the_first_source_needs_rows_of_the_others(tmp_path: Path) -> None:
    """The parts that a column tells stand in each source."""
    (tmp_path / "first.csv").write_text("p,q,t,part\n" + "1.5,2,3,train\n2.5,1,2,train\n3,1,1,test\n" * 4)
    (tmp_path / "second.csv").write_text("p,part\n" + "1.5,train\n2.5,train\n" * 4)
    text = SPEC.replace("{validation: 0.2, test: 0.2}", "{by: {column: part}}")
    (item,) = compile_text(tmp_path, text).diagnostics.errors
    assert item.code == "E606" and item.message == "the first source has rows in `test`, and source `second` has none"


@pytest.mark.slow
def test_training_and_its_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Report and `evaluate` measure the same; other rows stand in one table; projects say what they lack."""
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    write(tmp_path, 40, 15)
    monkeypatch.chdir(tmp_path)
    text = SPEC.replace("column: p}", "column: p, prepare: [normalization], augment: [{gaussian_noise: 0.1}]}")
    (tmp_path / "two.yaml").write_text(text)
    assert run(["train", "two.yaml"]) == 0
    found = find_run("two", Path("runs"))
    facts = found.facts
    assert facts["data"]["others"]["second"]["examples"] == {"train": 9, "validation": 3, "test": 3}
    assert facts["data"]["inputs"]["b"]["augment"] == ["gaussian_noise"]
    capsys.readouterr()
    assert run(["evaluate", "two", "--format", "json"]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    for part, measured in facts["metrics"].items():
        assert metrics[part]["loss"] == pytest.approx(measured["loss"], rel=1e-5)

    (tmp_path / "new.csv").write_text("p,q,b,t\n1,2,1003,0.5\n3,4,1010,1\n")
    assert run(["predict", "two", "new.csv", "--format", "json"]) == 0
    answers = [row["y"] for row in json.loads(capsys.readouterr().out)]
    model = open_run(found).model
    given = {"a": np.array([[1.0, 2], [3, 4]]), "b": np.array([[1003.0], [1010]])}
    assert answers == pytest.approx(model.predict(given, verbose=0).ravel().tolist(), rel=1e-4)
    assert run(["evaluate", "two", "--data", "new.csv"]) == 0
    (tmp_path / "new.csv").write_text("p,q\n1,2\n")
    assert run(["predict", "two", "new.csv"]) == 1
    assert "these examples have no column `b`" in capsys.readouterr().err
    assert run(["export", "two.yaml", "--project", "project"]) == 0
    assert "def inputs_2(" in (tmp_path / "project/data.py").read_text(encoding="utf-8")

    file = tmp_path / "second.csv"
    file.write_text(file.read_text().replace("1014", "1014.5"))
    state = next(found.path.glob("identity.json"))
    before = json.loads(state.read_text())["data"]
    assert set(before["second"]) == {"train", "validation", "test"}
