"""Documents that other programs read: their types say the same as their schemas, and readers tell what was edited."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest
from jsonschema import Draft202012Validator

from dlspec.cli.main import run
from dlspec.core import resources
from dlspec.core.documents.reading import document_text, read_report, read_search
from dlspec.core.documents.report import Report
from dlspec.core.documents.schema import differences, schema_of
from dlspec.core.documents.search import Search
from tests.support import ROOT, as_documented

CLASSES = {
    "kind": "choice", "examples": 4, "accuracy": 0.5, "interval": [0.1, 0.9],
    "baseline": {"answer": "a", "accuracy": 1},
    "classes": [{"name": "a", "examples": 4, "predicted": 2, "precision": 1.0, "recall": 0.5, "f1": None, "iou": 0.5}],
    "positions": 4, "mean_f1": None, "mean_iou": 0.5, "confusion": [[2, 2], [0, 0]],
}  # fmt: skip
NUMBERS = {
    "kind": "numbers", "examples": 4, "rmse": 1.5, "mae": 1, "r2": None, "array": False, "baseline": None,
    "numbers": [{"name": "b", "rmse": 1.5, "mae": 1, "bias": 0, "r2": 0.5, "baseline": {"answer": 2, "rmse": 3.0}}],
}  # fmt: skip
TARGET = {
    "target": "k", "column": "k", "columns": ["k"], "encoding": "classes", "shape": [], "dtype": "int64",
    "classes": ["a", 2], "one_hot": False, "separator": "", "graded": False,
}  # fmt: skip
FIGURES = {
    "part": "test", "errors": {"frechet": "no"},
    "map": {"of": "y", "by": None, "explained": None, "points": [[0, 1.5]], "classes": ["a"], "of_class": [0]},
    "clusters": {"of": "y", "by": "k", "fitted": 3, "adjusted_rand": None,
                 "clusters": [{"examples": 2, "most": "a", "share": 0.5}]},
}  # fmt: skip
REPORT = {
    "status": "finished", "name": "a", "id": "1", "command": "dlspec train a.yaml", "allow_outside": False,
    "spec_folder": "../..", "seed": 0, "parameters": {"total": 3, "trainable": 2, "non_trainable": 1},
    "data": {
        "source": {"csv": {"path": "a.csv"}}, "fingerprint": "0f", "examples": {"train": 4}, "dropped": 0,
        "bad": {"count": 0, "first": []}, "visited_per_epoch": 4, "weight": None, "drawn": {},
        "class_weights": {"y": [1.0, 2]},
        "equal_examples": [{"parts": ["train", "test"], "examples": 1, "rows": [["1", "2"]]}],
        "columns": {"k": "string"}, "targets": {"y": TARGET},
        "inputs": {"x": {"columns": ["a"], "shape": [None], "dtype": "float32", "missing": "error",
                         "prepare": ["normalization"], "augment": []}},
    },
    "versions": {"python": "3"}, "machine": {"platform": "Linux", "cpus": None, "environment": {}},
    "metrics": {"test": {"loss": None, "accuracy": 0.5}}, "epochs": 2,
    "planned": {"epochs": 2, "steps_per_epoch": 1, "scheduled": False}, "best": {"epoch": 1, "val_loss": 0.5},
    "kept": "best", "epoch_seconds": [0.5, 1], "started": "2026-01-01T00:00:00+00:00", "seconds": 2.5,
    "stages": {"fit": 2.0}, "error": {"code": "E508", "message": "no"}, "devices": ["CPU:0"],
    "speed": {"jit": True, "plain": 9.5, "xla": None, "looped": True, "loop": 19.5, "reason": ""},
    "figures": FIGURES,
    "baselines": {
        "measured": {"linear": {"title": "linear model", "metrics": {"test": {"accuracy": 0.5}}}}, "reasons": ["r"],
    },
    "pictures": [{"output": "y", "shows": "samples", "epoch": None, "file": "pictures/y-samples.png"}],
    "results": {
        "part": "test", "outputs": {"y": CLASSES, "z": NUMBERS},
        "verdicts": [{"output": "y", "headline": "h", "sentence": "s", "grade": "good"}],
    },
}  # fmt: skip
SEARCH = {
    "finished": True, "algorithm": "random", "objective": "val_loss", "direction": "min", "seed": 0, "planned": None,
    "counts": {"completed": 1, "failed": 0, "pruned": 0}, "best": 1, "conditions": {"a": {"b": [1, "x"]}},
    "trials": [{"number": 1, "values": {"a": 0.5}, "epochs": 2, "before": None, "status": "completed", "score": 0.5,
                "reason": "", "epoch": 2, "parameters": 7, "flops": None, "seconds": 1.5, "history": [{"loss": 1}]}],
}  # fmt: skip


def edits(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of everything in a document."""
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from edits(item, (*path, key))


def edited(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    document = copy.deepcopy(document)
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return document


def without_required(node: dict[str, Any]) -> dict[str, Any]:
    """Part of a schema that forgives what is lacking."""
    return {key: value for key, value in node.items() if key != "required" or not isinstance(value, list)}


@pytest.mark.parametrize(("name", "document", "kind"), [("report", REPORT, Report), ("search", SEARCH, Search)])
def test_readers_judge_as_the_schema_does(name: str, document: Any, kind: Any) -> None:
    as_documented(name, json.dumps(document))
    schema = json.loads(resources.read("schemas", f"{name}.json"), object_hook=without_required)
    validator = Draft202012Validator(schema)
    judged = 0
    for path in edits(document):
        for value in (None, 3, -1.5, True, "text", [], [7], {}, {"epoch": "x"}):
            changed = edited(document, path, value)
            found = list(differences(changed, kind))
            assert bool(found) == (not validator.is_valid(changed)), (path, value, found)
            judged += bool(found)
    assert judged > 200


def test_the_place_of_a_difference() -> None:
    assert list(differences({"a": [{"b": 1}, {"b": "x"}]}, dict[str, list[dict[str, int]]])) == ["a.1.b"]
    changed = edited(REPORT, ("results", "verdicts", 0), {"output": "y"})
    assert list(differences(changed, Report)) == []


def test_what_readers_rely_on_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert read_report(path) == (None, "")
    path.write_text(json.dumps({"status": "finished", "later": 1}))
    assert read_report(path) == ({"status": "finished", "later": 1}, "")
    path.write_text(json.dumps(edited(REPORT, ("results", "verdicts", 0), {"output": "y"})))
    damage = "`report.json` is no report of dlspec: `results.verdicts.0` is not as it was written"
    assert read_report(path) == (None, damage)
    path.write_text("{")
    assert read_report(path)[1].startswith("`report.json` cannot be read: Expecting property name")


def test_a_number_that_json_cannot_write_is_null(tmp_path: Path) -> None:
    trial = {**SEARCH["trials"][0], "score": None, "history": [{"loss": float("nan")}, {"loss": float("inf")}]}  # type: ignore[index]
    path = tmp_path / "search.json"
    path.write_text(document_text({**SEARCH, "trials": [trial]}))
    search, damage = read_search(path)
    assert damage == "" and search is not None
    assert search["trials"][0]["history"] == [{"loss": None}, {"loss": None}]


def test_a_schema_says_what_its_keys_mean() -> None:
    class Inner(TypedDict):
        """Something inside."""

        size: float | None

    class Outer(TypedDict, total=False):
        """The whole.

        Attributes:
            inner: By name, which is long enough to
                fill two lines.
        """

        inner: dict[str, Inner]
        kind: Literal["a", "b"]

    globals().update(Inner=Inner, Outer=Outer)  # annotations are looked up in the module
    schema = schema_of(Outer, "a document")
    assert schema["description"] == "The whole." and "required" not in schema
    assert schema["properties"]["kind"] == {"enum": ["a", "b"]}
    inner = schema["properties"]["inner"]
    assert inner["description"] == "By name, which is long enough to fill two lines."
    assert inner["additionalProperties"] == {"$ref": "#/$defs/Inner"}
    assert schema["$defs"]["Inner"]["properties"] == {"size": {"type": ["number", "null"]}}
    assert schema["$defs"]["Inner"]["required"] == ["size"]


def test_every_command_with_json_has_a_schema() -> None:
    with_json = {
        path.stem
        for path in (ROOT / "dlspec" / "cli" / "commands").glob("*.py")
        if '"json"' in path.read_text(encoding="utf-8") or "format_option" in path.read_text(encoding="utf-8")
    }
    described = {path.stem.split("-")[0] for path in (ROOT / "schemas" / "output").glob("*.json")}
    assert with_json == described


def test_a_summary_of_a_search_that_was_edited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dlspec.tuning.search.folder import finished

    (tmp_path / "search.json").write_text(json.dumps({**SEARCH, "finished": "no"}))
    assert finished(tmp_path) == (False, "`search.json` is no search of dlspec: `finished` is not as it was written")
    (tmp_path / "search.json").write_text(json.dumps(SEARCH))
    assert finished(tmp_path) == (True, "")


def test_a_run_with_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, report in (("1", REPORT), ("2", None)):
        (tmp_path / "a" / folder).mkdir(parents=True)
        (tmp_path / "a" / folder / "spec.yaml").write_text("name: a\n")
        if report is not None:
            (tmp_path / "a" / folder / "report.json").write_text(json.dumps(report))
        assert run(["runs", "--runs", str(tmp_path), "show", folder, "--format", "json"]) == 0
        shown = as_documented("output/runs-show", capsys.readouterr().out)
        assert shown["report"] == (report or {})
