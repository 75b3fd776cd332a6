"""Studies that keep one model of all members, or the best member: by the command line and by plain Keras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.studies.test_studies import SPEC, cli

# Numbers with gaps, texts and classes; two outputs, one of them of prepared numbers and one of scores before a sigmoid.
MIXED = """
name: mixed
inputs: {{numbers: [4], words: {{shape: [3], dtype: int64}}}}
layers:
  - embedding: {{input_dim: 20, output_dim: 3, from: words}}
  - flatten: {{name: meaning}}
  - concatenate: {{from: [numbers, meaning], name: both}}
  - dense: {{units: 8, activation: relu, from: both, name: inner}}
  - dense: {{units: 1, from: inner, name: sold}}
  - dense: {{units: 3, from: inner, name: kind}}
  - dense: {{units: 1, from: inner, name: price}}
outputs: [sold, kind, price]
data:
  source: {{csv: t.csv}}
  inputs:
    numbers: {{columns: [a, b], missing: {{median: {{indicator: true}}}}, prepare: [normalization]}}
    words: {{column: text, prepare: [{{text_vectorization: {{max_tokens: 20, output_sequence_length: 3}}}}]}}
  targets:
    sold: {{column: sold}}
    kind: {{column: kind}}
    price: {{column: price, prepare: [normalization]}}
  split: {{test: 0.2, validation: 0.1}}
train:
  method: {method}
  loss:
    sold: {{binary_crossentropy: {{from_logits: true}}}}
    kind: {{sparse_categorical_crossentropy: {{from_logits: true}}}}
    price: mean_squared_error
  metrics: {{kind: [accuracy], price: [mean_absolute_error]}}
  epochs: 2
"""


def _table(folder: Path) -> dict[str, Any]:
    """Writes 120 rows, and gives the inputs of all of them as a saved model takes them."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(120, 2)).astype(np.float32)
    numbers[::7, 0] = np.nan
    texts = [" ".join(random.choice(["red", "green", "blue", "old"], 3)) for _ in range(120)]
    kinds = random.choice(["x", "y", "z"], 120)
    rows = [
        f"{'' if np.isnan(a) else repr(float(a))},{float(b)!r},{text},{int(b > 0)},{kind},{100 + 30 * b:.3f}"
        for (a, b), text, kind in zip(numbers, texts, kinds, strict=True)
    ]
    (folder / "t.csv").write_text("\n".join(["a,b,text,sold,kind,price", *rows]) + "\n")
    return {"numbers": numbers, "words": np.array(texts, dtype=object)}


def _study(folder: Path, spec: str) -> tuple[Path, dict[str, Any]]:
    (folder / "spec.yaml").write_text(spec)
    code, out, err = cli("train", str(folder / "spec.yaml"), "--run", str(folder / "study"), "-q")
    assert code == 0, out + err
    facts: dict[str, Any] = json.loads((folder / "study" / "study.json").read_text())
    return folder / "study", facts


def _answers(run: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    """What plain Keras answers; layers of dlspec in the file are standalone."""
    import keras

    import dlspec.keras_layers  # noqa: F401  those that fill in gaps

    model = keras.saving.load_model(run / "model.keras", compile=False)
    tensors = {name: keras.ops.convert_to_tensor(values.tolist()) for name, values in inputs.items()}
    given = model([tensors[tensor.name] for tensor in model.inputs])
    given = (
        given
        if isinstance(given, dict)
        else dict(zip(model.output_names, given if isinstance(given, list) else [given], strict=True))
    )
    return {name: np.asarray(values, np.float64) for name, values in given.items()}


def _softmax(scores: Any) -> Any:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["{k_fold: {folds: 3, keep: ensemble}}", "{seeds: {count: 3, keep: ensemble}}"])
def test_an_ensemble_gives_the_mean_of_its_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Of numbers in the units of the data, and of probabilities where outputs are scores; gaps and texts enter."""
    monkeypatch.chdir(tmp_path)
    inputs = _table(tmp_path)
    study, facts = _study(tmp_path, MIXED.format(method=method))
    own = [_answers(study / member["folder"], inputs) for member in facts["members"]]
    kept = _answers(study / facts["model"], inputs)
    assert np.allclose(kept["price"], np.mean([each["price"] for each in own], axis=0), rtol=1e-6)
    sold = np.mean([1 / (1 + np.exp(-each["sold"])) for each in own], axis=0)
    assert np.allclose(1 / (1 + np.exp(-kept["sold"])), sold, atol=1e-6)
    kind = np.mean([_softmax(each["kind"]) for each in own], axis=0)
    assert np.allclose(_softmax(kept["kind"]), kind, atol=1e-6)
    assert not np.allclose(own[0]["kind"], own[1]["kind"], atol=1e-3)  # members differ
    code, out, err = cli("evaluate", "study", "--part", "test", "--format", "json")
    assert code == 0 and "W613" not in err, err
    measured, reported = json.loads(out)["metrics"]["test"], facts["kept"]["test"]
    assert measured.keys() == reported.keys() and all(
        np.isclose(measured[name], reported[name], atol=1e-5) for name in measured
    )
    code, out, err = cli("predict", "study", "t.csv", "--format", "json")
    assert code == 0, err
    rows = json.loads(out)
    assert np.allclose([row["price"] for row in rows], kept["price"][:, 0], rtol=1e-5)
    assert [row["kind"] for row in rows] == [np.array(["x", "y", "z"])[i] for i in kind.argmax(axis=1)]


def test_the_kept_ensemble_leaves_like_any_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is evaluated and exported; its figures stand in the study and on its page."""
    monkeypatch.chdir(tmp_path)
    study, facts = _study(tmp_path, SPEC.format(method="{k_fold: {folds: 2, keep: ensemble}}"))
    assert facts["kept"].keys() == {"train", "test"}  # members were trained on the validation split of each other
    own = json.loads((study / "model" / "report.json").read_text())
    assert own["data"]["examples"] == {"train": 142, "validation": 0, "test": 36}
    assert "test" in (study / "report.html").read_text()
    for target in ("keras", "onnx"):
        code, out, err = cli("export", "study", "--to", target, "-o", f"wine.{target}")
        assert code == 0 and "largest difference" in out, err
    before = (study / "model" / "report.json").stat().st_mtime_ns
    document = study / "study.json"
    document.write_text(document.read_text().replace('"finished": true', '"finished": false'))
    assert cli("train", "spec.yaml", "--run", "study", "-q")[0] == 0
    assert (study / "model" / "report.json").stat().st_mtime_ns == before  # nor is it made twice


def test_the_best_member_becomes_a_run_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the validation split of the seeds, by the folds of a cross-validation."""
    monkeypatch.chdir(tmp_path)
    study, facts = _study(tmp_path, SPEC.format(method="{k_fold: {folds: 3, keep: best}}"))
    losses = [member["measures"]["test"]["loss"] for member in facts["members"]]
    best = facts["members"][int(np.argmin(losses))]
    assert (study / "model" / "model.keras").read_bytes() == (study / best["folder"] / "model.keras").read_bytes()
    code, out, err = cli("evaluate", "study", "--part", "test", "--format", "json")
    assert code == 0, err
    assert np.isclose(json.loads(out)["metrics"]["test"]["loss"], min(losses), rtol=1e-5)


@pytest.mark.parametrize(
    ("method", "changes", "message"),
    [
        ("{seeds: {count: 2, keep: best}}", ["data.split.validation=0"], "the split has no `validation`"),
        ("{k_fold: {folds: 2, keep: ensemble}}", ["train.calibration=temperature"], "`calibration` changes"),
    ],
)
def test_what_gives_no_one_model_is_refused(tmp_path: Path, method: str, changes: list[str], message: str) -> None:
    """Before TensorFlow loads."""
    spec = tmp_path / "wine.yaml"
    spec.write_text(SPEC.format(method=method))
    code, out, _ = cli("check", str(spec), *[part for change in changes for part in ("--set", change)])
    assert code == 1 and "E546" in out and message in out and "keep: refit" in out
