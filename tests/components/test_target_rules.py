"""Losses and metrics against Keras: what is accepted runs, what would go wrong is refused with a message."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras.src.trainers.compile_utils import get_loss, get_metric
from written import component, label, of, of_example

from dlspec.components.training.heads import Head
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SHAPES: list[tuple[int, ...]] = [
    (),
    (1,),
    (3,),
    (4,),
    (4, 1),
    (4, 3),
    (3, 4),
    (2, 2),
    (2, 2, 1),
    (2, 2, 3),
    (2, 2, 2, 3),
]
BATCH = 5


def given(thing: Any, output: tuple[int | None, ...]) -> Tensor:
    """An output of this shape: whole numbers for what takes class numbers."""
    numbers = getattr(thing, "sparse_y_pred", False) and "sparse_y_pred" in thing.fields
    return Tensor(output, "int32" if numbers else "float32")


def accepts(thing: Any, target: tuple[int, ...], output: tuple[int, ...]) -> bool:
    try:
        thing.problem(Tensor(target), given(thing, output))
    except Problem as problem:
        assert problem.code == "E503"
        assert problem.message
        return False
    return True


def target_values(kind: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    numbers = np.arange(int(np.prod((BATCH, *shape)))).reshape((BATCH, *shape))
    if kind == "one_hot" and shape:
        return np.eye(shape[-1], dtype="float32")[numbers[..., 0] % shape[-1]]
    if kind == "values":
        return np.random.default_rng(1).uniform(0.1, 0.9, numbers.shape).astype("float32")
    return (numbers % 2).astype("int32" if kind == "classes" else "float32")


def output_values(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(0).uniform(0.1, 0.9, (BATCH, *shape)).astype("float32")
    return values / values.sum(-1, keepdims=True) if len(shape) and shape[-1] > 1 else values


PICTURES = ((12, 12, 3), (11, 13, 1))


def accepted(thing: Any) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    shapes = [*SHAPES, *PICTURES] if thing.registered_name == "ssim" else SHAPES
    return [(target, output) for target in shapes for output in shapes if accepts(thing, target, output)]


COMPARING = [owner for owner in of("loss", "metric") if owner.kind == "loss" or not owner.alone]
CASES = [(owner, example) for owner in COMPARING for example in owner.examples]


@pytest.mark.parametrize(("owner", "example"), CASES, ids=[f"{label(o)} {e.value}" for o, e in CASES])
def test_what_is_accepted_runs(owner: Any, example: Any) -> None:
    thing = of_example(owner, example)
    pairs = accepted(thing)
    if "num_labels" in thing.given or "axis: 1" in example.value or "class_id: 1" in example.value:
        assert pairs or "num_labels" in thing.given
    else:
        assert len(pairs) >= 2
    for target, output in pairs:
        y_true, y_pred = target_values(_kind(thing, target, output), target), output_values(output)
        made = thing.make()
        if owner.kind == "loss":
            result = get_loss(made, y_true, y_pred)(y_true, y_pred)
        else:
            metric = get_metric(made, y_true, y_pred)
            metric.update_state(y_true, y_pred)
            result = metric.result()
        assert np.isfinite(np.asarray(result)).all(), (target, output)
        assert np.ndim(result) == 0


def _kind(thing: Any, target: tuple[int, ...], output: tuple[int, ...]) -> str:
    if thing.registered_name in ("accuracy", "crossentropy") and target == output and output[-1] > 1:
        return "one_hot"
    return "one_hot" if thing.registered_name.startswith("one_hot") else str(thing.targets)


OVER_A_BATCH = {"circle", "dice", "tversky"}


@pytest.mark.parametrize(
    "owner",
    [o for o in of("loss") if not of_example(o, o.examples[0]).over_batch and o.registered_name not in OVER_A_BATCH],
    ids=label,
)
def test_a_loss_counts_each_example_for_itself(owner: Any) -> None:
    """What broadcasting would mix up shows when the loss of a batch is not the mean of its examples' losses."""
    thing = of_example(owner, owner.examples[0])
    for target, output in accepted(thing):
        y_true, y_pred = target_values(_kind(thing, target, output), target), output_values(output)
        loss = get_loss(thing.make(), y_true, y_pred)
        single = [float(loss(y_true[i : i + 1], y_pred[i : i + 1])) for i in range(BATCH)]
        assert float(loss(y_true, y_pred)) == pytest.approx(np.mean(single), rel=1e-4), (target, output)


@pytest.mark.parametrize("owner", of("metric"), ids=label)
def test_a_metric_that_is_a_mean_counts_each_example_for_itself(owner: Any) -> None:
    thing = of_example(owner, owner.examples[0])
    for target, output in accepted(thing):
        y_true, y_pred = target_values(_kind(thing, target, output), target), output_values(output)

        def measured(rows: slice, thing: Any = thing, y_true: Any = y_true, y_pred: Any = y_pred) -> float:
            metric = get_metric(thing.make(), y_true, y_pred)
            metric.update_state(y_true[rows], y_pred[rows])
            return float(metric.result())

        if not isinstance(get_metric(thing.make(), y_true, y_pred), keras.metrics.MeanMetricWrapper):
            return
        single = [measured(slice(i, i + 1)) for i in range(BATCH)]
        assert measured(slice(None)) == pytest.approx(np.mean(single), rel=1e-4), (target, output)


MESSAGES = [
    ("mse", (), (10,), "mean_squared_error needs a target of the output's shape [10], but the target has shape []",
     "the last layer needs 1 unit"),
    ("mse", (3,), (1,), "mean_squared_error needs a target of the output's shape [1], but the target has shape [3]",
     "the last layer needs 3 units"),
    ("mse", (4, 3), (4, 2),
     "mean_squared_error needs a target of the output's shape [4, 2], but the target has shape [4, 3]", ""),
    ("binary_crossentropy", (), (10,),
     "binary_crossentropy needs a target of the output's shape [10], but the target has shape []",
     "write `sparse_categorical_crossentropy`, which takes class numbers"),
    ("categorical_crossentropy", (), (10,),
     "categorical_crossentropy needs one-hot targets of shape [10], but the target has shape []",
     "use `sparse_categorical_crossentropy`, `sparse_categorical_accuracy` …, which take class numbers"),
    ("categorical_crossentropy", (3,), (10,),
     "categorical_crossentropy needs one-hot targets of shape [10], but the target has shape [3]", ""),
    ("categorical_crossentropy", (), (1,),
     "categorical_crossentropy needs an output of at least 2 classes, but it has one unit: [1]",
     "use `binary_crossentropy`, `binary_accuracy` …, or one unit for each class"),
    ("sparse_categorical_crossentropy", (), (1,),
     "sparse_categorical_crossentropy needs an output of at least 2 classes, but it has one unit: [1]",
     "use `binary_crossentropy`, `binary_accuracy` …, or one unit for each class"),
    ("sparse_categorical_crossentropy", (10,), (10,),
     "sparse_categorical_crossentropy needs class numbers of shape [], but the target has shape [10]",
     "use `categorical_crossentropy`, `categorical_accuracy` …, which take one-hot targets"),
    ("sparse_categorical_crossentropy", (2,), (10,),
     "sparse_categorical_crossentropy needs class numbers of shape [], but the target has shape [2]", ""),
    ("sparse_categorical_crossentropy", (), (),
     "sparse_categorical_crossentropy needs axis -1 of the output, which has shape []", ""),
    ("categorical_generalized_cross_entropy", (1,), (3,),
     "categorical_generalized_cross_entropy needs class numbers of shape [], but the target has shape [1]", ""),
    ("cosine_similarity", (1,), (1,),
     "cosine_similarity compares vectors, but axis -1 of the output [1] has a single value",
     "use `mean_squared_error`, or vectors of more values"),
    ("crossentropy", (), (),
     "crossentropy needs an output with an axis of units, but this one is a single number per example",
     "end the model in `dense: 1`"),
    ("crossentropy", (3,), (10,),
     "crossentropy needs one-hot targets of shape [10], but the target has shape [3]", ""),
    ("ctc", (), (10,), "ctc needs an output [time, classes] and a target [labels], got [10] and []", ""),
    ({"dice": {"axis": [1, 2]}}, (4,), (4,), "dice needs axis 2 of the output, which has shape [4]", ""),
    ("circle", (4,), (10,), "circle needs one embedding and one class number per example, got [10] and [4]", ""),
]  # fmt: skip


def caught(thing: Any, target: tuple[int | None, ...], output: tuple[int | None, ...]) -> Problem:
    with pytest.raises(Problem) as found:
        thing.problem(Tensor(target), given(thing, output))
    assert found.value.code == "E503"
    return found.value


@pytest.mark.parametrize(("loss", "target", "output", "message", "help"), MESSAGES)
def test_message_of_a_loss(loss: Any, target: Any, output: Any, message: str, help: str) -> None:
    problem = caught(component("loss", loss), target, output)
    assert (problem.message, problem.help) == (message, help)


METRIC_MESSAGES = [
    ("accuracy", (3,), (10,), "accuracy needs one-hot targets of shape [10], but the target has shape [3]"),
    ("auc", (), (10,), "auc needs a target of the output's shape [10], but the target has shape []"),
    ({"precision": {"class_id": 3}}, (3,), (3,), "`class_id` 3 of precision is beyond the output [3]"),
    ({"auc": {"multi_label": True, "num_labels": 2}}, (3,), (3,),
     "auc of 2 labels needs as many units, but the output has 3"),
    ("r2_score", (), (1,), "r2_score needs one vector per example, but the target has shape []"),
    ("r2_score", (1,), (None,), "r2_score needs one vector per example, but the output has shape [null]"),
    ("r2_score", (2,), (3,), "r2_score needs a target of the output's shape [3], but the target has shape [2]"),
    ("pearson_correlation", (), (1,),
     "pearson_correlation compares vectors, but axis -1 of the output [1] has a single value"),
    ({"mean_io_u": {"num_classes": 3}}, (2, 2), (2, 2, 3), "mean_io_u needs a target of the output's shape [2, 2, 3]"),
    ({"mean_io_u": {"num_classes": 3, "sparse_y_pred": False}}, (2, 2), (2, 2, 4),
     "mean_io_u has 3 `num_classes`, but the output has 4"),
    ({"mean_io_u": {"num_classes": 3, "sparse_y_true": False}}, (2, 2), (2, 2),
     "mean_io_u needs one-hot targets of shape [2, 2, 3], but the target has shape [2, 2]"),
    ("hinge", (), (1,), "hinge needs a target of the output's shape [1], but the target has shape []"),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "target", "output", "message"), METRIC_MESSAGES)
def test_message_of_a_metric(metric: Any, target: Any, output: Any, message: str) -> None:
    assert caught(component("metric", metric), target, output).message.startswith(message)


@pytest.mark.parametrize(("loss", "target", "output"), [
    ("mse", (None, 3), (4, 3)), ("mse", (4,), (4, None)), ("sparse_categorical_crossentropy", (None,), (7, 10)),
    ("categorical_crossentropy", (None, 10), (7, 10)), ("sparse_categorical_crossentropy", (), (None,)),
])  # fmt: skip
def test_an_unknown_size_is_let_pass(loss: str, target: Any, output: Any) -> None:
    component("loss", loss).problem(Tensor(target), Tensor(output))


@pytest.mark.parametrize(("axis", "target"), [(1, (4, 3)), (-1, (2, 4)), (3, (2, 4)), (2, (2, 3))])
def test_classes_on_another_axis(axis: int, target: tuple[int, ...]) -> None:
    loss = component("loss", {"sparse_categorical_crossentropy": {"axis": axis}})
    assert accepts(loss, target, (2, 4, 3))
    assert not accepts(loss, (5, 5), (2, 4, 3))


def test_words_choose_as_keras_does() -> None:
    """The example of the Keras documentation: by the shapes of target and output."""
    chosen = {
        ((), (1,)): keras.metrics.BinaryAccuracy,
        ((), (3,)): keras.metrics.SparseCategoricalAccuracy,
        ((1,), (3,)): keras.metrics.SparseCategoricalAccuracy,
        ((3,), (3,)): keras.metrics.CategoricalAccuracy,
    }
    for (target, output), metric in chosen.items():
        accuracy = component("metric", "accuracy")
        assert accepts(accuracy, target, output)
        assert type(get_metric(accuracy.make(), np.zeros((2, *target)), np.zeros((2, *output)))) is metric


def test_probabilities_are_no_class_numbers() -> None:
    metric = component("metric", {"mean_io_u": 2})
    with pytest.raises(Problem, match="takes class numbers, and cuts off what the output"):
        metric.problem(Tensor((4, 4, 1)), Tensor((4, 4, 1)))
    settled = metric.settled(Head(component("loss", "mse"), None, Tensor((4, 4, 2))))
    assert (settled.sparse_y_pred, settled.name) == (False, "mean_io_u")
    metric.problem(Tensor((4, 4)), Tensor((4, 4, 2)))  # where one unit stands for each class, the largest is the answer


@pytest.mark.parametrize(
    ("written", "concordance"), [("pearson_correlation", False), ("concordance_correlation", True)]
)
def test_a_vector_without_spread_correlates_with_nothing(written: str, concordance: bool) -> None:
    """Padded targets do not vary: Keras multiplies their NaN by 0."""
    true = np.array([[[1.0, 2, 4], [0, 0, 0]], [[3, 1, 2], [5, 5, 5]]])
    guess = np.array([[[1.0, 3, 4], [1, 2, 3]], [[1, 2, 2], [1, 2, 3]]])
    declared = component("metric", written)
    metric = declared.settled(Head(output=Tensor((2, 3), "float32", masked=True))).make()
    given = keras.ops.convert_to_tensor(guess)
    given._keras_mask = keras.ops.convert_to_tensor([[True, False], [True, True]])
    metric.update_state(true, given)

    def agreement(x: Any, y: Any) -> float:
        both = np.cov(x, y, ddof=0)
        apart = both[0, 0] + both[1, 1] + (x.mean() - y.mean()) ** 2
        return float(2 * both[0, 1] / apart if concordance else np.corrcoef(x, y)[0, 1])

    counted = [agreement(true[0, 0], guess[0, 0]), agreement(true[1, 0], guess[1, 0]), 0.0]
    assert float(metric.result()) == pytest.approx(np.mean(counted), rel=1e-6)


def test_weights_of_classes() -> None:
    """Lin et al. 2017: alpha of the right class times (1 - p)^gamma times -log p."""
    loss = component("loss", {"categorical_focal_crossentropy": {"alpha": [0.2, 0.8]}}).make()
    answers = np.array([[0.4, 0.6]], "float32")
    found = [float(loss(np.array([row], "float32"), answers)) for row in ([0, 1], [1, 0])]
    assert found == pytest.approx([0.8 * 0.4**2 * -np.log(0.6), 0.2 * 0.6**2 * -np.log(0.4)], rel=1e-5)


def test_tversky_weighs_misses_by_alpha() -> None:
    loss = component("loss", {"tversky": {"alpha": 1.0, "beta": 0.0}}).make()
    missed, alarm = ([[1.0, 1.0]], [[1.0, 0.0]]), ([[1.0, 0.0]], [[1.0, 1.0]])
    assert float(loss(*map(np.array, missed))) == pytest.approx(0.5, abs=1e-5)
    assert float(loss(*map(np.array, alarm))) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(
    "written",
    [
        {"cosine_similarity": {"axis": 1}},
        {"binary_crossentropy": {"axis": 1}},
        "dice",
        {"dice": {"axis": [1, 2]}},
        {"tversky": {"axis": [1]}},
    ],
)
def test_steps_of_a_mask_are_not_taken_together(written: Any) -> None:
    loss, target = component("loss", written), Tensor((6, 2), "float32")
    with pytest.raises(Problem, match="takes the steps of the output together"):
        loss.problem(target, Tensor((6, 2), "float32", masked=True))
    loss.problem(target, Tensor((6, 2), "float32"))


@pytest.mark.parametrize(
    ("reduction", "weights", "together", "alone"),
    [
        ("sum_over_batch_size", None, 6 / 4, (3 / 1 + 3 / 3) / 2),
        ("sum_over_batch_size", 2.0, 9 / 4, (6 / 1 + 3 / 3) / 2),
        ("mean_with_sample_weight", 2.0, 9 / 5, (6 / 2 + 3 / 3) / 2),
        ("sum", None, 6, (3 + 3) / 2),
    ],
)
def test_what_a_masked_loss_divides_by(reduction: str, weights: float | None, together: float, alone: float) -> None:
    """The example of docs/training.md: a loss of 3 in the only step of one sequence, of 1 in three of another."""
    loss = component("loss", {"mae": {"reduction": reduction}}).make()
    true, mask = np.array([[[3.0], [7], [9]], [[1], [1], [1]]]), np.array([[True, False, False], [True, True, True]])
    each = None if weights is None else np.array([[weights, 1, 1], [1, 1, 1]], "float32")

    def measured(rows: slice) -> float:
        given = keras.ops.zeros((len(true[rows]), 3, 1))
        given._keras_mask = keras.ops.convert_to_tensor(mask[rows])
        return float(loss(true[rows], given, None if each is None else each[rows]))

    assert measured(slice(0, 2)) == pytest.approx(together)
    assert (measured(slice(0, 1)) + measured(slice(1, 2))) / 2 == pytest.approx(alone)


def test_frames_of_a_mask_are_not_read_together() -> None:
    loss, target = component("loss", "ctc"), Tensor((2,), "int32")
    with pytest.raises(Problem, match="ctc takes the steps of the output together") as caught:
        loss.problem(target, Tensor((6, 3), "float32", masked=True))
    assert "leave `masking` or `mask_zero` out" in caught.value.help
    loss.problem(target, Tensor((6, 3), "float32"))


@pytest.mark.parametrize(
    ("written", "concordance"), [("pearson_correlation", False), ("concordance_correlation", True)]
)
def test_correlation_leaves_out_what_a_mask_leaves_out(written: str, concordance: bool) -> None:
    chance = np.random.default_rng(0)
    true, guess = chance.normal(size=(2, 40, 6, 2))
    mask = np.arange(6) < chance.integers(1, 6, (40, 1))  # the last step never counts
    declared = component("metric", {written: {"axis": 0}})
    metric = declared.settled(Head(output=Tensor((6, 2), "float32", masked=True))).make()
    for rows in (slice(0, 7), slice(7, 40)):
        given = keras.ops.convert_to_tensor(guess[rows])
        given._keras_mask = keras.ops.convert_to_tensor(mask[rows])
        metric.update_state(true[rows], given)

    def agreement(x: Any, y: Any) -> float:
        both = np.cov(x, y, ddof=0)
        if concordance:
            return float(2 * both[0, 1] / (both[0, 0] + both[1, 1] + (x.mean() - y.mean()) ** 2))
        return float(np.corrcoef(x, y)[0, 1])

    pairs = [(true[kept, step, n], guess[kept, step, n]) for step, kept in enumerate(mask.T[:5]) for n in range(2)]
    assert float(metric.result()) == pytest.approx(np.mean([agreement(*pair) for pair in pairs]), rel=1e-6)
