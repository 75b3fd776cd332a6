"""Studies by the command line: their figures beside numpy's and scikit-learn's, their files, and their refusals."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score

from dlspec.tuning.studies.curve import curve
from dlspec.tuning.studies.figures import summary
from tests.support import dlspec_here

SPEC = """
name: wine
data:
  source: {{sklearn: wine}}
  inputs: {{x: {{column: data, prepare: [normalization]}}}}
  targets: {{kind: {{column: target}}}}
  split: {{test: 0.2, validation: 0.1, by: stratified}}
layers: [{{dense: {{units: 3, activation: softmax, name: kind}}}}]
train: {{method: {method}, loss: sparse_categorical_crossentropy, metrics: [accuracy], epochs: 2, seed: 3}}
"""


def cli(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    done = dlspec_here(*arguments)
    return done.returncode, done.stdout, done.stderr


def _study(folder: Path, method: str, *options: str) -> tuple[Path, dict[str, Any]]:
    """Trains in a folder, and reads what came of it."""
    spec = folder / "wine.yaml"
    spec.write_text(SPEC.format(method=method))
    code, out, err = cli("train", str(spec), "--run", str(folder / "study"), *options)
    assert code == 0, out + err
    facts: dict[str, Any] = json.loads((folder / "study" / "study.json").read_text())
    return folder / "study", facts


def _lines(facts: dict[str, Any], part: str) -> dict[tuple[float, str], Any]:
    return {(line["group"], line["measure"]): line for line in facts["summaries"] if line["part"] == part}


def test_figures_of_a_cross_validation_are_those_of_its_answers(tmp_path: Path) -> None:
    """Accuracy of each fold by scikit-learn from the table of answers; mean, deviation and interval by numpy."""
    study, facts = _study(tmp_path, "{k_fold: 3}", "-q")
    with (study / "out_of_fold.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    by_fold: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        by_fold.setdefault(row["member"], []).append((row["kind actual"], row["kind"]))
    assert len(rows) == len({row["row"] for row in rows}) == 142
    each = [accuracy_score(*zip(*by_fold[member["title"]], strict=True)) for member in facts["members"]]
    line = _lines(facts, "fold")[0.0, "accuracy"]
    assert np.allclose([member["measures"]["test"]["accuracy"] for member in facts["members"]], each, atol=1e-6)
    assert np.isclose(line["mean"], np.mean(each), atol=1e-6) and np.isclose(
        line["std"], np.std(each, ddof=1), atol=1e-6
    )
    sizes = [(member["examples"]["train"], member["examples"]["test"]) for member in facts["members"]]
    train, test = np.sum(sizes, axis=0)
    half = stats.t.ppf(0.975, 2) * np.sqrt(1 / 3 + test / train) * np.std(each, ddof=1)
    assert np.isclose(line["high"], min(1, line["mean"] + half), atol=1e-6)
    assert np.isclose(line["low"], max(0, line["mean"] - half), atol=1e-6)


def test_members_and_the_kept_model_are_ordinary_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each can be evaluated, and the study stands for the model that it kept."""
    monkeypatch.chdir(tmp_path)
    study, facts = _study(tmp_path, "{k_fold: 2}", "-q")
    own = json.loads((study / "model" / "report.json").read_text())
    assert own["metrics"]["test"] and own["seed"] == 3 and own["data"]["examples"]["test"] == 36
    member = (study / "members" / "2" / "spec.yaml").read_text()
    assert "seed: 4" in member and "fold:" in member and "method" not in member
    for run, part in ((study, own), (study / "members" / "1", None)):
        code, out, err = cli("evaluate", str(run), "--part", "test", "--format", "json")
        assert code == 0, err
        measured = json.loads(out)["metrics"]["test"]["accuracy"]
        wanted = part["metrics"]["test"] if part else facts["members"][0]["measures"]["test"]
        assert np.isclose(measured, wanted["accuracy"], atol=1e-6)
    page = (study / "report.html").read_text()
    assert "fold 2 of 2" in page and "95 % interval" in page and "<svg" in page


def test_a_finished_study_is_not_trained_again(tmp_path: Path) -> None:
    """It prints what it has; another spec is refused, and so is a file that lists other members."""
    study, facts = _study(tmp_path, "{seeds: 2}", "-q")
    before = (study / "study.json").stat().st_mtime_ns
    code, out, err = cli("train", str(tmp_path / "wine.yaml"), "--run", str(study))
    assert code == 0 and "is finished" in err and "2 trainings" in out
    assert (study / "study.json").stat().st_mtime_ns == before
    code, _, err = cli("train", str(tmp_path / "wine.yaml"), "--run", str(study), "--set", "train.epochs=3")
    assert code == 1 and "E512" in err and "epochs" in err and "--new" not in err  # which this folder refuses
    facts["members"].pop()
    (study / "study.json").write_text(json.dumps({**facts, "finished": False}))
    code, _, err = cli("train", str(tmp_path / "wine.yaml"), "--run", str(study))
    assert code == 1 and "E507" in err and "lists other members" in err


def test_seeds_keep_the_parts_and_the_first_model(tmp_path: Path) -> None:
    """All members see the same examples, and the first one is the training without the study."""
    study, facts = _study(tmp_path, "{seeds: 3}", "-q")
    assert [member["title"] for member in facts["members"]] == ["seed 3", "seed 4", "seed 5"]
    assert facts["members"][0]["folder"] == facts["model"] == "model"
    rows = {(study / member["folder"] / "identity.json").read_text() for member in facts["members"]}
    parts = {json.dumps(json.loads(text).get("split", json.loads(text))) for text in rows}
    assert len(parts) == 1
    losses = {member["measures"]["test"]["loss"] for member in facts["members"]}
    assert len(losses) == 3
    line = _lines(facts, "test")[0.0, "loss"]
    half = stats.t.ppf(0.975, 2) * np.std(list(losses), ddof=1) / np.sqrt(3)
    assert np.isclose(line["low"], np.mean(list(losses)) - half, atol=1e-6)
    shares = [member["measures"]["test"]["accuracy"] for member in facts["members"]]
    line, half = _lines(facts, "test")[0.0, "accuracy"], stats.t.ppf(0.975, 2) * np.std(shares, ddof=1) / np.sqrt(3)
    assert np.isclose(line["high"], min(1, np.mean(shares) + half), atol=1e-6)


def test_the_interval_of_a_share_ends_at_one() -> None:
    """No mean of accuracies lies beyond; a loss has no such end."""
    share, loss = (summary(0.0, "test", "accuracy", [0.9, 1.0], 0.5, share=known) for known in (True, False))
    assert share["high"] == 1 and loss["high"] is not None and loss["high"] > 1
    assert share["low"] == loss["low"] is not None
    low = summary(0.0, "test", "accuracy", [0.0, 0.1], 0.5, share=True)["low"]
    assert low == 0


def test_a_learning_curve_grows_by_shares(tmp_path: Path) -> None:
    """Groups in order, each with its repeats, and a sentence on what limits the model."""
    _, facts = _study(
        tmp_path, "{learning_curve: {fractions: [1, 0.2, 0.5], repeats: 2}}", "-q", "--set", "train.epochs=4"
    )
    trained = [(member["group"], member["examples"]["train"]) for member in facts["members"]]
    assert [group for group, _ in trained] == [0.2, 0.2, 0.5, 0.5, 1, 1]
    assert [count for _, count in trained][-1] == 124 and abs(trained[0][1] - 0.2 * 124) <= 2
    assert facts["curve"]["examples"] == 124 and facts["curve"]["advice"].startswith("High ")
    assert facts["judged"] == "test" and set(facts["members"][0]["measures"]) >= {"train", "test"}


def test_the_curve_is_found_again() -> None:
    """A power law that errors follow exactly."""
    members: Any = [
        {
            "group": count / 6400,
            "examples": {"train": count},
            "measures": {part: {"accuracy": 1 - (0.05 + 2 * count**-0.6)} for part in ("train", "test")},
        }
        for count in (100, 200, 400, 800, 1600, 3200, 6400)
    ]
    drawn = curve(members, "test", "accuracy", grows=True)
    assert drawn is not None
    assert np.allclose([drawn["floor"], drawn["scale"], drawn["exponent"]], [0.05, 2, 0.6], rtol=1e-3)
    assert np.isclose(drawn["tenfold"], 0.05 + 2 * 64000**-0.6, rtol=1e-4)
    assert np.isclose(drawn["tenfold_interval"], drawn["tenfold"], rtol=1e-3).all()  # nothing scatters
    assert curve(members[:2], "test", "accuracy", grows=True) is None


def test_a_study_is_found_by_name_and_listed_beside_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members are no runs of the spec; `predict wine` uses the model that was kept."""
    monkeypatch.chdir(tmp_path)
    Path("wine.yaml").write_text(SPEC.format(method="{seeds: 2}"))
    assert cli("train", "wine.yaml", "-q")[0] == 0
    code, out, _ = cli("runs", "--format", "json")
    assert code == 0 and sorted(each["kind"] for each in json.loads(out)) == ["run", "study"]
    assert cli("evaluate", "wine", "--part", "test")[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "2", "--set", "train.method=supervised"], "--workers is for studies"),
        (["--force", "--run", "x"], "--force is for single runs"),
    ],
)
def test_options_that_do_nothing_are_refused(tmp_path: Path, options: list[str], message: str) -> None:
    """Accepted means effective."""
    spec = tmp_path / "wine.yaml"
    spec.write_text(SPEC.format(method="{k_fold: 2}"))
    code, _, err = cli("train", str(spec), *options)
    assert code == 2 and message in err


def test_projects_refuse_studies(tmp_path: Path) -> None:
    """In words, before anything is written."""
    spec = tmp_path / "wine.yaml"
    spec.write_text(SPEC.format(method="{k_fold: 2}"))
    code, _, err = cli("export", str(spec), "--project", str(tmp_path / "project"))
    assert code == 1 and "k_fold" in err and not (tmp_path / "project").exists()


def test_keep_none_trains_nothing_more(tmp_path: Path) -> None:
    """And says where the members are when a model is asked for."""
    study, facts = _study(tmp_path, "{k_fold: {folds: 2, keep: none}}", "-q")
    assert facts["model"] is None and sorted(path.name for path in study.iterdir() if path.is_dir()) == ["members"]
    code, _, err = cli("evaluate", str(study))
    assert code == 1 and "keeps no model" in err and "members" in err


def test_a_damaged_study_is_not_passed_over(tmp_path: Path) -> None:
    """Its members would be lost to a new one that nobody asked for."""
    spec, damaged = tmp_path / "wine.yaml", tmp_path / "runs" / "wine" / "study-20260101T000000Z-0000"
    spec.write_text(SPEC.format(method="{seeds: 2}"))
    damaged.mkdir(parents=True)
    (damaged / "study.json").write_text("{")
    code, _, err = cli("train", str(spec), "--runs", str(tmp_path / "runs"))
    assert code == 1 and "E507" in err and "was changed" in err and "--new" in err


def test_a_study_stands_for_its_model_in_export_and_start_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `evaluate`: nobody has to know where the model is."""
    monkeypatch.chdir(tmp_path)
    _study(tmp_path, "{k_fold: 2}", "-q")
    code, out, err = cli("export", "study", "--to", "keras", "-o", "wine.keras")
    assert code == 0 and "wine.keras" in out, err
    code, out, err = cli("check", "wine.yaml", "--set", "train.start_from=study", "--set", "train.method=null")
    assert code == 0 and "2 of 2 tensors fit `study`" in out + err


def test_members_of_other_data_are_not_mixed(tmp_path: Path) -> None:
    """A study that goes on with a changed file says so, and counts nothing of it."""
    rows = [f"{n % 7},{n % 5},{n % 2}" for n in range(60)]
    table, spec = tmp_path / "t.csv", tmp_path / "t.yaml"
    table.write_text("\n".join(["a,b,y", *rows]) + "\n")
    spec.write_text(
        "data: {source: {csv: t.csv}, targets: {y: {column: y}}, split: {test: 0.2}}\n"
        "layers: [{dense: {units: 1, activation: sigmoid, name: y}}]\n"
        "train: {method: {seeds: 2}, loss: binary_crossentropy, epochs: 1}\n"
    )
    assert cli("train", str(spec), "--run", str(tmp_path / "study"), "-q")[0] == 0
    document = tmp_path / "study" / "study.json"
    document.write_text(document.read_text().replace('"finished": true', '"finished": false'))
    shutil.rmtree(tmp_path / "study" / "members" / "2")
    table.write_text("\n".join(["a,b,y", *rows[:40]]) + "\n")
    code, _, err = cli("train", str(spec), "--run", str(tmp_path / "study"), "-q")
    assert code == 1 and "E512" in err and "data changed" in err
