"""The threshold that follows from loss and activation, and metrics that take it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score, roc_auc_score

from dlspec.components.methods.supervised import Supervised
from dlspec.components.registry import find
from dlspec.components.training.heads import Head, threshold_of
from dlspec.components.training.metrics import Metric
from dlspec.core.ir import Tensor
from dlspec.data.checks.measures import callbacks, smaller_is_better
from dlspec.passes import compile_spec
from dlspec.passes.heads import last_activation, probability_heads


def made(kind: str, name: str, **options: Any) -> Any:
    owner = find(kind, name)
    assert owner is not None
    return owner(**options)


@pytest.mark.parametrize(
    ("loss", "options", "activation", "expected"),
    [
        ("binary_crossentropy", {}, "sigmoid", 0.5),
        ("binary_crossentropy", {"from_logits": True}, "linear", 0.0),
        ("binary_focal_crossentropy", {"from_logits": True}, None, 0.0),
        ("hinge", {}, "linear", 0.0),
        ("squared_hinge", {}, "tanh", 0.0),
        ("perceptron", {}, "linear", 0.0),
        ("widrow_hoff", {}, "linear", 0.0),
        ("mean_squared_error", {}, "tanh", 0.0),
        ("mean_squared_error", {}, "linear", 0.5),
        ("dice", {}, "sigmoid", 0.5),
    ],
)
def test_threshold(loss: str, options: dict[str, Any], activation: str | None, expected: float) -> None:
    activated = find("activation", activation) if activation else None
    assert threshold_of(made("loss", loss, **options), activated) == expected


@pytest.mark.parametrize(
    ("name", "given", "option", "expected"),
    [
        ("binary_accuracy", {}, "threshold", 0.0),
        ("binary_accuracy", {"threshold": 0.3}, "threshold", 0.3),
        ("precision", {}, "thresholds", 0.0),
        ("precision", {"top_k": 2}, "thresholds", None),
        ("recall", {"thresholds": 0.6}, "thresholds", 0.6),
        ("true_positives", {}, "thresholds", 0.0),
        ("binary_io_u", {}, "threshold", 0.0),
        ("auc", {}, "from_logits", True),
        ("auc", {"from_logits": False}, "from_logits", False),
        ("binary_crossentropy", {}, "from_logits", True),
        ("mean_absolute_error", {}, "threshold", None),
    ],
)
def test_metrics_of_raw_scores(name: str, given: dict[str, Any], option: str, expected: Any) -> None:
    head = Head(made("loss", "binary_crossentropy", from_logits=True), None, Tensor((1,), "float32"))
    metric: Metric = made("metric", name, **given).settled(head)
    assert getattr(metric, option, None) == expected
    assert metric.name == name


@pytest.mark.parametrize(
    ("steps", "expected", "names"),
    [
        ("[{dense: 1}, ops.sigmoid]", "sigmoid", ["ops.sigmoid", "dense"]),
        ("[{dense: 1}, {ops.multiply: {x2: 2}}, ops.softmax]", "softmax", ["ops.softmax", "ops.multiply", "dense"]),
        ("[{dense: 4}, ops.sigmoid, {ops.expand_dims: -1}]", "sigmoid", ["ops.expand_dims", "ops.sigmoid", "dense"]),
        ("[{dense: 1}, ops.tanh]", None, []),
    ],
)
def test_operations_that_end_a_model(steps: str, expected: str | None, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"inputs: {{x: [2]}}\nlayers: {steps}\n", encoding="utf-8")
    graph = compile_spec(tmp_path / "a.yaml").graph
    assert graph is not None
    found = last_activation(graph, graph.nodes[graph.outputs[0][1].node])
    assert (found and found.registered_name) == expected
    assert [node.kind for node in probability_heads(graph)] == names


def test_what_is_good_does_not_change_by_how_a_metric_is_made() -> None:
    """Epochs are compared by it: a metric behind a threshold, or with another sum, is good where it is large."""
    raw = made("loss", "binary_crossentropy", from_logits=True)
    for loss, metrics, shape in (
        (made("loss", "mse"), [made("metric", "r2_score"), made("metric", "pearson_correlation", axis=0)], (2,)),
        (raw, [made("metric", name) for name in ("precision", "auc", "accuracy", "recall")], (1,)),
    ):
        method = Supervised(loss=loss, metrics=tuple(metrics))
        method.heads["y"] = Head(loss, None, Tensor(shape, "float32", masked=True), examples=100)
        assert [smaller_is_better(method, ["y"], metric.name) for metric in metrics] == [False] * len(metrics)
        watching = [made("callback", "early_stopping", monitor=f"val_{metric.name}") for metric in metrics]
        method = method.changed(callbacks=(*watching, made("callback", "early_stopping")))
        assert [one.mode for one in callbacks(method.callbacks, method, ["y"])] == ["max"] * len(metrics) + ["auto"]


def test_the_class_that_a_loss_ignores_counts_in_no_metric() -> None:
    """Of five labels 7 does not count: three of four are right, as scikit-learn has it without that one."""
    head = Head(made("loss", "sparse_categorical_crossentropy", ignore_class=7), None, Tensor((3,), "float32"))
    true, given = np.array([0, 1, 7, 2, 2]), np.eye(3)[[0, 1, 0, 2, 1]] * 0.9 + 0.04
    surprise = -np.log(given[[0, 1, 3, 4], [0, 1, 2, 2]] / given.sum(axis=1)[0]).mean()
    expected = {"accuracy": 0.75, "sparse_categorical_accuracy": 0.75, "sparse_categorical_crossentropy": surprise}
    for name, value in {**expected, "mean_io_u": (1 + 0.5 + 0.5) / 3}.items():
        metric = made("metric", name, **({"num_classes": 3} if name == "mean_io_u" else {})).settled(head).make()
        metric.update_state(true, given)
        assert float(metric.result()) == pytest.approx(value, rel=1e-6), name


def test_scores_of_classes_are_cut_as_shares() -> None:
    """What `softmax` at the end of the same model gives, by scikit-learn."""
    head = Head(made("loss", "categorical_crossentropy", from_logits=True), None, Tensor((3,), "float32"), examples=4)
    true, scores = np.eye(3)[[0, 1, 2, 0]], np.array([[3.0, 1, 1], [9, 9.2, 9], [0.5, 1, 4], [2, 2.5, 1]])
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = {
        "precision": precision_score(true.ravel(), shares.ravel() > 0.5),
        "recall": recall_score(true.ravel(), shares.ravel() > 0.5),
        "auc": roc_auc_score(true.ravel(), shares.ravel()),
    }
    assert roc_auc_score(true.ravel(), scores.ravel()) != expected["auc"]
    for name, value in expected.items():
        metric = made("metric", name).settled(head).make()
        metric.update_state(true, scores)
        assert float(metric.result()) == pytest.approx(value), name


def test_accuracy_of_several_yes_or_no_counts_each() -> None:
    several = Head(made("loss", "binary_crossentropy"), None, Tensor((3,), "float32"))
    exclusive = Head(made("loss", "categorical_crossentropy"), None, Tensor((3,), "float32"))
    accuracy = made("metric", "accuracy")
    settled = accuracy.settled(several)
    assert (settled.registered_name, settled.name) == ("binary_accuracy", "accuracy")
    assert accuracy.settled(exclusive) is accuracy


def test_raw_scores_of_classes_are_no_yes_or_no() -> None:
    for loss, expected in (("sparse_categorical_crossentropy", "accuracy"), ("binary_crossentropy", "binary_accuracy")):
        head = Head(made("loss", loss, from_logits=True))
        assert made("metric", "accuracy").settled(head).registered_name == expected
