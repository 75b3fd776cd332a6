"""Options at their bounds, options that contradict each other, and the text of every message."""

from __future__ import annotations

from typing import Any

import pytest
from written import COMPONENTS, component, label, load, of, of_example, options

from dlspec.components.registry import Component, value_schema
from dlspec.core.errors import Problem
from dlspec.semantics.schema.validate import iterate_errors

BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
# Refused whatever they are: see tests/bad/e207_beta_1_without_effect.yaml.
WITHOUT_EFFECT = {("schedule_free_adam_w", "beta_1")}
NUMERIC = [
    (owner, name, keyword)
    for owner in COMPONENTS
    for name, field in owner.fields.items()
    for keyword in BOUNDS
    if (owner.registered_name, name) not in WITHOUT_EFFECT
    and keyword in field.literal(owner)
    and field.literal(owner)["type"] != ["integer", "array"]
]
IDS = [f"{label(owner)} {name} {keyword}" for owner, name, keyword in NUMERIC]


def _step(owner: type[Component], name: str) -> float:
    types = owner.fields[name].literal(owner)["type"]
    return 1 if "integer" in types else 1e-6


@pytest.mark.parametrize(("owner", "name", "keyword"), NUMERIC, ids=IDS)
def test_beyond_a_bound_is_refused(owner: type[Component], name: str, keyword: str) -> None:
    literal = owner.fields[name].literal(owner)
    bound, step = literal[keyword], _step(owner, name)
    sign = -1 if "inimum" in keyword else 1
    beyond = bound if "exclusive" in keyword else bound + sign * step
    assert list(iterate_errors(beyond, literal))
    assert list(iterate_errors(float("nan"), literal))
    assert list(iterate_errors(float("inf"), literal))


@pytest.mark.parametrize(("owner", "name", "keyword"), NUMERIC, ids=IDS)
def test_at_a_bound_keras_can(owner: type[Component], name: str, keyword: str) -> None:
    literal = owner.fields[name].literal(owner)
    sign = -1 if "inimum" in keyword else 1
    within = literal[keyword] - (sign * _step(owner, name) if "exclusive" in keyword else 0)
    assert not list(iterate_errors(within, literal))
    required = {key: value for key, value in _first(owner).items() if owner.fields[key].required}
    written = {**required, **NEEDS.get((owner.registered_name, name), {}), name: within}
    assert component(owner.kind, {owner.registered_name: written}).make() is not None


def _first(owner: type[Component]) -> dict[str, Any]:
    return options(owner, load(owner.examples[0].value))


# What an option has an effect with.
NEEDS: dict[tuple[str, str], dict[str, Any]] = {
    **{(owner.registered_name, name): {"use_ema": True} for owner in of("optimizer")
       for name in ("ema_momentum", "ema_overwrite_frequency")},
    ("io_u", "num_classes"): {"target_class_ids": [0, 1]},
    ("one_hot_io_u", "num_classes"): {"target_class_ids": [0, 1]},
    ("cosine_decay", "initial_learning_rate"): {"warmup_target": 1e-3, "warmup_steps": 5},
    ("cosine_decay", "warmup_target"): {"warmup_steps": 5},
    ("auc", "num_labels"): {"multi_label": True},
    ("binary_focal_crossentropy", "alpha"): {"apply_class_balancing": True},
}  # fmt: skip


@pytest.mark.parametrize("owner", COMPONENTS, ids=label)
def test_examples_fit_the_schema(owner: type[Component]) -> None:
    schema = value_schema(owner)
    for example in owner.examples:
        assert not list(iterate_errors(load(example.value), schema)), example


def test_a_learning_rate_is_a_number_or_a_schedule() -> None:
    literal = component("optimizer", "adam").fields["learning_rate"].literal(Component)
    assert not list(iterate_errors(0.1, literal))
    assert not list(iterate_errors({"cosine_decay": {"initial_learning_rate": 0.1, "decay_steps": 10}}, literal))
    for wrong in (
        0,
        -1,
        "fast",
        True,
        None,
        {},
        {"cosine_decay": {}},
        {"linear": 1},
        {"cosine_decay": {"decay_step": 1}},
    ):
        assert len(list(iterate_errors(wrong, literal))) >= 1, wrong
    schema = component("optimizer", "adam").fields["learning_rate"].schema(Component)
    assert not list(iterate_errors("$lr", schema)) and list(iterate_errors("fast", schema))


def test_a_learning_rate_may_stand_in_place_of_the_options() -> None:
    schema = value_schema(type(component("optimizer", "adam")))
    for right in (0.1, "$lr", None, {"beta_1": 0.8}):
        assert not list(iterate_errors(right, schema)), right
    for wrong in (0, "fast", [0.1], {"cosine_decay": {"initial_learning_rate": 0.1, "decay_steps": 10}}):
        assert list(iterate_errors(wrong, schema)), wrong


CONTRADICTIONS = [
    ("activation", "relu: {max_value: 1, threshold: 1}", "`max_value` of relu must be above its `threshold` 1, not 1"),
    ("initializer", "random_uniform: {minval: 0.1}",
     "`minval` of random_uniform must be below its `maxval` 0.05, not 0.1"),
    ("initializer", "he_normal: {input_axes: [0]}", "`input_axes` has no effect without `output_axes`"),
    ("initializer", "he_normal: {output_axes: [0]}", "`output_axes` has no effect without `input_axes`"),
    ("regularizer", "l1l2", "l1l2 penalises nothing without `l1` or `l2`"),
    ("constraint", "min_max_norm: {min_value: 2}",
     "`min_value` of min_max_norm must not exceed its `max_value` 1, got 2"),
    ("loss", "categorical_crossentropy: {axis: 0}",
     "`axis` of categorical_crossentropy counts the batch as 0: it must be another"),
    ("metric", "cosine_similarity: {axis: 0}",
     "`axis` of cosine_similarity counts the batch as 0: it must be another one"),
    ("loss", "binary_focal_crossentropy: {alpha: 0.3}", "`alpha` has no effect without `apply_class_balancing`"),
    ("metric", "auc: {num_thresholds: 5, thresholds: [0.5]}", "`num_thresholds` has no effect beside `thresholds`"),
    ("metric", "auc: {num_labels: 5}", "`num_labels` has no effect without `multi_label`"),
    ("metric", "io_u: {num_classes: 3, target_class_ids: [1, 3]}",
     "class 3 of `target_class_ids` is beyond the 3 classes of io_u"),
    ("metric", "binary_io_u: {target_class_ids: [2]}",
     "class 2 of `target_class_ids` is beyond the 2 classes of binary_io_u"),
    ("schedule", "cosine_decay: {initial_learning_rate: 1, decay_steps: 1, warmup_target: 2}",
     "`warmup_target` has no effect without `warmup_steps`"),
    ("schedule", "cosine_decay: {initial_learning_rate: 1, decay_steps: 1, warmup_steps: 2}",
     "`warmup_steps` has no effect without `warmup_target`"),
    ("schedule", "cosine_decay: {initial_learning_rate: 0, decay_steps: 1}",
     "an `initial_learning_rate` of 0 trains nothing without a warm-up"),
    ("schedule", "piecewise_constant_decay: {boundaries: [2, 2], values: [1, 2, 3]}",
     "`boundaries` of piecewise_constant_decay must rise, got [2, 2]"),
    ("schedule", "piecewise_constant_decay: {boundaries: [2, 3], values: [1, 2]}",
     "piecewise_constant_decay with 2 `boundaries` needs 3 `values`, got 2"),
    ("optimizer", "adam: {clipnorm: 1, clipvalue: 1}", "`clipnorm` and `clipvalue` exclude each other"),
    ("optimizer", "lamb: {clipvalue: 1, global_clipnorm: 1}", "`clipvalue` and `global_clipnorm` exclude each other"),
    ("optimizer", "adam: {ema_momentum: 0.9}", "`ema_momentum` has no effect without `use_ema`"),
    ("optimizer", "adam: {ema_overwrite_frequency: 9}", "`ema_overwrite_frequency` has no effect without `use_ema`"),
    ("optimizer", "sgd: {nesterov: true}", "`nesterov` has no effect without `momentum`"),
    ("optimizer", "sgd: {clipnorm: 1, clipvalue: 1}", "`clipnorm` and `clipvalue` exclude each other"),
    ("optimizer", "loss_scale_optimizer: {inner_optimizer: {loss_scale_optimizer: adam}}",
     "loss_scale_optimizer cannot wrap another one"),
    ("optimizer", "loss_scale_optimizer: {inner_optimizer: {adam: {loss_scale_factor: 2}}}",
     "`loss_scale_factor` has no effect inside loss_scale_optimizer, which finds the factor itself"),
    ("callback", "model_checkpoint: best.h5", "the file of a model must end in `.keras`, got `best.h5`"),
    ("callback", "model_checkpoint: {filepath: a.keras, save_weights_only: true}",
     "the file of weights must end in `.weights.h5`, got `a.keras`"),
    ("callback", "model_checkpoint: {filepath: a.keras, monitor: loss}",
     "`monitor` has no effect without `save_best_only`"),
    ("callback", "model_checkpoint: {filepath: a.keras, mode: max}", "`mode` has no effect without `save_best_only`"),
    ("callback", "model_checkpoint: {filepath: a.keras, save_best_only: true, save_freq: 10}",
     "`val_loss` is known after an epoch, not after 10 batches: nothing would be written"),
    ("callback", "tensor_board: {write_images: true}", "`write_images` has no effect without `histogram_freq`"),
    ("callback", "tensor_board: {embeddings_metadata: a}",
     "`embeddings_metadata` has no effect without `embeddings_freq`"),
    ("callback", "tensor_board: {profile_batch: [3, 2]}",
     "`profile_batch` must name the first batch before the last, got [3, 2]"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "written", "message"), CONTRADICTIONS, ids=[case[1] for case in CONTRADICTIONS])
def test_contradiction(kind: str, written: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        component(kind, load(written))
    problem = caught.value
    assert problem.code == "E207"
    assert problem.message.startswith(message)
    owner = next(owner for owner in of(kind) if owner.registered_name == written.split(":")[0])
    assert problem.option in owner.fields or not problem.option


@pytest.mark.parametrize(
    ("kind", "written", "shape", "message"),
    [
        ("initializer", "identity", (3, 3, 4), "identity fills weights of 2 axes, but this one has shape [3, 3, 4]"),
        ("initializer", "orthogonal", (3,), "orthogonal fills weights of at least 2 axes, but this one has shape [3]"),
        ("initializer", "stft", (3, 3), "stft fills weights of 3 axes, but this one has shape [3, 3]"),
        (
            "regularizer",
            "orthogonal_regularizer",
            (3,),
            "orthogonal_regularizer needs a weight of 2 axes, but this one has shape [3]",
        ),
    ],
)
def test_weight_of_another_shape(kind: str, written: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(Problem) as caught:
        component(kind, written).problem(shape)
    assert (caught.value.code, caught.value.message) == ("E402", message)


@pytest.mark.parametrize("owner", of("initializer", "regularizer"), ids=label)
def test_matrices_suit_all_but_stft(owner: type[Component]) -> None:
    if owner.registered_name != "stft":
        of_example(owner, owner.examples[0]).problem((3, 4))
