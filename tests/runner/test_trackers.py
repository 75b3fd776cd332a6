"""Table, ``metrics.csv`` and ``dlspec evaluate`` hold what numpy and scikit-learn find in the kept model's answers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as judge

from dlspec.cli.main import run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

SPEC = """
name: several
inputs: {x: [3]}
layers:
  - dense: {units: 6, activation: relu, name: h}
  - dense: {units: 3, activation: softmax, name: kind}
  - dense: {units: 1, from: h, name: size, bias_initializer: {constant: 10000}}
  - dense: {units: 1, from: h, name: ill, bias_initializer: {constant: -6}}
  - dense: {units: 1, from: h, activation: tanh, name: side}
  - dense: {units: 2, from: h, name: tags}
outputs: [kind, size, ill, side, tags]
data:
  source: {csv: train.csv}
  inputs: {x: {columns: [a, b, c]}}
  targets:
    kind: {column: kind, class_weights: balanced}
    size: size
    ill: ill
    side: side
    tags: {columns: [one, two]}
  split: {validation: {csv: valid.csv}}
  batch_size: 36
train:
  loss:
    kind: sparse_categorical_crossentropy
    size: mae
    ill: {binary_crossentropy: {from_logits: true}}
    side: hinge
    tags: {binary_crossentropy: {from_logits: true}}
  loss_weights: {kind: 2.0, size: 0.1}
  metrics:
    kind: [accuracy]
    size: [r2_score, mse, {pearson_correlation: {axis: 0}}, {concordance_correlation: {axis: 0}}]
    ill: [accuracy, precision, recall, auc, {auc: {curve: PR, name: area}}, {f1_score: macro},
          {recall_at_precision: 0.3}, {precision: {thresholds: -6.1, name: low}}, binary_crossentropy]
    side: [accuracy, auc]
    tags: [accuracy, auc, {auc: {multi_label: true}}, {f1_score: macro}]
  optimizer: {sgd: 1.0e-3}
  monitor: val_ill_loss
  epochs: 2
"""


def write(path: Path, count: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3)).astype(np.float32)
    columns: dict[str, Any] = {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]}
    columns["kind"] = np.digitize(x[:, 0] + 0.2 * rng.normal(size=count), [0.3, 1.0])
    columns["size"] = (10_000 + x[:, 1] + 0.3 * rng.normal(size=count)).astype(np.float32)
    columns["ill"] = (x[:, 2] + 0.5 * rng.normal(size=count) > 1.1).astype(int)
    columns["side"] = np.where(x[:, 0] > 0.2, 1, -1)
    columns["one"], columns["two"] = (x[:, 0] > 0.1).astype(int), (x[:, 1] > 0.8).astype(int)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return {**columns, "x": x}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any], dict[str, Any]]]:
    """The run, the validation split, and the kept model's answers to it."""
    import keras

    folder = tmp_path_factory.mktemp("several")
    (folder / "spec.yaml").write_text(SPEC)
    write(folder / "train.csv", 100, 0)
    valid = write(folder / "valid.csv", 37, 1)
    assert run(["train", str(folder / "spec.yaml"), "--run", str(folder / "run"), "--quiet"]) == 0
    model = keras.saving.load_model(folder / "run" / "model.keras", compile=False)
    outputs = model(valid["x"])
    yield folder / "run", valid, {name: np.asarray(value, np.float64) for name, value in outputs.items()}


def measures(true: dict[str, Any], answer: dict[str, Any]) -> dict[str, float]:
    """All measures of the validation split, without Keras."""
    log_share = np.log(answer["kind"])
    sick, side, tags = answer["ill"][:, 0], answer["side"][:, 0], answer["tags"]
    ill, right, true_tags = true["ill"], true["side"], np.stack([true["one"], true["two"]], axis=1)
    size, error = answer["size"][:, 0], answer["size"][:, 0] - true["size"]
    entropy: Callable[[Any, Any], float] = lambda y, z: float(np.mean(np.logaddexp(0, z) - y * z))  # noqa: E731
    covariance = np.cov(true["size"].astype(float), size, bias=True)
    found = {
        "kind_loss": float(-log_share[np.arange(len(ill)), true["kind"]].mean()),
        "kind_accuracy": judge.accuracy_score(true["kind"], answer["kind"].argmax(1)),
        "size_loss": float(np.abs(error).mean()),
        "size_mse": float((error**2).mean()),
        "size_r2_score": judge.r2_score(true["size"].astype(float), size),
        "size_pearson_correlation": float(np.corrcoef(true["size"].astype(float), size)[0, 1]),
        "size_concordance_correlation": float(
            2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1] + error.mean() ** 2)
        ),
        "ill_loss": entropy(ill, sick),
        "ill_binary_crossentropy": entropy(ill, sick),
        "ill_accuracy": judge.accuracy_score(ill, sick > 0),
        "ill_precision": judge.precision_score(ill, sick > 0, zero_division=0),
        "ill_recall": judge.recall_score(ill, sick > 0),
        "ill_low": judge.precision_score(ill, sick > -6.1, zero_division=0),
        "ill_auc": judge.roc_auc_score(ill, sick),
        "ill_f1_score": judge.f1_score(ill, sick > 0, zero_division=0),
        "ill_recall_at_precision": best_recall(ill, sick, 0.3),
        "side_loss": float(np.maximum(1 - right * side, 0).mean()),
        "side_accuracy": judge.accuracy_score(right > 0, side > 0),
        "side_auc": judge.roc_auc_score(right > 0, side),
        "tags_loss": entropy(true_tags, tags),
        "tags_accuracy": float((true_tags == (tags > 0)).mean()),
        "tags_auc": judge.roc_auc_score(true_tags.ravel(), tags.ravel()),
        "tags_auc_1": judge.roc_auc_score(true_tags, tags, average="macro"),
        "tags_f1_score": judge.f1_score(true_tags, tags > 0, average="macro", zero_division=0),
    }
    weights = {"kind": 2.0, "size": 0.1, "ill": 1.0, "side": 1.0, "tags": 1.0}
    return {**found, "loss": sum(weight * found[f"{name}_loss"] for name, weight in weights.items())}


def best_recall(true: Any, score: Any, least: float) -> float:
    precision, recall, _ = judge.precision_recall_curve(true, score)
    return float(recall[:-1][precision[:-1] >= least].max(initial=0))


def test_report_metrics_csv_and_evaluate(trained: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder, true, answer = trained
    expected = measures(true, answer)
    report = json.loads((folder / "report.json").read_text())
    with (folder / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept = rows[report["best"]["epoch"] - 1]
    assert run(["evaluate", str(folder), "--allow-outside", "--part", "validation", "--format", "json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)["metrics"]["validation"]
    for name, value in expected.items():
        assert report["metrics"]["validation"][name] == pytest.approx(value, rel=2e-6, abs=2e-6), name
        assert float(kept[f"val_{name}"]) == pytest.approx(value, rel=2e-6, abs=2e-6), name
        assert evaluated[name] == pytest.approx(value, rel=2e-6, abs=2e-6), name
    assert set(report["metrics"]["validation"]) == {*expected, "ill_area"}


def test_the_best_epoch_is_that_of_the_smallest_mean_over_examples(trained: Any) -> None:
    folder, _, _ = trained
    with (folder / "metrics.csv").open(newline="") as stream:
        losses = [float(row["val_ill_loss"]) for row in csv.DictReader(stream)]
    assert json.loads((folder / "report.json").read_text())["best"]["epoch"] == 1 + int(np.argmin(losses))


MASKED = """
name: masked
inputs: {words: {shape: [6], dtype: int32}, image: [4, 4, 1]}
layers:
  - embedding: {from: words, input_dim: 9, output_dim: 3, mask_zero: true, name: e}
  - dense: {units: 1, activation: sigmoid, name: step}
  - conv2d: {from: image, filters: 1, kernel_size: 3, padding: same, activation: sigmoid, name: area}
outputs: [step, area]
data:
  source: {npz: data.npz}
  inputs: {words: {column: words}, image: {column: image}}
  targets: {step: step, area: {column: area, class_weights: balanced}}
  split: {validation: {npz: data.npz}}
  batch_size: 8
train:
  loss: bce
  metrics:
    step: [accuracy, precision, recall, auc, root_mean_squared_error, {precision_at_recall: 0.5}]
    area: [accuracy, auc, binary_io_u]
  optimizer: {sgd: 1.0e-9}
  epochs: 1
"""


def test_masks_and_weights_of_pixels(tmp_path: Path) -> None:
    import keras

    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 7, 20)
    words = np.where(np.arange(6) < lengths[:, None], rng.integers(1, 9, (20, 6)), 0).astype(np.int32)
    image = rng.normal(size=(20, 4, 4, 1)).astype(np.float32)
    true_step, true_area = (rng.random((20, 6)) < 0.4).astype(int), (image > 0.7).astype(int)
    np.savez(tmp_path / "data.npz", words=words, image=image, step=true_step, area=true_area)
    (tmp_path / "spec.yaml").write_text(MASKED)
    assert run(["train", str(tmp_path / "spec.yaml"), "--run", str(tmp_path / "run"), "--quiet"]) == 0
    found = json.loads((tmp_path / "run" / "report.json").read_text())["metrics"]["validation"]
    model = keras.saving.load_model(tmp_path / "run" / "model.keras", compile=False)
    answer = model({"words": words, "image": image})
    step, area = np.asarray(answer["step"], float)[..., 0], np.asarray(answer["area"], float)

    counts = words != 0
    entropy = -np.log(np.where(true_step, step, 1 - step)) * counts
    batches = [slice(0, 8), slice(8, 16), slice(16, 20)]
    y, p, pixels = true_step[counts], step[counts], true_area.ravel()
    precision, recall, _ = judge.precision_recall_curve(y, p)
    expected = {
        "step_loss": sum(entropy[b].sum() / counts[b].sum() * (b.stop - b.start) for b in batches) / 20,
        "step_accuracy": judge.accuracy_score(y, p > 0.5),
        "step_precision": judge.precision_score(y, p > 0.5, zero_division=0),
        "step_recall": judge.recall_score(y, p > 0.5),
        "step_auc": judge.roc_auc_score(y, p),
        "step_root_mean_squared_error": judge.root_mean_squared_error(y, p),
        "step_precision_at_recall": precision[recall >= 0.5].max(),
        "area_loss": judge.log_loss(pixels, area.ravel()),
        "area_accuracy": judge.accuracy_score(pixels, area.ravel() > 0.5),
        "area_auc": judge.roc_auc_score(pixels, area.ravel()),
        "area_binary_io_u": judge.jaccard_score(pixels, area.ravel() > 0.5, average="macro", labels=[0, 1]),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=3e-6, abs=3e-6), name

    with (tmp_path / "run" / "metrics.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    weights = pixels.size / (2 * np.bincount(pixels))[pixels]
    weighted = judge.log_loss(pixels, area.ravel(), sample_weight=weights)
    assert float(row["area_loss"]) == pytest.approx(weighted, rel=1e-5)
